// SPDX-License-Identifier: MIT
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace veer {

// What kind of end an error is; the command line turns it into an exit code.
enum class ErrorKind {
  kBadInput,     // wrong use, or input we cannot accept (exit code 2)
  kFailed,       // the machine or the run failed: full disk, NaN loss (1)
  kInterrupted,  // asked to stop; all finished work is kept (130)
};

// The one exception type of the library. The message has four parts:
// operation, found, expected, likely cause.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message)
      : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

// Throws Error{kBadInput}:
//   [operation] found; expected <expected>. Likely cause: <cause>.
// `expected` and `cause` may be empty; their part is then left out.
[[noreturn]] void fail(std::string_view operation, std::string_view found,
                       std::string_view expected = {},
                       std::string_view cause = {});

// The same with Error{kFailed}: the input was fine, the run was not.
[[noreturn]] void fail_run(std::string_view operation, std::string_view found,
                           std::string_view expected = {},
                           std::string_view cause = {});

}  // namespace veer
