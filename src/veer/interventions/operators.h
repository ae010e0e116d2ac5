// SPDX-License-Identifier: MIT
//
// Operators as data. Every operator reads a few coordinates of a hidden state
// h, maps them with a small function and writes the change back:
//
//   h'  =  h + W' ( g(R h + r0) - (R h + r0) )      R, W: few rows
//   h'' =  h' |h| / |h'|                            when the norm is kept
//
// so that one kernel applies any mixture of them, row by row. Formulas and
// sources: docs/methods/interventions.md.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace veer {

// The function g of an edit. Several named operators share one: a multiple of
// the projection serves ablation, reflection, scaling, LEACE and subspaces.
// n = |h|; the letters are the fields of EditNumbers.
enum class EditCode : std::uint8_t {
  kPush,         // c + a + b n
  kPushSigned,   // c + sign(c) (a + b n)
  kScale,        // (1 + a) c_j for every coordinate j
  kSet,          // c + q (a + b n - c)
  kCap,          // min(c, a + b n)
  kFloor,        // max(c, a + b n)
  kSoftTanh,     // c + (a + b n) tanh(q (t - c))
  kSoftSigmoid,  // c + (a + b n) / (1 + exp(-q (t - c)))
  kSoftRelu,     // c + (a + b n) max(0, t - c)
  kRotate,       // (r cos a, r sin a) with r = |(c1, c2)|
  kSlerp,        // turn h by the share a of its angle to u, |h| kept
  kLowRank,      // c_j + a (c_{j+r} - c_j): the second half is the target
  kPatch,        // c_j + a (c_j of the donor - c_j)
};

struct EditNumbers {
  float a = 0.0F;
  float b = 0.0F;
  float t = 0.0F;
  float q = 1.0F;
  bool one_sided = false;  // kRotate: only where c1 > 0
};

// The change of each written coordinate, d_j = g_j(c) - c_j. `read` holds the
// coordinates R h + r0 (kPatch: of donor - h), `change` gets one value per
// written direction. Returns the factor that h itself gets: 1 for all but
// kSlerp.
float change_of_coordinates(EditCode code, const EditNumbers& numbers,
                            std::span<const float> read, float norm,
                            std::span<float> change);

// What an operator needs besides a direction.
enum class OperatorNeed : std::uint8_t {
  kNothing,
  kNegativeMean,   // mean of the honest class
  kPositiveMean,   // mean of the deceptive class
  kReadDirection,  // LEACE: g = S^-1 D beside D, and the mean
  kSecondVector,   // rotate: the plane's second direction
  kCondition,      // gated: condition direction and threshold
  kLowRank,        // LoReFT: R, W, b
  kSubspace,       // K orthonormal directions
  kDonor,          // patch: a row of the other model, and no direction
};

// Groups of operators that the claims compare.
//   linear      add and subtract: a direction alone, the same at every token
//   projection  what sets or removes one coordinate: ablate, set, cap, floor
//   nonlinear   the others that need a direction alone, and copied states
//   learned     what is fitted on the classes' rows besides the direction:
//               class means (set_honest, set_deceptive, affine), covariance
//               (leace), subspaces and maps (ablate_subspace, patch_subspace,
//               low_rank). What it does is no evidence for a direction
inline constexpr std::array<std::string_view, 4> kOperatorGroups = {
    "linear", "projection", "nonlinear", "learned"};

// One named operator: a row of the operator table.
struct OperatorRow {
  std::string_view name;
  std::string_view id;  // O1 ... O20 of docs/methods/interventions.md
  EditCode code = EditCode::kPush;
  OperatorNeed need = OperatorNeed::kNothing;
  std::string_view group;    // of kOperatorGroups
  bool keeps_norm = false;   // |h| restored afterwards
  bool even = false;         // v and -v give the same result
  bool zero_is_off = false;  // scale 0 is a bit-exact no-op
  bool takes_unit = false;   // the scale is a displacement in some unit
  std::string_view formula;
  double sign = 1.0;       // of the scale: -1 takes away
  bool one_sided = false;  // kRotate: only where c1 > 0
};

// All operators, in the order of the table.
std::span<const OperatorRow> operator_table();

// The row of a name. Throws Error naming the nearest operator; `where` says
// what holds the name.
const OperatorRow& find_operator(std::string_view name,
                                 std::string_view where = "operator");

// Whether an operator adds the same to every token of like norm: its random
// control is the same addition of a random direction of the same norm.
bool is_plain_addition(std::string_view operation);

// Its row's group. Throws Error as find_operator.
std::string operator_group(std::string_view operation);

}  // namespace veer
