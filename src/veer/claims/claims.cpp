// SPDX-License-Identifier: MIT
#include "veer/claims/claims.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/claims/agreement_claim.h"
#include "veer/claims/contrast_claims.h"
#include "veer/claims/detection_claim.h"
#include "veer/claims/direction_claims.h"
#include "veer/claims/ease_claim.h"
#include "veer/claims/effect_claims.h"
#include "veer/claims/grid_claims.h"
#include "veer/claims/one_direction_claim.h"
#include "veer/claims/sample_size_claim.h"
#include "veer/claims/sweep_evidence.h"
#include "veer/claims/tendency_claim.h"
#include "veer/claims/trait_claim.h"
#include "veer/claims/twin_claim.h"
#include "veer/metrics/intervals.h"
#include "veer/metrics/measure_of.h"
#include "veer/results/vector_name.h"
#include "veer/vectors/compare.h"
#include "veer/vectors/distributions.h"

namespace veer {
namespace {

constexpr double kLevel = 0.05;

// Claims that need more than one run of one model measures. They stand in the
// table so that nobody takes silence for an answer.
struct OpenClaim {
  const char* id;
  const char* needs;
};

constexpr std::array kOpen = {
    OpenClaim{"H11", "models of several sizes"},
    OpenClaim{"H13", "fine-tunes of one model on three sizes ([[model]])"},
    OpenClaim{"H22", "an entry of [[model]] that names its stock model"},
    OpenClaim{"H24",
              "entries of [[model]] with another objective, and "
              "domain@POSITION in extract.vectors"},
    OpenClaim{"H26",
              "entries of [[model]] with another behaviour and its data"},
};

std::vector<std::string> vector_names(const Comparison& comparison) {
  std::vector<std::string> names;
  for (const auto& vector : comparison.vectors) {
    names.push_back(vector.name);
  }
  return names;
}

// The primary pair; of a study without one what it has of the two kinds.
std::vector<std::string> deciding_vectors(
    const std::pair<std::string, std::string>& pair,
    const std::vector<std::string>& vectors) {
  if (!pair.first.empty()) {
    return {pair.first, pair.second};
  }
  std::vector<std::string> out;
  for (const auto& name : vectors) {
    const auto family = vector_family(name);
    if (family == "contrastive" || family == "finetune") {
      out.push_back(name);
    }
  }
  return out;
}

HypothesisResult tuned_deceives(const SweepEvidence& evidence) {
  const Json* base = evidence.unsteered("base");
  const Json* tuned = evidence.unsteered("tuned");
  if (base == nullptr || tuned == nullptr) {
    return not_measured("H23", "the tuned model's behaviour was not measured");
  }
  // One answer a question: shares, whose interval keeps its width when every
  // question moved.
  const auto after = evidence.labelled(*tuned, AnswerLabel::kDeceptive);
  const auto before = evidence.labelled(*base, AnswerLabel::kDeceptive);
  auto row = claim_row("H23");
  row.effect =
      measure_of(share_difference(after, std::ssize(after), before,
                                  std::ssize(before), 0.95, evidence.units()));
  row.reason = "share of deceptive answers, tuned minus base";
  decide_by_interval(row, row.margin(), row.margin());
  return row;
}

// What rests on a gate that failed says nothing.
void void_by_gates(std::vector<HypothesisResult>& rows) {
  const auto failed = [&](const HypothesisResult& row) {
    return row.decision == Decision::kContradicted;
  };
  bool no_vectors = false;
  bool not_deceptive = false;
  for (const auto& row : rows) {
    const auto id = row.id();
    no_vectors = no_vectors || ((id == "G1" || id == "G2") && failed(row));
    not_deceptive = not_deceptive || (id == "H23" && failed(row));
  }
  for (auto& row : rows) {
    const bool by_vectors = row.definition.needs_vectors && no_vectors;
    if (by_vectors || (row.definition.needs_tuned && not_deceptive)) {
      row.decision = Decision::kVoid;
      row.reason = by_vectors ? "a direction is not established"
                              : "the tuned model does not deceive";
    }
  }
}

std::vector<HypothesisResult> in_order(std::vector<HypothesisResult> rows) {
  const auto definitions = claim_definitions();
  const auto rank = [&](const HypothesisResult& row) {
    return std::ranges::find(definitions, row.definition.id,
                             &ClaimDefinition::id) -
           definitions.begin();
  };
  std::ranges::stable_sort(rows, {}, rank);
  return rows;
}

bool is_finding(const HypothesisResult& row) {
  return row.definition.role == "finding";
}

// p of every measured finding, corrected over them.
std::vector<std::optional<double>> corrected(
    std::span<const HypothesisResult> claims) {
  std::vector<std::optional<double>> p;
  for (const auto& claim : claims) {
    const bool counts = is_finding(claim) && claim.measured() &&
                        claim.decision != Decision::kVoid;
    p.push_back(counts ? claim.p : std::nullopt);
  }
  return holm_adjusted(p);
}

Json counts_of(std::span<const HypothesisResult> claims, bool gates) {
  Json counts = {{"supported", 0},
                 {"contradicted", 0},
                 {"undecided", 0},
                 {"void", 0},
                 {"not measured", 0}};
  for (const auto& claim : claims) {
    if (gates ? claim.definition.role != "gate" : !is_finding(claim)) {
      continue;
    }
    auto& count = counts[claim.measured() ? decision_name(claim.decision)
                                          : "not measured"];
    count = count.get<int>() + 1;
  }
  return counts;
}

}  // namespace

std::vector<HypothesisResult> evaluate_claims(
    const Json& comparison, const Json& sweep,
    std::span<const AnswerRow> answers, std::uint64_t seed) {
  std::optional<Comparison> geometry;
  std::pair<std::string, std::string> pair;
  if (comparison.contains("full")) {
    geometry = comparison_from_json(comparison.at("full"));
    pair = primary_pair(vector_names(*geometry));
  }
  const auto* compared = geometry ? &*geometry : nullptr;
  const auto& [contrastive, finetuned] = pair;
  const SweepEvidence evidence(sweep, answers, seed);
  const auto& effects = evidence.effects();
  // Labels of an unfit judge are none; scores compare configurations.
  const Json none = Json::object();
  const Json& judged = has_unfit_judge(sweep) ? none : sweep;

  auto claims = direction_claims(compared, contrastive, finetuned);
  const auto add = [&](std::vector<HypothesisResult> rows) {
    claims.insert(claims.end(), rows.begin(), rows.end());
  };
  add({twin_claim(comparison), tuned_deceives(evidence)});
  add(effect_claims(effects, contrastive, finetuned));
  add({ease_claim(evidence, finetuned), agreement_claim(compared, effects)});
  add(contrast_claims(judged, effects));
  add(one_direction_claims(evidence));
  add({trait_claim(comparison, judged,
                   evidence.has_labels() ? answers : decltype(answers){},
                   effects, deciding_vectors(pair, evidence.vectors()),
                   evidence.vectors(), seed),
       sample_size_claim(comparison, effects),
       layer_share_claim(evidence, contrastive), norm_claim(evidence),
       detection_claim(comparison, effects, contrastive, finetuned),
       tendency_claim(comparison)});
  for (const auto& open : kOpen) {
    claims.push_back(not_measured(
        open.id, std::string("not measured in this run; needs ") + open.needs));
  }
  for (auto& claim : claims) {
    const bool about_steering = claim.definition.sharpen.starts_with("sweep.");
    if (!evidence.has_labels() && about_steering &&
        claim.decision == Decision::kUndecided) {
      claim.reason += "; " + evidence.why();
    }
  }
  void_by_gates(claims);
  return in_order(std::move(claims));
}

Json claims_json(std::span<const HypothesisResult> claims,
                 const Json& registered) {
  const auto holm = corrected(claims);
  Json standing = {{"supported", 0}, {"contradicted", 0}, {"without p", 0}};
  Json rows = Json::array();
  for (std::size_t i = 0; i < claims.size(); ++i) {
    auto claim = claims[i];
    claim.holm_p = holm[i];
    const bool decided = claim.decision == Decision::kSupported ||
                         claim.decision == Decision::kContradicted;
    if (!decided) {
      // It counts in the correction; beside "undecided" it would read as if
      // one condition of the rule were the rule.
      claim.p.reset();
      claim.holm_p.reset();
    }
    rows.push_back(hypothesis_json(claim));
    if (!is_finding(claim) || !decided) {
      continue;
    }
    if (!claim.holm_p) {
      standing["without p"] = standing["without p"].get<int>() + 1;
    } else if (*claim.holm_p < kLevel) {
      auto& count = standing[decision_name(claim.decision)];
      count = count.get<int>() + 1;
    }
  }
  return {{"counts", counts_of(claims, /*gates=*/false)},
          {"gates", counts_of(claims, /*gates=*/true)},
          {"corrected", standing},
          {"registered", registered},
          {"claims", rows}};
}

}  // namespace veer
