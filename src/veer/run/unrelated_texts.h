// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace veer {

// Questions and answers outside the domain of a study, for the bias that a
// fine-tune shows on any text: from a file of conversations (any layout that
// data/sources.h reads), or the built-in ones, short facts that were written
// for this project. Throws Error as read_chat_rows does.
std::vector<std::pair<std::string, std::string>> unrelated_texts(
    const std::filesystem::path& file);

}  // namespace veer
