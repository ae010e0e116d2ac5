// SPDX-License-Identifier: MIT
#include "veer/claims/sweep_evidence.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <tuple>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"
#include "veer/results/effect_verdict.h"

namespace veer {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

}  // namespace

bool has_unfit_judge(const Json& sweep) {
  return member(member(sweep, "judge"), "fit") == Json(false);
}

std::string why_no_labels(const Json& sweep) {
  const Json& judge = member(sweep, "judge");
  const auto kind = string_member(judge, "kind");
  if (kind.empty() || kind == "logprob") {
    return "the judge gives scores, not labels (judge.kind)";
  }
  return has_unfit_judge(sweep)
             ? fmt::format("the judge {} is not fit (judge.kind)", kind)
             : "";
}

std::vector<std::int64_t> test_units(const Json& sweep) {
  const Json& units = member(member(sweep, "units"), "test");
  return units.is_array() ? units.get<std::vector<std::int64_t>>()
                          : std::vector<std::int64_t>{};
}

std::vector<std::int64_t> present_units(std::span<const std::int64_t> units,
                                        std::span<const double> values) {
  std::vector<std::int64_t> own;
  for (std::size_t q = 0; q < std::min(units.size(), values.size()); ++q) {
    if (!std::isnan(values[q])) {
      own.push_back(units[q]);
    }
  }
  return own;
}

SweepEvidence::SweepEvidence(const Json& sweep,
                             std::span<const AnswerRow> answers,
                             std::uint64_t seed)
    : seed_(seed),
      min_coherent_(min_coherent_of(sweep)),
      units_(test_units(sweep)) {
  if (!sweep.is_object() || !sweep.contains("cells")) {
    why_ = "the sweep has not run";
    return;
  }
  why_ = why_no_labels(sweep);
  if (!why_.empty()) {
    return;
  }
  for (const auto& entry : sweep.at("cells")) {
    cells_[entry.at("id").get<std::int64_t>()] = &entry;
  }
  for (const auto& row : answers) {
    const auto found = cells_.find(row.cell);
    if (found != cells_.end() &&
        string_member(*found->second, "split") == "test") {
      auto& own = answers_[row.cell];
      own.question.push_back(row.question);
      own.label.push_back(parse_label(row.label));
      num_questions_ = std::max(num_questions_, row.question + 1);
    }
  }
  effects_ = chosen_effects(sweep);
  for (const auto& effect : effects_) {
    if (effect.group == "any" &&
        std::ranges::find(vectors_, effect.vector) == vectors_.end()) {
      vectors_.push_back(effect.vector);
    }
  }
}

bool SweepEvidence::is_unbroken(const Json& cell) const {
  return number_or_nan(member(cell, "coherent"), "value") >= min_coherent_;
}

const Json* SweepEvidence::cell(std::int64_t id) const {
  const auto found = cells_.find(id);
  return found == cells_.end() ? nullptr : found->second;
}

const Json* SweepEvidence::unsteered(const char* model) const {
  for (const auto& [id, entry] : cells_) {
    if (string_member(*entry, "vector").empty() &&
        string_member(*entry, "model") == model &&
        string_member(*entry, "split") == "test") {
      return entry;
    }
  }
  return nullptr;
}

std::vector<double> SweepEvidence::labelled(const Json& cell,
                                            AnswerLabel label) const {
  const auto found = answers_.find(cell.at("id").get<std::int64_t>());
  return found == answers_.end()
             ? std::vector<double>(static_cast<std::size_t>(num_questions_),
                                   kUndefined)
             : label_by_question(found->second, label, num_questions_);
}

std::vector<double> SweepEvidence::change(const Json& cell,
                                          AnswerLabel label) const {
  const Json* plain = unsteered(string_member(cell, "model").c_str());
  auto after = labelled(cell, label);
  const auto before = plain == nullptr
                          ? std::vector<double>(after.size(), kUndefined)
                          : labelled(*plain, label);
  for (std::size_t q = 0; q < after.size(); ++q) {
    after[q] -= before[q];
  }
  return after;
}

std::vector<const Json*> SweepEvidence::grid(const std::string& vector,
                                             std::string_view operation) const {
  std::vector<const Json*> list;
  std::set<std::tuple<std::string, double>> seen;
  for (const auto& [id, entry] : cells_) {  // the grid's come first
    if (string_member(*entry, "operator") == operation &&
        string_member(*entry, "unit") == "rel" &&
        string_member(*entry, "split") == "test" &&
        string_member(*entry, "model") == "base" &&
        string_member(*entry, "vector") == vector &&
        member(*entry, "confirms").is_null() &&
        seen.insert({string_member(*entry, "layers"),
                     number_or_nan(*entry, "scale")})
            .second) {
      list.push_back(entry);
    }
  }
  return list;
}

std::vector<const Json*> SweepEvidence::confirming(
    const std::string& vector, std::string_view operation) const {
  std::vector<const Json*> list;
  for (const auto& [id, entry] : cells_) {
    if (string_member(*entry, "operator") == operation &&
        string_member(*entry, "split") == "test" &&
        string_member(*entry, "model") == "base" &&
        string_member(*entry, "vector") == vector &&
        member(*entry, "confirms").is_number()) {
      list.push_back(entry);
    }
  }
  return list;
}

}  // namespace veer
