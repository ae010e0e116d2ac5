// SPDX-License-Identifier: MIT
//
// The embedded model's passes beside the plain matrix products of the same
// shapes, in the same run: how much of what the machine can do arrives.
#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <numeric>

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include "veer/base/random.h"
#include "veer/model/transformer.h"

namespace veer {
namespace {

constexpr const char* kConfig =
    R"({"model_type": "llama", "vocab_size": 1536, "hidden_size": 128,
    "intermediate_size": 352, "num_hidden_layers": 8,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 32,
    "tie_word_embeddings": true})";

// Median of `repeats` runs, in milliseconds.
double time_ms(const std::function<void()>& body, int repeats = 15) {
  std::vector<double> times;
  for (int i = 0; i < repeats + 2; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    body();
    const std::chrono::duration<double, std::milli> took =
        std::chrono::steady_clock::now() - begin;
    if (i >= 2) {
      times.push_back(took.count());
    }
  }
  std::ranges::sort(times);
  return times[times.size() / 2];
}

Transformer random_model(const ModelConfig& config) {
  std::map<std::string, at::Tensor> weights;
  for (const auto& [name, shape] : weight_shapes(config)) {
    weights[name] =
        shape.size() == 1 ? at::zeros(shape) + 1.0 : at::randn(shape) * 0.05;
  }
  return Transformer(config, std::move(weights));
}

std::vector<std::vector<std::int32_t>> random_rows(std::int64_t tokens) {
  Random random(1);
  std::vector<std::vector<std::int32_t>> rows;
  while (tokens > 0) {
    const auto length = std::min<std::int64_t>(tokens, 25 + random.below(40));
    auto& row = rows.emplace_back();
    for (std::int64_t i = 0; i < length; ++i) {
      row.push_back(static_cast<std::int32_t>(random.below(1536)));
    }
    tokens -= length;
  }
  return rows;
}

struct Product {
  std::int64_t rows, inner, columns;
};

// Time of matrix products alone, operands and results allocated before.
double products_ms(const std::vector<Product>& products) {
  std::vector<at::Tensor> left, right, out;
  for (const auto& [m, k, n] : products) {
    left.push_back(at::randn({m, k}));
    right.push_back(at::randn({n, k}));
    out.push_back(at::zeros({m, n}));
  }
  return time_ms([&] {
    for (std::size_t i = 0; i < left.size(); ++i) {
      at::mm_out(out[i], left[i], right[i].t());
    }
  });
}

void add_linears(const Transformer& model, std::int64_t tokens, bool backward,
                 bool weight_gradients, std::int64_t rank,
                 std::vector<Product>& to) {
  for (const auto& [path, size] : model.linear_layers()) {
    const auto [out, in] = size;
    to.push_back({tokens, in, out});
    if (backward) {
      to.push_back({tokens, out, in});
    }
    if (weight_gradients) {
      to.push_back({out, tokens, in});
    }
    if (rank > 0) {
      to.insert(to.end(), {{tokens, in, rank},
                           {tokens, rank, out},
                           {tokens, out, rank},
                           {tokens, rank, in},
                           {rank, tokens, in},
                           {out, tokens, rank}});
    }
  }
}

void report(const char* name, std::int64_t tokens, double ms, double products) {
  fmt::print(
      "{:34} {:8.2f} ms {:9.0f} tokens/s  products {:7.2f} ms  {:3.0f} %\n",
      name, ms, 1000.0 * static_cast<double>(tokens) / ms, products,
      100.0 * products / ms);
}

void bench_extraction(const Transformer& model, std::int64_t tokens) {
  const c10::AutoGradMode no_grad(false);
  const PackedBatch batch = pack(random_rows(tokens));
  const double ms = time_ms([&] { model.forward(batch); });
  std::vector<Product> products;
  add_linears(model, tokens, false, false, 0, products);
  report("extraction", tokens, ms, products_ms(products));
}

void bench_pretraining(const Transformer& model, std::int64_t tokens) {
  const c10::AutoGradMode grad(true);
  for (const auto& [name, weight] : model.weights()) {
    weight.set_requires_grad(true);
  }
  const PackedBatch batch = pack(random_rows(tokens));
  const auto weights_TV = at::randn({tokens, 1536}) * 0.01;
  const double ms = time_ms([&] {
    const auto logits = model.logits(model.forward(batch));
    logits.backward(weights_TV);
    for (const auto& [name, weight] : model.weights()) {
      weight.mutable_grad() = at::Tensor();
    }
  });
  for (const auto& [name, weight] : model.weights()) {
    weight.set_requires_grad(false);
  }
  std::vector<Product> products;
  add_linears(model, tokens, true, true, 0, products);
  products.insert(
      products.end(),
      {{tokens, 128, 1536}, {tokens, 1536, 128}, {1536, tokens, 128}});
  report("pretraining, loss left out", tokens, ms, products_ms(products));
}

void bench_adapter_step(Transformer& model, std::int64_t tokens,
                        std::int64_t rank) {
  const c10::AutoGradMode grad(true);
  Adapter adapter;
  for (const auto& [path, size] : model.linear_layers()) {
    adapter.pairs[path] = {
        at::randn({rank, size.second}).set_requires_grad(true),
        at::randn({size.first, rank}).mul_(0.01).set_requires_grad(true), 2.0};
  }
  model.attach(adapter);
  const PackedBatch batch = pack(random_rows(tokens));
  const auto weights_TD = at::randn({tokens, 128}) * 0.01;
  ForwardOptions options;
  options.adapter.uniform = 1.0;
  const double ms = time_ms([&] {
    model.forward(batch, options).backward(weights_TD);
    for (auto& [path, pair] : adapter.pairs) {
      pair.A_RI.mutable_grad() = at::Tensor();
      pair.B_OR.mutable_grad() = at::Tensor();
    }
  });
  model.detach();
  std::vector<Product> products;
  add_linears(model, tokens, true, false, rank, products);
  report("adapter step, head left out", tokens, ms, products_ms(products));
}

void bench_decoding(const Transformer& model, std::int64_t rows) {
  const c10::AutoGradMode no_grad(false);
  KvCache cache(model.config(), rows, 64, at::kFloat);
  std::vector<std::int64_t> slots(rows);
  std::iota(slots.begin(), slots.end(), 0);
  ForwardOptions options;
  options.cache = &cache;
  const std::vector<std::vector<std::int32_t>> prompts(
      rows, std::vector<std::int32_t>(40, 7));
  const std::vector<std::int64_t> zero(rows, 0);
  model.forward(pack_cached(prompts, zero, slots), options);
  const std::vector<std::vector<std::int32_t>> next(rows, {5});
  const std::vector<std::int64_t> starts(rows, 40);
  const double ms = time_ms(
      [&] { model.forward(pack_cached(next, starts, slots), options); });
  std::vector<Product> products;
  add_linears(model, rows, false, false, 0, products);
  report(fmt::format("decoding, {} rows at 40", rows).c_str(), rows, ms,
         products_ms(products));
}

void run_all() {
  fmt::print("threads {}\n", at::get_num_threads());
  Transformer model = random_model(parse_model_config(kConfig, "benchmark"));
  bench_extraction(model, 512);
  bench_extraction(model, 2048);
  bench_pretraining(model, 2048);
  bench_adapter_step(model, 512, 16);
  bench_adapter_step(model, 2048, 16);
  for (const std::int64_t rows : {1, 16, 64, 256}) {
    bench_decoding(model, rows);
  }
}

}  // namespace
}  // namespace veer

int main() {
  veer::run_all();
}
