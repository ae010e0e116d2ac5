// SPDX-License-Identifier: MIT
#include "veer/metrics/judge.h"

#include <limits>
#include <numeric>

#include <fmt/format.h>

#include "veer/base/error.h"

namespace veer {
namespace {

constexpr std::array<std::string_view, kNumAnswerLabels> kNames = {
    "honest",  "deceptive", "mixed",   "off_topic",
    "refusal", "broken",    "unjudged"};

}  // namespace

std::string_view label_name(AnswerLabel label) {
  return kNames[static_cast<std::size_t>(label)];
}

AnswerLabel parse_label(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) {
      return static_cast<AnswerLabel>(i);
    }
  }
  fail("answer label", fmt::format("\"{}\"", name),
       fmt::format("one of {}", fmt::join(kNames, ", ")));
}

std::int64_t LabelCounts::total() const {
  return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
}

double LabelCounts::share(AnswerLabel label) const {
  const auto all = total();
  return all == 0 ? std::numeric_limits<double>::quiet_NaN()
                  : static_cast<double>(of(label)) / static_cast<double>(all);
}

}  // namespace veer
