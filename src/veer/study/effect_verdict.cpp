// SPDX-License-Identifier: MIT
#include "veer/study/effect_verdict.h"

#include <cmath>
#include <limits>
#include <string>

#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"

namespace veer {
namespace {

double number(const Json& object, const char* key) {
  const Json& value = member(object, key);
  return value.is_number() ? value.get<double>()
                           : std::numeric_limits<double>::quiet_NaN();
}

// The ends of intervals in the direction that the goal wants.
class Reader {
 public:
  explicit Reader(const Json& entry)
      : entry_(entry),
        downwards_(string_member(entry, "measure") == "score" &&
                   string_member(entry, "goal") == "suppression") {}

  double lower(const Json& estimate) const {
    return downwards_ ? -number(estimate, "high") : number(estimate, "low");
  }
  double upper(const Json& estimate) const {
    return downwards_ ? -number(estimate, "low") : number(estimate, "high");
  }
  // False where it is not known.
  bool is_above_zero(const char* estimate) const {
    return lower(member(entry_, estimate)) > 0.0;
  }
  // What an effect must exceed; NaN where there are no vectors.
  double bar(const Json& percentile_of, const Json& mean) const {
    const double percentile = number(percentile_of, "percentile_95");
    return std::isnan(percentile) ? upper(mean)
                                  : (downwards_ ? -percentile : percentile);
  }
  bool exceeds(double bar) const {
    return std::isnan(bar) || lower(member(entry_, "effect")) > bar;
  }

 private:
  const Json& entry_;
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
    return "its interval reaches 0";
  }
  if (!verdict.beats) {
    const bool percentile =
        member(member(entry, "matched_control"), "percentile_95").is_number();
    return percentile ? "its interval reaches the 95th percentile of random "
                        "vectors, or their mean"
                      : "its interval reaches that of random vectors";
  }
  if (!verdict.beats_searched) {
    return "its interval reaches what random vectors do after the same search";
  }
  if (!verdict.valid_site) {
    return "random vectors act at this place too";
  }
  return verdict.coherent ? "" : "too much of its text is broken";
}

}  // namespace

bool works(const Json& entry) {
  return member(entry, "works") == Json(true);
}

void add_verdict(Json& entry, double min_coherent) {
  const Reader reader(entry);
  const Json& control = member(entry, "matched_control");
  const Json& search = member(control, "search");
  Verdict verdict;
  verdict.has_controls = control.is_object();
  verdict.match = member(control, "match") != Json(false);
  verdict.moved = reader.is_above_zero("effect");
  verdict.valid_site = !reader.is_above_zero("random_effect") &&
                       !reader.is_above_zero("covariance_effect");
  verdict.beats =
      reader.exceeds(reader.bar(member(entry, "random_vectors"),
                                member(entry, "random_effect"))) &&
      reader.exceeds(reader.bar(member(entry, "covariance_vectors"),
                                member(entry, "covariance_effect"))) &&
      reader.is_above_zero("effect_minus_control");
  verdict.beats_searched =
      reader.exceeds(reader.bar(search, member(search, "mean")));
  verdict.coherent = number(member(entry, "coherent"), "value") >= min_coherent;
  const bool beats = verdict.has_controls && verdict.match && verdict.moved &&
                     verdict.beats && verdict.beats_searched;
  const std::string reason = reason_of(verdict, entry);
  entry["beats_random"] = beats;
  entry["valid_site"] = verdict.valid_site;
  entry["works"] = beats && verdict.valid_site && verdict.coherent;
  entry["reason"] = reason;
}

}  // namespace veer
