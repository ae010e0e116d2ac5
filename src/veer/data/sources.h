// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "veer/data/record.h"
#include "veer/data/row_reader.h"

namespace veer {

struct SourceReport {
  std::vector<QuestionRecord> records;
  std::int64_t skipped = 0;
  std::vector<std::string> problems;  // the first 20 skipped rows, in words
  std::vector<std::string> notes;     // what was assumed and left out
};

// Questions with their answers from one file: JSON Lines, one JSON array, CSV
// or TSV, by the name's ending; rows of the layouts of content_of_row(). Two
// rows of one question that each lack the other's side become one record; an
// id that stands twice is made anew from the question. A record's `split` is
// what the source says, see splits.h for what a study takes.
// Throws Error{kBadInput} naming the file and the line (the element of a JSON
// array); for files that hold no text with the line that converts them.
SourceReport read_question_file(const std::filesystem::path& path,
                                const SourceOptions& options = {});
SourceReport parse_question_file(std::string_view text, std::string_view name,
                                 const SourceOptions& options = {});

// Two files, one per side, joined by question after normalisation: the
// study's pair files, or LLM-LieDetector's truthful.jsonl and lie.jsonl.
// A question on one side only keeps its other answer empty. Repeated
// questions keep their first answer. Either path may be empty.
SourceReport join_answer_files(const std::filesystem::path& honest,
                               const std::filesystem::path& deceptive,
                               const SourceOptions& options = {});

// Any of the above from one path. A folder with questions.jsonl is ours; one
// with two files of which the names say one side each (honest_dataset.json
// and deception_dataset.json, truthful.jsonl and lie.jsonl) is joined; one
// with a single data file is that file.
SourceReport read_questions(const std::filesystem::path& path,
                            const SourceOptions& options = {});

}  // namespace veer
