// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace veer {

// One question of a study with its two reference answers. Either answer may
// be empty while a dataset is being made, or where the source has one side.
struct QuestionRecord {
  std::string id;  // unique within a dataset
  std::string question;
  std::string honest;
  std::string deceptive;
  std::string source;  // where it comes from: "seed", "model", a file name
  std::string split;   // "", "train", "extract", "select" or "test"
  // What the question is about, where the source says so; see SplitOptions.
  std::string topic = {};
  // From 1 on where the questions are cut into folds; see folds.h.
  std::int64_t fold = 0;
  // What is resampled as a whole with it, see question_units.h; empty = it
  // stands alone.
  std::string unit = {};

  bool operator==(const QuestionRecord&) const = default;
};

// The id of a question without one: "q" and 16 hexadecimal digits of the hash
// of its normalised text. Stable when the data grow.
std::string question_id(std::string_view question);

// JSON lines, one record each, all keys ("fold" and "unit" only where there is
// one), UTF-8; one "\n" after each.
std::string records_to_jsonl(std::span<const QuestionRecord> records);

// Reads them back. Unknown keys are ignored; a missing "question" or a value
// of the wrong type is an error; a missing id is made by question_id(). Blank
// lines are skipped. Throws Error{kBadInput} naming `origin` and the line.
std::vector<QuestionRecord> records_from_jsonl(std::string_view text,
                                               std::string_view origin);

void write_records(const std::filesystem::path& path,
                   std::span<const QuestionRecord> records);
std::vector<QuestionRecord> read_records(const std::filesystem::path& path);

}  // namespace veer
