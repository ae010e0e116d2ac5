// SPDX-License-Identifier: MIT
#include "veer/study/summary/doubts.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"
#include "veer/claims/twin_claim.h"
#include "veer/study/summary/tuning_words.h"

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
                   "Neither direction is shown to tell false answers from true "
                   "ones in the base model: AUROC over layers {}.",
                   ranges)
             : fmt::format(
                   "False answers are told from true ones in the base model by "
                   "{}: AUROC over layers {}.",
                   told, ranges);
}

}  // namespace

SummaryAnswer tuning_answer(const Json& comparison, const Json& hypotheses) {
  SummaryAnswer out{"tuning",
                    "What does the fine-tuned direction hold?",
                    "Not measured: there is no fine-tuned vector.",
                    {}};
  const auto finetuned = string_member(member(comparison, "primary"), "b");
  if (finetuned.empty()) {
    return out;
  }
  out.answer = twin_conclusion(comparison, finetuned);
  if (out.answer.empty()) {
    const auto why = string_member(comparison, "twin_reason");
    out.answer = "Not known: how much of it any tuning on such answers writes.";
    out.add(why.empty() ? ""
                        : fmt::format("There is no honest twin: {}.", why));
  }
  out.add(twin_numbers(comparison, finetuned, claim_note(hypotheses, "G3")));
  const Json& tunings = member(comparison, "control_tunings");
  for (const auto& tuning : tunings) {
    const auto meaning = control_meaning(tuning);
    out.add(control_sentence(tuning) + (meaning.empty() ? "" : " " + meaning));
  }
  if (tunings.empty()) {
    out.add("No control fine-tune was run (finetune.controls).");
  }
  for (const auto& left_out : member(comparison, "control_tunings_left_out")) {
    out.add(fmt::format("The control {} is left out: {}.",
                        string_member(left_out, "name"),
                        string_member(left_out, "reason")));
  }
  out.add(detection_sentence(comparison));
  return out;
}

std::string topics_sentence(const Json& check) {
  const auto all = number_member(member(check, "units"), "all_topics");
  return all && *all > 0.0
             ? fmt::format(
                   "Vectors and effects are measured on the same {:.0f} "
                   "topics, "
                   "all that this model knows. Intervals are over clusters of "
                   "alike questions and say nothing of other topics.",
                   *all)
             : "";
}

}  // namespace veer
