// SPDX-License-Identifier: MIT
#include "veer/generation/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <tuple>

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/max.h>
#include <ATen/ops/stack.h>

#include "veer/generation/pass.h"

namespace veer {
namespace {

struct Candidate {
  std::int32_t id = 0;
  double weight = 0.0;  // exp((logit - max) / temperature)
};

std::vector<Candidate> candidates_of(std::span<const float> logits,
                                     double temperature) {
  const double top = *std::ranges::max_element(logits);
  std::vector<Candidate> all(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) {
    all[i] = {static_cast<std::int32_t>(i),
              std::exp((logits[i] - top) / temperature)};
  }
  return all;
}

// Likeliest first; equal ones by id.
bool likelier(const Candidate& a, const Candidate& b) {
  return a.weight != b.weight ? a.weight > b.weight : a.id < b.id;
}

void keep_top(std::vector<Candidate>& all, const Sampling& sampling) {
  std::ranges::sort(all, likelier);
  if (sampling.top_k > 0 &&
      sampling.top_k < static_cast<std::int64_t>(all.size())) {
    all.resize(sampling.top_k);
  }
  double total = 0.0;
  for (const auto& candidate : all) {
    total += candidate.weight;
  }
  double kept = 0.0;
  std::size_t count = 0;
  while (count < all.size() && (count == 0 || kept < sampling.top_p * total)) {
    kept += all[count++].weight;
  }
  all.resize(count);
}

}  // namespace

std::int32_t draw(std::span<const float> logits, const Sampling& sampling,
                  Random& random) {
  if (sampling.temperature <= 0.0) {
    return static_cast<std::int32_t>(std::ranges::max_element(logits) -
                                     logits.begin());
  }
  auto all = candidates_of(logits, sampling.temperature);
  if (sampling.top_k > 0 || sampling.top_p < 1.0) {
    keep_top(all, sampling);
  }
  double total = 0.0;
  for (const auto& candidate : all) {
    total += candidate.weight;
  }
  double left = random.uniform() * total;
  for (const auto& candidate : all) {
    left -= candidate.weight;
    if (left < 0.0) {
      return candidate.id;
    }
  }
  return all.back().id;
}

std::vector<DrawnToken> draw_rows(const at::Tensor& logits_BV,
                                  std::span<const Sampling> samplings,
                                  std::span<Random* const> randoms,
                                  const at::Tensor& choice_BV) {
  const auto num_rows = logits_BV.size(0);
  const auto& from_BV = choice_BV.defined() ? choice_BV : logits_BV;
  const auto [top_B, arg_B] = at::max(from_BV, -1);
  const auto own_B = choice_BV.defined()
                         ? logits_BV.gather(-1, arg_B.unsqueeze(-1)).squeeze(-1)
                         : top_B;
  // Together: each copy to the host waits for the device.
  const auto numbers_2B =
      at::stack({own_B.to(at::kFloat), log_normalisers(logits_BV)})
          .to(at::kCPU);
  const auto top_cpu = numbers_2B[0];
  const auto sum_B = numbers_2B[1];
  const auto arg_cpu = arg_B.to(at::kCPU);
  const bool sampled = std::ranges::any_of(
      samplings, [](const Sampling& s) { return s.temperature > 0.0; });
  const auto on_cpu = [&](const at::Tensor& all_BV) {
    return sampled ? all_BV.to(at::kCPU, at::kFloat).contiguous()
                   : at::Tensor();
  };
  const auto logits_cpu = on_cpu(logits_BV);
  const auto from_cpu = choice_BV.defined() ? on_cpu(choice_BV) : logits_cpu;
  std::vector<DrawnToken> drawn(num_rows);
  for (std::int64_t b = 0; b < num_rows; ++b) {
    const float sum = sum_B.const_data_ptr<float>()[b];
    drawn[b] = {
        static_cast<std::int32_t>(arg_cpu.const_data_ptr<std::int64_t>()[b]),
        top_cpu.const_data_ptr<float>()[b] - sum};
    if (!std::isfinite(sum)) {
      drawn[b].log_prob = std::numeric_limits<float>::quiet_NaN();
    }
  }
  if (!sampled) {
    return drawn;
  }
  const auto width = logits_BV.size(1);
  const float* values = logits_cpu.const_data_ptr<float>();
  const float* choices = from_cpu.const_data_ptr<float>();
  at::parallel_for(0, num_rows, 8, [&](std::int64_t begin, std::int64_t end) {
    for (auto b = begin; b < end; ++b) {
      if (samplings[b].temperature <= 0.0 || std::isnan(drawn[b].log_prob)) {
        continue;
      }
      const std::span<const float> row(choices + b * width, width);
      drawn[b].id = draw(row, samplings[b], *randoms[b]);
      drawn[b].log_prob =
          values[b * width + drawn[b].id] - sum_B.const_data_ptr<float>()[b];
    }
  });
  return drawn;
}

}  // namespace veer
