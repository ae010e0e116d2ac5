// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "veer/run/context.h"

namespace veer {

// The unsteered answers, without thoughts, that the model gives to `requests`,
// in their order. They are made and committed in chunks of a fixed size, so
// that a killed call is continued and the whole does not depend on where it was
// killed. Of the first requests only the first texts are given; a later call
// with all of them goes on behind.
std::vector<std::string> generate_texts(
    StudyContext& context, std::string_view stage, std::string_view part,
    std::span<const GenerationRequest> requests);

// The part of a stage's texts that holds what these requests give, named after
// them: "honest", and a hash of the requests and of the model that is asked.
// What such a part holds is right whatever the other settings of the stage.
std::string drafts_name(StudyContext& context, std::string_view part,
                        std::span<const GenerationRequest> requests);

// Tells the monitor how many texts ended inside of their thoughts, so that
// there is no answer, and what to do; `longest`: the key of the limit of
// tokens, where there is one. Nothing where all have one.
void tell_unanswered(StudyContext& context,
                     std::span<const Completion> completions,
                     std::string_view longest);

// Tells the monitor how many texts ended because their numbers were not finite
// in the model's dtype, and what has room. Nothing where none did.
void tell_not_finite(StudyContext& context,
                     std::span<const Completion> completions);

// Requests per chunk.
inline constexpr std::size_t kChunkRequests = 2048;

}  // namespace veer
