// SPDX-License-Identifier: MIT
#include "veer/results/summary_numbers.h"

#include <cmath>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"
#include "veer/base/number_text.h"

namespace veer {

namespace {

std::string amount_in(const Json& estimate, bool share, const char* unit) {
  const double factor = share ? 100.0 : 1.0;
  const int decimals = share ? 0 : 2;
  const double value = number_or_nan(estimate, "value");
  if (std::isnan(value)) {
    return "not defined";
  }
  return fmt::format(
      "{}{} [{}, {}]", signed_rounded(factor * value, decimals), unit,
      signed_rounded(factor * number_or_nan(estimate, "low"), decimals),
      signed_rounded(factor * number_or_nan(estimate, "high"), decimals));
}

}  // namespace

bool is_share(const Json& entry) {
  return string_member(entry, "measure") != "score";
}

std::string amount(const Json& estimate, bool share) {
  return amount_in(estimate, share, share ? " points" : "");
}

std::string bare_amount(const Json& estimate, bool share) {
  return amount_in(estimate, share, "");
}

RandomControl random_control(const Json& entry) {
  const Json& control = member(entry, "matched_control");
  if (!control.is_object()) {
    return {"", member(entry, "random_effect"), std::nan("")};
  }
  return {string_member(control, "kind") == "covariance" ? "covariance-matched "
                                                         : "",
          member(control, "mean"), number_or_nan(control, "percentile_95"),
          control.value("vectors", std::int64_t{0}),
          !(member(control, "subtracted") == Json(0.0) &&
            number_or_nan(member(control, "mean"), "value") != 0.0)};
}

std::string bar_text(const RandomControl& control, bool share) {
  return signed_rounded((share ? 100.0 : 1.0) * control.bar, share ? 0 : 2);
}

bool has_random_control(const Json& entry) {
  return !entry.contains("random_vectors") ||
         entry.at("random_vectors").value("n", std::int64_t{0}) > 0;
}

std::string place_of(const Json& entry) {
  const std::string layers = string_member(entry, "layers");
  const std::string where =
      layers == "all" ? "all layers" : fmt::format("layer {}", layers);
  const std::string operation = string_member(entry, "operator");
  if (operation == "ablate" && number_or_nan(entry, "scale") == 1.0) {
    return fmt::format("{}, ablated", where);
  }
  const bool plain = operation == "add" || operation == "subtract";
  const double sign = operation == "subtract" ? -1.0 : 1.0;
  return fmt::format("{}, {}{:+g} {}", where, plain ? "" : operation + " ",
                     sign * number_or_nan(entry, "scale"),
                     string_member(entry, "unit"));
}

}  // namespace veer
