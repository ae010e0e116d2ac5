// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "veer/base/json.h"

namespace veer {

// One question of a study: first what it comes to, in a line that needs no
// number to be understood, then sentences with the numbers, their intervals and
// last, in brackets, the names in code.
struct SummaryAnswer {
  std::string id;  // "agreement", "induction", "suppression", "tuning"
  std::string question;
  std::string answer;
  std::vector<std::string> numbers;

  // A sentence with numbers; empty ones are left out.
  void add(std::string sentence) {
    if (!sentence.empty()) {
      numbers.push_back(std::move(sentence));
    }
  }
};

// "; claim H5 supported", to close the names in brackets. Empty where
// hypotheses.json has no such claim with a number.
std::string claim_note(const Json& hypotheses, const char* id);

// The same of a claim that says no, without a double negative: "; it does not
// (H3)" where it is supported, "; it does (H3)" where it is contradicted,
// otherwise "; whether it does is undecided (H3)".
std::string denial_note(const Json& hypotheses, const char* id);

}  // namespace veer
