// Arguments that do not fit: the same words from every backend.
#include <gmock/gmock.h>

#include <array>

#include "backends/make_backend.h"
#include "conformance.h"
#include "safelight/error.h"

namespace safelight {
namespace {

using testing::HasSubstr;

class Checks : public testing::TestWithParam<std::string> {
 protected:
  Backend& backend() { return *backend_; }
  static Tensor zeros(Shape shape) { return random_tensor(std::move(shape), 0, 0, 0); }

  template <class F>
  static void expect_model_error(F&& f, const std::string& words) {
    try {
      f();
      FAIL() << "nothing was thrown, expected: " << words;
    } catch (const Error& error) {
      EXPECT_EQ(error.category(), ErrorCategory::model);
      EXPECT_THAT(error.what(), HasSubstr(words));
    }
  }

 private:
  std::unique_ptr<Backend> backend_ = make_backend({.threads = 1, .backend = GetParam()});
};

TEST_P(Checks, Conv2dWeights) {
  expect_model_error(
      [&] {
        backend().conv2d({.in = 4, .out = 8}, zeros({8, 3, 3, 3}), {});
      },
      "[conv2d] weight has shape [8, 3, 3, 3], expected [8, 4, 3, 3]");
  expect_model_error([&] { backend().conv2d({.in = 4, .out = 8}, {}, {}); }, "[conv2d] weight is missing");
  expect_model_error(
      [&] {
        backend().conv2d({.in = 4, .out = 8}, zeros({8, 4, 3, 3}), zeros({4}));
      },
      "[conv2d] bias has shape [4], expected [8]");
  expect_model_error(
      [&] {
        backend().conv2d({.in = 0, .out = 8}, zeros({8, 0, 3, 3}), {});
      },
      "[conv2d] no channels: in 0, out 8");
  expect_model_error(
      [&] {
        backend().conv2d({.in = 1, .out = 1, .stride = 0}, zeros({1, 1, 3, 3}), {});
      },
      "[conv2d] kernel 3, stride 0");
}

TEST_P(Checks, Conv2dArguments) {
  const auto conv = backend().conv2d({.in = 4, .out = 8}, zeros({8, 4, 3, 3}), {});
  const Tensor x = zeros({2, 5, 5, 4}), short_rows = zeros({1, 8}), narrow = zeros({2, 5, 5, 7});
  expect_model_error([&] { (*conv)(zeros({2, 5, 5, 3})); }, "[conv2d] x is F32 [2, 5, 5, 3], expected F32");
  expect_model_error([&] { (*conv)(zeros({2, 5, 4})); }, "[conv2d] x is F32 [2, 5, 4]");
  expect_model_error([&] { (*conv)(stored(x, DType::F16, false)); }, "[conv2d] x is F16");
  expect_model_error([&] { (*conv)(x, {.per_image = &short_rows}); },
                     "[conv2d] per_image has shape [1, 8], expected [2, 8]");
  expect_model_error([&] { (*conv)(x, {.residual = &narrow}); },
                     "[conv2d] residual has shape [2, 5, 5, 7], expected [2, 5, 5, 8]");
  const Tensor halves = stored(zeros({2, 5, 5, 8}), DType::F16, false);
  expect_model_error([&] { (*conv)(x, {.residual = &halves}); }, "[conv2d] residual is F16, expected F32");
  const auto large =
      backend().conv2d({.in = 1, .out = 1, .kernel = 5, .padding = {0, 0, 0, 0}}, zeros({1, 1, 5, 5}), {});
  expect_model_error([&] { (*large)(zeros({1, 4, 9, 1})); }, "[conv2d] x is [1, 4, 9, 1], smaller than the 5x5 kernel");
}

TEST_P(Checks, Linear) {
  expect_model_error(
      [&] {
        backend().linear({.in = 4, .out = 8}, zeros({4, 8}), {});
      },
      "[linear] weight has shape [4, 8], expected [8, 4]");
  expect_model_error(
      [&] {
        backend().linear({.in = 4, .out = 0}, zeros({0, 4}), {});
      },
      "[linear] no channels: in 4, out 0");
  expect_model_error(
      [&] {
        backend().linear({.in = 4, .out = 7, .geglu = true}, zeros({7, 4}), {});
      },
      "[linear] geglu needs an even number of channels, not 7");
  expect_model_error(
      [&] {
        backend().linear({.in = 131073, .out = 1, .precision = Precision::int8}, zeros({1, 131073}), {});
      },
      "[linear] int8 allows 131072 inputs, not 131073");
  const auto linear = backend().linear({.in = 4, .out = 8}, zeros({8, 4}), {});
  expect_model_error([&] { (*linear)(zeros({2, 5})); }, "[linear] x is F32 [2, 5]");
  const Tensor x = zeros({2, 3}), halves = stored(x, DType::F16, false);
  expect_model_error([&] { (*linear)({x, zeros({1, 1})}); }, "[linear] [2, 3] and [1, 1] differ in more than channels");
  expect_model_error([&] { (*linear)({x, halves}); }, "[linear] [2, 3] and [2, 3] differ in more than channels");
  expect_model_error([&] { (*linear)({x, Tensor()}); }, "[linear] [2, 3] and [] differ in more than channels");
  expect_model_error(
      [&] {
        (*linear)({x, x});
      },
      "[linear] x is F32 [2, 3] and [2, 3], expected rank 2 or more and 4 channels last together");
  const auto gated = backend().linear({.in = 4, .out = 8, .geglu = true}, zeros({8, 4}), {});
  expect_model_error(
      [&] {
        (*gated)(zeros({2, 4}), {.activation = Activation::silu});
      },
      "[linear] geglu allows no epilogue");
}

TEST_P(Checks, Norms) {
  expect_model_error([&] { backend().group_norm({.channels = 48}, zeros({48}), zeros({48})); },
                     "[group_norm] 48 channels do not divide into 32 groups");
  expect_model_error([&] { backend().group_norm({.channels = 32}, zeros({31}), zeros({32})); },
                     "[group_norm] weight has shape [31], expected [32]");
  expect_model_error(
      [&] {
        (*backend().group_norm({.channels = 32}, zeros({32}), zeros({32})))(zeros({1, 2, 2, 16}));
      },
      "[group_norm] x is F32 [1, 2, 2, 16]");
  expect_model_error(
      [&] {
        (*backend().group_norm({.channels = 32}, zeros({32}), zeros({32})))(
            {zeros({1, 2, 2, 16}), zeros({1, 2, 1, 16})});
      },
      "[group_norm] [1, 2, 2, 16] and [1, 2, 1, 16] differ in more than channels");
  expect_model_error([&] { backend().layer_norm({.channels = 3}, zeros({3}), zeros({4})); },
                     "[layer_norm] bias has shape [4], expected [3]");
  expect_model_error([&] { (*backend().layer_norm({.channels = 3}, zeros({3}), zeros({3})))(zeros({4})); },
                     "[layer_norm] x is F32 [4]");
}

TEST_P(Checks, Embedding) {
  expect_model_error(
      [&] {
        backend().embedding({.rows = 3, .width = 4}, zeros({4, 3}));
      },
      "[embedding] table has shape [4, 3], expected [3, 4]");
  const auto embedding = backend().embedding({.rows = 3, .width = 4}, zeros({3, 4}));
  for (const std::int32_t bad : {-1, 3})
    expect_model_error([&] { (*embedding)(std::array{0, bad}); }, "is outside the table of 3 rows");
}

TEST_P(Checks, Attention) {
  const Tensor q = zeros({2, 5, 12});
  expect_model_error([&] { backend().attention(q, q, q, {.heads = 5}); }, "a multiple of 5 heads");
  expect_model_error(
      [&] {
        backend().attention(q, zeros({2, 5, 8}), zeros({2, 5, 8}), {});
      },
      "[attention] k is F32 [2, 5, 8]");
  expect_model_error(
      [&] {
        backend().attention(q, zeros({1, 5, 12}), zeros({1, 5, 12}), {});
      },
      "[attention] k has shape");
  expect_model_error([&] { backend().attention(q, q, zeros({2, 4, 12}), {}); }, "[attention] v has shape");
  expect_model_error(
      [&] {
        backend().attention(q, zeros({2, 0, 12}), zeros({2, 0, 12}), {});
      },
      "[attention] k has no tokens");
  expect_model_error(
      [&] {
        backend().attention(q, zeros({2, 4, 12}), zeros({2, 4, 12}), {.causal = true});
      },
      "[attention] causal needs as many keys as queries, found 4 and 5");
}

TEST_P(Checks, Concat) {
  expect_model_error(
      [&] {
        backend().concat(zeros({2, 3, 4}), zeros({2, 4, 4}));
      },
      "[concat] [2, 3, 4] and [2, 4, 4] differ in more than channels");
}

INSTANTIATE_TEST_SUITE_P(All, Checks, testing::Values("cpu", "reference"), [](const auto& test) { return test.param; });

}  // namespace
}  // namespace safelight
