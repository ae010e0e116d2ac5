// SPDX-License-Identifier: MIT
#include "veer/interventions/matched_control.h"

#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/stack.h>
#include <fmt/format.h>

#include "veer/base/error.h"

namespace veer {
namespace {

// Orthonormal rows with the span of what the edit writes, fp64 inside. Rows
// that are orthonormal already stay as they are to rounding.
at::Tensor orthonormal_rows(const at::Tensor& write_KD) {
  std::vector<at::Tensor> rows;
  for (std::int64_t j = 0; j < write_KD.size(0); ++j) {
    auto row_D = write_KD[j].to(at::kDouble);
    for (int twice = 0; twice < 2; ++twice) {
      for (const auto& earlier_D : rows) {
        row_D = row_D - earlier_D * earlier_D.dot(row_D);
      }
    }
    rows.push_back(row_D / row_D.norm());
  }
  return at::stack(rows).to(at::kFloat).contiguous();
}

}  // namespace

void turn_into_control(SiteEdit& edit, const at::Tensor& random_KD,
                       std::string_view operation) {
  if (!edit.write_KD.defined()) {
    fail(operation, "a random control of an operator without directions",
         "an operator that writes along a direction");
  }
  const auto count = edit.write_KD.size(0);
  if (random_KD.size(0) < count) {
    fail(operation, fmt::format("{} random directions", random_KD.size(0)),
         fmt::format("{}, as many as the operator writes", count));
  }
  edit.own_KD = orthonormal_rows(edit.write_KD);
  edit.random_KD = random_KD.narrow(0, 0, count).to(at::kFloat).contiguous();
}

}  // namespace veer
