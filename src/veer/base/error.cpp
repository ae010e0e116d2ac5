// SPDX-License-Identifier: MIT
#include "veer/base/error.h"

#include <fmt/core.h>

namespace veer {
namespace {

std::string compose(std::string_view operation, std::string_view found,
                    std::string_view expected, std::string_view cause) {
  std::string text = fmt::format("[{}] {}", operation, found);
  if (!expected.empty()) {
    text += fmt::format("; expected {}", expected);
  }
  text += ".";
  if (!cause.empty()) {
    text += fmt::format(" Likely cause: {}.", cause);
  }
  return text;
}

}  // namespace

void fail(std::string_view operation, std::string_view found,
          std::string_view expected, std::string_view cause) {
  throw Error(ErrorKind::kBadInput, compose(operation, found, expected, cause));
}

void fail_run(std::string_view operation, std::string_view found,
              std::string_view expected, std::string_view cause) {
  throw Error(ErrorKind::kFailed, compose(operation, found, expected, cause));
}

}  // namespace veer
