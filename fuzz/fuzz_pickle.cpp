// Any bytes run through the pickle machine within its limits, and what it says of them can be told.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "format/foreign/flatten.h"
#include "format/foreign/pickle_machine.h"
#include "format/foreign/pickle_summary.h"
#include "format/foreign/readers.h"

namespace {

using namespace safelight;

void require(bool condition) {
  if (!condition) std::abort();
}

void check_error(const Error& e) { require(std::strchr(e.what(), '\n') == nullptr); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  constexpr foreign::PickleLimits kLimits{.values = 20'000, .items = 50'000, .actions = 5'000, .instructions = 50'000};
  const foreign::PickleRun run = foreign::run_pickle(bytes, 0, kLimits, foreign::RawArrays::joblib);
  require(run.end <= size);
  for (const foreign::PickleAction& action : run.actions) {
    require(action.offset < size);
    require(!foreign::summarise(run, action).name.empty());
  }
  try {
    const ImportedFile file = foreign::read_torch({bytes, nullptr}, {});
    for (const PendingTensor& tensor : file.tensors)
      if (elements(tensor.shape) < (1 << 20)) require(tensor.make().shape() == tensor.shape);
  } catch (const Error& e) {
    check_error(e);
  }
  return 0;
}
