// SPDX-License-Identifier: MIT
#include "veer/study/models/models_document.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"
#include "veer/base/number_text.h"
#include "veer/claims/behaviour_claim.h"
#include "veer/claims/imprint_claim.h"
#include "veer/claims/size_claim.h"
#include "veer/metrics/intervals.h"
#include "veer/results/vector_name.h"
#include "veer/vectors/measure.h"
#include "veer/vectors/replicates.h"

namespace veer {
namespace {

constexpr double kPoint = 1.959964;  // an interval of 95 % is so many errors
constexpr std::size_t kMostEffects = 8;
constexpr const char* kNotItsOwn = "*";

// A number with an interval, as Measure and Estimate are written.
std::optional<Replicate> replicate_of(const Json& estimate) {
  if (!estimate.is_object() || !member(estimate, "value").is_number()) {
    return std::nullopt;
  }
  Replicate draw;
  draw.value = estimate["value"].get<double>();
  if (member(estimate, "low").is_number() &&
      member(estimate, "high").is_number()) {
    draw.standard_error =
        (estimate["high"].get<double>() - estimate["low"].get<double>()) /
        (2.0 * kPoint);
  }
  return draw;
}

Json replicates_of(const Json& per_model, const char* key) {
  std::vector<Replicate> draws;
  for (const auto& entry : per_model) {
    if (const auto draw = replicate_of(member(entry, key))) {
      draws.push_back(*draw);
    }
  }
  return replicates_json(over_replicates(draws));
}

const Json* claim_of(const Json& hypotheses, const std::string& id) {
  for (const auto& claim : member(hypotheses, "claims")) {
    if (string_member(claim, "id") == id) {
      return &claim;
    }
  }
  return nullptr;
}

bool was_measured(const Json& claim) {
  return string_member(member(claim, "effect"), "reason") != "not measured";
}

struct Votes {
  std::int64_t for_it = 0;
  std::int64_t against = 0;
};

Json share_json(const Estimate& share) {
  return share.defined() ? Json{{"value", share.value},
                                {"low", share.low},
                                {"high", share.high},
                                {"n", share.n}}
                         : Json{{"value", nullptr}, {"n", 0}};
}

void decide(Json& claim, const Votes& votes) {
  const std::int64_t decided = votes.for_it + votes.against;
  const Estimate share = wilson(votes.for_it, decided);
  claim["share"] = share_json(share);
  claim["decision"] = share.above(0.5)   ? "supported"
                      : share.below(0.5) ? "contradicted"
                                         : "undecided";
  if (decided == 0) {
    claim["reason"] = "no model decides it";
  } else {
    const bool open = claim["decision"] == "undecided";
    claim["reason"] = fmt::format(
        "{} of {} models that decide it support it{}", votes.for_it, decided,
        !open                                          ? ""
        : votes.for_it == decided || votes.for_it == 0 ? "; too few models"
                                                       : "; models differ");
  }
}

// One claim of the table over all models; null if none measured it.
Json claim_over_models(const Json& first, std::span<const ModelResult> models) {
  Json claim = {{"id", string_member(first, "id")},
                {"claim", string_member(first, "claim")},
                {"operators", string_member(first, "operators")},
                {"statistic", string_member(first, "statistic")},
                {"rule", string_member(first, "rule")},
                {"role", string_member(first, "role")},
                {"unit", string_member(first, "unit")},
                {"per_model", Json::array()}};
  Votes votes;
  bool measured = false;
  for (const auto& model : models) {
    const Json* own = claim_of(model.hypotheses, string_member(first, "id"));
    if (own == nullptr || !was_measured(*own)) {
      continue;
    }
    measured = true;
    const std::string decision = string_member(*own, "decision");
    votes.for_it += decision == "supported" ? 1 : 0;
    votes.against += decision == "contradicted" ? 1 : 0;
    claim["per_model"].push_back({{"model", model.name},
                                  {"decision", decision},
                                  {"reason", string_member(*own, "reason")},
                                  {"effect", member(*own, "effect")}});
  }
  if (!measured) {
    return nullptr;
  }
  decide(claim, votes);
  claim["over_models"] = replicates_of(claim["per_model"], "effect");
  return claim;
}

// Whether an effect is more than random vectors of either kind have there.
bool is_its_own(const Json& entry) {
  return member(entry, "beats_random") == true;
}

// The strongest induction of a run by plain addition that random vectors do not
// reach, in shares; 0 where they reach all, none where nothing was measured. An
// empty family: of any vector.
std::optional<double> strongest_induction(const ModelResult& model,
                                          std::string_view family = "") {
  std::optional<double> strongest;
  const Json& additions = member(model.summary, "additions");
  for (const auto& best :
       additions.empty() ? member(model.summary, "best") : additions) {
    const auto effect = replicate_of(member(best, "effect"));
    const auto vector = string_member(best, "vector");
    if (effect && string_member(best, "goal") == "induction" &&
        string_member(best, "measure") != "score" &&
        (family.empty() || vector_family(vector) == family)) {
      strongest = std::max(strongest.value_or(0.0),
                           is_its_own(best) ? effect->value : 0.0);
    }
  }
  return strongest;
}

std::vector<SizedEffect> sized_effects(std::span<const ModelResult> models) {
  std::vector<SizedEffect> out;
  for (const auto& model : models) {
    if (const auto strongest = strongest_induction(model)) {
      out.push_back({static_cast<double>(model.parameters), *strongest});
    }
  }
  return out;
}

// Fine-tunes of the model that most runs are of: what differs between models
// is no matter of their training sets.
std::vector<SizedEffect> trained_effects(std::span<const ModelResult> models) {
  std::map<std::string, std::vector<SizedEffect>> by_path;
  for (const auto& model : models) {
    const auto strongest = strongest_induction(model, "finetune");
    if (strongest && model.training_questions > 0) {
      by_path[model.path].push_back(
          {static_cast<double>(model.training_questions), *strongest});
    }
  }
  std::vector<SizedEffect> out;
  for (auto& [path, effects] : by_path) {
    if (effects.size() > out.size()) {
      out = std::move(effects);
    }
  }
  return out;
}

std::vector<StockPair> stock_pairs(std::span<const ModelResult> models) {
  std::vector<StockPair> pairs;
  for (const auto& model : models) {
    for (const auto& other : models) {
      if (!model.stock.empty() && other.name == model.stock) {
        pairs.push_back({other.prompted, model.prompted});
      }
    }
  }
  return pairs;
}

std::vector<ImprintedRun> imprinted_runs(std::span<const ModelResult> models) {
  std::vector<ImprintedRun> runs;
  for (const auto& model : models) {
    if (model.imprint && model.deceptive) {
      runs.push_back(
          {model.objective.empty(), *model.imprint, *model.deceptive});
    }
  }
  return runs;
}

std::vector<BehaviourRun> behaviour_runs(std::span<const ModelResult> models) {
  std::vector<BehaviourRun> runs;
  for (const auto& model : models) {
    runs.push_back({model.behaviour, model.hypotheses});
  }
  return runs;
}

// A claim whose one number is over models already.
void add_claim_of_all(Json& claims, const HypothesisResult& result) {
  if (!result.effect.established()) {
    return;
  }
  const auto& definition = result.definition;
  claims.push_back({{"id", definition.id},
                    {"claim", definition.claim},
                    {"operators", definition.operators},
                    {"statistic", definition.statistic},
                    {"rule", definition.rule},
                    {"role", definition.role},
                    {"unit", definition.unit},
                    {"per_model", Json::array()},
                    {"share", share_json({})},
                    {"decision", decision_name(result.decision)},
                    {"reason", result.reason},
                    {"over_models",
                     {{"n", result.effect.n},
                      {"mean", optional_json(result.effect.value)},
                      {"low", optional_json(result.effect.low)},
                      {"high", optional_json(result.effect.high)},
                      {"between_spread", nullptr},
                      {"within_error", nullptr}}}});
}

Json claims_over_models(std::span<const ModelResult> models) {
  Json claims = Json::array();
  const Json& first = models.front().hypotheses;
  for (const auto& claim : member(first, "claims")) {
    if (Json joined = claim_over_models(claim, models); !joined.is_null()) {
      claims.push_back(std::move(joined));
    }
  }
  add_claim_of_all(claims, size_claim(sized_effects(models)));
  add_claim_of_all(claims, training_size_claim(trained_effects(models)));
  add_claim_of_all(claims, stock_claim(stock_pairs(models)));
  add_claim_of_all(claims, imprint_claim(imprinted_runs(models)));
  add_claim_of_all(claims, behaviour_claim(behaviour_runs(models)));
  return claims;
}

// The best cell of each vector and goal, model beside model.
Json effects_over_models(std::span<const ModelResult> models) {
  Json effects = Json::array();
  for (const auto& model : models) {
    for (const auto& best : member(model.summary, "best")) {
      const auto same = [&](const Json& entry) {
        return entry["vector"] == best["vector"] &&
               entry["goal"] == best["goal"];
      };
      auto found = std::find_if(effects.begin(), effects.end(), same);
      if (found == effects.end()) {
        effects.push_back({{"vector", best["vector"]},
                           {"goal", best["goal"]},
                           {"measure", member(best, "measure")},
                           {"per_model", Json::array()}});
        found = std::prev(effects.end());
      }
      Json own = {{"model", model.name}};
      for (const char* key :
           {"effect", "random_effect", "covariance_effect", "beats_random",
            "valid_site", "layers", "operator", "scale", "unit"}) {
        own[key] = member(best, key);
      }
      (*found)["per_model"].push_back(std::move(own));
    }
  }
  for (auto& effect : effects) {
    effect["over_models"] = replicates_of(effect["per_model"], "effect");
    effect["beats_random"] = std::ranges::count_if(
        effect["per_model"], [](const Json& own) { return is_its_own(own); });
  }
  return effects;
}

// Layers of models of different depth meet at the share of the depth.
Json cosine_by_depth(std::span<const ModelResult> models) {
  Json rows = Json::array();
  for (const auto& model : models) {
    const Json& cosine = member(model.summary, "cosine");
    for (const auto& at : cosine) {
      Json row = at;
      row["model"] = model.name;
      row["depth"] = (at.at("layer").get<double>() + 1.0) /
                     static_cast<double>(cosine.size());
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

// "agreement with effect" and the like: what claim A1 says in words.
std::string agreement_of(const ModelResult& model) {
  const Json* claim = claim_of(model.hypotheses, "A1");
  if (claim == nullptr) {
    return "not measured";
  }
  // What it says of the primary pair; other positions follow.
  const auto reason = string_member(*claim, "reason");
  return reason.substr(0, reason.find(';'));
}

Json models_json(std::span<const ModelResult> models) {
  Json out = Json::array();
  for (const auto& model : models) {
    out.push_back({{"name", model.name},
                   {"path", model.path},
                   {"folder", "models/" + model.name},
                   {"parameters", model.parameters},
                   {"training_questions", model.training_questions},
                   {"layers", member(model.summary, "cosine").size()},
                   {"agreement", agreement_of(model)},
                   {"answers", member(model.summary, "answers")},
                   {"counts", member(model.hypotheses, "counts")}});
  }
  return out;
}

std::string names_with(const Json& claim, std::string_view decision) {
  std::string names;
  for (const auto& own : claim.at("per_model")) {
    if (own.at("decision") == decision) {
      names += fmt::format("{}{}", names.empty() ? "" : ", ",
                           string_member(own, "model"));
    }
  }
  return names;
}

// Gates and rows that follow from others are no findings.
bool is_finding(const Json& claim) {
  const auto role = string_member(claim, "role");
  return role.empty() || role == "finding";
}

// "H1, H3"; empty if there is none.
std::string ids_with(const Json& claims, std::string_view decision) {
  std::string ids;
  for (const auto& claim : claims) {
    if (is_finding(claim) && claim.at("decision") == decision) {
      ids += fmt::format("{}{}", ids.empty() ? "" : ", ",
                         string_member(claim, "id"));
    }
  }
  return ids;
}

Json sentences_of(const Json& document) {
  Json sentences = Json::array();
  const auto count = document.at("models").size();
  const Json& claims = document.at("claims");
  for (const std::string_view decision : {"supported", "contradicted"}) {
    const std::string ids = ids_with(claims, decision);
    if (!ids.empty()) {
      sentences.push_back(
          fmt::format("Over {} models {}: {}.", count, decision, ids));
    }
  }
  std::string differ;
  for (const auto& claim : claims) {
    const std::string for_it = names_with(claim, "supported");
    const std::string against = names_with(claim, "contradicted");
    if (!for_it.empty() && !against.empty()) {
      differ += fmt::format("{}{}", differ.empty() ? "" : ", ",
                            string_member(claim, "id"));
    }
  }
  if (!differ.empty()) {
    sentences.push_back(
        fmt::format("Models contradict each other about {}.", differ));
  }
  if (count < 4) {
    sentences.push_back(fmt::format(
        "{} model{} cannot decide a claim about a method; four that agree can.",
        count, count == 1 ? "" : "s"));
  }
  return sentences;
}

std::string signed_points(const Json& value, bool share) {
  if (!value.is_number()) {
    return "-";
  }
  return share ? signed_rounded(100.0 * value.get<double>(), 0)
               : signed_rounded(value.get<double>(), 2);
}

std::string effect_line(const Json& effect) {
  const bool share = string_member(effect, "measure") != "score";
  std::string line =
      fmt::format("  {:<24} {:<11}", string_member(effect, "vector"),
                  string_member(effect, "goal"));
  for (const auto& own : effect.at("per_model")) {
    const Json& value = member(member(own, "effect"), "value");
    const bool marked = value.is_number() && !is_its_own(own);
    line += fmt::format(
        " {:>6}", signed_points(value, share) + (marked ? kNotItsOwn : ""));
  }
  const Json& over = effect.at("over_models");
  line += fmt::format("   mean {}", signed_points(over["mean"], share));
  if (over["low"].is_number()) {
    line += fmt::format(" [{}, {}]", signed_points(over["low"], share),
                        signed_points(over["high"], share));
  }
  if (over["between_spread"].is_number()) {
    line += fmt::format(", sd between {}, error within {}",
                        signed_points(over["between_spread"], share).substr(1),
                        signed_points(over["within_error"], share).substr(1));
  }
  return line + "\n";
}

}  // namespace

Json models_document(std::span<const ModelResult> models) {
  Json document = {{"models", models_json(models)},
                   {"claims", claims_over_models(models)},
                   {"effects", effects_over_models(models)},
                   {"cosine", cosine_by_depth(models)}};
  document["sentences"] = sentences_of(document);
  return document;
}

std::string models_text(const Json& document) {
  std::string text;
  for (const auto& sentence : document.at("sentences")) {
    text += sentence.get<std::string>() + "\n";
  }
  for (const auto& model : document.at("models")) {
    text += fmt::format("  {:<24} {}\n", string_member(model, "name"),
                        string_member(model, "agreement"));
  }
  std::size_t shown = 0;
  for (const auto& effect : document.at("effects")) {
    if (shown == 0) {
      text += fmt::format(
          "Best effects, one column per model in this order ({} = random "
          "vectors do it too):\n",
          kNotItsOwn);
    }
    if (shown++ < kMostEffects) {
      text += effect_line(effect);
    }
  }
  return text;
}

}  // namespace veer
