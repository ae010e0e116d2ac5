// SPDX-License-Identifier: MIT
#include "veer/generation/sampler_card.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/amax.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cumsum.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/searchsorted.h>
#include <ATen/ops/sort.h>
#include <ATen/ops/tensor.h>

#include "veer/model/host_indices.h"

namespace veer {
namespace {

// Of one chunk of rows: weights, their order and sums take 8 bytes each.
constexpr std::int64_t kChunkNumbers = std::int64_t{1} << 23;

bool is_cut(const Sampling& sampling) {
  return sampling.top_k > 0 || sampling.top_p < 1.0;
}

// Rows that are drawn alike.
struct Rows {
  std::vector<std::int64_t> numbers;
  std::vector<double> settings;  // of each: temperature, u, top_p, top_k
};

// The first place whose sum passes the row's number.
at::Tensor place_of(const at::Tensor& sums_NV, const at::Tensor& number_N1,
                    const at::Tensor& last_N1) {
  return at::minimum(at::searchsorted(sums_NV, number_N1, /*out_int32=*/false,
                                      /*right=*/true),
                     last_N1);
}

// settings_N4: as in Rows.
at::Tensor drawn_rows(const at::Tensor& logits_NV,
                      const at::Tensor& settings_N4, bool cut) {
  const auto setting = [&](std::int64_t i) {
    return settings_N4.narrow(1, i, 1);
  };
  const auto width = logits_NV.size(1);
  const auto wide_NV = logits_NV.to(at::kDouble);
  auto weights_NV =
      ((wide_NV - at::amax(wide_NV, 1, /*keepdim=*/true)) / setting(0)).exp_();
  if (!cut) {
    const auto sums_NV = at::cumsum(weights_NV, 1);
    const auto number_N1 = sums_NV.narrow(1, width - 1, 1) * setting(1);
    return at::searchsorted(sums_NV, number_N1, false, /*right=*/true)
        .clamp_max(width - 1)
        .squeeze(1);
  }
  auto [sorted_NV, ids_NV] = at::sort(weights_NV, /*stable=*/true, /*dim=*/1,
                                      /*descending=*/true);
  const auto ranks_V = at::arange(width, ids_NV.options());
  const auto limit_N1 = setting(3).to(at::kLong);
  sorted_NV.masked_fill_(ranks_V.unsqueeze(0) >= limit_N1, 0.0);
  const auto sums_NV = at::cumsum(sorted_NV, 1);
  // A token is kept while those before it have less than top_p together.
  const auto enough_N1 = sums_NV.narrow(1, width - 1, 1) * setting(2);
  const auto last_N1 =
      at::minimum(at::searchsorted(sums_NV, enough_N1), limit_N1 - 1);
  const auto number_N1 = sums_NV.gather(1, last_N1) * setting(1);
  return ids_NV.gather(1, place_of(sums_NV, number_N1, last_N1)).squeeze(1);
}

at::Tensor drawn_in_chunks(const at::Tensor& logits_NV,
                           const at::Tensor& settings_N4, bool cut) {
  const auto most =
      std::max<std::int64_t>(1, kChunkNumbers / logits_NV.size(1));
  std::vector<at::Tensor> drawn;
  for (std::int64_t i = 0; i < logits_NV.size(0); i += most) {
    const auto n = std::min(most, logits_NV.size(0) - i);
    drawn.push_back(drawn_rows(logits_NV.narrow(0, i, n),
                               settings_N4.narrow(0, i, n), cut));
  }
  return at::cat(drawn);
}

}  // namespace

at::Tensor drawn_on_card(const at::Tensor& logits_BV,
                         const at::Tensor& greedy_B,
                         std::span<const Sampling> samplings,
                         std::span<const double> uniforms) {
  const auto width = logits_BV.size(1);
  Rows groups[2];
  for (std::size_t b = 0; b < samplings.size(); ++b) {
    const auto& sampling = samplings[b];
    if (sampling.temperature > 0.0) {
      auto& group = groups[is_cut(sampling) ? 1 : 0];
      group.numbers.push_back(static_cast<std::int64_t>(b));
      const auto top_k =
          sampling.top_k > 0 ? std::min(sampling.top_k, width) : width;
      group.settings.insert(group.settings.end(),
                            {sampling.temperature, uniforms[b], sampling.top_p,
                             static_cast<double>(top_k)});
    }
  }
  at::Tensor ids_B = greedy_B;
  for (const bool cut : {false, true}) {
    auto& group = groups[cut ? 1 : 0];
    if (group.numbers.empty()) {
      continue;
    }
    const auto count = std::ssize(group.numbers);
    const auto settings_N4 =
        sent_to(at::tensor(group.settings, at::kDouble).view({count, 4}),
                logits_BV.device());
    if (count == logits_BV.size(0)) {
      return drawn_in_chunks(logits_BV, settings_N4, cut);
    }
    const auto rows_N = to_device(std::move(group.numbers), logits_BV.device());
    ids_B = ids_B.index_copy(
        0, rows_N,
        drawn_in_chunks(logits_BV.index_select(0, rows_N), settings_N4, cut));
  }
  return ids_B;
}

}  // namespace veer
