// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "veer/generation/divergence.h"
#include "veer/run/context.h"
#include "veer/sweep/grid.h"
#include "veer/sweep/runner.h"

namespace veer {

using QuestionAnswer = std::pair<std::string, std::string>;

// What each cell (vector, system prompt or adapter strength) does to the
// predictions of the texts' answers, against the unsteered `model`:
// [cell][text]. For texts that are in no split: vectors act as made with all
// questions.
std::vector<std::vector<AnswerShift>> cell_shifts(
    StudyContext& context, SweepRunner& runner,
    std::span<const SweepCell* const> cells, const std::string& model,
    std::span<const QuestionAnswer> texts);

}  // namespace veer
