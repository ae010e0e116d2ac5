// SPDX-License-Identifier: MIT
//
// Whether text still is text, measured without any judge.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace veer {

// 1 - distinct n-grams / n-grams; 0 for a text shorter than n.
double repetition(std::span<const std::int32_t> ids, std::int64_t n = 4);

// Distinct n-grams / n-grams over all texts together; NaN without n-grams.
double distinct(std::span<const std::vector<std::int32_t>> texts,
                std::int64_t n);

// Compressed / raw bytes (zlib, level 6); NaN for an empty text.
double compression_ratio(std::string_view text);

// A text above it repeats itself; more than half of its 4-grams were there.
inline constexpr double kMostRepetition = 0.5;

// What is known about one text.
struct CoherenceSignals {
  double repetition = 0.0;   // rep4
  double compression = 0.0;  // NaN = unknown
  bool reached_end = true;   // a stop token ended it
  double nll = 0.0;          // per token, unsteered model; NaN = unknown
};

// Central 98 % of the unsteered texts: outside is flagged, on both sides
// (loops score a low NLL).
struct CoherenceLimits {
  double repetition_high = kMostRepetition;
  double compression_low = 0.0, compression_high = 1e9;
  double nll_low = -1e9, nll_high = 1e9;
};
// Limits from the unsteered texts of the select split. Throws Error with
// fewer than 8 texts.
CoherenceLimits coherence_limits(std::span<const CoherenceSignals> unsteered);

// True when any signal lies outside.
bool incoherent(const CoherenceSignals& text, const CoherenceLimits& limits);

}  // namespace veer
