// SPDX-License-Identifier: MIT
#include "veer/claims/detection_claim.h"

#include <algorithm>
#include <optional>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"
#include "veer/base/number_text.h"

namespace veer {
namespace {

struct Ranged {
  double value = 0.0;
  double half = 0.0;  // width of the interval
  std::int64_t n = 0;
};

std::optional<Ranged> ranged(const Json& estimate) {
  if (!estimate.is_object() || !member(estimate, "value").is_number() ||
      !member(estimate, "low").is_number() ||
      !member(estimate, "high").is_number()) {
    return std::nullopt;
  }
  return Ranged{
      estimate["value"].get<double>(),
      (estimate["high"].get<double>() - estimate["low"].get<double>()) / 2.0,
      estimate.value("n", std::int64_t{0})};
}

// At one layer ("3"), or the mean over all for any other choice of layers.
std::optional<Ranged> detection(const Json& comparison,
                                const std::string& vector,
                                const std::string& layers) {
  Ranged sum;
  double count = 0.0;
  for (const auto& entry : member(comparison, "detection")) {
    if (member(entry, "vector") != vector) {
      continue;
    }
    const auto& by_layer = entry.at("by_layer");
    const auto is_chosen = [&](const Json& at) {
      return std::to_string(at.at("layer").get<std::int64_t>()) == layers;
    };
    const bool one = std::any_of(by_layer.begin(), by_layer.end(), is_chosen);
    for (const auto& at : by_layer) {
      const auto auroc = ranged(member(at, "base"));
      if (auroc && (!one || is_chosen(at))) {
        sum.value += 2.0 * auroc->value - 1.0;
        sum.half += 2.0 * auroc->half;
        sum.n = auroc->n;
        count += 1.0;
      }
    }
  }
  if (count == 0.0) {
    return std::nullopt;
  }
  return Ranged{sum.value / count, sum.half / count, sum.n};
}

struct TwoTasks {
  Ranged detect;
  Ranged control;
  std::string why_not;  // why what was induced is no evidence; empty if it is
};

// a - b, its width the sum of both, because they rest on the same questions.
Ranged minus(const Ranged& a, const Ranged& b) {
  return {a.value - b.value, a.half + b.half, std::min(a.n, b.n)};
}

bool is_above(const Ranged& x) {
  return x.value - x.half > 0.0;
}
bool is_below(const Ranged& x) {
  return x.value + x.half < 0.0;
}

std::optional<double> p_of(const Ranged& x) {
  Measure measure;
  measure.value = x.value;
  measure.low = x.value - x.half;
  measure.high = x.value + x.half;
  measure.n = x.n;
  return p_beyond(measure, 0.0);
}

// Both differences have to be there, so that the p of the weaker one is that of
// the rule.
std::optional<double> p_of_both(const TwoTasks& contrastive,
                                const TwoTasks& tuned) {
  const auto detect = p_of(minus(contrastive.detect, tuned.detect));
  const auto control = p_of(minus(contrastive.control, tuned.control));
  return detect && control ? std::optional(std::max(*detect, *control))
                           : std::nullopt;
}

// The sum of two differences may come from one of them alone, which says
// nothing of two natures: both have to be there, on opposite sides.
Decision decide(const TwoTasks& contrastive, const TwoTasks& tuned) {
  const auto detect = minus(contrastive.detect, tuned.detect);
  const auto control = minus(contrastive.control, tuned.control);
  if (!contrastive.why_not.empty() || !tuned.why_not.empty()) {
    return Decision::kUndecided;
  }
  if (is_above(detect) && is_below(control)) {
    return Decision::kSupported;
  }
  return is_below(detect) && is_above(control) ? Decision::kContradicted
                                               : Decision::kUndecided;
}

std::optional<TwoTasks> tasks_of(const Json& comparison,
                                 const std::vector<ChosenEffect>& effects,
                                 const std::string& vector) {
  const auto* added = find_effect(effects, vector, "induction", "linear");
  if (added == nullptr || !added->effect.low || !added->effect.high) {
    return std::nullopt;
  }
  const auto detect = detection(comparison, vector, added->layers);
  if (!detect) {
    return std::nullopt;
  }
  const auto& control = added->effect;
  // An effect that is there and does not work is not the direction's.
  const auto judged = judge_effect(*added, claim_row("H6").margin());
  const bool moved = *control.low > 0.0;
  return TwoTasks{
      *detect,
      {*control.value, (*control.high - *control.low) / 2.0, control.n},
      moved && judged.standing != Standing::kWorks
          ? fmt::format("; what {} induces does not count: {}", vector,
                        judged.why)
          : ""};
}

}  // namespace

HypothesisResult detection_claim(const Json& comparison,
                                 const std::vector<ChosenEffect>& effects,
                                 const std::string& contrastive,
                                 const std::string& finetuned) {
  const auto c = tasks_of(comparison, effects, contrastive);
  const auto f = tasks_of(comparison, effects, finetuned);
  if (!c || !f) {
    return not_measured(
        "H25",
        "not measured in this run; needs detection on held-out answers "
        "and plain addition in a sweep whose judge gives labels");
  }
  auto result = claim_row("H25");
  const double value = (c->detect.value - c->control.value) -
                       (f->detect.value - f->control.value);
  const double half =
      c->detect.half + c->control.half + f->detect.half + f->control.half;
  result.effect.reason.clear();
  result.effect.value = value;
  result.effect.low = value - half;
  result.effect.high = value + half;
  result.effect.n = std::min(c->detect.n, f->detect.n);
  result.reason = fmt::format(
      "detects {} and {} (2 AUROC - 1), induces {} and {} points, contrastive "
      "and tuned",
      signed_rounded(c->detect.value, 2), signed_rounded(f->detect.value, 2),
      signed_rounded(100.0 * c->control.value, 0),
      signed_rounded(100.0 * f->control.value, 0));
  result.reason += c->why_not + f->why_not;
  result.decision = decide(*c, *f);
  result.p = p_of_both(*c, *f);
  return result;
}

}  // namespace veer
