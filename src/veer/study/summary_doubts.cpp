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

constexpr double kChance = 0.5;  // of an AUROC

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

struct Detected {
  Range auroc;
  int layers = 0;
  int told = 0;  // at which the interval leaves out one half
};

Detected detection_of(const Json& comparison, const std::string& vector) {
  Detected out;
  for (const auto& entry : member(comparison, "detection")) {
    if (string_member(entry, "vector") != vector) {
      continue;
    }
    for (const auto& at : member(entry, "by_layer")) {
      const Json& base = member(at, "base");
      out.auroc.add(number_or_nan(base, "value"));
      ++out.layers;
      out.told += number_or_nan(base, "low") > kChance ||
                          number_or_nan(base, "high") < kChance
                      ? 1
                      : 0;
    }
  }
  return out;
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
  std::string ranges;
  std::string told;
  for (const char* side : {"a", "b"}) {
    const auto vector = string_member(primary, side);
    const auto detected = detection_of(comparison, vector);
    if (detected.auroc.empty()) {
      return "";
    }
    ranges += fmt::format("{}{} {:.2f} to {:.2f}", ranges.empty() ? "" : ", ",
                          vector, detected.auroc.low, detected.auroc.high);
    if (detected.told > 0) {
      told += fmt::format("{}{} at {} of {} layers", told.empty() ? "" : ", ",
                          vector, detected.told, detected.layers);
    }
  }
  return told.empty()
             ? fmt::format(
                   "Neither vector is shown to tell false answers from true "
                   "ones in the base model (AUROC over layers: {}).",
                   ranges)
             : fmt::format(
                   "The interval of the AUROC between false and true answers "
                   "in the base model leaves out chance for {} (over layers: "
                   "{}).",
                   told, ranges);
}

std::string topics_sentence(const Json& check) {
  const auto all = number_member(member(check, "units"), "all_topics");
  return all && *all > 0.0
             ? fmt::format(
                   "Vectors and effects are each measured on the same {:.0f} "
                   "topics, all that this model knows: intervals are over "
                   "clusters of alike questions and say nothing of other "
                   "topics.",
                   *all)
             : "";
}

}  // namespace veer
