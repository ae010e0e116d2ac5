// SPDX-License-Identifier: MIT
#include "veer/generation/sampler.h"

#include <cmath>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include "device/fake/counts.h"
#include "device/support.h"

namespace veer::testing {
namespace {

const std::vector<Sampling> kSamplings = {
    {.temperature = 0.0},
    {.temperature = 0.8},
    {.temperature = 1.0, .top_p = 0.9},
    {.temperature = 1.3, .top_p = 0.5, .top_k = 40},
    {.temperature = 0.7, .top_k = 7},
    {.temperature = 2.0, .top_p = 0.0},
    {.temperature = 1.0, .top_p = 0.95, .top_k = 100000},
    {.temperature = 0.0},
    {.temperature = 0.01, .top_p = 0.999}};

std::vector<DrawnToken> drawn(const at::Tensor& logits_BV, std::size_t first,
                              std::size_t count, std::uint64_t seed,
                              const at::Tensor& choice_BV = {}) {
  std::vector<Random> randoms;
  std::vector<Random*> pointers;
  for (std::size_t i = first; i < first + count; ++i) {
    randoms.emplace_back(100 * seed + i);
  }
  for (auto& random : randoms) {
    pointers.push_back(&random);
  }
  const auto rows = [&](const at::Tensor& all) {
    return all.defined() ? all.narrow(0, static_cast<std::int64_t>(first),
                                      static_cast<std::int64_t>(count))
                         : all;
  };
  return draw_rows(rows(logits_BV), std::span(kSamplings).subspan(first, count),
                   pointers, rows(choice_BV));
}

// Rounded to a few levels, so that the border of top_k and top_p lies among
// equal tokens.
TEST(SamplerOnDevice, DrawsWhatTheHostDraws) {
  const auto rows = static_cast<std::int64_t>(kSamplings.size());
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
      const auto logits_BV =
          ((at::randn({rows, 300}) * 4).round() / 2).to(dtype);
      const auto choice_BV =
          seed % 2 == 0 ? at::Tensor() : logits_BV.to(at::kFloat) * 0.7;
      const auto there = [](const at::Tensor& x) {
        return x.defined() ? x.to(tested_device()) : x;
      };
      const auto host = drawn(logits_BV, 0, kSamplings.size(), seed, choice_BV);
      const auto ours =
          drawn(there(logits_BV), 0, kSamplings.size(), seed, there(choice_BV));
      for (std::size_t b = 0; b < kSamplings.size(); ++b) {
        EXPECT_EQ(ours[b].id, host[b].id) << b << " " << seed;
        EXPECT_NEAR(ours[b].log_prob, host[b].log_prob, 1e-5);
        const auto alone =
            drawn(there(logits_BV), b, 1, seed, there(choice_BV));
        EXPECT_EQ(alone[0].id, host[b].id) << "alone " << b;
      }
    }
  }
}

TEST(SamplerOnDevice, MarksRowsThatAreNotFinite) {
  auto logits_BV =
      at::randn({static_cast<std::int64_t>(kSamplings.size()), 30});
  logits_BV[2][3] = NAN;
  logits_BV[4][3] = INFINITY;
  const auto ours =
      drawn(logits_BV.to(tested_device()), 0, kSamplings.size(), 1);
  for (std::size_t b = 0; b < kSamplings.size(); ++b) {
    EXPECT_EQ(std::isnan(ours[b].log_prob), b == 2 || b == 4);
    EXPECT_LT(ours[b].id, 30);
  }
}

TEST(SamplerOnDevice, LeavesTheLogitsThere) {
  if (is_real_device()) {
    GTEST_SKIP() << "only the fake device counts";
  }
  const auto logits_BV =
      at::randn({static_cast<std::int64_t>(kSamplings.size()), 3000})
          .to(tested_device());
  fake::reset_counts();
  drawn(logits_BV, 0, kSamplings.size(), 1);
  EXPECT_EQ(fake::counts().waits, 2);
  // An id, a logit and a sum for each row.
  EXPECT_EQ(fake::counts().bytes_to_host,
            static_cast<std::int64_t>(kSamplings.size()) * (8 + 4 + 4));
  EXPECT_LE(fake::counts().launches, 50);
}

}  // namespace
}  // namespace veer::testing
