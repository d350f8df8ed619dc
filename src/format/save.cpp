// The writer: the reference's serializer, byte for byte, except that its metadata keys have no fixed order.
#include "core/atomic_file.h"
#include "core/fail.h"
#include "format/header_text.h"
#include "format/rules.h"
#include "safelight/writer.h"

namespace safelight {
namespace {

Tensor made(const PendingTensor& pending) {
  Tensor t = pending.make();
  if (t.empty() || t.dtype() != pending.dtype || t.shape() != pending.shape)
    fail(ErrorCategory::model, "[save] tensor \"{}\" was to be {} {}, but {} {} came", shown(pending.name),
         name(pending.dtype), to_string(pending.shape), name(t.dtype()), t.empty() ? "nothing" : to_string(t.shape()));
  return t;
}

}  // namespace

SaveReport save(const std::filesystem::path& path, std::span<const PendingTensor> tensors, const Metadata& metadata,
                const SaveOptions&, const Context& context) {
  std::vector<Placed> placed;
  for (const PendingTensor& t : tensors) placed.push_back({t.name, t.dtype, &t.shape, placed.size()});
  place(placed);
  const std::string header = framed(header_text(placed, metadata));
  const auto total = placed.empty() ? 0 : static_cast<std::int64_t>(placed.back().end);
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(header)));
  for (const Placed& t : placed) {
    context.check_cancelled();
    context.report("write", static_cast<std::int64_t>(t.begin), total);
    const Tensor made_now = made(tensors[t.index]);
    file.write({made_now.data(), made_now.bytes()});
  }
  context.report("write", total, total);
  file.commit();
  return {};
}

void save(const std::filesystem::path& path, std::span<const NamedTensor> tensors, const Metadata& metadata) {
  std::vector<Placed> placed;
  for (const NamedTensor& t : tensors) {
    if (t.tensor.empty()) fail(ErrorCategory::usage, "[save] tensor \"{}\" is empty", shown(t.name));
    placed.push_back({t.name, t.tensor.dtype(), &t.tensor.shape(), placed.size()});
  }
  place(placed);
  const std::string header = framed(header_text(placed, metadata));
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(header)));
  for (const Placed& t : placed) file.write({tensors[t.index].tensor.data(), tensors[t.index].tensor.bytes()});
  file.commit();
}

}  // namespace safelight
