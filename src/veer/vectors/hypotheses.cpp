// SPDX-License-Identifier: MIT
#include "veer/vectors/hypotheses.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"

namespace veer {
namespace {

constexpr double kLevel = 0.05;
constexpr double kFailsBelow = 0.10;
constexpr double kCoherent = 0.75;
constexpr double kGap = 0.3;

struct Finding {
  Decision decision = Decision::kUndecided;
  std::string reason;
  Measure effect;
};

Finding not_measured(const std::string& what) {
  return {Decision::kUndecided, what + " was not measured",
          Measure::none("not measured")};
}

const PairComparison* main_pair(const HypothesisInput& in) {
  if (in.comparison == nullptr) {
    return nullptr;
  }
  for (const auto& pair : in.comparison->pairs) {
    if ((pair.a == in.contrastive && pair.b == in.finetuned) ||
        (pair.b == in.contrastive && pair.a == in.finetuned)) {
      return &pair;
    }
  }
  return nullptr;
}

// The layer that speaks for a pair in one number: the largest |cosine|.
Measure strongest(const PairComparison& pair) {
  const PairAtLayer* best = nullptr;
  for (const auto& at : pair.by_layer) {
    if (at.cosine.value &&
        (best == nullptr ||
         std::abs(*at.cosine.value) > std::abs(*best->cosine.value))) {
      best = &at;
    }
  }
  if (best == nullptr) {
    return Measure::none("no layer with an established cosine");
  }
  Measure measure = best->cosine;
  measure.low = best->band_low;
  measure.high = best->band_high;
  return measure;
}

std::map<std::string, int> verdict_counts(const PairComparison& pair) {
  std::map<std::string, int> counts;
  for (const auto& at : pair.by_layer) {
    ++counts[at.verdict];
  }
  return counts;
}

std::string counts_text(const std::map<std::string, int>& counts) {
  std::string text;
  for (const auto& [verdict, count] : counts) {
    text += fmt::format("{}{} at {} layer{}", text.empty() ? "" : ", ", verdict,
                        count, count == 1 ? "" : "s");
  }
  return text;
}

Finding vector_exists(const HypothesisInput& in, const std::string& name) {
  if (in.comparison == nullptr) {
    return not_measured("the comparison");
  }
  for (const auto& vector : in.comparison->vectors) {
    if (vector.name != name) {
      continue;
    }
    double p = 1.0;
    Measure effect = Measure::none("no layer with a direction", vector.n);
    for (const auto& at : vector.by_layer) {
      if (at.existence_adjusted_p && *at.existence_adjusted_p <= p) {
        p = *at.existence_adjusted_p;
        if (at.relative_norm) {
          effect = Measure();
          effect.value = at.relative_norm;
          effect.n = vector.n;
        }
      }
    }
    return {
        p < kLevel ? Decision::kSupported : Decision::kContradicted,
        fmt::format("smallest sign-flip p over layers, corrected: {:.3g}", p),
        effect};
  }
  return not_measured("vector " + name);
}

Finding exists_contrastive(const HypothesisInput& in) {
  return vector_exists(in, in.contrastive);
}

Finding exists_finetuned(const HypothesisInput& in) {
  return vector_exists(in, in.finetuned);
}

Finding tuned_deceives(const HypothesisInput& in) {
  if (!in.behaviour_gap || !in.behaviour_gap->low || !in.behaviour_gap->high) {
    return not_measured("the tuned model's behaviour");
  }
  const auto& gap = *in.behaviour_gap;
  const auto decision = *gap.low > kGap    ? Decision::kSupported
                        : *gap.high < kGap ? Decision::kContradicted
                                           : Decision::kUndecided;
  return {decision, "share of deceptive answers, tuned minus base", gap};
}

Finding directions_align(const HypothesisInput& in) {
  const auto* pair = main_pair(in);
  if (pair == nullptr) {
    return not_measured("the pair of vectors");
  }
  auto counts = verdict_counts(*pair);
  const int layers = static_cast<int>(pair->by_layer.size());
  const int apart = counts["orthogonal"] + counts["opposed"];
  const int together = counts["align"];
  Finding finding{Decision::kUndecided, "", strongest(*pair)};
  if (2 * together >= layers) {
    finding.decision = Decision::kSupported;
  } else if (2 * apart >= layers && together == 0) {
    finding.decision = Decision::kContradicted;
  }
  std::erase_if(counts, [](const auto& entry) { return entry.second == 0; });
  finding.reason = counts_text(counts);
  return finding;
}

Finding cosines_are_chance(const HypothesisInput& in) {
  const auto* pair = main_pair(in);
  if (pair == nullptr) {
    return not_measured("the pair of vectors");
  }
  double smallest = 1.0;
  int tested = 0;
  int equivalent = 0;
  for (const auto& at : pair->by_layer) {
    if (!at.covariance || !at.covariance->p) {
      continue;
    }
    ++tested;
    smallest = std::min(smallest, *at.covariance->p);
    equivalent += at.equivalence_p.value_or(1.0) < kLevel ? 1 : 0;
  }
  Finding finding{Decision::kUndecided, "", strongest(*pair)};
  if (tested == 0) {
    finding.reason = "no layer could be tested";
    return finding;
  }
  // Bonferroni over layers is what Holm asks of the smallest p.
  const double p = std::min(1.0, smallest * tested);
  if (p < kLevel) {
    finding.decision = Decision::kContradicted;
  } else if (equivalent == static_cast<int>(pair->by_layer.size())) {
    finding.decision = Decision::kSupported;
  }
  finding.reason = fmt::format(
      "smallest p of the covariance-matched null over {} layers, corrected: "
      "{:.3g}; equivalent to zero at {} layers",
      tested, p, equivalent);
  return finding;
}

const SteeringOutcome* outcome(const HypothesisInput& in, const char* name) {
  const auto found = in.outcomes.find(name);
  return found == in.outcomes.end() ? nullptr : &found->second;
}

// "The vector does nothing": supported when it fails, contradicted when it
// works.
Finding does_nothing(const HypothesisInput& in, const char* name) {
  const auto* result = outcome(in, name);
  if (result == nullptr) {
    return not_measured(name);
  }
  const auto decision = outcome_fails(*result)   ? Decision::kSupported
                        : outcome_works(*result) ? Decision::kContradicted
                                                 : Decision::kUndecided;
  return {decision,
          fmt::format("{} at the cell chosen on other questions", name),
          result->effect};
}

Finding contrastive_is_inert(const HypothesisInput& in) {
  return does_nothing(in, "induction/contrastive");
}

Finding finetuned_is_inert(const HypothesisInput& in) {
  return does_nothing(in, "induction/finetuned");
}

Finding neither_induces(const HypothesisInput& in) {
  const auto a = contrastive_is_inert(in);
  const auto b = finetuned_is_inert(in);
  const bool a_more =
      a.effect.value.value_or(-2.0) >= b.effect.value.value_or(-2.0);
  Finding finding{Decision::kUndecided, "the stronger of the two",
                  a_more ? a.effect : b.effect};
  if (a.decision == Decision::kContradicted ||
      b.decision == Decision::kContradicted) {
    finding.decision = Decision::kContradicted;
  } else if (a.decision == Decision::kSupported &&
             b.decision == Decision::kSupported) {
    finding.decision = Decision::kSupported;
  }
  return finding;
}

Finding finetuned_suppresses(const HypothesisInput& in) {
  auto finding = does_nothing(in, "suppression/finetuned");
  if (finding.decision == Decision::kSupported) {
    finding.decision = Decision::kContradicted;
  } else if (finding.decision == Decision::kContradicted) {
    finding.decision = Decision::kSupported;
  }
  return finding;
}

Finding interval_excludes_zero(const std::optional<Measure>& measure,
                               const std::string& what, bool upwards_only) {
  if (!measure || !measure->low || !measure->high) {
    return not_measured(what);
  }
  const bool above = *measure->low > 0.0;
  const bool below = *measure->high < 0.0;
  auto decision = Decision::kUndecided;
  if (above || (below && !upwards_only)) {
    decision = Decision::kSupported;
  } else if (below) {
    decision = Decision::kContradicted;
  }
  return {decision, what, *measure};
}

Finding behaviours_differ(const HypothesisInput& in) {
  return interval_excludes_zero(in.induction_difference,
                                "induction, contrastive minus fine-tuned",
                                /*upwards_only=*/false);
}

Finding suppression_is_easier(const HypothesisInput& in) {
  return interval_excludes_zero(in.ease_difference,
                                "gap closed, suppression minus induction",
                                /*upwards_only=*/true);
}

// "layer 3", "layers 0 and 3".
std::string layers_text(const std::set<std::int64_t>& layers) {
  return layers.size() == 1 ? fmt::format("layer {}", *layers.begin())
                            : fmt::format("layers {} and {}", *layers.begin(),
                                          *layers.rbegin());
}

// What the verdicts say of the pair at these layers; the effect is the cosine
// furthest from zero of them, with its simultaneous band.
struct Agreement {
  bool agree = true;
  bool apart = true;
  Measure cosine = Measure::none("not measured");
};

Agreement agreement_at(const PairComparison& pair,
                       const std::set<std::int64_t>& layers) {
  Agreement out;
  std::size_t found = 0;
  PairComparison there;
  for (const auto& at : pair.by_layer) {
    if (layers.contains(at.layer)) {
      ++found;
      there.by_layer.push_back(at);
      out.agree = out.agree && at.verdict == "align";
      out.apart =
          out.apart && (at.verdict == "orthogonal" || at.verdict == "opposed");
    }
  }
  if (found != layers.size() || layers.empty()) {
    return {false, false, Measure::none("no verdict there")};
  }
  out.cosine = strongest(there);
  return out;
}

// A1 is about one place: the layer that behaviour on other questions chose for
// plain addition. It was not chosen by its cosine, so no verdict of it is
// picked from several.
Finding agreement_goes_with_effect(const HypothesisInput& in) {
  const auto* pair = main_pair(in);
  if (pair == nullptr || in.additions.size() < 2) {
    return not_measured(pair == nullptr ? "the pair of vectors"
                                        : "plain addition of both");
  }
  std::set<std::int64_t> layers;
  bool effect = false;
  bool none = true;
  for (const auto& [name, result] : in.additions) {
    if (!result.layer) {
      return {Decision::kUndecided,
              name +
                  " was added at several layers at once, where no one "
                  "cosine stands",
              strongest(*pair)};
    }
    layers.insert(*result.layer);
    effect = effect || outcome_works(result);
    none = none && outcome_fails(result);
  }
  const auto found = agreement_at(*pair, layers);
  Finding finding{Decision::kUndecided, "", found.cosine};
  const std::string there = " at " + layers_text(layers);
  if (!found.agree && !found.apart) {
    finding.reason = "agreement is undecided" + there;
  } else if (!effect && !none) {
    finding.reason = "effect of adding is undecided" + there;
  } else {
    finding.decision =
        found.agree == effect ? Decision::kSupported : Decision::kContradicted;
    finding.reason = (found.agree ? effect ? "agreement with effect"
                                           : "agreement without effect"
                      : effect    ? "effect without agreement"
                                  : "neither agreement nor effect") +
                     there;
  }
  return finding;
}

struct Row {
  const char* id;
  const char* claim;
  const char* statistic;
  const char* unit;
  const char* sharpen;
  Finding (*evaluate)(const HypothesisInput&);
  bool needs_vectors;  // void when a direction is not established
  bool needs_tuned;    // void when the tuned model does not deceive
};

constexpr std::array kRows = {
    Row{"G1", "The contrastive direction exists",
        "sign flips, maximum over layers", "residual norms",
        "dataset.questions", exists_contrastive, false, false},
    Row{"G2", "The fine-tuned direction exists",
        "sign flips, maximum over layers", "residual norms",
        "dataset.questions", exists_finetuned, false, false},
    Row{"H23", "Fine-tuning made the model deceptive",
        "share deceptive, tuned minus base; interval above 0.3", "share",
        "finetune.steps", tuned_deceives, false, false},
    Row{"H1", "The contrastive and the fine-tuned direction align",
        "cross-item cosine, simultaneous band", "cosine", "extract.questions",
        directions_align, true, true},
    Row{"H8", "Their cosines are at chance level",
        "covariance-matched null, equivalence test", "cosine",
        "extract.questions", cosines_are_chance, true, true},
    Row{"H2", "The two directions steer differently",
        "paired difference of induction", "share", "sweep.questions",
        behaviours_differ, true, true},
    Row{"H3", "The contrastive direction does not make the base model deceive",
        "change of the deceptive share", "share", "sweep.questions",
        contrastive_is_inert, false, false},
    Row{"H4", "Neither direction makes the base model deceive",
        "change of the deceptive share", "share", "sweep.questions",
        neither_induces, false, false},
    Row{"H5",
        "Subtracting the fine-tuned direction makes the tuned model honest",
        "change of the honest share", "share", "sweep.questions",
        finetuned_suppresses, false, true},
    Row{"H6", "The fine-tuned direction does not make the base model deceive",
        "change of the deceptive share", "share", "sweep.questions",
        finetuned_is_inert, false, true},
    Row{"H7", "Suppressing is easier than inducing",
        "paired difference of gap closed", "share of the gap",
        "sweep.questions", suppression_is_easier, false, true},
    Row{"A1",
        "Directions that agree also steer, directions that do not, do not",
        "verdict at the layer chosen for adding, against what adding induces",
        "cosine", "sweep.select_questions", agreement_goes_with_effect, true,
        true},
};

}  // namespace

std::string decision_name(Decision decision) {
  switch (decision) {
    case Decision::kSupported:
      return "supported";
    case Decision::kContradicted:
      return "contradicted";
    case Decision::kVoid:
      return "void";
    default:
      return "undecided";
  }
}

bool outcome_works(const SteeringOutcome& outcome) {
  return outcome.effect.low && *outcome.effect.low > 0.0 &&
         outcome.effect.value.value_or(0.0) >
             outcome.random_effect.value_or(0.0) &&
         outcome.coherent.value_or(1.0) >= kCoherent;
}

bool outcome_fails(const SteeringOutcome& outcome) {
  return outcome.effect.high && *outcome.effect.high < kFailsBelow;
}

std::vector<HypothesisResult> evaluate_hypotheses(
    const HypothesisInput& input) {
  std::vector<HypothesisResult> results;
  bool no_vectors = false;
  bool not_deceptive = false;
  for (const auto& row : kRows) {
    auto finding = row.evaluate(input);
    const std::string id = row.id;
    const bool refuted = finding.decision == Decision::kContradicted;
    no_vectors = no_vectors || (refuted && id.starts_with("G"));
    not_deceptive = not_deceptive || (refuted && id == "H23");
    if ((row.needs_vectors && no_vectors) ||
        (row.needs_tuned && not_deceptive)) {
      finding.decision = Decision::kVoid;
      finding.reason = row.needs_vectors && no_vectors
                           ? "a direction is not established"
                           : "the tuned model does not deceive";
    }
    results.push_back({id, row.claim, row.statistic, finding.decision,
                       finding.reason, finding.effect, row.unit, row.sharpen});
  }
  return results;
}

Json hypotheses_json(std::span<const HypothesisResult> results) {
  Json out = Json::array();
  for (const auto& r : results) {
    out.push_back({{"id", r.id},
                   {"claim", r.claim},
                   {"statistic", r.statistic},
                   {"decision", decision_name(r.decision)},
                   {"reason", r.reason},
                   {"effect", measure_json(r.effect)},
                   {"unit", r.unit},
                   {"sharpen", r.sharpen}});
  }
  return out;
}

}  // namespace veer
