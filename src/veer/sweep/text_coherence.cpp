// SPDX-License-Identifier: MIT
#include "veer/sweep/text_coherence.h"

#include <algorithm>
#include <cmath>

#include "veer/generation/score.h"

namespace veer {
namespace {

constexpr std::size_t kFewestForLimits = 8;

bool has_ended(const AnswerRow& row) {
  return row.reason == stop_reason_name(StopReason::kStopToken);
}

CoherenceSignals signals_of(const AnswerRow& row, bool mostly_ends) {
  CoherenceSignals signals;
  signals.repetition = std::isnan(row.repetition) ? 0.0 : row.repetition;
  signals.compression = compression_ratio(row.text);
  signals.reached_end = !mostly_ends || has_ended(row);
  signals.nll = row.nll;
  return signals;
}

}  // namespace

bool is_not_finite(const AnswerRow& row) {
  return row.reason == stop_reason_name(StopReason::kNotFinite);
}

void measure_coherence(StudyContext& context,
                       std::span<const MeasuredText> texts,
                       std::vector<AnswerRow>& rows) {
  std::vector<ScoreRequest> scores;
  std::vector<std::size_t> of_row;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    rows[i].repetition = repetition(texts[i].answer);
    if (!texts[i].answer.empty()) {
      scores.push_back({texts[i].prompt, {texts[i].answer}});
      of_row.push_back(i);
    }
  }
  const auto results =
      score_all(context.model(), nullptr, scores, context.generation_options(),
                context.monitor().without_progress());
  for (std::size_t i = 0; i < results.size(); ++i) {
    rows[of_row[i]].nll = -results[i].mean(0);
  }
}

std::vector<AnswerRow> reference_rows(StudyContext& context,
                                      std::span<const QuestionRecord> records) {
  std::vector<MeasuredText> texts;
  std::vector<AnswerRow> rows;
  for (const auto& record : records) {
    for (const auto& answer : {record.honest, record.deceptive}) {
      auto chat = question_chat("", record.question);
      chat.push_back({"assistant", answer});
      const auto encoded = context.format().encode(chat);
      const auto begin = encoded.ids.begin();
      texts.push_back(
          {{begin, begin + encoded.prompt_length},
           {begin + encoded.prompt_length, begin + encoded.answer_end}});
      rows.emplace_back();
      rows.back().text = answer;
      rows.back().reason = stop_reason_name(StopReason::kStopToken);
    }
  }
  measure_coherence(context, texts, rows);
  return rows;
}

SoundText::SoundText(
    const std::map<std::string, std::vector<AnswerRow>>& unsteered,
    std::span<const AnswerRow> references) {
  std::vector<CoherenceSignals> signals;
  for (const auto& row : references) {
    signals.push_back(signals_of(row, /*mostly_ends=*/false));
  }
  for (const auto& [model, rows] : unsteered) {
    mostly_ends_[model] =
        2 * std::ranges::count_if(rows, has_ended) > std::ssize(rows);
    for (const auto& row : rows) {
      signals.push_back(signals_of(row, /*mostly_ends=*/false));
    }
  }
  if (signals.size() >= kFewestForLimits) {
    limits_ = coherence_limits(signals);
  }
}

bool SoundText::is_flagged(const std::string& model,
                           const AnswerRow& row) const {
  return is_not_finite(row) ||
         incoherent(signals_of(row, mostly_ends_.at(model)), limits_);
}

}  // namespace veer
