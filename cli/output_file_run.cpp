// SPDX-License-Identifier: MIT
#include <system_error>

#include <fmt/core.h>

#include "cli/output_file.h"
#include "veer/base/error.h"
#include "veer/vectors/vector_files.h"

namespace veer::cli {
namespace {

namespace fs = std::filesystem;

bool is_vector(const fs::path& file) {
  try {
    read_vector_file(file, {}, {}, [](std::string_view) {});
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

void require_vector_place(std::string_view operation, const fs::path& out,
                          std::span<const fs::path> inputs) {
  const auto folder = out.parent_path();
  if (fs::is_directory(out) || (!folder.empty() && !fs::is_directory(folder))) {
    fail(operation, fmt::format("--out {}", out.string()),
         "a file in a folder that exists",
         "a folder's name, or a typing error");
  }
  if (!fs::exists(out)) {
    return;
  }
  std::error_code ec;
  for (const auto& input : inputs) {
    if (fs::equivalent(out, input, ec)) {
      fail(operation, fmt::format("{} is read and to be written", out.string()),
           "another file to write", "the same name given twice");
    }
  }
  if (!is_vector(out)) {
    fail(operation, fmt::format("{} exists and is no vector", out.string()),
         "a new file, or a vector file to take the place of",
         "the name of another file");
  }
}

}  // namespace veer::cli
