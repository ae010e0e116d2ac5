// SPDX-License-Identifier: MIT
#include "veer/sweep/analysis/coherence.h"

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "veer/metrics/coherence.h"
#include "veer/metrics/question_recovery.h"

namespace veer {
namespace {

// A configuration whose texts are looked at.
struct Looked {
  const SweepCell* cell;
  std::string goal;  // empty: unsteered
};

std::vector<Looked> looked_at(const Sweep& sweep) {
  std::vector<Looked> list;
  for (const auto& model : sweep.context.manifest().sweep.models) {
    list.push_back(
        {&sweep.cells[unsteered_cell(sweep.cells, model, "test")], ""});
  }
  for (const auto& best : sweep.best) {
    if (best.group == "any") {
      list.push_back({&best.cell, best.goal.name});
    }
  }
  return list;
}

// What the model said, as tokens without template and end of turn.
std::vector<std::int32_t> said_ids(const ChatFormat& format,
                                   const QuestionRecord& record,
                                   const std::string& text) {
  if (text.empty()) {
    return {};
  }
  auto chat = question_chat("", record.question);
  chat.push_back({"assistant", text});
  const auto encoded = format.encode(chat);
  return {encoded.ids.begin() + encoded.prompt_length,
          encoded.ids.begin() + encoded.answer_end};
}

std::vector<QuestionRecovery> recoveries(
    StudyContext& context, std::span<const QuestionRecord> records,
    std::span<const AnswersToQuestions> texts) {
  std::vector<std::vector<std::int32_t>> prompts;
  for (const auto& record : records) {
    prompts.push_back(
        context.format()
            .encode_answer_prompt(question_chat("", record.question))
            .ids);
  }
  std::vector<AnswersToQuestions> asked;
  for (const auto& text : texts) {
    asked.emplace_back(text.begin(), text.begin() + std::ssize(prompts));
  }
  // The base model expects true answers, the tuned one false ones.
  std::vector<std::vector<RecoveryScores>> by_text(asked.size());
  for (const double adapter_strength : {0.0, 1.0}) {
    if (adapter_strength > 0.0 && !context.model().has_adapter()) {
      continue;
    }
    auto scores = recovery_scores(
        context.model(), prompts, asked, adapter_strength,
        context.generation_options(), context.monitor().without_progress());
    for (std::size_t i = 0; i < asked.size(); ++i) {
      by_text[i].push_back(std::move(scores[i]));
    }
  }
  std::vector<QuestionRecovery> list;
  for (const auto& readers : by_text) {
    list.push_back(question_recovery(readers));
  }
  return list;
}

// Mean over the texts that have the value; null when none has.
Json mean_json(const std::vector<double>& values) {
  double sum = 0.0;
  double count = 0.0;
  for (const double value : values) {
    if (!std::isnan(value)) {
      sum += value;
      count += 1.0;
    }
  }
  return count > 0.0 ? Json(sum / count) : Json(nullptr);
}

Json distinct_json(const AnswersToQuestions& texts) {
  Json list = Json::array();
  for (const std::int64_t n : {1, 2, 3}) {
    list.push_back(number_or_null(distinct(texts, n)));
  }
  return list;
}

Json entry_json(const Looked& looked, const SweepResults& results,
                const AnswersToQuestions& texts) {
  const auto& row = looked.cell->row;
  std::vector<double> repeated;
  std::vector<double> compressed;
  std::vector<double> lengths;
  for (std::size_t q = 0; q < texts.size(); ++q) {
    repeated.push_back(repetition(texts[q]));
    compressed.push_back(compression_ratio(
        results.answer(row.id, static_cast<std::int64_t>(q)).text));
    lengths.push_back(static_cast<double>(texts[q].size()));
  }
  return {{"cell", row.id},
          {"vector", row.vector},
          {"model", row.model},
          {"goal", looked.goal.empty() ? Json(nullptr) : Json(looked.goal)},
          {"operator", row.operation},
          {"unit", row.unit},
          {"scale", row.scale},
          {"layers", row.layers},
          {"n", texts.size()},
          {"tokens", mean_json(lengths)},
          {"distinct", distinct_json(texts)},
          {"repetition", mean_json(repeated)},
          {"compression", mean_json(compressed)}};
}

}  // namespace

Json coherence_json(Sweep& sweep, const SweepResults& results) {
  const auto list = looked_at(sweep);
  const auto& records = sweep.runner.questions("test");
  std::int64_t common = std::ssize(records);
  for (const auto& looked : list) {
    common = std::min(common, looked.cell->num_questions);
  }
  std::vector<AnswersToQuestions> texts;
  for (const auto& looked : list) {
    auto& own = texts.emplace_back();
    for (std::int64_t q = 0; q < common; ++q) {
      own.push_back(said_ids(sweep.context.format(),
                             records[static_cast<std::size_t>(q)],
                             results.answer(looked.cell->row.id, q).text));
    }
  }
  const auto asked =
      std::min(common, sweep.context.manifest().sweep.recovery_questions);
  std::vector<QuestionRecovery> found(list.size());
  if (asked >= 2) {
    found = recoveries(
        sweep.context,
        std::span(records).first(static_cast<std::size_t>(asked)), texts);
  }
  Json entries = Json::array();
  for (std::size_t i = 0; i < list.size(); ++i) {
    Json entry = entry_json(list[i], results, texts[i]);
    entry["recovered"] = estimate_json(found[i].share);
    entry["recovered_p"] = asked >= 2 ? Json(found[i].p) : Json(nullptr);
    entries.push_back(std::move(entry));
  }
  return {{"questions", asked},
          {"chance", asked >= 2 ? Json(found.front().chance) : Json(nullptr)},
          {"entries", entries}};
}

}  // namespace veer
