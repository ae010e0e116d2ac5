// SPDX-License-Identifier: MIT
#include "veer/results/effect_verdict.h"

#include <cmath>
#include <cstdint>
#include <string>
#include <tuple>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"
#include "veer/base/number_text.h"
#include "veer/results/summary_numbers.h"

namespace veer {
namespace {

// Points of a share: half of what counts as an effect of a vector.
constexpr double kSiteMargin = 0.05;
// Of the effect itself, for scores, which have no scale of their own.
constexpr double kSiteShare = 0.1;

// The ends of intervals in the direction that the goal wants.
class Reader {
 public:
  explicit Reader(const Json& entry)
      : entry_(entry),
        is_score_(string_member(entry, "measure") == "score"),
        downwards_(is_score_ && string_member(entry, "goal") == "suppression") {
  }

  double lower(const Json& estimate) const {
    return downwards_ ? -number_or_nan(estimate, "high")
                      : number_or_nan(estimate, "low");
  }
  double upper(const Json& estimate) const {
    return downwards_ ? -number_or_nan(estimate, "low")
                      : number_or_nan(estimate, "high");
  }
  // False where it is not known.
  bool is_above(const char* estimate, double bound) const {
    return lower(member(entry_, estimate)) > bound;
  }
  // What the mean of random vectors has to exceed to void a place.
  double site_margin() const {
    const double effect =
        std::abs(number_or_nan(member(entry_, "effect"), "value"));
    return is_score_ ? kSiteShare * (std::isnan(effect) ? 0.0 : effect)
                     : kSiteMargin;
  }
  // What an effect must exceed; NaN where there are no vectors.
  double bar(const Json& percentile_of, const Json& mean) const {
    const double percentile = number_or_nan(percentile_of, "percentile_95");
    return std::isnan(percentile) ? upper(mean)
                                  : (downwards_ ? -percentile : percentile);
  }
  // The end of an interval that is nearest to 0, and a bar, as measured: both
  // without the sign that turns them in the direction of the goal.
  double nearest(const char* estimate) const {
    return in_measure(lower(member(entry_, estimate)));
  }
  double in_measure(double value) const { return downwards_ ? -value : value; }
  bool exceeds(double bar) const {
    return std::isnan(bar) || lower(member(entry_, "effect")) > bar;
  }

 private:
  const Json& entry_;
  bool is_score_;
  bool downwards_;
};

struct Verdict {
  bool has_controls = false;
  bool moved = false;
  bool beats = false;
  bool match = true;
  bool beats_searched = true;
  bool valid_site = true;
  bool coherent = false;
};

// Which bar of random vectors the effect does not exceed, with the numbers.
std::string bar_reason(const Reader& reader, const Json& entry) {
  const bool share = is_share(entry);
  const std::string unit = share ? " points" : "";
  const auto number = [&](double value) {
    return signed_rounded((share ? 100.0 : 1.0) * value, share ? 0 : 2) + unit;
  };
  for (const auto& [vectors, effect, kind] :
       {std::tuple{"random_vectors", "random_effect", "isotropic"},
        std::tuple{"covariance_vectors", "covariance_effect",
                   "covariance-matched"}}) {
    const Json& list = member(entry, vectors);
    const double bar = reader.bar(list, member(entry, effect));
    if (reader.exceeds(bar)) {
      continue;
    }
    const auto n =
        static_cast<std::int64_t>(number_member(list, "n").value_or(0.0));
    return fmt::format(
        "the interval of the effect in all begins at {}, not above the {} of "
        "{} {} random vectors, {}{}",
        number(reader.nearest("effect")),
        member(list, "percentile_95").is_number() ? "95th percentile"
                                                  : "interval of the mean",
        n, kind,
        member(list, "percentile_95").is_number() ? "" : "which ends at ",
        number(reader.in_measure(bar)));
  }
  return "the interval of the effect beyond random vectors, " +
         amount(member(entry, "effect_minus_control"), share) + ", reaches 0";
}

std::string reason_of(const Verdict& verdict, const Json& entry) {
  if (!verdict.has_controls) {
    return "not compared with random vectors: none were run here "
           "(sweep.best_random, sweep.best_covariance)";
  }
  if (!verdict.match) {
    return "the random vectors did not move the states as far, so that they "
           "are no control";
  }
  if (!verdict.moved) {
    return fmt::format("the interval of the effect in all, {}, reaches 0",
                       amount(member(entry, "effect"), is_share(entry)));
  }
  if (!verdict.beats) {
    return bar_reason(Reader(entry), entry);
  }
  if (!verdict.beats_searched) {
    return fmt::format(
        "the interval of the effect in all, {}, reaches what "
        "random vectors do after the same search",
        amount(member(entry, "effect"), is_share(entry)));
  }
  if (!verdict.valid_site) {
    return acting_random_text(entry);
  }
  return verdict.coherent ? "" : "too much of its text is broken";
}

}  // namespace

std::string acting_random_text(const Json& entry) {
  const double margin = number_or_nan(entry, "site_margin");
  const std::string text = "random vectors act at this place too";
  if (std::isnan(margin)) {
    return text;
  }
  return text + (string_member(entry, "measure") == "score"
                     ? fmt::format(" (the interval of their mean lies above a "
                                   "tenth of the effect, {})",
                                   rounded(margin, 2))
                     : fmt::format(" (the interval of their mean lies above "
                                   "{} points)",
                                   rounded(100.0 * margin, 0)));
}

bool works(const Json& entry) {
  return member(entry, "works") == Json(true);
}

double min_coherent_of(const Json& sweep) {
  const double written = number_or_nan(sweep, "min_coherent");
  return std::isnan(written) ? 0.75 : written;
}

void add_verdict(Json& entry, double min_coherent) {
  const Reader reader(entry);
  const Json& control = member(entry, "matched_control");
  const Json& search = member(control, "search");
  Verdict verdict;
  verdict.has_controls = control.is_object();
  verdict.match = member(control, "match") != Json(false);
  verdict.moved = reader.is_above("effect", 0.0);
  const double margin = reader.site_margin();
  verdict.valid_site = !reader.is_above("random_effect", margin) &&
                       !reader.is_above("covariance_effect", margin);
  verdict.beats =
      reader.exceeds(reader.bar(member(entry, "random_vectors"),
                                member(entry, "random_effect"))) &&
      reader.exceeds(reader.bar(member(entry, "covariance_vectors"),
                                member(entry, "covariance_effect"))) &&
      reader.is_above("effect_minus_control", 0.0);
  verdict.beats_searched =
      reader.exceeds(reader.bar(search, member(search, "mean")));
  verdict.coherent =
      number_or_nan(member(entry, "coherent"), "value") >= min_coherent;
  const bool beats = verdict.has_controls && verdict.match && verdict.moved &&
                     verdict.beats && verdict.beats_searched;
  entry["site_margin"] = margin;
  const std::string reason = reason_of(verdict, entry);
  entry["beats_random"] = beats;
  entry["valid_site"] = verdict.valid_site;
  entry["works"] = beats && verdict.valid_site && verdict.coherent;
  entry["reason"] = reason;
}

}  // namespace veer
