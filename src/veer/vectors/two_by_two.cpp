// SPDX-License-Identifier: MIT
#include "veer/vectors/two_by_two.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/vectors/item_statistics.h"
#include "veer/vectors/measure.h"
#include "veer/vectors/tensor_numbers.h"
#include "veer/vectors/unit_rows.h"

namespace veer {

TwoByTwo two_by_two(const at::Tensor& base_honest_ND,
                    const at::Tensor& base_deceptive_ND,
                    const at::Tensor& tuned_honest_ND,
                    const at::Tensor& tuned_deceptive_ND,
                    std::span<const std::string> units) {
  const auto bh = as_double(base_honest_ND);
  const auto bd = as_double(base_deceptive_ND);
  const auto fh = as_double(tuned_honest_ND);
  const auto fd = as_double(tuned_deceptive_ND);
  if (bd.sizes() != bh.sizes() || fh.sizes() != bh.sizes() ||
      fd.sizes() != bh.sizes() || bh.dim() != 2) {
    fail("2x2 effects", "cells of different shapes", "[N, D] for each");
  }
  TwoByTwo out;
  out.n = bh.size(0);
  const auto squared_norm = [&](const at::Tensor& effect_ND) {
    if (units.empty()) {
      return unbiased_squared_norm(effect_ND);
    }
    const auto of = row_units(units, units);
    return unbiased_squared_norm(unit_sums(effect_ND, of), of.counts);
  };
  out.content = squared_norm(((bd - bh) + (fd - fh)) / 2.0);
  out.model = squared_norm(((fh - bh) + (fd - bd)) / 2.0);
  out.interaction = squared_norm((fd - fh) - (bd - bh)) / 4.0;
  const double c = std::max(out.content, 0.0);
  const double m = std::max(out.model, 0.0);
  const double x = std::max(out.interaction, 0.0);
  const double total = c + m + x;
  if (total > 0.0) {
    const auto share = [&](double effect) {
      return effect > 0.0 ? std::optional(effect / total) : std::nullopt;
    };
    out.content_share = share(out.content);
    out.model_share = share(out.model);
    out.interaction_share = share(out.interaction);
  }
  return out;
}

Json two_by_two_json(const TwoByTwo& table) {
  return {{"n", table.n},
          {"content", table.content},
          {"model", table.model},
          {"interaction", table.interaction},
          {"content_share", optional_json(table.content_share)},
          {"model_share", optional_json(table.model_share)},
          {"interaction_share", optional_json(table.interaction_share)}};
}

}  // namespace veer
