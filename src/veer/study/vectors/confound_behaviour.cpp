// SPDX-License-Identifier: MIT
#include "veer/study/vectors/confound_behaviour.h"

#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"
#include "veer/data/question_units.h"
#include "veer/data/units.h"
#include "veer/metrics/intervals.h"
#include "veer/run/extract_inputs.h"
#include "veer/run/judged_answers.h"
#include "veer/sweep/results.h"
#include "veer/vectors/contrasts.h"

namespace veer {
namespace {

constexpr std::int64_t kQuestions = 48;
constexpr double kLarge = 0.1;

// Prompts of the positive and the negative side, where they differ.
std::optional<std::pair<CellSystem, CellSystem>> prompts_of(
    const std::string& contrast) {
  std::optional<CellSystem> more;
  std::optional<CellSystem> less;
  for (const auto& term : find_contrast(contrast).terms) {
    (term.weight > 0.0 ? more : less) = term.cell.system;
  }
  if (!more || !less || *more == *less) {
    return std::nullopt;
  }
  return std::pair(*more, *less);
}

class Asked {
 public:
  explicit Asked(StudyContext& context)
      : context_(context),
        records_(first_records(context.split("extract"), kQuestions)),
        options_(extract_options(context)),
        units_(units_of(unit_names(records_))) {}

  std::span<const std::int64_t> units() const { return units_; }

  // 1 for each deceptive answer under a prompt, 0 for the others.
  const std::vector<double>& deceptive(CellSystem system) {
    const auto [entry, is_new] = by_prompt_.try_emplace(system);
    if (is_new) {
      const auto labels = judged_answers(
          context_, records_, 0.0, [&](const QuestionRecord& record) {
            return prompt_messages(record.question, system, options_);
          });
      for (const auto label : labels) {
        entry->second.push_back(label == AnswerLabel::kDeceptive ? 1.0 : 0.0);
      }
    }
    return entry->second;
  }

 private:
  StudyContext& context_;
  std::vector<QuestionRecord> records_;
  ExtractOptions options_;
  std::vector<std::int64_t> units_;
  std::map<CellSystem, std::vector<double>> by_prompt_;
};

}  // namespace

Json confound_behaviour(StudyContext& context,
                        const std::vector<std::string>& contrasts) {
  Json out = Json::array();
  if (!context.has_fit_judge()) {
    return out;
  }
  Asked asked(context);
  for (const auto& contrast : contrasts) {
    const auto prompts = prompts_of(contrast);
    if (!prompts) {
      continue;
    }
    const auto& more = asked.deceptive(prompts->first);
    const auto& less = asked.deceptive(prompts->second);
    const auto n = std::ssize(more);
    const auto difference =
        share_difference(more, n, less, n, 0.95, asked.units());
    const bool carries = std::abs(difference.value) >= kLarge &&
                         (difference.above(0.0) || difference.below(0.0));
    out.push_back(
        {{"confound", contrast},
         {"n", n},
         {"more",
          estimate_json(share_by_question(more, n, 0.95, asked.units()))},
         {"less",
          estimate_json(share_by_question(less, n, 0.95, asked.units()))},
         {"difference", estimate_json(difference)},
         {"carries", carries}});
  }
  return out;
}

}  // namespace veer
