// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "veer/data/record.h"
#include "veer/text/chat_format.h"

namespace veer {

// Which side the answers of a one-sided file are on.
enum class AnswerSide { kHonest, kDeceptive };

struct SourceOptions {
  // A row that cannot be used: false = stop with its line number, true =
  // leave it out and count it.
  bool skip_bad_rows = false;
  // Side of a file with one answer per question. Not given: told by its name
  // ("honest", "truth"; "decept", "lie"), and an error if that does not say.
  std::optional<AnswerSide> side;
};

struct SourceReport {
  std::vector<QuestionRecord> records;
  std::int64_t skipped = 0;
  std::vector<std::string> problems;  // the first 20 skipped rows, in words
};

// One conversation of a chat file: user text and answer, system text if any.
struct ChatRow {
  std::vector<ChatMessage> messages;  // the last role is "assistant"
  std::int64_t line = 0;              // 1-based; array element for JSON files
};

// Rows of a JSON or JSON Lines file in one of the common layouts, told apart
// per row: {"messages"}, bare message arrays, ShareGPT {"conversations"},
// {"prompt", "completion"}, Alpaca {"instruction", "input", "output"}. A prompt
// "User: ...\nAssistant:" (LLM-LieDetector) gives its question alone, answers
// lose white space around them.
// Throws Error{kBadInput} naming `origin` and the line (the element of a JSON
// array) of a row that is none of these or has no answer.
std::vector<ChatRow> read_chat_rows(const std::filesystem::path& path,
                                    const SourceOptions& options = {});
std::vector<ChatRow> parse_chat_rows(std::string_view text,
                                     std::string_view origin,
                                     const SourceOptions& options = {});

// Questions with both answers from one file, by its name and first row:
// records of ours, {"prompt", "chosen", "rejected"} (chosen = honest),
// {"question"} alone, a CSV file with the columns of TruthfulQA, or chat rows,
// whose answers are of one side.
SourceReport read_question_file(const std::filesystem::path& path,
                                const SourceOptions& options = {});
SourceReport parse_question_file(std::string_view text, std::string_view name,
                                 const SourceOptions& options = {});

// Two chat files, one per side, joined by question after normalisation: the
// study's pair files, or LLM-LieDetector's truthful.jsonl and lie.jsonl.
// A question on one side only keeps its other answer empty. Repeated
// questions keep their first answer. Either path may be empty.
SourceReport join_answer_files(const std::filesystem::path& honest,
                               const std::filesystem::path& deceptive,
                               const SourceOptions& options = {});

// Any of the above from one path: a folder with honest_dataset.json and
// deception_dataset.json, or with truthful.jsonl and lie.jsonl, is joined; a
// file goes to read_question_file(). A folder with questions.jsonl is ours.
SourceReport read_questions(const std::filesystem::path& path,
                            const SourceOptions& options = {});

}  // namespace veer
