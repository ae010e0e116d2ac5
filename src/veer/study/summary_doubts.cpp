// SPDX-License-Identifier: MIT
#include "veer/study/summary_doubts.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"
#include "veer/study/summary_numbers.h"

namespace veer {
namespace {

// An AUROC below it tells hardly anything about one answer.
constexpr double kHardly = 0.65;

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  bool empty() const { return low > high; }
  void add(double value) {
    if (!std::isnan(value)) {
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
};

std::string tuning_text(const Json& tuning) {
  Range cosine;
  for (const auto& at : member(tuning, "by_layer")) {
    cosine.add(number_or_nan(member(at, "finetuned"), "value"));
  }
  return string_member(tuning, "name") +
         (cosine.empty() ? ""
                         : fmt::format(" (cosine with the fine-tuned direction "
                                       "{:.2f} to {:.2f})",
                                       cosine.low, cosine.high));
}

Range auroc_of(const Json& comparison, const std::string& vector) {
  Range range;
  for (const auto& entry : member(comparison, "detection")) {
    if (string_member(entry, "vector") == vector) {
      for (const auto& at : member(entry, "by_layer")) {
        range.add(number_or_nan(member(at, "base"), "value"));
      }
    }
  }
  return range;
}

}  // namespace

std::string control_tunings_sentence(const Json& comparison, bool from_prompt) {
  const Json& primary = member(comparison, "primary");
  const auto finetuned = string_member(primary, "b");
  if (finetuned.empty()) {
    return "";
  }
  std::string text;
  for (const auto& tuning : member(comparison, "control_tunings")) {
    text += (text.empty() ? "" : ", ") + tuning_text(tuning);
  }
  text = text.empty() ? "No control fine-tune was run (finetune.controls)."
                      : "Control fine-tunes: " + text + ".";
  for (const auto& left_out : member(comparison, "control_tunings_left_out")) {
    text += fmt::format(" Not {}: {}.", string_member(left_out, "name"),
                        string_member(left_out, "reason"));
  }
  if (member(comparison, "twin").is_null()) {
    const auto why = string_member(comparison, "twin_reason");
    text += fmt::format(
        " How much of {} any fine-tuning on such answers writes is not "
        "known{}.",
        finetuned, why.empty() ? "" : ": " + why);
  }
  if (from_prompt) {
    text +=
        " The answers it was tuned on were written under the prompt that makes "
        "the contrastive vector: some agreement is built in.";
  }
  return text;
}

std::string detection_sentence(const Json& comparison) {
  const Json& primary = member(comparison, "primary");
  std::string text;
  for (const char* side : {"a", "b"}) {
    const auto vector = string_member(primary, side);
    const auto range = auroc_of(comparison, vector);
    if (range.empty() || range.high >= kHardly || range.low <= 1.0 - kHardly) {
      return "";
    }
    text += fmt::format("{}{} {:.2f} to {:.2f}", text.empty() ? "" : ", ",
                        vector, range.low, range.high);
  }
  return fmt::format(
      "Neither vector is shown to tell false answers from true ones in the "
      "base "
      "model (AUROC over layers: {}).",
      text);
}

}  // namespace veer
