// SPDX-License-Identifier: MIT
#include "veer/study/claims.h"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "veer/base/files.h"
#include "veer/metrics/cell_hypotheses.h"
#include "veer/study/context.h"
#include "veer/study/contrast_claims.h"
#include "veer/study/detection_claim.h"
#include "veer/study/sample_size_claim.h"
#include "veer/study/sweep_evidence.h"
#include "veer/study/tendency_claim.h"
#include "veer/study/trait_claim.h"
#include "veer/study/vector_names.h"

namespace veer {
namespace {

// Claims that need more than one run of one model measures today. They stand
// in the table so that nobody takes silence for an answer.
struct OpenClaim {
  const char* id;
  const char* claim;
  const char* statistic;
  const char* needs;
  const char* sharpen;
};

constexpr std::array kOpen = {
    OpenClaim{"H11", "Larger models steer better",
              "effect against log parameters, three sizes or more",
              "models of several sizes", "model"},
    OpenClaim{"H13", "More training data make a better vector",
              "effect by size of the training set, five seeds or more",
              "fine-tunes of one model on three sizes ([[model]])",
              "finetune.questions"},
    OpenClaim{"H22", "A stock model resists deceiving",
              "deception under the deceptive prompt, stock and abliterated",
              "an entry of [[model]] that names its stock model",
              "model.stock"},
    OpenClaim{"H24", "Supervised tuning imprints data patterns",
              "energy share of the vector in domain and confounds",
              "entries of [[model]] with another objective, and "
              "domain@POSITION in extract.vectors",
              "model.objective"},
    OpenClaim{"H26", "Another behaviour shows the same two natures",
              "H1 to H8 and H25 on that behaviour",
              "entries of [[model]] with another behaviour and its data",
              "model.behaviour"},
};

HypothesisResult open_claim(const OpenClaim& open) {
  HypothesisResult result;
  result.id = open.id;
  result.claim = open.claim;
  result.statistic = open.statistic;
  result.reason = std::string("not measured in this run; needs ") + open.needs;
  result.effect = Measure::none("not measured");
  result.sharpen = open.sharpen;
  return result;
}

// Gates, then H1, H2, ..., then what is drawn from several.
int rank_of(const std::string& id) {
  if (id == "H23" || id.starts_with('G')) {
    return id == "H23" ? 0 : std::stoi(id.substr(1)) - 10;
  }
  return id.starts_with('H') ? std::stoi(id.substr(1)) : 1000;
}

std::vector<std::string> vector_names(const Comparison& comparison) {
  std::vector<std::string> names;
  for (const auto& vector : comparison.vectors) {
    names.push_back(vector.name);
  }
  return names;
}

Json read_document(const std::filesystem::path& path) {
  return std::filesystem::exists(path)
             ? parse_json(read_file(path), path.string())
             : Json::object();
}

bool has_sweep(StudyContext& context) {
  const auto row = context.store().stage("sweep");
  return row && row->done &&
         std::filesystem::exists(context.file("sweep.json"));
}

}  // namespace

std::vector<HypothesisResult> evaluate_claims(
    const Json& comparison, const Json& sweep,
    std::span<const AnswerRow> answers, std::uint64_t seed) {
  HypothesisInput input;
  Comparison geometry;
  if (comparison.contains("full")) {
    geometry = comparison_from_json(comparison.at("full"));
    input.comparison = &geometry;
    const auto pair = primary_pair(vector_names(geometry));
    input.contrastive = pair.first;
    input.finetuned = pair.second;
  }
  const SweepEvidence evidence(sweep, answers, seed);
  evidence.add_to(input);
  auto claims = evaluate_hypotheses(input);
  for (auto& claim :
       evaluate_cell_hypotheses(evidence.cell_input(input.contrastive))) {
    claims.push_back(std::move(claim));
  }
  for (auto& claim : claims) {
    const bool about_steering = claim.sharpen.starts_with("sweep.");
    if (!evidence.has_labels() && about_steering &&
        claim.decision == Decision::kUndecided) {
      claim.reason += "; " + evidence.why();
    }
  }
  const bool labels = evidence.has_labels();
  // Labels of an unfit judge are none; scores compare configurations.
  const Json none = Json::object();
  const Json& judged = has_unfit_judge(sweep) ? none : sweep;
  for (auto& claim : contrast_claims(judged)) {
    claims.push_back(std::move(claim));
  }
  claims.push_back(trait_claim(judged, labels ? answers : decltype(answers){},
                               input.contrastive, input.finetuned, seed));
  claims.push_back(
      detection_claim(comparison, judged, input.contrastive, input.finetuned));
  claims.push_back(sample_size_claim(comparison, judged, input.contrastive,
                                     input.finetuned));
  claims.push_back(tendency_claim(comparison));
  for (const auto& open : kOpen) {
    claims.push_back(open_claim(open));
  }
  std::stable_sort(claims.begin(), claims.end(),
                   [](const HypothesisResult& a, const HypothesisResult& b) {
                     return rank_of(a.id) < rank_of(b.id);
                   });
  return claims;
}

Json claims_json(std::span<const HypothesisResult> claims) {
  Json counts = {{"supported", 0},
                 {"contradicted", 0},
                 {"undecided", 0},
                 {"void", 0},
                 {"not measured", 0}};
  for (const auto& claim : claims) {
    const bool open = claim.decision == Decision::kUndecided &&
                      claim.effect.reason == "not measured";
    auto& count = counts[open ? "not measured" : decision_name(claim.decision)];
    count = count.get<int>() + 1;
  }
  return {{"counts", counts}, {"claims", hypotheses_json(claims)}};
}

void write_claims(StudyContext& context) {
  const auto comparison = context.file("comparison.json");
  if (!std::filesystem::exists(comparison)) {
    return;
  }
  std::vector<AnswerRow> answers;
  Json sweep = Json::object();
  if (has_sweep(context)) {
    sweep = read_document(context.file("sweep.json"));
    answers = context.store().answers();
  }
  const auto claims = evaluate_claims(read_document(comparison), sweep, answers,
                                      context.seed());
  write_file(context.file("hypotheses.json"),
             dump_json(claims_json(claims), 1) + "\n");
}

}  // namespace veer
