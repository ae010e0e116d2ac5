// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

namespace veer {

// How the answers of a row are told apart.
enum class RowLayout {
  kQuestion,    // there is none
  kSides,       // by name: honest, deceptive
  kOneAnswer,   // there is one, and the row does not say its side
  kLabelled,    // one, whose label says whether it is wanted (KTO)
  kPreference,  // chosen and rejected
  kMatching,    // the answer that matches a behaviour, and the other (CAA)
};

// What a row holds, before sides are given to `first` and `second`.
struct RowContent {
  RowLayout layout = RowLayout::kQuestion;
  std::string question;
  // kSides: honest, deceptive, either may be empty. kPreference: chosen,
  // rejected. kMatching: matching, not matching. kOneAnswer, kLabelled: the
  // answer, nothing.
  std::string first;
  std::string second;
  bool wanted = true;  // kLabelled
  std::string id;
  std::string topic;
  std::string split;
  std::string source;

  // What is assumed or left out, for the notes on a file.
  std::vector<std::string> unused_keys;
  bool system = false;         // a system text
  bool earlier_turns = false;  // questions before the last one
  bool tools = false;          // calls of tools and their results
  bool reasoning = false;      // thoughts beside an answer
  bool numbers = false;        // a number was taken as an answer's text
  bool first_of_several = false;
  bool context = false;  // put before the question
};

}  // namespace veer
