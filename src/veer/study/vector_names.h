// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace veer {

// "contrastive", "finetune", "content", "random", "subset": what gives a vector
// its colour in the report. Made from the name.
std::string vector_family(const std::string& name);
// What follows the last "@" of CONTRAST@POSITION; empty if there is none.
std::string vector_position(const std::string& name);

// The pair of the study's question: the first contrastive vector and the
// first fine-tuned one of the same position (of any, if there is none).
// Empty names where the study has no such pair.
std::pair<std::string, std::string> primary_pair(
    const std::vector<std::string>& names);

}  // namespace veer
