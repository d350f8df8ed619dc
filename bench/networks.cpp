// Our side of the steps of `./run bench cpu`: bench/cpu.py asks, one line per question (words apart by tabs), and gets
// one line of JSON per answer. All work is done by two threads; times are seconds.
//
//   peak                     the FMA peak of the moment, GFLOP/s
//   open MODEL               a checkpoint; its networks stay open
//   precision NAME           of the next questions, full at first; whether it saves time here
//   flop N HEIGHT WIDTH      of one UNet step on N latents of so many latent pixels, and of one decode
//   case N HEIGHT WIDTH FILE random inputs of that size for the next questions, saved for the peers: latents
//                            [N, 4, HEIGHT, WIDTH], context [N, 77, width] and timesteps [N]
//   step                     the UNet once; the text's keys and values are there, as in every step of a picture
//   decode                   the VAE's decoder once, on the first of the latents
//   save FILE                the last result, [N, channels, height, width]
//   remember                 the last result
//   difference               of the last result from what is remembered, in norm
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <functional>
#include <iostream>
#include <map>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "backends/make_backend.h"
#include "bench/fma_peak.h"
#include "core/json_text.h"
#include "models/stable_diffusion.h"
#include "safelight/safetensors.h"
#include "tasks/planes.h"
#include "tasks/precisions.h"

namespace safelight {
namespace {

using Words = std::vector<std::string>;

constexpr int kThreads = 2;
constexpr std::int64_t kTokens = 77;

Tensor random_floats(Shape shape, unsigned seed) {
  Tensor t = Tensor::allocate(DType::F32, std::move(shape));
  std::mt19937 generator(seed);
  std::normal_distribution<float> distribution;
  for (float& v : t.mutable_floats()) v = distribution(generator);
  return t;
}

class Worker {
 public:
  std::string answer(const Words& words) {
    const auto question = questions_.find(words.at(0));
    if (question == questions_.end()) throw std::runtime_error("no such question: " + words[0]);
    return question->second(words);
  }

 private:
  StableDiffusion& networks() {
    if (!networks_) throw std::runtime_error("no checkpoint is open");
    return *networks_;
  }

  std::string open(const Words& words) {
    networks_.reset();
    const double seconds = seconds_of([&] { networks_.emplace(StableDiffusion::open(words.at(1), *backend_)); });
    return fmt::format(R"({{"seconds":{}}})", seconds);
  }

  std::string set_precision(const Words& words) {
    const Precision precision = parse_precision(words.at(1));
    networks().set_precision(precision, *backend_);
    if (context_) text_ = networks().unet.prepare(context_, vector_);  // which is the UNet's own
    return fmt::format(R"({{"gains":{}}})", backend_->gains_from(precision));
  }

  std::string flop(const Words& words) {
    make_inputs(words);
    const auto flop_of = [&](const std::function<void()>& run) {
      const Work work = backend_->rehearse(run).work;
      return work[WorkKind::conv3x3] + work[WorkKind::product] + work[WorkKind::attention];
    };
    return fmt::format(R"({{"unet":{},"decode":{}}})", flop_of([&] { networks().unet(latents_, timesteps_, text_); }),
                       flop_of([&] { networks().vae_decoder(image(latents_, 0)); }));
  }

  std::string make_case(const Words& words) {
    make_inputs(words);
    const std::vector<NamedTensor> inputs{{"latents", to_nchw(latents_)},
                                          {"context", context_},
                                          {"timesteps", Tensor::from(timesteps_, {std::ssize(timesteps_)})}};
    save(words.at(4), inputs);
    return "{}";
  }

  void make_inputs(const Words& words) {
    const std::int64_t images = std::stoll(words.at(1)), height = std::stoll(words.at(2)),
                       width = std::stoll(words.at(3));
    latents_ = random_floats({images, height, width, networks().unet.in_channels()}, 1);
    context_ = random_floats({images, kTokens, networks().unet.context_width()}, 2);
    const std::int64_t vector = networks().unet.vector_width();
    vector_ = vector > 0 ? random_floats({images, vector}, 3) : Tensor();
    text_ = networks().unet.prepare(context_, vector_);
    timesteps_.assign(static_cast<std::size_t>(images), 500.0f);
  }

  std::string step(const Words&) {
    return timed([&] { result_ = networks().unet(latents_, timesteps_, text_); });
  }

  std::string decode(const Words&) {
    const Tensor latent = image(latents_, 0);
    return timed([&] { result_ = networks().vae_decoder(latent); });
  }

  std::string save_result(const Words& words) {
    const NamedTensor result{"result", to_nchw(result_)};
    save(words.at(1), {&result, 1});
    return "{}";
  }

  std::string remember(const Words&) {
    remembered_ = result_;
    return "{}";
  }

  std::string difference(const Words&) {
    double squares = 0, all = 0;
    for (std::size_t i = 0; i < result_.floats().size(); ++i) {
      const double was = remembered_.floats()[i], apart = result_.floats()[i] - was;
      squares += apart * apart, all += was * was;
    }
    return fmt::format(R"({{"difference":{}}})", std::sqrt(squares / all));
  }

  static double seconds_of(const std::function<void()>& work) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
  static std::string timed(const std::function<void()>& work) {
    return fmt::format(R"({{"seconds":{}}})", seconds_of(work));
  }

  using Question = std::function<std::string(const Words&)>;
  template <class Method>
  Question ask(Method method) {
    return [this, method](const Words& words) { return (this->*method)(words); };
  }

  std::unique_ptr<Backend> backend_ = make_backend({.threads = kThreads});
  std::optional<StableDiffusion> networks_;
  Tensor latents_, context_, vector_, result_, remembered_;
  TextContext text_;
  std::vector<float> timesteps_;
  const std::map<std::string, Question, std::less<>> questions_ = {
      {"peak", [](const Words&) { return fmt::format(R"({{"gflops":{}}})", fma_peak(kThreads)); }},
      {"open", ask(&Worker::open)},
      {"precision", ask(&Worker::set_precision)},
      {"flop", ask(&Worker::flop)},
      {"case", ask(&Worker::make_case)},
      {"step", ask(&Worker::step)},
      {"decode", ask(&Worker::decode)},
      {"save", ask(&Worker::save_result)},
      {"remember", ask(&Worker::remember)},
      {"difference", ask(&Worker::difference)}};
};

}  // namespace
}  // namespace safelight

int main() {
  safelight::Worker worker;
  for (std::string line; std::getline(std::cin, line);) {
    safelight::Words words;
    std::istringstream stream(line);
    for (std::string word; std::getline(stream, word, '\t');) words.push_back(word);
    try {
      std::cout << worker.answer(words) << std::endl;
    } catch (const std::exception& e) {
      std::cout << fmt::format(R"({{"error":{}}})", safelight::json_string(e.what())) << std::endl;
    }
  }
}
