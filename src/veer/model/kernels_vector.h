// SPDX-License-Identifier: MIT
//
// One register of floats as one value, in the vector extension that GCC and
// Clang share. Not more than one: GCC 12 takes wider ones apart in memory (on
// AVX2 attention took 14 times as long). Internal linkage only; see
// kernels_set.h.
#pragma once

#include <cstdint>

#define VEER_INLINE __attribute__((always_inline)) inline

namespace veer {
namespace {

#if defined(__AVX512F__)
constexpr std::int64_t kLanes = 16;
#elif defined(__AVX2__)
constexpr std::int64_t kLanes = 8;
#else  // SSE, NEON
constexpr std::int64_t kLanes = 4;
#endif

using Vec = float __attribute__((vector_size(4 * kLanes)));
using VecInt = std::int32_t __attribute__((vector_size(4 * kLanes)));
using Vec4 = float __attribute__((vector_size(16)));

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

// Numbers 0 .. n-1, for shuffles.
template <std::int64_t... i>
struct Numbers {};
template <std::int64_t n, std::int64_t... i>
struct Count : Count<n - 1, n - 1, i...> {};
template <std::int64_t... i>
struct Count<0, i...> {
  using type = Numbers<i...>;
};
using AllLanes = Count<kLanes>::type;

template <class V, class Join, std::int64_t... i>
VEER_INLINE auto fold_once(V v, Join join, Numbers<i...>) {
  return join(
      __builtin_shufflevector(v, v, i...),
      __builtin_shufflevector(v, v, (i + std::int64_t{sizeof...(i)})...));
}

// The four numbers that are left when the upper half is joined to the lower one
// again and again.
template <class V, class Join>
VEER_INLINE Vec4 fold(V v, Join join) {
  constexpr std::int64_t lanes = sizeof v / sizeof(float);
  if constexpr (lanes == 4) {
    return v;
  } else {
    return fold(fold_once(v, join, typename Count<lanes / 2>::type{}), join);
  }
}

VEER_INLINE float sum(Vec v) {
  const Vec4 b = fold(v, [](auto low, auto high) { return low + high; });
  return (b[0] + b[2]) + (b[1] + b[3]);
}

template <std::int64_t distance, std::int64_t... i>
VEER_INLINE Vec low_parts(Vec a, Vec b, Numbers<i...>) {
  return __builtin_shufflevector(
      a, b, (i / distance % 2 == 0 ? i : kLanes + i - distance)...);
}

template <std::int64_t distance, std::int64_t... i>
VEER_INLINE Vec high_parts(Vec a, Vec b, Numbers<i...>) {
  return __builtin_shufflevector(
      a, b, (i / distance % 2 == 0 ? i + distance : kLanes + i)...);
}

// Cut a and b into parts of `distance` numbers: every first part of two, from a
// and b in turn, and every second.
template <std::int64_t distance>
VEER_INLINE Vec low_parts(Vec a, Vec b) {
  return low_parts<distance>(a, b, AllLanes{});
}
template <std::int64_t distance>
VEER_INLINE Vec high_parts(Vec a, Vec b) {
  return high_parts<distance>(a, b, AllLanes{});
}

template <std::int64_t distance>
VEER_INLINE void add_pairs(Vec (&v)[kLanes]) {
  for (std::int64_t i = 0; i < distance; ++i) {
    v[i] = low_parts<distance>(v[i], v[i + distance]) +
           high_parts<distance>(v[i], v[i + distance]);
  }
}

template <std::int64_t distance>
VEER_INLINE void add_all_pairs(Vec (&v)[kLanes]) {
  add_pairs<distance>(v);
  if constexpr (distance > 1) {
    add_all_pairs<distance / 2>(v);
  }
}

// Number i is sum(v[i]), in the same order of additions.
VEER_INLINE Vec sums(Vec (&v)[kLanes]) {
  add_all_pairs<kLanes / 2>(v);
  return v[0];
}

VEER_INLINE float maximum(Vec v) {
  const auto larger = [](auto a, auto b) { return a > b ? a : b; };
  const Vec4 b = fold(v, larger);
  return larger(larger(b[0], b[2]), larger(b[1], b[3]));
}

// e^x with an error of at most 2 ulp; 0 below -87.3, about 2.4e38 above 88.3;
// NaN stays NaN. Argument reduction x = n ln 2 + r, then a polynomial in r
// (coefficients of Cephes, S. Moshier).
VEER_INLINE Vec exponential(Vec x) {
  constexpr float kRound = 12582912.0F;  // 1.5 * 2^23
  const Vec high = Vec{} + 88.3F;
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
