// The CPU backend as a whole: choice of kernels, threads, memory, cancellation.
#include <gmock/gmock.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "backends/cpu/cpu_backend.h"
#include "backends/make_backend.h"
#include "conformance.h"
#include "safelight/error.h"
#include "support/temporary_folder.h"

namespace safelight {
namespace {

using testing::AllOf;
using testing::HasSubstr;

template <class F>
Error error_of(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    return e;
  }
  return {ErrorCategory::usage, "nothing was thrown"};
}

class ForcedInstructionSet {
 public:
  explicit ForcedInstructionSet(const char* name) { setenv("SAFELIGHT_ISA", name, 1); }
  ~ForcedInstructionSet() { unsetenv("SAFELIGHT_ISA"); }
};

TEST(CpuBackend, TakesTheInstructionSetFromTheEnvironment) {
  for (const std::string_view set : cpu_instruction_sets()) {
    const ForcedInstructionSet forced(std::string(set).c_str());
    EXPECT_EQ(make_backend({})->name(), "cpu");
  }
}

TEST(CpuBackend, UnknownInstructionSetNamesTheKnownOnes) {
  const ForcedInstructionSet forced("mmx");
  const Error error = error_of([] { make_backend({}); });
  EXPECT_EQ(error.category(), ErrorCategory::usage);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("mmx"), HasSubstr(std::string(cpu_instruction_sets().front()))));
}

TEST(CpuBackend, UnknownBackendNamesTheKnownOnes) {
  const Error error = error_of([] { make_backend({.backend = "abacus"}); });
  EXPECT_EQ(error.category(), ErrorCategory::usage);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("abacus"), HasSubstr("reference")));
}

// Every op once, at sizes that make several tasks.
std::vector<Tensor> outputs(Backend& backend) {
  const Tensor picture = random_tensor({2, 33, 31, 64}, 1), tokens = random_tensor({2, 300, 64}, 2);
  const Tensor kernel = stored(random_tensor({70, 64, 3, 3}, 3, 0, 0.04f), DType::F16, false);
  const Tensor matrix = stored(random_tensor({200, 64}, 4, 0, 0.1f), DType::BF16, false);
  const Tensor scale = random_tensor({64}, 5), shift = random_tensor({64}, 6);
  std::vector<Tensor> results;
  results.push_back((*backend.conv2d({.in = 64, .out = 70}, kernel, {}))(picture));
  results.push_back((*backend.linear({.in = 64, .out = 200}, matrix, {}))(tokens, {.activation = Activation::gelu}));
  results.push_back((*backend.linear({.in = 64, .out = 200, .geglu = true}, matrix, {}))(tokens));
  results.push_back(
      (*backend.linear({.in = 64, .out = 200, .geglu = true, .precision = Precision::int8}, matrix, {}))(tokens));
  results.push_back((*backend.group_norm({.channels = 64}, scale, shift))(picture));
  results.push_back((*backend.layer_norm({.channels = 64}, scale, shift))(tokens));
  results.push_back(backend.attention(tokens, tokens, tokens, {.heads = 4}));
  results.push_back(backend.attention(tokens, tokens, tokens, {.heads = 1}));
  results.push_back(backend.concat(picture, picture));
  const Tensor part = random_tensor({2, 300, 23}, 7), rest = random_tensor({2, 300, 41}, 8);
  results.push_back((*backend.linear({.in = 64, .out = 200}, matrix, {}))({part, rest}));
  results.push_back((*backend.linear({.in = 64, .out = 200, .precision = Precision::int8}, matrix, {}))({part, rest}));
  results.push_back((*backend.group_norm({.channels = 64}, scale, shift))({part, rest}));
  // Five blocks of outputs, whose tiles are cut so that threads have equally many.
  const Tensor many = stored(random_tensor({300, 64, 3, 3}, 11, 0, 0.04f), DType::F16, false);
  results.push_back((*backend.conv2d({.in = 64, .out = 300}, many, {}))(picture));
  const Tensor short_weights = stored(random_tensor({70, 64, 3, 3}, 12, 0, 0.04f), DType::BF16, false);
  for (const int stride : {1, 2})
    results.push_back((*backend.conv2d({.in = 64, .out = 70, .stride = stride}, short_weights, {}))(picture));
  const auto in_bf16 = [](auto spec) {
    spec.precision = Precision::bf16;
    return spec;
  };
  for (const int stride : {1, 2})
    results.push_back(
        (*backend.conv2d(in_bf16(Conv2dSpec{.in = 64, .out = 300, .stride = stride}), many, {}))(picture));
  results.push_back((*backend.linear(in_bf16(LinearSpec{.in = 64, .out = 200}), matrix, {}))({part, rest}));
  results.push_back(backend.attention(tokens, tokens, tokens, in_bf16(AttentionSpec{.heads = 1})));
  const Tensor deep = random_tensor({2, 130, 2600}, 13);  // several passes
  const Tensor deep_weights = stored(random_tensor({200, 2600}, 14, 0, 0.02f), DType::F16, false);
  results.push_back(
      (*backend.linear(in_bf16(LinearSpec{.in = 2600, .out = 200, .geglu = true}), deep_weights, {}))(deep));
  // So few rows that threads share the channels.
  const Tensor text = random_tensor({2, 77, 768}, 9);
  const Tensor keys = stored(random_tensor({330, 768}, 10, 0, 0.04f), DType::F16, false);
  results.push_back((*backend.linear({.in = 768, .out = 330}, keys, {}))(text));
  results.push_back((*backend.linear({.in = 768, .out = 330, .geglu = true}, keys, {}))(text));
  return results;
}

TEST(CpuBackend, SameBitsAtAnyThreadCount) {
  for (const std::string_view set : cpu_instruction_sets()) {
    const std::vector<Tensor> expected = outputs(*make_cpu_backend({.threads = 1}, set));
    for (const int threads : {2, 3, 5}) {
      const std::vector<Tensor> actual = outputs(*make_cpu_backend({.threads = threads}, set));
      for (std::size_t i = 0; i < expected.size(); ++i)
        EXPECT_EQ(std::memcmp(actual[i].data(), expected[i].data(), expected[i].bytes()), 0)
            << set << ", " << threads << " threads, output " << i;
    }
  }
}

// As often as it takes until every way to cut a loop was tried and one was chosen.
TEST(CpuBackend, SameBitsWhileItMeasures) {
  const test::TemporaryFolder folder;
  ::setenv("XDG_CACHE_HOME", (folder / "cache").c_str(), 1);
  const Tensor picture = random_tensor({1, 80, 80, 64}, 1), tokens = random_tensor({2, 1100, 96}, 2);
  const Tensor kernel = stored(random_tensor({70, 64, 3, 3}, 3, 0, 0.04f), DType::F16, false);
  const Tensor matrix = stored(random_tensor({200, 96}, 4, 0, 0.1f), DType::F16, false);
  const auto results = [&](const Context& context, int calls) {
    const std::unique_ptr<Backend> backend = make_cpu_backend(context);
    const auto conv = backend->conv2d({.in = 64, .out = 70}, kernel, {});
    const auto strided = backend->conv2d({.in = 64, .out = 70, .stride = 2}, kernel, {});
    const auto linear = backend->linear({.in = 96, .out = 200}, matrix, {});
    const auto rounded = backend->conv2d({.in = 64, .out = 70, .precision = Precision::bf16}, kernel, {});
    const auto rounded_linear = backend->linear({.in = 96, .out = 200, .precision = Precision::bf16}, matrix, {});
    std::vector<Tensor> list;
    for (int i = 0; i < calls; ++i)
      for (const Tensor& y :
           {(*conv)(picture), (*strided)(picture), (*linear)(tokens), (*rounded)(picture), (*rounded_linear)(tokens)})
        list.push_back(y);
    return list;
  };
  const std::vector<Tensor> expected = results({.threads = 2, .measures = false}, 1);
  const std::vector<Tensor> actual = results({.threads = 2}, 18);
  for (std::size_t i = 0; i < actual.size(); ++i)
    EXPECT_EQ(std::memcmp(actual[i].data(), expected[i % 5].data(), actual[i].bytes()), 0) << i / 5;
  EXPECT_TRUE(std::filesystem::exists(folder / "cache" / "safelight" / "plans"));
}

#ifdef __linux__
// In a process of its own, which has not been granted them yet.
TEST(CpuBackend, RegistersThatTheSystemRefusesAreNotUsed) {
  if (cpu_instruction_sets().front() != "amx") {  // a processor without them has nothing to ask for
    EXPECT_EQ(error_of([] { make_cpu_backend({}, "amx"); }).category(), ErrorCategory::usage);
    return;
  }
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto run = [] {
    static char memory[4096];
    stack_t small{};
    small.ss_sp = memory, small.ss_size = sizeof memory;
    if (sigaltstack(&small, nullptr) != 0) std::_Exit(1);
    make_backend({});
    std::fputs(error_of([] { make_cpu_backend({}, "amx"); }).what(), stderr);
    std::_Exit(0);
  };
  EXPECT_EXIT(run(), ::testing::ExitedWithCode(0), "refuses the registers of 'amx'");
}
#endif

TEST(CpuBackend, TensorsOutliveTheBackend) {
  Tensor t = make_cpu_backend({})->empty({1000, 1000});
  t.mutable_floats().back() = 1;
  EXPECT_EQ(t.floats().back(), 1);
}

TEST(CpuBackend, RecyclesMemory) {
  const std::unique_ptr<Backend> backend = make_cpu_backend({});
  const std::byte* first = backend->empty({500, 1000}).data();
  EXPECT_EQ(backend->empty({1000, 500}).data(), first);
}

TEST(CpuBackend, StopsWhenCancelled) {
  for (const char* name : {"cpu", "reference"}) {
    CancelToken token;
    const std::unique_ptr<Backend> backend = make_backend({.backend = name, .cancel = &token});
    const Tensor x = random_tensor({1, 64, 64}, 1);
    EXPECT_NO_THROW(backend->attention(x, x, x, {}));
    token.cancel();
    EXPECT_EQ(error_of([&] { backend->attention(x, x, x, {}); }).category(), ErrorCategory::cancelled) << name;
  }
}

}  // namespace
}  // namespace safelight
