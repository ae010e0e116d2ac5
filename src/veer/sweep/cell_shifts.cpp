// SPDX-License-Identifier: MIT
#include "veer/sweep/cell_shifts.h"

#include <map>

#include "veer/interventions/table.h"
#include "veer/sweep/thinking_scope.h"

namespace veer {
namespace {

std::vector<DivergenceText> behind_prompt(
    const ChatFormat& format, const std::string& system,
    std::span<const QuestionAnswer> texts) {
  std::vector<DivergenceText> list;
  for (const auto& [question, answer] : texts) {
    auto chat = question_chat(system, question);
    chat.push_back({"assistant", answer});
    const auto encoded = format.encode(chat);
    list.push_back(
        {encoded.ids, encoded.prompt_length, thinking_range(encoded.thinking)});
  }
  return list;
}

}  // namespace

std::vector<std::vector<AnswerShift>> cell_shifts(
    StudyContext& context, SweepRunner& runner,
    std::span<const SweepCell* const> cells, const std::string& model,
    std::span<const QuestionAnswer> texts) {
  const auto& transformer = context.model();
  std::map<std::string, std::vector<DivergenceText>> by_prompt;
  for (const auto* cell : cells) {
    if (!by_prompt.contains(cell->system)) {
      by_prompt[cell->system] =
          behind_prompt(context.format(), cell->system, texts);
    }
  }
  InterventionTable table(transformer.config().num_layers,
                          transformer.config().width, transformer.device());
  std::vector<DivergenceSetting> settings;
  for (const auto* cell : cells) {
    const auto configuration =
        cell->has_intervention() ? table.add(runner.edits_of(*cell)) : -1;
    settings.push_back({configuration, cell->adapter_strength,
                        cell->donor_strength(),
                        /*plain_strength=*/model == "tuned" ? 1.0 : 0.0,
                        by_prompt.at(cell->system)});
  }
  return answer_shifts(
      transformer, table, behind_prompt(context.format(), "", texts), settings,
      /*max_tokens=*/4096, context.monitor().without_progress());
}

}  // namespace veer
