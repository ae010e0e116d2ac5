// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "veer/data/record.h"
#include "veer/run/context.h"

namespace veer {

// Asks the model for [dataset] questions questions like the seeds, a few
// examples in each prompt. What it wrote, one per line, as it came; a line
// may be anything.
std::vector<std::string> write_questions(
    StudyContext& context, const std::vector<QuestionRecord>& seeds);

// The questions in a free-form list: numbers, bullets and quotes at the start
// of a line are dropped, lines without a question mark at the end are left
// out.
std::vector<std::string> listed_questions(std::string_view text);

// Why a line is no usable question ("malformed"); empty = it is one. `world`:
// of an organism, else null.
std::string question_problem(std::string_view question,
                             const organism::World* world);

}  // namespace veer
