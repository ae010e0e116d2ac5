// SPDX-License-Identifier: MIT
#include "veer/data/sources.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/data/named_values.h"
#include "veer/data/packed_files.h"
#include "veer/data/table.h"
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

void add_rows(std::string_view text, std::string_view name,
              const std::string& source, const SourceOptions& options,
              SourceReport& report) {
  require_text_file(name, text);
  RowReader reader(std::string(name), source, options);
  const RowVisitor visit = [&](const std::function<Json()>& read,
                               const std::string& place) {
    attempt(options, report,
            [&] { report.records.push_back(reader.read(read(), place)); });
  };
  if (is_table_name(name)) {
    for_each_table_row(text, name, visit);
  } else {
    for_each_row(text, name, visit);
  }
  for (std::string& note : reader.notes()) {
    report.notes.push_back(std::move(note));
  }
}

bool complete_each_other(const QuestionRecord& a, const QuestionRecord& b) {
  return (a.honest.empty() && !a.deceptive.empty() && !b.honest.empty() &&
          b.deceptive.empty()) ||
         (!a.honest.empty() && a.deceptive.empty() && b.honest.empty() &&
          !b.deceptive.empty());
}

// Records of equal questions become one; the first answer of a side stays.
// Those whose splits differ stay apart, for the study to judge.
std::vector<QuestionRecord> merge_equal(std::vector<QuestionRecord> records,
                                        bool repeated_too,
                                        std::int64_t* repeated) {
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
    const bool completes = complete_each_other(first, record);
    if (first.split != record.split || (!completes && !repeated_too)) {
      out.push_back(std::move(record));
      continue;
    }
    *repeated += completes ? 0 : 1;
    first.honest = first.honest.empty() ? record.honest : first.honest;
    first.deceptive =
        first.deceptive.empty() ? record.deceptive : first.deceptive;
  }
  return out;
}

void make_ids_unique(SourceReport& report) {
  std::set<std::string> seen;
  std::int64_t renewed = 0;
  for (QuestionRecord& record : report.records) {
    if (!seen.insert(record.id).second) {
      const std::string own = question_id(record.question);
      renewed += record.id == own ? 0 : 1;
      record.id = own;
      seen.insert(own);
    }
  }
  if (renewed > 0) {
    report.notes.push_back(fmt::format(
        "{} ids stand twice; the later ones are made from the question.",
        renewed));
  }
}

void add_side(const fs::path& path, AnswerSide side, SourceOptions options,
              SourceReport& report) {
  if (path.empty()) {
    return;
  }
  // A name that says the side is the reason that the notes give.
  options.side = side_of_file_name(path.string()) == side ? std::nullopt
                                                          : std::optional(side);
  add_rows(read_file(path), path.string(),
           path.parent_path().filename().string(), options, report);
}

bool is_data_file(const fs::path& path) {
  static constexpr std::string_view kEndings[] = {".json", ".jsonl", ".ndjson"};
  return is_table_name(path.string()) ||
         std::find(std::begin(kEndings), std::end(kEndings),
                   lower_name(path.extension().string())) != std::end(kEndings);
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> out;
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(folder, ec)) {
    if (entry.is_regular_file(ec)) {
      out.push_back(entry.path());
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

[[noreturn]] void refuse_folder(const fs::path& folder,
                                const std::vector<fs::path>& files) {
  std::vector<std::string> names;
  for (const fs::path& file : files) {
    names.push_back(file.filename().string());
  }
  fail("read dataset",
       names.empty()
           ? fmt::format("no file in {}", folder.string())
           : fmt::format("{} holds {}", folder.string(), quoted_list(names)),
       "questions.jsonl, one data file, or two whose names say one side each "
       "(honest.jsonl and deceptive.jsonl)",
       "several files of which one has to be named, or files that have to be "
       "converted first (docs/formats/datasets.md)");
}

SourceReport read_folder(const fs::path& folder, const SourceOptions& options) {
  if (fs::exists(folder / "questions.jsonl")) {
    return read_question_file(folder / "questions.jsonl", options);
  }
  const auto files = files_in(folder);
  std::vector<fs::path> data, honest, deceptive;
  for (const fs::path& file : files) {
    if (!is_data_file(file)) {
      continue;
    }
    data.push_back(file);
    if (const auto side = side_of_file_name(file.string())) {
      (*side == AnswerSide::kHonest ? honest : deceptive).push_back(file);
    }
  }
  if (honest.size() == 1 && deceptive.size() == 1) {
    return join_answer_files(honest[0], deceptive[0], options);
  }
  if (data.size() == 1) {
    return read_question_file(data[0], options);
  }
  refuse_folder(folder, files);
}

}  // namespace

SourceReport parse_question_file(std::string_view text, std::string_view name,
                                 const SourceOptions& options) {
  SourceReport out;
  add_rows(text, name, lower_name(name), options, out);
  std::int64_t unused = 0;
  out.records =
      merge_equal(std::move(out.records), /*repeated_too=*/false, &unused);
  make_ids_unique(out);
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
  std::int64_t repeated = 0;
  out.records =
      merge_equal(std::move(out.records), /*repeated_too=*/true, &repeated);
  if (repeated > 0) {
    out.notes.push_back(fmt::format(
        "{} rows repeat a question; the first answer of a side is kept.",
        repeated));
  }
  make_ids_unique(out);
  return out;
}

SourceReport read_questions(const fs::path& path,
                            const SourceOptions& options) {
  std::error_code ec;
  return fs::is_directory(path, ec) ? read_folder(path, options)
                                    : read_question_file(path, options);
}

}  // namespace veer
