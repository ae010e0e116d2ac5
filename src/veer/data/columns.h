// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace veer {

// Under which key or column of a foreign file each field stands; empty = under
// the names that are known. "answers.text" is a key within a key.
struct DataColumns {
  std::string question;
  std::string answer;  // of files with one answer a row
  std::string honest;
  std::string deceptive;
  std::string id;
  std::string topic;
  std::string split;

  template <class Self, class Visitor>
  static void visit(Self& self, Visitor&& field) {
    field("question", self.question,
          "key or column of the question, empty = told by its usual names");
    field("answer", self.answer,
          "of the one answer a row, whose side dataset.side says");
    field("honest", self.honest, "of the honest answer");
    field("deceptive", self.deceptive, "of the deceptive answer");
    field("id", self.id, "of the id");
    field("topic", self.topic, "of what the question is about");
    field("split", self.split, "of train, extract, select or test");
  }
};

}  // namespace veer
