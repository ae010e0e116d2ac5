// SPDX-License-Identifier: MIT
//
// One pass over the tokens: a token's row of the hidden states (some hundred
// bytes to a few kilobytes) stays in the first-level cache while its
// coordinates are read, mapped and written back.
#include <cmath>
#include <vector>

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include "veer/interventions/apply.h"
#include "veer/interventions/table.h"

namespace veer {
namespace {

constexpr std::int64_t kLanes = 16;
constexpr std::int64_t kTokensPerTask = 32;

// Sixteen running sums: the compiler keeps them in vector registers, and the
// rounding does not depend on how tokens are shared between threads.
float dot(const float* x, const float* y, std::int64_t n) {
  float lanes[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (std::int64_t j = 0; j < kLanes; ++j) {
      lanes[j] += x[i + j] * y[i + j];
    }
  }
  float sum = 0.0F;
  for (; i < n; ++i) {
    sum += x[i] * y[i];
  }
  for (const float lane : lanes) {
    sum += lane;
  }
  return sum;
}

void add_scaled(float* h, float factor, const float* w, std::int64_t n) {
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (std::int64_t j = 0; j < kLanes; ++j) {
      h[i + j] += factor * w[i + j];
    }
  }
  for (; i < n; ++i) {
    h[i] += factor * w[i];
  }
}

void multiply(float* h, float factor, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    h[i] *= factor;
  }
}

// cos(h, tanh(c c'h / c.c)) > threshold (CAST).
bool gate_open(const float* h, float norm, const SiteEdit& edit,
               std::int64_t n) {
  const float* c = edit.condition_D.const_data_ptr<float>();
  const float along = dot(c, h, n) / dot(c, c, n);
  double product = 0.0;
  double square = 0.0;
  for (std::int64_t i = 0; i < n; ++i) {
    const double p = std::tanh(along * c[i]);
    product += p * h[i];
    square += p * p;
  }
  const double length = std::sqrt(square) * norm;
  return length > 0.0 && product / length > edit.gate_threshold;
}

struct Scratch {
  std::vector<float> state, donor, read, change, before;
};

void read_coordinates(const SiteEdit& edit, const float* x, bool with_offset,
                      std::int64_t width, Scratch& scratch) {
  const auto count = edit.read_KD.size(0);
  const float* rows = edit.read_KD.const_data_ptr<float>();
  scratch.read.resize(count);
  for (std::int64_t j = 0; j < count; ++j) {
    scratch.read[j] = dot(rows + j * width, x, width) +
                      (with_offset ? edit.offset_K[j] : 0.0F);
  }
}

bool needs_norm(const SiteEdit& edit) {
  return edit.keeps_norm || edit.numbers.b != 0.0F ||
         edit.code == EditCode::kSlerp || edit.condition_D.defined();
}

// kPatch along directions: coordinates of donor - h. Without directions the
// whole state moves towards the donor's; a full patch copies it.
bool patch_whole(const SiteEdit& edit, float* h, const float* donor,
                 std::int64_t width) {
  if (edit.code != EditCode::kPatch || edit.read_KD.defined()) {
    return false;
  }
  const float share = edit.numbers.a;
  for (std::int64_t i = 0; i < width; ++i) {
    h[i] = share == 1.0F ? donor[i] : h[i] + share * (donor[i] - h[i]);
  }
  return true;
}

// The formula itself; changes h in place; false = left as it was.
bool apply_formula(const SiteEdit& edit, float* h, float* donor,
                   std::int64_t width, Scratch& scratch) {
  if (patch_whole(edit, h, donor, width)) {
    return true;
  }
  const float norm = needs_norm(edit) ? std::sqrt(dot(h, h, width)) : 0.0F;
  if (edit.condition_D.defined() && !gate_open(h, norm, edit, width)) {
    return false;
  }
  if (edit.keeps_norm && norm == 0.0F) {
    return false;
  }
  if (edit.code == EditCode::kPatch) {
    for (std::int64_t i = 0; i < width; ++i) {
      donor[i] -= h[i];
    }
    read_coordinates(edit, donor, /*with_offset=*/false, width, scratch);
  } else if (edit.code == EditCode::kPush) {
    scratch.read.assign(1, 0.0F);  // not looked at
  } else {
    read_coordinates(edit, h, /*with_offset=*/true, width, scratch);
  }
  scratch.change.resize(edit.write_KD.size(0));
  const float self = change_of_coordinates(edit.code, edit.numbers,
                                           scratch.read, norm, scratch.change);
  if (self != 1.0F) {
    multiply(h, self, width);
  }
  const float* rows = edit.write_KD.const_data_ptr<float>();
  for (std::size_t j = 0; j < scratch.change.size(); ++j) {
    add_scaled(h, scratch.change[j],
               rows + static_cast<std::int64_t>(j) * width, width);
  }
  if (edit.keeps_norm) {
    const float after = std::sqrt(dot(h, h, width));
    multiply(h, after > 0.0F ? norm / after : 0.0F, width);
  }
  return true;
}

// A matched control: h becomes `before` plus a change of the same length, with
// what went along the own directions along the random ones.
void turn_change(const SiteEdit& edit, float* h, std::int64_t width,
                 Scratch& scratch) {
  const float* before = scratch.before.data();
  for (std::int64_t i = 0; i < width; ++i) {
    h[i] -= before[i];
  }
  const float length = std::sqrt(dot(h, h, width));
  const float* own = edit.own_KD.const_data_ptr<float>();
  const float* random = edit.random_KD.const_data_ptr<float>();
  const auto count = edit.own_KD.size(0);
  scratch.read.resize(count);
  for (std::int64_t j = 0; j < count; ++j) {
    scratch.read[j] = dot(own + j * width, h, width);
  }
  for (std::int64_t j = 0; j < count; ++j) {
    add_scaled(h, -scratch.read[j], own + j * width, width);
    add_scaled(h, scratch.read[j], random + j * width, width);
  }
  const float turned = std::sqrt(dot(h, h, width));
  const float factor = turned > 0.0F ? length / turned : 0.0F;
  for (std::int64_t i = 0; i < width; ++i) {
    h[i] = before[i] + factor * h[i];
  }
}

// Changes h in place; false = left as it was.
bool edit_state(const SiteEdit& edit, float* h, float* donor,
                std::int64_t width, Scratch& scratch) {
  if (!edit.random_KD.defined()) {
    return apply_formula(edit, h, donor, width, scratch);
  }
  scratch.before.assign(h, h + width);
  if (!apply_formula(edit, h, donor, width, scratch)) {
    return false;
  }
  turn_change(edit, h, width, scratch);
  return true;
}

template <class T>
void load(const T* from, std::int64_t width, std::vector<float>& to) {
  to.resize(width);
  for (std::int64_t i = 0; i < width; ++i) {
    to[i] = static_cast<float>(from[i]);
  }
}

template <class T>
void apply_to_tokens(std::span<const SiteEdit> edits,
                     std::span<const TokenEdit> tokens, T* hidden,
                     std::int64_t width) {
  Scratch scratch;
  for (const auto& [token, donor_token, index] : tokens) {
    T* row = hidden + token * width;
    load(row, width, scratch.state);
    if (donor_token >= 0) {
      load(hidden + donor_token * width, width, scratch.donor);
    }
    if (edit_state(edits[index], scratch.state.data(), scratch.donor.data(),
                   width, scratch)) {
      for (std::int64_t i = 0; i < width; ++i) {
        row[i] = static_cast<T>(scratch.state[i]);
      }
    }
  }
}

}  // namespace

void apply_fused(std::span<const SiteEdit> edits,
                 std::span<const TokenEdit> tokens,
                 const at::Tensor& hidden_TD) {
  const auto width = hidden_TD.size(1);
  AT_DISPATCH_FLOATING_TYPES_AND2(
      at::kHalf, at::kBFloat16, hidden_TD.scalar_type(), "apply_fused", [&] {
        auto* hidden = hidden_TD.mutable_data_ptr<scalar_t>();
        at::parallel_for(
            0, static_cast<std::int64_t>(tokens.size()), kTokensPerTask,
            [&](std::int64_t begin, std::int64_t end) {
              apply_to_tokens(edits, tokens.subspan(begin, end - begin), hidden,
                              width);
            });
      });
}

}  // namespace veer
