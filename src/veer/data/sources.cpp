// SPDX-License-Identifier: MIT
#include "veer/data/sources.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/base/json.h"
#include "veer/data/csv.h"
#include "veer/data/rows.h"
#include "veer/text/near_duplicates.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

// Runs `use` and, when bad rows are skipped, keeps what it threw.
template <class Use>
void attempt(const SourceOptions& options, SourceReport& report, Use&& use) {
  static constexpr std::size_t kMaxProblems = 20;
  try {
    use();
  } catch (const Error& error) {
    if (!options.skip_bad_rows) {
      throw;
    }
    ++report.skipped;
    if (report.problems.size() < kMaxProblems) {
      report.problems.emplace_back(error.what());
    }
  }
}

std::string lower_name(std::string_view name) {
  std::string out(name.substr(name.find_last_of('/') + 1));
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return out;
}

void refuse_packed(std::string_view name) {
  for (const std::string_view end : {".gz", ".zst", ".parquet", ".arrow"}) {
    if (lower_name(name).ends_with(end)) {
      fail("read dataset", fmt::format("{} is a {} file", name, end),
           "JSON, JSON Lines or CSV text",
           "it has to be unpacked or converted first");
    }
  }
}

AnswerSide side_of(std::string_view name, const SourceOptions& options) {
  if (options.side) {
    return *options.side;
  }
  const std::string lower = lower_name(name);
  const auto has = [&](std::string_view word) {
    return lower.find(word) != std::string::npos;
  };
  const bool deceptive = has("decept") || has("lie");
  const bool honest = has("honest") || has("truth");
  if (deceptive == honest) {
    fail("read dataset",
         fmt::format("{} has one answer per question and its name does not say "
                     "which side they are on",
                     name),
         "\"honest\" or \"deceptive\" in the file's name, or a file with both "
         "answers");
  }
  return deceptive ? AnswerSide::kDeceptive : AnswerSide::kHonest;
}

QuestionRecord record_of_chat(const ChatRow& row, AnswerSide side,
                              std::string_view source) {
  QuestionRecord out;
  for (const ChatMessage& message : row.messages) {
    if (message.role == "user") {
      out.question = message.content;
    }
  }
  out.id = question_id(out.question);
  out.source = std::string(source);
  (side == AnswerSide::kHonest ? out.honest : out.deceptive) =
      row.messages.back().content;
  return out;
}

QuestionRecord record_of_preference(const Json& row, const std::string& place,
                                    std::string_view source) {
  QuestionRecord out;
  out.question = question_of_prompt(row.at("prompt"), place);
  out.honest = answer_text(row.at("chosen"), place);
  out.deceptive = answer_text(row.at("rejected"), place);
  out.id = question_id(out.question);
  out.source = std::string(source);
  return out;
}

void add_row(const Json& row, const std::string& place, std::string_view name,
             const SourceOptions& options, std::vector<QuestionRecord>& out) {
  if (row.is_object() && row.contains("question")) {
    auto records = records_from_jsonl(dump_json(row), place);
    if (records[0].question.empty()) {
      fail("read dataset", fmt::format("{}: an empty question", place));
    }
    if (records[0].source.empty()) {
      records[0].source = lower_name(name);
    }
    out.push_back(std::move(records[0]));
  } else if (row.is_object() && row.contains("prompt") &&
             row.contains("chosen") && row.contains("rejected")) {
    out.push_back(record_of_preference(row, place, lower_name(name)));
  } else {
    ChatRow chat;
    chat.messages = chat_messages_of(row, place);
    out.push_back(
        record_of_chat(chat, side_of(name, options), lower_name(name)));
  }
}

std::size_t column(const CsvRow& header, std::string_view name) {
  const auto at = std::find(header.fields.begin(), header.fields.end(), name);
  return static_cast<std::size_t>(at - header.fields.begin());
}

SourceReport parse_csv_questions(std::string_view text, std::string_view name,
                                 const SourceOptions& options) {
  SourceReport out;
  const std::vector<CsvRow> rows = parse_csv(text, name);
  if (rows.empty()) {
    return out;
  }
  const std::size_t question = column(rows[0], "Question");
  const std::size_t honest = column(rows[0], "Best Answer");
  const std::size_t deceptive = column(rows[0], "Best Incorrect Answer");
  const std::size_t topic = column(rows[0], "Category");
  const std::size_t width = rows[0].fields.size();
  if (std::max({question, honest, deceptive}) >= width) {
    fail("read dataset",
         fmt::format("{}, line 1: not the columns of TruthfulQA", name),
         "\"Question\", \"Best Answer\" and \"Best Incorrect Answer\"");
  }
  for (std::size_t i = 1; i < rows.size(); ++i) {
    attempt(options, out, [&] {
      const CsvRow& row = rows[i];
      if (row.fields.size() != width) {
        fail("read dataset",
             fmt::format("{}, line {}: {} fields", name, row.line,
                         row.fields.size()),
             fmt::format("{} as in the first line", width));
      }
      out.records.push_back({question_id(row.fields[question]),
                             row.fields[question], row.fields[honest],
                             row.fields[deceptive], lower_name(name), "",
                             topic < width ? row.fields[topic] : ""});
    });
  }
  return out;
}

// Records of equal questions become one; the first answer of a side stays.
std::vector<QuestionRecord> merge_equal(std::vector<QuestionRecord> records) {
  std::unordered_map<std::string, std::size_t> seen;
  std::vector<QuestionRecord> out;
  for (QuestionRecord& record : records) {
    const auto [at, is_new] =
        seen.try_emplace(normalise_text(record.question), out.size());
    if (is_new) {
      out.push_back(std::move(record));
      continue;
    }
    QuestionRecord& first = out[at->second];
    first.honest = first.honest.empty() ? record.honest : first.honest;
    first.deceptive =
        first.deceptive.empty() ? record.deceptive : first.deceptive;
  }
  return out;
}

void add_side(const fs::path& path, AnswerSide side,
              const SourceOptions& options, SourceReport& report) {
  if (path.empty()) {
    return;
  }
  refuse_packed(path.string());
  const std::string source = path.parent_path().filename().string();
  for_each_row(read_file(path), path.string(),
               [&](const Json& row, const std::string& place, std::int64_t) {
                 attempt(options, report, [&] {
                   ChatRow chat;
                   chat.messages = chat_messages_of(row, place);
                   report.records.push_back(record_of_chat(chat, side, source));
                 });
               });
}

}  // namespace

std::vector<ChatRow> parse_chat_rows(std::string_view text,
                                     std::string_view origin,
                                     const SourceOptions& options) {
  SourceReport report;
  std::vector<ChatRow> out;
  for_each_row(
      text, origin,
      [&](const Json& row, const std::string& place, std::int64_t number) {
        attempt(options, report,
                [&] { out.push_back({chat_messages_of(row, place), number}); });
      });
  return out;
}

std::vector<ChatRow> read_chat_rows(const fs::path& path,
                                    const SourceOptions& options) {
  refuse_packed(path.string());
  return parse_chat_rows(read_file(path), path.string(), options);
}

SourceReport parse_question_file(std::string_view text, std::string_view name,
                                 const SourceOptions& options) {
  refuse_packed(name);
  if (lower_name(name).ends_with(".csv")) {
    return parse_csv_questions(text, name, options);
  }
  SourceReport out;
  for_each_row(
      text, name, [&](const Json& row, const std::string& place, std::int64_t) {
        attempt(options, out,
                [&] { add_row(row, place, name, options, out.records); });
      });
  return out;
}

SourceReport read_question_file(const fs::path& path,
                                const SourceOptions& options) {
  return parse_question_file(read_file(path), path.string(), options);
}

SourceReport join_answer_files(const fs::path& honest,
                               const fs::path& deceptive,
                               const SourceOptions& options) {
  SourceReport out;
  add_side(honest, AnswerSide::kHonest, options, out);
  add_side(deceptive, AnswerSide::kDeceptive, options, out);
  out.records = merge_equal(std::move(out.records));
  return out;
}

SourceReport read_questions(const fs::path& path,
                            const SourceOptions& options) {
  if (!fs::is_directory(path)) {
    return read_question_file(path, options);
  }
  static constexpr std::array<std::array<const char*, 2>, 3> kPairs = {{
      {"honest_dataset.json", "deception_dataset.json"},
      {"truthful.jsonl", "lie.jsonl"},
      {"honest.jsonl", "deceptive.jsonl"},
  }};
  if (fs::exists(path / "questions.jsonl")) {
    return read_question_file(path / "questions.jsonl", options);
  }
  for (const auto& [honest, deceptive] : kPairs) {
    if (fs::exists(path / honest) && fs::exists(path / deceptive)) {
      return join_answer_files(path / honest, path / deceptive, options);
    }
  }
  fail("read dataset", fmt::format("no known files in {}", path.string()),
       "questions.jsonl, honest_dataset.json and deception_dataset.json, or "
       "truthful.jsonl and lie.jsonl");
}

}  // namespace veer
