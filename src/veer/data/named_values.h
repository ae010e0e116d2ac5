// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "veer/base/json.h"
#include "veer/data/answer_side.h"

namespace veer {

// The values of a row by name, whatever the spelling of the names: "Best
// Answer", "bestAnswer" and "best_answer" are one. Keeps in mind which were
// taken, so that the others can be told of. A value that is null, "" or an
// empty list counts as absent.
class NamedValues {
 public:
  // `row` is an object and has to outlive this.
  explicit NamedValues(const Json& row);

  // The value under a name in lower case with underscores, now taken; nullptr
  // if absent.
  const Json* take(std::string_view name);
  // The value under a key as the file spells it, or "answers.text": a key
  // within an object. nullptr if absent; `exists` says whether the key stands
  // there without a value.
  const Json* take_key(std::string_view key, bool* exists = nullptr);
  bool has(std::string_view name) const;

  struct Entry {
    std::string key;   // as in the file
    std::string name;  // lower case with underscores
    const Json* value;
    bool taken = false;
  };
  std::vector<Entry>& entries() { return entries_; }
  const std::vector<Entry>& entries() const { return entries_; }

  // Keys as in the file, of values that are there and were not taken.
  std::vector<std::string> left_over() const;
  // Those of them whose name says that an answer may stand there.
  std::vector<std::string> left_over_answers() const;

 private:
  std::vector<Entry> entries_;
};

// How surely the name of a key says that an answer of a side stands there.
struct SideName {
  AnswerSide side;
  int rank;  // 0 = "honest"; 1 = "best_answer"; 2 = one answer; 3 = a list
};

// "honest", "truthful_answer", "answer_deceptive", "incorrect_answers" and
// their like; nothing for other names, and for labels ("correct", "false").
std::optional<SideName> side_of_key(std::string_view name);

// "a", "b" in quotes, for messages; the first twelve.
std::string quoted_list(const std::vector<std::string>& names);

}  // namespace veer
