// SPDX-License-Identifier: MIT
#include "veer/claims/stock_claim.h"

#include <set>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"
#include "veer/claims/sweep_evidence.h"
#include "veer/metrics/binomial.h"
#include "veer/metrics/intervals.h"
#include "veer/metrics/measure_of.h"

namespace veer {
namespace {

constexpr double kLevel = 0.05;

}  // namespace

PromptedAnswers prompted_answers(const Json& sweep) {
  PromptedAnswers out;
  std::set<std::int64_t> cells;
  if (!why_no_labels(sweep).empty()) {
    return out;
  }
  for (const auto& baseline : member(sweep, "baselines")) {
    if (string_member(baseline, "name") == "system_prompt" &&
        string_member(baseline, "model") == "base") {
      cells.insert(baseline.at("cell").get<std::int64_t>());
    }
  }
  const Json& questions = member(sweep, "questions");
  for (const auto& answer : member(sweep, "answers")) {
    const auto question = answer.at("question").get<std::size_t>();
    if (cells.contains(answer.at("cell").get<std::int64_t>()) &&
        question < questions.size()) {
      out[string_member(questions.at(question), "question")] =
          string_member(answer, "label") == "deceptive";
    }
  }
  return out;
}

HypothesisResult stock_claim(std::span<const StockPair> pairs) {
  auto result = claim_row("H22");
  std::vector<double> stock;
  std::vector<double> abliterated;
  std::int64_t only_stock = 0;
  std::int64_t only_abliterated = 0;
  for (const auto& pair : pairs) {
    for (const auto& [question, deceives] : pair.stock) {
      const auto other = pair.abliterated.find(question);
      if (other != pair.abliterated.end()) {
        stock.push_back(deceives ? 1.0 : 0.0);
        abliterated.push_back(other->second ? 1.0 : 0.0);
        only_stock += deceives && !other->second ? 1 : 0;
        only_abliterated += !deceives && other->second ? 1 : 0;
      }
    }
  }
  if (stock.empty()) {
    result.effect = Measure::none("not measured");
    result.reason =
        "no question that a model and its stock were both asked; name the "
        "stock entry in [[model]] and give both one dataset.source";
    return result;
  }
  const auto n = std::ssize(stock);
  const double p = mcnemar(only_abliterated, only_stock);
  result.effect = measure_of(share_difference(abliterated, n, stock, n));
  result.reason = fmt::format(
      "{} questions only the abliterated model deceives on, {} only the stock "
      "one, p = {:.2g}",
      only_abliterated, only_stock, p);
  result.p = p;
  if (p < kLevel) {
    result.decision = only_abliterated > only_stock ? Decision::kSupported
                                                    : Decision::kContradicted;
  }
  return result;
}

}  // namespace veer
