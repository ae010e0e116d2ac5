// SPDX-License-Identifier: MIT
//
// Seconds and memory of compare_vectors() at the size of a 3B model: rows of
// 1,000 questions, 3072 wide. Layers are worked one after another, so two are
// measured and the time for 28 is 14 times that.
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/stack.h>
#include <sys/resource.h>

#include "veer/vectors/compare.h"

int main() {
  constexpr std::int64_t kItems = 1000;
  constexpr std::int64_t kWidth = 3072;
  constexpr std::int64_t kLayers = 2;
  std::vector<veer::ComparedVector> vectors;
  for (int v = 0; v < 3; ++v) {
    veer::ComparedVector compared;
    compared.vector.name = "v" + std::to_string(v);
    for (std::int64_t i = 0; i < kItems; ++i) {
      compared.rows.ids.push_back(std::to_string(i));
    }
    std::vector<at::Tensor> directions;
    const auto mean = at::randn({kWidth}) * 0.2;
    for (std::int64_t l = 0; l < kLayers; ++l) {
      compared.rows.negative.push_back(at::randn({kItems, kWidth}));
      compared.rows.positive.push_back(at::randn({kItems, kWidth}) + mean);
      directions.push_back(compared.rows.differences(l).mean(0));
    }
    compared.vector.directions_LD = at::stack(directions).to(at::kFloat);
    vectors.push_back(std::move(compared));
  }
  const auto start = std::chrono::steady_clock::now();
  veer::compare_vectors(vectors);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count();
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf(
      "3 vectors, 3 pairs, %lld questions x %lld: %.2f s per layer, "
      "%.0f s for 28 layers; peak %.0f MB\n",
      static_cast<long long>(kItems), static_cast<long long>(kWidth),
      seconds / kLayers, seconds / kLayers * 28.0,
      static_cast<double>(usage.ru_maxrss) / 1024.0);
  return 0;
}
