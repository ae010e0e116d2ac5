// SPDX-License-Identifier: MIT
//
// Where a verb may write: never over what somebody made.
#pragma once

#include <filesystem>
#include <span>
#include <string_view>

namespace veer::cli {

// A vector file may take the place of another vector, and of nothing else: not
// of an input, a manifest or somebody's data. Throws Error{kBadInput} also
// where `out` is a folder or lies in one that is not there.
void require_vector_place(std::string_view operation,
                          const std::filesystem::path& out,
                          std::span<const std::filesystem::path> inputs);

}  // namespace veer::cli
