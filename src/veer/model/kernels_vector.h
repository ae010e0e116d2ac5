// SPDX-License-Identifier: MIT
//
// Sixteen floats as one value, in the vector extension that GCC and Clang
// share: one register with AVX-512, two with AVX2, four with SSE or NEON.
// Internal linkage only; see kernels_set.h.
#pragma once

#include <cstdint>

#define VEER_INLINE __attribute__((always_inline)) inline

namespace veer {
namespace {

constexpr std::int64_t kLanes = 16;

using Vec = float __attribute__((vector_size(64)));
using VecInt = std::int32_t __attribute__((vector_size(64)));

// At any address.
VEER_INLINE Vec load(const float* from) {
  Vec value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

VEER_INLINE void store(float* to, Vec value) {
  __builtin_memcpy(to, &value, sizeof value);
}

// The first n numbers only (all if n >= 16, none if n <= 0), the rest 0.
VEER_INLINE Vec load(const float* from, std::int64_t n) {
  if (n >= kLanes) {
    return load(from);
  }
  Vec value = {};
  for (std::int64_t i = 0; i < n; ++i) {
    value[i] = from[i];
  }
  return value;
}

VEER_INLINE void store(float* to, Vec value, std::int64_t n) {
  if (n >= kLanes) {
    store(to, value);
    return;
  }
  for (std::int64_t i = 0; i < n; ++i) {
    to[i] = value[i];
  }
}

VEER_INLINE float sum(Vec v) {
  const auto a = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
                 __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
  const auto b = __builtin_shufflevector(a, a, 0, 1, 2, 3) +
                 __builtin_shufflevector(a, a, 4, 5, 6, 7);
  return (b[0] + b[2]) + (b[1] + b[3]);
}

// Cut a and b into parts of `distance` numbers: every first part of two, from a
// and b in turn, and every second.
template <std::int64_t distance>
VEER_INLINE Vec low_parts(Vec a, Vec b) {
  if constexpr (distance == 8) {
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19,
                                   20, 21, 22, 23);
  } else if constexpr (distance == 4) {
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10,
                                   11, 24, 25, 26, 27);
  } else if constexpr (distance == 2) {
    return __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24,
                                   25, 12, 13, 28, 29);
  } else {
    static_assert(distance == 1);
    return __builtin_shufflevector(a, b, 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10,
                                   26, 12, 28, 14, 30);
  }
}

template <std::int64_t distance>
VEER_INLINE Vec high_parts(Vec a, Vec b) {
  if constexpr (distance == 8) {
    return __builtin_shufflevector(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25,
                                   26, 27, 28, 29, 30, 31);
  } else if constexpr (distance == 4) {
    return __builtin_shufflevector(a, b, 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14,
                                   15, 28, 29, 30, 31);
  } else if constexpr (distance == 2) {
    return __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26,
                                   27, 14, 15, 30, 31);
  } else {
    static_assert(distance == 1);
    return __builtin_shufflevector(a, b, 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11,
                                   27, 13, 29, 15, 31);
  }
}

template <std::int64_t distance>
VEER_INLINE void add_pairs(Vec (&v)[kLanes]) {
  for (std::int64_t i = 0; i < distance; ++i) {
    v[i] = low_parts<distance>(v[i], v[i + distance]) +
           high_parts<distance>(v[i], v[i + distance]);
  }
}

// Number i is sum(v[i]), in the same order of additions.
VEER_INLINE Vec sums(Vec (&v)[kLanes]) {
  add_pairs<8>(v);
  add_pairs<4>(v);
  add_pairs<2>(v);
  add_pairs<1>(v);
  return v[0];
}

VEER_INLINE float maximum(Vec v) {
  const auto larger = [](auto a, auto b) { return a > b ? a : b; };
  const auto a =
      larger(__builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7),
             __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15));
  const auto b = larger(__builtin_shufflevector(a, a, 0, 1, 2, 3),
                        __builtin_shufflevector(a, a, 4, 5, 6, 7));
  return larger(larger(b[0], b[2]), larger(b[1], b[3]));
}

// e^x with an error of at most 2 ulp; 0 below -87.3, about 2.4e38 above 88.3;
// NaN stays NaN. Argument reduction x = n ln 2 + r, then a polynomial in r
// (coefficients of Cephes, S. Moshier).
VEER_INLINE Vec exponential(Vec x) {
  constexpr float kRound = 12582912.0F;  // 1.5 * 2^23
  const Vec high = {88.3F, 88.3F, 88.3F, 88.3F, 88.3F, 88.3F, 88.3F, 88.3F,
                    88.3F, 88.3F, 88.3F, 88.3F, 88.3F, 88.3F, 88.3F, 88.3F};
  const Vec low = high - (88.3F + 87.3F);
  const auto too_low = x < low;
  x = x > high ? high : x;
  x = too_low ? low : x;
  const Vec shifted = x * 1.44269504088896341F + kRound;
  const Vec n = shifted - kRound;
  const Vec r = (x - n * 0.693359375F) + n * 2.12194440e-4F;
  Vec p = r * 1.9875691500e-4F + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * (r * r) + r + 1.0F;
  // The low bits of `shifted` are n: put them into the exponent.
  const VecInt bits = __builtin_bit_cast(VecInt, shifted) << 23;
  const Vec power =
      __builtin_bit_cast(Vec, __builtin_bit_cast(VecInt, p) + bits);
  const Vec result = x == x ? power : x;
  return too_low ? Vec{} : result;
}

}  // namespace
}  // namespace veer
