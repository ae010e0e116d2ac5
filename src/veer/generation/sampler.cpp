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
#include "veer/generation/sampler_card.h"

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

namespace {

// The likeliest token of each row, or on a card what is drawn from it there.
at::Tensor ids_of(const at::Tensor& from_BV, const at::Tensor& greedy_B,
                  std::span<const Sampling> samplings,
                  std::span<Random* const> randoms) {
  const bool sampled = std::ranges::any_of(
      samplings, [](const Sampling& s) { return s.temperature > 0.0; });
  if (!sampled || from_BV.is_cpu()) {
    return greedy_B;
  }
  std::vector<double> uniforms(samplings.size());
  for (std::size_t b = 0; b < samplings.size(); ++b) {
    if (samplings[b].temperature > 0.0) {
      uniforms[b] = randoms[b]->uniform();
    }
  }
  return drawn_on_card(from_BV, greedy_B, samplings, uniforms);
}

// In place of the likeliest tokens, on the CPU.
void draw_on_host(const at::Tensor& logits_BV, const at::Tensor& from_BV,
                  const float* normalisers, std::span<const Sampling> samplings,
                  std::span<Random* const> randoms,
                  std::vector<DrawnToken>& drawn) {
  const auto logits = logits_BV.to(at::kFloat).contiguous();
  const auto from = from_BV.to(at::kFloat).contiguous();
  const auto width = logits.size(1);
  const float* values = logits.const_data_ptr<float>();
  const float* choices = from.const_data_ptr<float>();
  at::parallel_for(
      0, logits.size(0), 8, [&](std::int64_t begin, std::int64_t end) {
        for (auto b = begin; b < end; ++b) {
          if (samplings[b].temperature <= 0.0 ||
              std::isnan(drawn[b].log_prob)) {
            continue;
          }
          const std::span<const float> row(choices + b * width, width);
          drawn[b].id = draw(row, samplings[b], *randoms[b]);
          drawn[b].log_prob = values[b * width + drawn[b].id] - normalisers[b];
        }
      });
}

}  // namespace

std::vector<DrawnToken> draw_rows(const at::Tensor& logits_BV,
                                  std::span<const Sampling> samplings,
                                  std::span<Random* const> randoms,
                                  const at::Tensor& choice_BV) {
  const auto num_rows = logits_BV.size(0);
  const auto& from_BV = choice_BV.defined() ? choice_BV : logits_BV;
  const auto [top_B, greedy_B] = at::max(from_BV, -1);
  const auto ids_B = ids_of(from_BV, greedy_B, samplings, randoms);
  const auto own_B = choice_BV.defined() || !ids_B.is_same(greedy_B)
                         ? logits_BV.gather(-1, ids_B.unsqueeze(-1)).squeeze(-1)
                         : top_B;
  // Together: each copy to the host waits for the device.
  const auto numbers_2B =
      at::stack({own_B.to(at::kFloat), log_normalisers(logits_BV)})
          .to(at::kCPU);
  const auto ids_cpu = ids_B.to(at::kCPU);
  const auto* ids = ids_cpu.const_data_ptr<std::int64_t>();
  const auto* own = numbers_2B.const_data_ptr<float>();
  const float* normalisers = own + num_rows;
  std::vector<DrawnToken> drawn(num_rows);
  for (std::int64_t b = 0; b < num_rows; ++b) {
    drawn[b] = {static_cast<std::int32_t>(ids[b]), own[b] - normalisers[b]};
    if (!std::isfinite(normalisers[b])) {
      drawn[b].log_prob = std::numeric_limits<float>::quiet_NaN();
    }
  }
  if (logits_BV.is_cpu()) {
    draw_on_host(logits_BV, from_BV, normalisers, samplings, randoms, drawn);
  }
  return drawn;
}

}  // namespace veer
