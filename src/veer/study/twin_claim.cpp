// SPDX-License-Identifier: MIT
#include "veer/study/twin_claim.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"
#include "veer/base/number_text.h"

namespace veer {
namespace {

std::string percent(const std::optional<double>& share) {
  return share ? rounded(100.0 * *share, 0) : std::string("?");
}

// "of a random direction with the activations' covariance it is 97 % (95 of 100
// have 92 to 99)": what the share is worth. In a file of before they were drawn
// that of an isotropic one, 1 - 1 / width.
std::string random_text(const Json& comparison, const Json& twin) {
  const Json& random = member(twin, "share_random");
  if (const auto value = number_member(random, "value")) {
    return fmt::format(
        "; of a random direction with the activations' covariance it is {} % "
        "(95 of 100 have {} to {})",
        percent(value), percent(number_member(random, "low")),
        percent(number_member(random, "high")));
  }
  const auto width = number_member(comparison, "width");
  return width && *width >= 1.0
             ? fmt::format(
                   "; of a random direction in {:g} dimensions it is "
                   "{} %",
                   *width, percent(1.0 - 1.0 / *width))
             : "";
}

// The twin of a fine-tuned vector; null where it has none.
const Json& twin_of(const Json& comparison, const std::string& vector) {
  static const Json kNone = nullptr;
  const Json& primary = member(comparison, "twin");
  if (string_member(primary, "finetuned") == vector) {
    return primary;
  }
  for (const auto& twin : member(comparison, "twin_elsewhere")) {
    if (string_member(twin, "finetuned") == vector) {
      return twin;
    }
  }
  return kNone;
}

}  // namespace

HypothesisResult twin_claim(const Json& comparison) {
  const Json& twin = member(comparison, "twin");
  const Json& share = member(twin, "share_outside");
  if (!number_member(share, "value")) {
    auto why = string_member(share, "reason");
    if (why.empty()) {
      why = string_member(comparison, "twin_reason");
    }
    return not_measured(
        "G3",
        "not measured in this run; needs the same fine-tuning on honest "
        "answers (the twin)" +
            (why.empty() ? "" : ": " + why));
  }
  auto row = claim_row("G3");
  row.effect.value = number_member(share, "value");
  row.effect.low = number_member(share, "low");
  row.effect.high = number_member(share, "high");
  row.effect.n =
      static_cast<std::int64_t>(number_member(share, "n").value_or(0.0));
  row.effect.reason.clear();
  row.effect.clusters =
      static_cast<std::int64_t>(number_member(share, "clusters").value_or(0.0));
  decide_by_interval(row, row.margin(), row.margin());
  const auto seeds = number_member(twin, "seeds");
  // The interval's widest part is Student's t over so many seeds.
  if (seeds && *seeds > 1.0) {
    row.p = p_beyond(row.effect, row.margin(),
                     static_cast<std::int64_t>(*seeds) - 1);
  }
  row.reason =
      fmt::format("{} % of {} lies outside the direction of the honest twin{}",
                  percent(row.effect.value), string_member(twin, "finetuned"),
                  seeds ? fmt::format(", {:g} training seed{}", *seeds,
                                      *seeds == 1.0 ? "" : "s")
                        : "");
  row.reason += random_text(comparison, twin);
  return row;
}

std::string twin_note(const Json& comparison, const std::string& vector) {
  const Json& twin = twin_of(comparison, vector);
  const Json& share = member(twin, "share_outside");
  if (!number_member(share, "value")) {
    return "";
  }
  return fmt::format(
      " Of the squared length of {}, {} % (interval {} to {}) is not what "
      "the same fine-tuning writes on honest answers{}.",
      vector, percent(number_member(share, "value")),
      percent(number_member(share, "low")),
      percent(number_member(share, "high")), random_text(comparison, twin));
}

std::string twin_phrase(const Json& comparison, const std::string& vector) {
  const Json& twin = twin_of(comparison, vector);
  const auto share = number_member(member(twin, "share_outside"), "value");
  const auto random = number_member(member(twin, "share_random"), "value");
  if (!share) {
    return "";
  }
  return fmt::format(
      " ({} % of it outside the honest twin's direction{})", percent(share),
      random ? fmt::format(", {} % of a random one", percent(random)) : "");
}

}  // namespace veer
