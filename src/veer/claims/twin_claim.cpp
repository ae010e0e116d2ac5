// SPDX-License-Identifier: MIT
#include "veer/claims/twin_claim.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"
#include "veer/base/number_text.h"

namespace veer {
namespace {

std::string percent(const std::optional<double>& share) {
  return share ? rounded(100.0 * *share, 0) : std::string("?");
}

// "; of random directions 97 % [92, 99]": what the share is worth. In a file of
// before they were drawn that of an isotropic one, 1 - 1 / width.
std::string random_text(const Json& comparison, const Json& twin) {
  const Json& random = member(twin, "share_random");
  if (const auto value = number_member(random, "value")) {
    return fmt::format("; of random directions {} % [{}, {}]", percent(value),
                       percent(number_member(random, "low")),
                       percent(number_member(random, "high")));
  }
  const auto width = number_member(comparison, "width");
  return width && *width >= 1.0
             ? fmt::format("; of a random direction in {:g} dimensions {} %",
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

// The layer at which the share falls furthest short of what random directions
// have there, its interval included: a mean over layers hides one of them.
// Empty where there is none.
std::string worst_layer_text(const Json& twin) {
  std::string text;
  double most = 0.0;
  for (const auto& at : member(twin, "by_layer")) {
    const Json& share = member(at, "share_outside");
    const auto high = number_member(share, "high");
    const auto random = number_member(at, "share_random");
    if (!high || !random || *random - *high <= most) {
      continue;
    }
    most = *random - *high;
    text = fmt::format(
        " At layer {:g} it is {} % [{}, {}], where a random direction has {} "
        "%.",
        number_or_nan(at, "layer"), percent(number_member(share, "value")),
        percent(number_member(share, "low")), percent(high), percent(random));
  }
  return text;
}

// What a share outside the twin's direction comes to; empty without one. That
// it is not told from a random direction's does not say that it is the same.
std::string conclusion_of(const Json& twin) {
  const Json& share = member(twin, "share_outside");
  const auto low = number_member(share, "low");
  const auto high = number_member(share, "high");
  if (!number_member(share, "value") || !low || !high) {
    return "";
  }
  const double half = claim_row("G3").margin();
  if (*high < half) {
    return "Mostly what tuning on honest answers writes too.";
  }
  if (*low <= half) {
    return "Not told: about half may be what tuning on honest answers writes "
           "too.";
  }
  const std::string mostly = "Mostly not what tuning on honest answers writes";
  const auto least = number_member(member(twin, "share_random"), "low");
  if (!least) {
    return mostly + ".";
  }
  if (*high < *least) {
    return mostly + ", but more of that than a random direction has." +
           worst_layer_text(twin);
  }
  const auto worst = worst_layer_text(twin);
  return worst.empty()
             ? mostly + "; in that not told from a random direction."
             : mostly +
                   ", but more of that at a layer than a random direction "
                   "has." +
                   worst;
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
  row.reason += random_text(comparison, twin) + ". " + conclusion_of(twin);
  return row;
}

std::string twin_conclusion(const Json& comparison, const std::string& vector) {
  return conclusion_of(twin_of(comparison, vector));
}

std::string twin_numbers(const Json& comparison, const std::string& vector,
                         const std::string& claim) {
  const Json& twin = twin_of(comparison, vector);
  const Json& share = member(twin, "share_outside");
  if (!number_member(share, "value")) {
    return "";
  }
  return fmt::format(
      "Of its squared length {} % [{}, {}] lies outside the honest twin's "
      "direction{} ({}{}).",
      percent(number_member(share, "value")),
      percent(number_member(share, "low")),
      percent(number_member(share, "high")), random_text(comparison, twin),
      vector, claim);
}

std::string twin_phrase(const Json& comparison, const std::string& vector) {
  const Json& twin = twin_of(comparison, vector);
  const auto share = number_member(member(twin, "share_outside"), "value");
  return share
             ? fmt::format(" ({} % outside the honest twin's)", percent(share))
             : "";
}

}  // namespace veer
