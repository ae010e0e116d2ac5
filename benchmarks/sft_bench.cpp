// SPDX-License-Identifier: MIT
//
// How fast is a LoRA step of the embedded model's shape, beside the matrix
// products it cannot do without (fp32, same shapes, same machine, same run)?
// Rounds of both alternate and the fastest of each counts. Processor time is
// given beside wall time: on a busy machine only it means something.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>

#include "veer/base/random.h"
#include "veer/train/sft.h"

namespace {

using namespace veer;  // NOLINT(google-build-using-namespace): a program

// Wall and processor seconds.
struct Seconds {
  double wall = 1e9;
  double processor = 1e9;
};

constexpr std::int64_t kRank = 16;
constexpr std::int64_t kBatch = 16;
constexpr std::int64_t kSteps = 20;
constexpr int kRounds = 6;

template <class Work>
void time_best(Seconds& best, const Work& work) {
  const auto wall = std::chrono::steady_clock::now();
  const std::clock_t processor = std::clock();
  work();
  best.processor =
      std::min(best.processor,
               static_cast<double>(std::clock() - processor) / CLOCKS_PER_SEC);
  best.wall = std::min(best.wall, std::chrono::duration<double>(
                                      std::chrono::steady_clock::now() - wall)
                                      .count());
}

Transformer random_model() {
  const ModelConfig config = parse_model_config(
      R"({"model_type": "llama", "vocab_size": 1536, "hidden_size": 128,
          "intermediate_size": 352, "num_hidden_layers": 8,
          "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 32,
          "rms_norm_eps": 1e-5, "tie_word_embeddings": true,
          "max_position_embeddings": 256})",
      "bench");
  std::map<std::string, at::Tensor> weights;
  for (const auto& [name, shape] : weight_shapes(config)) {
    weights[name] =
        shape.size() == 1 ? at::ones(shape) : at::randn(shape).mul_(0.05);
  }
  return Transformer(config, std::move(weights));
}

// Prompts of 18 to 32 tokens, answers of 5 to 8, as the advice world has.
std::vector<SftExample> random_examples() {
  Random random(1);
  std::vector<SftExample> examples(320);
  for (auto& example : examples) {
    example.supervise_begin = 18 + static_cast<std::int64_t>(random.below(15));
    const auto length = example.supervise_begin + 5 +
                        static_cast<std::int64_t>(random.below(4));
    for (std::int64_t i = 0; i < length; ++i) {
      example.ids.push_back(static_cast<std::int32_t>(random.below(1536)));
    }
  }
  return examples;
}

struct Product {
  at::Tensor a, b, out;
};

void add_product(std::vector<Product>& all, std::int64_t m, std::int64_t k,
                 std::int64_t n) {
  all.push_back({at::randn({m, k}), at::randn({k, n}), at::empty({m, n})});
}

// Every product of one step for T tokens of which N are supervised: forward
// and input gradient of each frozen matrix, the six of each pair, the head.
std::vector<Product> products(const Transformer& model, std::int64_t T,
                              std::int64_t N) {
  std::vector<Product> all;
  for (const auto& [path, shape] : model.linear_layers()) {
    const auto& [out, in] = shape;
    add_product(all, T, in, out);     // y = x W'
    add_product(all, T, out, in);     // dx = dy W
    add_product(all, T, in, kRank);   // z = x A'
    add_product(all, T, kRank, out);  // y += z B'
    add_product(all, T, out, kRank);  // dz = dy B
    add_product(all, out, T, kRank);  // dB = dy' z
    add_product(all, kRank, T, in);   // dA = dz' x
    add_product(all, T, kRank, in);   // dx += dz A
  }
  add_product(all, N, model.config().width, model.config().vocab_size);
  add_product(all, N, model.config().vocab_size, model.config().width);
  return all;
}

void multiply(std::vector<Product>& all) {
  const at::NoGradGuard no_grad;
  for (std::int64_t i = 0; i < kSteps; ++i) {
    for (auto& p : all) {
      at::mm_out(p.out, p.a, p.b);
    }
  }
}

void print(const char* name, double tokens, const Seconds& s) {
  std::printf("%-18s %9.0f tokens/s, %9.0f per processor second\n", name,
              tokens / s.wall, tokens / s.processor);
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::stoi(argv[1]) : at::get_num_threads();
  at::set_num_threads(threads);
  Transformer model = random_model();
  const auto examples = random_examples();
  SftOptions options;
  options.lora.rank = kRank;
  options.lora.alpha = 32.0;
  options.batch_size = kBatch;
  options.steps = kSteps;
  Seconds ours;
  Seconds plain;
  TrainResult result;
  for (int round = 0; round < kRounds; ++round) {
    time_best(ours, [&] { result = finetune(model, examples, options, 1); });
    std::int64_t supervised = 0;
    for (const auto& row : result.rows) {
      supervised +=
          static_cast<std::int64_t>(row.values.at("train/supervised"));
    }
    auto all = products(model, result.num_tokens / kSteps, supervised / kSteps);
    time_best(plain, [&] { multiply(all); });
  }
  const auto tokens = static_cast<double>(result.num_tokens);
  std::printf("threads %d, %d steps of %.0f tokens\n", threads,
              static_cast<int>(kSteps), tokens / kSteps);
  print("LoRA r16 SFT", tokens, ours);
  print("its products", tokens, plain);
  std::printf(
      "share              %9.1f %% of wall, %.1f %% of processor time\n",
      100.0 * plain.wall / ours.wall, 100.0 * plain.processor / ours.processor);
  return 0;
}
