// SPDX-License-Identifier: MIT
//
// Model {base, tuned} x answer {honest, deceptive} on identical tokens:
//
//   c = ((Bd - Bh) + (Fd - Fh)) / 2     content
//   m = ((Fh - Bh) + (Fd - Bd)) / 2     model
//   x = (Fd - Fh) - (Bd - Bh)           interaction
//
// The energy between the cells is |c|^2 + |m|^2 + |x|^2 / 4; the shares use
// unbiased squared norms (U-statistics), so noise adds nothing on average.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include <ATen/core/Tensor.h>

#include "veer/base/json.h"

namespace veer {

struct TwoByTwo {
  std::int64_t n = 0;
  double content = 0.0;  // unbiased |c|^2, may be negative
  double model = 0.0;
  double interaction = 0.0;  // of |x|^2 / 4
  // Shares of the total; none when the total is not above zero or a share is
  // negative beyond rounding (then that effect is not established and counts
  // as zero in the shares of the others).
  std::optional<double> content_share;
  std::optional<double> model_share;
  std::optional<double> interaction_share;
};

// Rows [N, D] of the four cells, row n = question n, of the unit units[n]
// (empty = each stands alone). Throws Error on different shapes or fewer than
// two units.
TwoByTwo two_by_two(const at::Tensor& base_honest_ND,
                    const at::Tensor& base_deceptive_ND,
                    const at::Tensor& tuned_honest_ND,
                    const at::Tensor& tuned_deceptive_ND,
                    std::span<const std::string> units = {});

Json two_by_two_json(const TwoByTwo& table);

}  // namespace veer
