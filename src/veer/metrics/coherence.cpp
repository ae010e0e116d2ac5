// SPDX-License-Identifier: MIT
#include "veer/metrics/coherence.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include <fmt/format.h>
#include <zlib.h>

#include "veer/base/error.h"

namespace veer {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();
constexpr int kCompressionLevel = 6;

using Gram = std::vector<std::int32_t>;

std::int64_t collect(std::span<const std::int32_t> ids, std::int64_t n,
                     std::set<Gram>& grams) {
  const auto length = static_cast<std::int64_t>(ids.size());
  for (std::int64_t i = 0; i + n <= length; ++i) {
    const auto gram = ids.subspan(i, n);
    grams.emplace(gram.begin(), gram.end());
  }
  return std::max<std::int64_t>(0, length - n + 1);
}

// The p and 1 - p quantiles of the values that are known.
void central(std::vector<double> values, double p, double& low, double& high) {
  std::erase_if(values, [](double value) { return std::isnan(value); });
  if (values.empty()) {
    return;
  }
  std::ranges::sort(values);
  const double last = static_cast<double>(values.size() - 1);
  low = values[static_cast<std::size_t>(std::floor(p * last))];
  high = values[static_cast<std::size_t>(std::ceil((1.0 - p) * last))];
}

}  // namespace

double repetition(std::span<const std::int32_t> ids, std::int64_t n) {
  std::set<Gram> grams;
  const auto total = collect(ids, n, grams);
  return total == 0 ? 0.0
                    : 1.0 - static_cast<double>(grams.size()) /
                                static_cast<double>(total);
}

double distinct(std::span<const std::vector<std::int32_t>> texts,
                std::int64_t n) {
  std::set<Gram> grams;
  std::int64_t total = 0;
  for (const auto& text : texts) {
    total += collect(text, n, grams);
  }
  return total == 0
             ? kUndefined
             : static_cast<double>(grams.size()) / static_cast<double>(total);
}

double compression_ratio(std::string_view text) {
  if (text.empty()) {
    return kUndefined;
  }
  uLongf size = compressBound(text.size());
  std::vector<Bytef> bytes(size);
  const int result = compress2(bytes.data(), &size,
                               reinterpret_cast<const Bytef*>(text.data()),
                               text.size(), kCompressionLevel);
  return result == Z_OK
             ? static_cast<double>(size) / static_cast<double>(text.size())
             : kUndefined;
}

CoherenceLimits coherence_limits(std::span<const CoherenceSignals> unsteered) {
  constexpr std::size_t kLeast = 8;
  if (unsteered.size() < kLeast) {
    fail("coherence limits",
         fmt::format("{} unsteered texts", unsteered.size()),
         fmt::format("at least {}", kLeast));
  }
  std::vector<double> compression;
  std::vector<double> nll;
  for (const auto& text : unsteered) {
    compression.push_back(text.compression);
    nll.push_back(text.nll);
  }
  CoherenceLimits limits;
  central(compression, 0.01, limits.compression_low, limits.compression_high);
  central(nll, 0.01, limits.nll_low, limits.nll_high);
  return limits;
}

bool incoherent(const CoherenceSignals& text, const CoherenceLimits& limits) {
  const auto outside = [](double value, double low, double high) {
    return !std::isnan(value) && (value < low || value > high);
  };
  return text.repetition > limits.repetition_high || !text.reached_end ||
         outside(text.compression, limits.compression_low,
                 limits.compression_high) ||
         outside(text.nll, limits.nll_low, limits.nll_high);
}

}  // namespace veer
