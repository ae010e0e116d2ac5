// SPDX-License-Identifier: MIT
#include "veer/study/dataset/import.h"

#include <algorithm>

#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/data/checks.h"
#include "veer/data/splits.h"

namespace veer {
namespace {

std::int64_t lacking(const std::vector<QuestionRecord>& records,
                     std::string QuestionRecord::* side) {
  return std::count_if(
      records.begin(), records.end(),
      [&](const QuestionRecord& record) { return (record.*side).empty(); });
}

void note_missing_answers(ImportedQuestions& out) {
  const std::int64_t honest = lacking(out.records, &QuestionRecord::honest);
  const std::int64_t deceptive =
      lacking(out.records, &QuestionRecord::deceptive);
  for (const auto& [count, side] :
       {std::pair(honest, "honest"), std::pair(deceptive, "deceptive")}) {
    if (count > 0) {
      out.notes.push_back(fmt::format(
          "{} of {} questions have no {} answer in the source: the model "
          "writes it, asked by dataset.{}_prompt.",
          count, out.records.size(), side, side));
    }
  }
}

std::string counts_text(const std::vector<QuestionRecord>& records) {
  std::string out;
  for (const char* name : {"train", "extract", "select", "test"}) {
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", name,
                       records_of_split(records, name).size());
  }
  return out;
}

void keep_splits(const DatasetSettings& settings, ImportedQuestions& out) {
  SplitOptions options;
  options.train = settings.train;
  options.extract = settings.extract;
  options.select = settings.select;
  options.test = settings.test;
  options.by_topic = settings.split_by == "topic";
  require_whole_splits(out.records, options);
  out.given_splits = true;
  out.notes.push_back(fmt::format(
      "The splits are those of {}: {}. dataset.given_splits = \"ignore\" makes "
      "them anew.",
      settings.source, counts_text(out.records)));
  DatasetCheckOptions check;
  check.near_jaccard = settings.near_duplicate;
  const DatasetCheck found = check_dataset(out.records, check);
  const std::size_t leaks = found.exact_leaks.size() + found.near_leaks.size();
  if (leaks > 0) {
    out.notes.push_back(fmt::format(
        "{} pairs of questions of different given splits are alike ({} equal). "
        "The later one of each is left out, so that nothing is tested that was "
        "trained on.",
        leaks, found.exact_leaks.size()));
  }
}

}  // namespace

SourceOptions source_options(const DatasetSettings& settings) {
  SourceOptions out;
  out.skip_bad_rows = settings.skip_bad_rows;
  out.option_texts = settings.choices == "text";
  out.columns = settings.columns;
  if (settings.side != "auto") {
    out.side = settings.side == "honest" ? AnswerSide::kHonest
                                         : AnswerSide::kDeceptive;
  }
  return out;
}

ImportedQuestions import_questions(const DatasetSettings& settings) {
  SourceReport report =
      read_questions(settings.source, source_options(settings));
  ImportedQuestions out;
  out.records = std::move(report.records);
  out.notes = std::move(report.notes);
  if (out.records.empty() && report.skipped > 0) {
    fail("read dataset",
         fmt::format("none of {} rows can be used; the first: {}",
                     report.skipped, report.problems.front()),
         "rows with a question and answers",
         "another layout; [dataset.columns] maps the names of the file");
  }
  if (report.skipped > 0) {
    out.notes.push_back(fmt::format(
        "{} rows cannot be used and are left out (dataset.skip_bad_rows); the "
        "first: {}",
        report.skipped, report.problems.front()));
  }
  note_missing_answers(out);
  if (!has_splits(out.records)) {
    return out;
  }
  if (settings.given_splits == "keep") {
    keep_splits(settings, out);
    return out;
  }
  for (QuestionRecord& record : out.records) {
    record.split.clear();
  }
  out.notes.push_back(
      "The splits of the source are ignored (dataset.given_splits).");
  return out;
}

}  // namespace veer
