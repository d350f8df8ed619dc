// safelight convert: tensor files of other programs into SafeTensors, and back.
#include "safelight/convert.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>

#include "apps/cli/commands.h"
#include "apps/cli/totals.h"
#include "apps/cli/work_progress.h"
#include "core/human.h"
#include "core/json_text.h"
#include "core/printable.h"

namespace safelight::cli {
namespace {

constexpr std::size_t kShown = 10, kLongestText = 120;

struct Options {
  std::string in, out, from, to, prefix, dequantise = "F32";
  bool has_prefix = false, q8_0 = false, json = false;
};

// The objects of a JSON array, one per item.
template <class Items, class Format>
std::string json_array(const Items& items, Format format) {
  std::string out = "[";
  for (const auto& item : items) out += (out.size() > 1 ? "," : "") + format(item);
  return out + "]";
}

std::string as_json(const Options& options, const ConvertReport& report) {
  const auto dropped = [](const DroppedValue& d) {
    return fmt::format(R"({{"name":{},"what":{}}})", json_string(d.name), json_string(d.what));
  };
  const auto shared = [](const SharedTensor& s) {
    return fmt::format(R"({{"name":{},"same_as":{}}})", json_string(s.name), json_string(s.same_as));
  };
  return fmt::format(R"({{"file":{},"output":{},"from":"{}","to":"{}","kind":{},"tensors":{},"bytes":{},)"
                     R"("notes":{},"shared":{},"dropped_count":{},"dropped":{}}})"
                     "\n",
                     json_string(options.in), json_string(options.out), name(report.from), name(report.to),
                     json_string(report.description), report.tensors, report.bytes, texts_json(report.notes),
                     json_array(report.shared, shared), report.dropped_count, json_array(report.dropped, dropped));
}

std::string as_text(const Options& options, const ConvertReport& report) {
  std::string text = fmt::format("{}  {}, {}, from {}\n", printable(options.out), counted(report.tensors, "tensor"),
                                 human_bytes(report.bytes), report.description);
  for (const std::string& note : report.notes) text += fmt::format("note: {}\n", printable(note));
  for (std::size_t i = 0; i < std::min(kShown, report.shared.size()); ++i)
    text +=
        fmt::format("shared: {} has the bytes of {}; the file holds both\n",
                    printable(report.shared[i].name, kLongestText), printable(report.shared[i].same_as, kLongestText));
  if (report.shared.size() > kShown)
    text += fmt::format("shared: and {} more; --json lists them\n", human_count(report.shared.size() - kShown));
  for (std::size_t i = 0; i < std::min(kShown, report.dropped.size()); ++i)
    text += fmt::format("left out: {}: {}\n", printable(report.dropped[i].name, kLongestText),
                        printable(report.dropped[i].what, kLongestText));
  if (report.dropped_count > kShown)
    text += fmt::format("left out: and {} more; --json lists them\n", human_count(report.dropped_count - kShown));
  return text;
}

int convert_one(const Options& options) {
  ConvertOptions how;
  how.source.format = parse_file_format(options.from);
  if (options.has_prefix) how.source.prefix = options.prefix;
  how.source.dequantised = *parse_dtype(options.dequantise);
  how.to = parse_file_format(options.to);
  how.quantise_q8_0 = options.q8_0;
  WorkProgress progress(options.json);
  const ConvertReport report = convert(options.in, options.out, how, progress.context());
  progress.clear();
  fmt::print("{}", options.json ? as_json(options, report) : as_text(options, report));
  return 0;
}

}  // namespace

void add_convert(Command app, int& status) {
  const auto options = std::make_shared<Options>();
  Command command = app.add_command(
      "convert", "Convert PyTorch checkpoints, NumPy arrays and GGUF files, without executing anything in them.");
  command
      .add_option(
          "IN", options->in,
          "The file to read: .pt .pth .bin .ckpt .pkl .npy .npz .gguf .safetensors, or the folder or index of a\n"
          "set of SafeTensors files")
      .required();
  command.add_option("OUT", options->out, "The file to write: .safetensors .npz .npy .gguf").required();
  command.add_option("--from", options->from, "What IN is, if its bytes should not decide")
      .one_of({"safetensors", "torch", "npy", "npz", "gguf"});
  command
      .add_option(
          "--to", options->to,
          "What OUT becomes, if its name should not decide.\nFor another type of numbers there is safelight cast")
      .one_of({"safetensors", "npy", "npz", "gguf"});
  const Option prefix = command.add_option(
      "--prefix", options->prefix,
      "Of a checkpoint: take only what is under this key, such as optimizer.state; \"\" takes everything. "
      "Without it, state_dict or model, if there is one");
  command.add_option("--dequantise", options->dequantise, "What quantised tensors of a GGUF file become: F32 or F16")
      .one_of({"F32", "F16"});
  command.add_flag("--q8-0", options->q8_0, "To GGUF: store matrices as Q8_0");
  command.add_flag("--json", options->json, "One JSON object: what was read, written, shared and left out");
  command.footer("Example: safelight convert model.ckpt model.safetensors");
  command.callback([options, prefix, &status] {
    options->has_prefix = prefix.given();
    status = convert_one(*options);
  });
}

}  // namespace safelight::cli
