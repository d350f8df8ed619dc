// safelight cat: the values of a tensor, as text or as they are.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "apps/cli/array_text.h"
#include "apps/cli/commands.h"
#include "apps/cli/selected_tensor.h"
#include "apps/cli/signals.h"
#include "core/fail.h"
#include "core/json_text.h"
#include "core/printable.h"
#include "safelight/slice.h"

namespace safelight::cli {
namespace {

struct Options {
  std::string file, selection;
  std::optional<std::int64_t> head;
  int precision = 8;
  bool all = false, raw = false, json = false;
};

void write_out(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size())
    throw std::system_error(errno, std::generic_category(), "cannot write the output");
}

// The first values, as a list of their own.
Tensor head_of(const Tensor& tensor, std::int64_t count) {
  count = std::min(count, tensor.elements());
  if (count * bits(tensor.dtype()) % 8 != 0)
    fail(ErrorCategory::usage, "[head] {} values of {} do not fill whole bytes", count, name(tensor.dtype()));
  Tensor head = Tensor::allocate(tensor.dtype(), {count});
  std::copy_n(tensor.data(), head.bytes(), head.mutable_data());
  return head;
}

void write_raw(const Tensor& tensor) {
  constexpr std::size_t kPiece = std::size_t{1} << 20;  // between two looks for Ctrl-C
  const Context context{.cancel = &cancel_on_signals()};
  for (std::size_t done = 0; done < tensor.bytes(); done += kPiece) {
    context.check_cancelled();
    write_out({reinterpret_cast<const char*>(tensor.data()) + done, std::min(kPiece, tensor.bytes() - done)});
  }
}

// Lists inside each other as deep as the shape, without ever holding all of the text.
void write_values(const Tensor& tensor, std::size_t axis, std::int64_t position, std::string& text) {
  constexpr std::size_t kPiece = std::size_t{1} << 16;
  if (axis == tensor.rank()) {
    text += json_value(tensor, position);
    if (text.size() < kPiece) return;
    write_out(text);
    text.clear();
    Context{.cancel = &cancel_on_signals()}.check_cancelled();
    return;
  }
  text += '[';
  for (std::int64_t i = 0; i < tensor.dim(axis); ++i) {
    if (i > 0) text += ',';
    write_values(tensor, axis + 1, position * tensor.dim(axis) + i, text);
  }
  text += ']';
}

void write_json(const Options& options, const SelectedTensor& selected, const Tensor& tensor) {
  std::string text = fmt::format(
      "{{\"file\":{},\"name\":{},\"selection\":{},\"dtype\":\"{}\",\"shape\":{},\"values\":", json_string(options.file),
      json_string(selected.name), json_string(options.selection), name(tensor.dtype()), to_string(tensor.shape()));
  write_values(tensor, 0, 0, text);
  write_out(text + "}\n");
}

int print_tensor(const Options& options) {
  if (options.head && *options.head < 0)
    fail(ErrorCategory::usage, "[head] expected 0 or more values, found {}", *options.head);
  const ShardedTensors set = ShardedTensors::open(options.file);
  const SelectedTensor selected = select_tensor(set, options.selection);
  // A whole tensor stays where it is: of a large one only the edges may be wanted.
  Tensor tensor = selected.slices.empty() ? selected.entry.shard->tensor(*selected.entry.info)
                                          : slice(*selected.entry.shard, selected.name, selected.slices, {},
                                                  {.cancel = &cancel_on_signals()});
  if (options.head) tensor = head_of(tensor, *options.head);
  if (options.raw) {
    write_raw(tensor);
  } else if (options.json) {
    write_json(options, selected, tensor);
  } else {
    const bool whole = options.all || options.head;
    write_out(array_text(tensor, {.precision = options.precision,
                                  .threshold = whole ? tensor.elements() : ArrayTextOptions().threshold}) +
              "\n");
  }
  return 0;
}

}  // namespace

void add_cat(Command app, int& status) {
  const auto options = std::make_shared<Options>();
  Command command = app.add_command("cat", "Print the values of a tensor, as NumPy prints an array.");
  command.add_option("FILE", options->file, "The file, an index of shards, or a folder of them").required();
  command.add_option("SELECTION", options->selection, "NAME, or NAME[INDEX], such as 'w[:3, -1]'").required();
  command.add_option("--head", options->head, "Only the first N values, in one row");
  command.add_option("--precision", options->precision, "Digits after the point, at most").between(0, 30);
  command.add_flag("--all", options->all, "All values; without it, of more than 1000 only the edges");
  const Option raw = command.add_flag("--raw", options->raw, "The bytes as they are in the file");
  command.add_flag("--json", options->json, "One JSON object: file, name, selection, dtype, shape, values (all)")
      .excludes(raw);
  command.footer("Example: safelight cat model.safetensors 'text.embed[:2]' --precision 3");
  command.callback([options, &status] { status = print_tensor(*options); });
}

}  // namespace safelight::cli
