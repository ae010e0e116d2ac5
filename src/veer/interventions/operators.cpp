// SPDX-License-Identifier: MIT
#include "veer/interventions/operators.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "veer/base/error.h"
#include "veer/base/text_distance.h"

namespace veer {
namespace {

using Code = EditCode;
using Need = OperatorNeed;

constexpr std::string_view kLinear = kOperatorGroups[0];
constexpr std::string_view kProjection = kOperatorGroups[1];
constexpr std::string_view kNonlinear = kOperatorGroups[2];
constexpr std::string_view kLearned = kOperatorGroups[3];

// name, id, code, need, group, keeps norm, even, zero is off, takes unit,
// formula, sign (1), one-sided (no)
constexpr std::array kTable = {
    OperatorRow{"add", "O1", Code::kPush, Need::kNothing, kLinear, false, false,
                true, true, "h + s v"},
    OperatorRow{"subtract", "O1", Code::kPush, Need::kNothing, kLinear, false,
                false, true, true, "h - s v", -1.0},
    OperatorRow{"add_keep_norm", "O4", Code::kPush, Need::kNothing, kNonlinear,
                true, false, true, true, "(h + s v) |h| / |h + s v|"},
    OperatorRow{"piecewise", "O5", Code::kPushSigned, Need::kNothing,
                kNonlinear, false, false, true, true, "h + sign(u.h) s v"},
    OperatorRow{"ablate", "O6", Code::kScale, Need::kNothing, kProjection,
                false, true, true, false, "h - s (u.h) u", -1.0},
    OperatorRow{"set", "O7", Code::kSet, Need::kNothing, kProjection, false,
                false, false, true, "h + (s - u.h) u"},
    OperatorRow{"cap", "O7", Code::kCap, Need::kNothing, kProjection, false,
                false, false, true, "h + min(0, s - u.h) u"},
    OperatorRow{"floor", "O7", Code::kFloor, Need::kNothing, kProjection, false,
                false, false, true, "h + max(0, s - u.h) u"},
    OperatorRow{"set_honest", "O7", Code::kSet, Need::kNegativeMean, kLearned,
                false, true, true, false, "h + s (u.mu_honest - u.h) u"},
    OperatorRow{"set_deceptive", "O7", Code::kSet, Need::kPositiveMean,
                kLearned, false, true, true, false,
                "h + s (u.mu_deceptive - u.h) u"},
    OperatorRow{"ablate_add", "O8", Code::kSet, Need::kNothing, kNonlinear,
                false, false, false, true, "h - (u.h) u + s v"},
    OperatorRow{"affine", "O9", Code::kSet, Need::kNegativeMean, kLearned,
                false, false, false, true, "h - (u.(h - mu_honest)) u + s v"},
    OperatorRow{"leace", "O10", Code::kScale, Need::kReadDirection, kLearned,
                false, true, true, false, "h - s D g.(h - mu) / (D.g)", -1.0},
    OperatorRow{"ablate_subspace", "O11", Code::kScale, Need::kSubspace,
                kLearned, false, true, true, false, "h - s V V'h", -1.0},
    OperatorRow{"rotate", "O12", Code::kRotate, Need::kSecondVector, kNonlinear,
                false, false, false, false,
                "h - Ph + |Ph| (b1 cos s + b2 sin s)"},
    OperatorRow{"rotate_adaptive", "O12", Code::kRotate, Need::kSecondVector,
                kNonlinear, false, false, false, false, "rotate, where u.h > 0",
                1.0, true},
    OperatorRow{"slerp", "O13", Code::kSlerp, Need::kNothing, kNonlinear, false,
                false, true, false, "turn h by the share s of its angle to u"},
    OperatorRow{"gated_add", "O14", Code::kPush, Need::kCondition, kNonlinear,
                false, false, true, true,
                "h + [cos(h, tanh(c c'h/c.c)) > tau] s v"},
    OperatorRow{"soft_tanh", "O15", Code::kSoftTanh, Need::kNothing, kNonlinear,
                false, false, true, true, "h + s tanh(q (tau - u.h)) u"},
    OperatorRow{"soft_sigmoid", "O15", Code::kSoftSigmoid, Need::kNothing,
                kNonlinear, false, false, true, true,
                "h + s sigmoid(q (tau - u.h)) u"},
    OperatorRow{"soft_relu", "O15", Code::kSoftRelu, Need::kNothing, kNonlinear,
                false, false, true, true, "h + s max(0, tau - u.h) u"},
    OperatorRow{"low_rank", "O17", Code::kLowRank, Need::kLowRank, kLearned,
                false, false, true, false, "h + s R'(W h + b - R h)"},
    OperatorRow{"scale", "O19", Code::kScale, Need::kNothing, kNonlinear, false,
                true, true, false, "h + s (u.h) u"},
    OperatorRow{"patch", "O20", Code::kPatch, Need::kDonor, kNonlinear, false,
                false, true, false, "h + s (h_donor - h)"},
    OperatorRow{"patch_direction", "O20", Code::kPatch, Need::kNothing,
                kNonlinear, false, true, true, false,
                "h + s u u.(h_donor - h)"},
    OperatorRow{"patch_subspace", "O20", Code::kPatch, Need::kSubspace,
                kLearned, false, true, true, false, "h + s V V'(h_donor - h)"},
};

float rotate(const EditNumbers& n, std::span<const float> c,
             std::span<float> change) {
  const bool acts = !n.one_sided || c[0] > 0.0F;
  const float radius = std::hypot(c[0], c[1]);
  change[0] = acts ? radius * std::cos(n.a) - c[0] : 0.0F;
  change[1] = acts ? radius * std::sin(n.a) - c[1] : 0.0F;
  return 1.0F;
}

// |h| [ sin((1-a) w) h/|h| + sin(a w) u ] / sin w, cos w = u.h / |h|. Near
// the poles the way is undefined and h stays.
float slerp(const EditNumbers& n, float c, float norm,
            std::span<float> change) {
  change[0] = 0.0F;
  if (norm <= 0.0F) {
    return 1.0F;
  }
  const double cosine = std::clamp(static_cast<double>(c) / norm, -1.0, 1.0);
  const double angle = std::acos(cosine);
  const double sine = std::sin(angle);
  if (sine < 1e-6) {
    return 1.0F;
  }
  change[0] = static_cast<float>(norm * std::sin(n.a * angle) / sine);
  return static_cast<float>(std::sin((1.0 - n.a) * angle) / sine);
}

float one_change(EditCode code, const EditNumbers& n, float c, float norm) {
  const float reach = n.a + n.b * norm;
  switch (code) {
    case Code::kPush:
      return reach;
    case Code::kPushSigned:
      return c > 0.0F ? reach : (c < 0.0F ? -reach : 0.0F);
    case Code::kSet:
      return n.q * (reach - c);
    case Code::kCap:
      return std::min(0.0F, reach - c);
    case Code::kFloor:
      return std::max(0.0F, reach - c);
    case Code::kSoftTanh:
      return reach * std::tanh(n.q * (n.t - c));
    case Code::kSoftSigmoid:
      return reach / (1.0F + std::exp(-n.q * (n.t - c)));
    case Code::kSoftRelu:
      return reach * std::max(0.0F, n.t - c);
    default:
      return 0.0F;
  }
}

}  // namespace

float change_of_coordinates(EditCode code, const EditNumbers& numbers,
                            std::span<const float> read, float norm,
                            std::span<float> change) {
  switch (code) {
    case Code::kScale:
    case Code::kPatch:
      for (std::size_t j = 0; j < change.size(); ++j) {
        change[j] = numbers.a * read[j];
      }
      return 1.0F;
    case Code::kLowRank:
      for (std::size_t j = 0; j < change.size(); ++j) {
        change[j] = numbers.a * (read[j + change.size()] - read[j]);
      }
      return 1.0F;
    case Code::kRotate:
      return rotate(numbers, read, change);
    case Code::kSlerp:
      return slerp(numbers, read[0], norm, change);
    default:
      change[0] = one_change(code, numbers, read[0], norm);
      return 1.0F;
  }
}

std::span<const OperatorRow> operator_table() {
  return kTable;
}

const OperatorRow& find_operator(std::string_view name,
                                 std::string_view where) {
  for (const auto& row : kTable) {
    if (row.name == name) {
      return row;
    }
  }
  std::vector<std::string> names;
  for (const auto& row : kTable) {
    names.emplace_back(row.name);
  }
  const auto nearest = nearest_name(name, names);
  fail(where, fmt::format("\"{}\"", name),
       fmt::format("one of {}", fmt::join(names, ", ")),
       nearest.empty() ? "" : fmt::format("\"{}\" was meant", nearest));
}

bool is_plain_addition(std::string_view operation) {
  const auto& row = find_operator(operation);
  return row.code == EditCode::kPush && row.need == OperatorNeed::kNothing &&
         !row.keeps_norm;
}

std::string operator_group(std::string_view operation) {
  return std::string(find_operator(operation).group);
}

}  // namespace veer
