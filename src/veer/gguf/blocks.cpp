// SPDX-License-Identifier: MIT
#include "veer/gguf/blocks.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "veer/gguf/types.h"

namespace veer {
namespace {

using Byte = std::uint8_t;

template <class T>
T load(const Byte* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

float half_to_float(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000U) << 16;
  const std::uint32_t exponent = half >> 10 & 0x1fU;
  const std::uint32_t fraction = half & 0x3ffU;
  if (exponent == 0) {  // zero and subnormal: fraction * 2^-24
    const float value = static_cast<float>(fraction) * 0x1p-24F;
    return sign != 0 ? -value : value;
  }
  const std::uint32_t wide = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

float half_at(const Byte* at) {
  return half_to_float(load<std::uint16_t>(at));
}

// The numbers of IQ4 types by their four bits, and of MXFP4 doubled.
constexpr std::array<float, 16> kIq4 = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
constexpr std::array<float, 16> kFp4 = {0, 1,  2,  3,  4,  6,  8,  12,
                                        0, -1, -2, -3, -4, -6, -8, -12};

void f32(const Byte* in, float* out) {
  *out = load<float>(in);
}
void f16(const Byte* in, float* out) {
  *out = half_at(in);
}
void bf16(const Byte* in, float* out) {
  *out = std::bit_cast<float>(std::uint32_t{load<std::uint16_t>(in)} << 16);
}
void f64(const Byte* in, float* out) {
  *out = static_cast<float>(load<double>(in));
}

void q4_0(const Byte* in, float* out) {
  const float d = half_at(in);
  const Byte* q = in + 2;
  for (int j = 0; j < 16; ++j) {
    out[j] = d * static_cast<float>((q[j] & 15) - 8);
    out[j + 16] = d * static_cast<float>((q[j] >> 4) - 8);
  }
}

void q4_1(const Byte* in, float* out) {
  const float d = half_at(in);
  const float m = half_at(in + 2);
  const Byte* q = in + 4;
  for (int j = 0; j < 16; ++j) {
    out[j] = d * static_cast<float>(q[j] & 15) + m;
    out[j + 16] = d * static_cast<float>(q[j] >> 4) + m;
  }
}

// Four low bits in `q`, the fifth of number j is bit j of `high`.
int five_bits(const Byte* q, std::uint32_t high, int j) {
  const int low = j < 16 ? q[j] & 15 : q[j - 16] >> 4;
  return low | static_cast<int>(high >> j & 1) << 4;
}

void q5_0(const Byte* in, float* out) {
  const float d = half_at(in);
  const auto high = load<std::uint32_t>(in + 2);
  for (int j = 0; j < 32; ++j) {
    out[j] = d * static_cast<float>(five_bits(in + 6, high, j) - 16);
  }
}

void q5_1(const Byte* in, float* out) {
  const float d = half_at(in);
  const float m = half_at(in + 2);
  const auto high = load<std::uint32_t>(in + 4);
  for (int j = 0; j < 32; ++j) {
    out[j] = d * static_cast<float>(five_bits(in + 8, high, j)) + m;
  }
}

void q8_0(const Byte* in, float* out) {
  const float d = half_at(in);
  for (int j = 0; j < 32; ++j) {
    out[j] = static_cast<float>(static_cast<std::int8_t>(in[2 + j])) * d;
  }
}

void q2_k(const Byte* in, float* out) {
  const Byte* scales = in;
  const Byte* q = in + 16;
  const float d = half_at(in + 80);
  const float m = half_at(in + 82);
  for (int e = 0; e < 256; ++e) {
    const Byte scale = scales[e / 16];
    const int two = q[e / 128 * 32 + e % 32] >> (e % 128 / 32 * 2) & 3;
    out[e] = d * static_cast<float>(scale & 15) * static_cast<float>(two) -
             m * static_cast<float>(scale >> 4);
  }
}

void q3_k(const Byte* in, float* out) {
  const Byte* high = in;
  const Byte* q = in + 32;
  const Byte* scales = in + 96;
  const float d = half_at(in + 108);
  for (int k = 0; k < 16; ++k) {
    const int low = k < 8 ? scales[k] & 15 : scales[k - 8] >> 4;
    const int top = scales[8 + k % 4] >> (k / 4 * 2) & 3;
    const float scale = d * static_cast<float>((low | top << 4) - 32);
    for (int e = 16 * k; e < 16 * k + 16; ++e) {
      const int two = q[e / 128 * 32 + e % 32] >> (e % 128 / 32 * 2) & 3;
      const int lowered = (high[e % 32] >> (e / 32) & 1) == 0 ? 4 : 0;
      out[e] = scale * static_cast<float>(two - lowered);
    }
  }
}

struct ScaleMin {
  float scale;
  float min;
};

// The k-th of the eight pairs of six bits that Q4_K and Q5_K pack in 12 bytes.
ScaleMin scale_min(const Byte* packed, int k) {
  if (k < 4) {
    return {static_cast<float>(packed[k] & 63),
            static_cast<float>(packed[k + 4] & 63)};
  }
  const Byte both = packed[k + 4];
  return {static_cast<float>((both & 15) | (packed[k - 4] >> 2 & 48)),
          static_cast<float>((both >> 4) | (packed[k] >> 2 & 48))};
}

void q4_k(const Byte* in, float* out) {
  const float d = half_at(in);
  const float m = half_at(in + 2);
  const Byte* q = in + 16;
  for (int k = 0; k < 8; ++k) {
    const ScaleMin packed = scale_min(in + 4, k);
    const float scale = d * packed.scale;
    const float least = m * packed.min;
    for (int j = 0; j < 32; ++j) {
      const int four = q[k / 2 * 32 + j] >> (k % 2 * 4) & 15;
      out[32 * k + j] = scale * static_cast<float>(four) - least;
    }
  }
}

void q5_k(const Byte* in, float* out) {
  const float d = half_at(in);
  const float m = half_at(in + 2);
  const Byte* high = in + 16;
  const Byte* q = in + 48;
  for (int k = 0; k < 8; ++k) {
    const ScaleMin packed = scale_min(in + 4, k);
    const float scale = d * packed.scale;
    const float least = m * packed.min;
    for (int j = 0; j < 32; ++j) {
      const int five =
          (q[k / 2 * 32 + j] >> (k % 2 * 4) & 15) | (high[j] >> k & 1) << 4;
      out[32 * k + j] = scale * static_cast<float>(five) - least;
    }
  }
}

void q6_k(const Byte* in, float* out) {
  const Byte* low = in;
  const Byte* high = in + 128;
  const Byte* scales = in + 192;
  const float d = half_at(in + 208);
  for (int k = 0; k < 16; ++k) {
    const float scale =
        d * static_cast<float>(static_cast<std::int8_t>(scales[k]));
    for (int e = 16 * k; e < 16 * k + 16; ++e) {
      const int half = e / 128;
      const int at = e % 128;
      const int six = (low[half * 64 + at % 64] >> (at / 64 * 4) & 15) |
                      (high[half * 32 + at % 32] >> (at / 32 * 2) & 3) << 4;
      out[e] = scale * static_cast<float>(six - 32);
    }
  }
}

void iq4_nl(const Byte* in, float* out) {
  const float d = half_at(in);
  const Byte* q = in + 2;
  for (int j = 0; j < 16; ++j) {
    out[j] = d * kIq4[q[j] & 15];
    out[j + 16] = d * kIq4[q[j] >> 4];
  }
}

void iq4_xs(const Byte* in, float* out) {
  const float d = half_at(in);
  const auto high = load<std::uint16_t>(in + 2);
  const Byte* low = in + 4;
  const Byte* q = in + 8;
  for (int k = 0; k < 8; ++k) {
    const int six = (low[k / 2] >> (k % 2 * 4) & 15) | (high >> (2 * k) & 3)
                                                           << 4;
    const float scale = d * static_cast<float>(six - 32);
    for (int j = 0; j < 16; ++j) {
      out[32 * k + j] = scale * kIq4[q[16 * k + j] & 15];
      out[32 * k + j + 16] = scale * kIq4[q[16 * k + j] >> 4];
    }
  }
}

void mxfp4(const Byte* in, float* out) {
  // Half of 2^(e - 127), since kFp4 is doubled; below e = 2 it is subnormal.
  const std::uint32_t e = in[0];
  const float d =
      std::bit_cast<float>(e < 2 ? 0x00200000U << e : (e - 1) << 23);
  for (int j = 0; j < 16; ++j) {
    out[j] = d * kFp4[in[1 + j] & 15];
    out[j + 16] = d * kFp4[in[1 + j] >> 4];
  }
}

struct Unpacker {
  std::uint32_t type;
  void (*one_block)(const Byte*, float*);
};

constexpr std::array kUnpackers{
    Unpacker{kGgmlF32, f32}, Unpacker{kGgmlF16, f16}, Unpacker{kGgmlBf16, bf16},
    Unpacker{kGgmlF64, f64}, Unpacker{2, q4_0},       Unpacker{3, q4_1},
    Unpacker{6, q5_0},       Unpacker{7, q5_1},       Unpacker{8, q8_0},
    Unpacker{10, q2_k},      Unpacker{11, q3_k},      Unpacker{12, q4_k},
    Unpacker{13, q5_k},      Unpacker{14, q6_k},      Unpacker{20, iq4_nl},
    Unpacker{23, iq4_xs},    Unpacker{39, mxfp4},
};

}  // namespace

bool can_dequantise(std::uint32_t type) {
  return std::ranges::find(kUnpackers, type, &Unpacker::type) !=
         kUnpackers.end();
}

std::string_view dequantised_types() {
  return "F32 F16 BF16 F64 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K Q4_K Q5_K Q6_K "
         "IQ4_NL IQ4_XS or MXFP4";
}

void dequantise_blocks(std::uint32_t type, std::string_view blocks,
                       std::span<float> out) {
  const auto* const unpacker =
      std::ranges::find(kUnpackers, type, &Unpacker::type);
  const GgmlType& layout = *find_ggml_type(type);
  const auto* in = reinterpret_cast<const Byte*>(blocks.data());
  for (std::size_t at = 0; at < out.size(); at += layout.block_numbers) {
    unpacker->one_block(in, out.data() + at);
    in += layout.block_bytes;
  }
}

}  // namespace veer
