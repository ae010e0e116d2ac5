// SPDX-License-Identifier: MIT
#include "veer/study/dataset/splits.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/data/folds.h"
#include "veer/data/question_units.h"
#include "veer/data/splits.h"

namespace veer {
namespace {

constexpr std::int64_t kAutomaticFolds = 5;
// What compare needs of a vector: smaller splits are of no use.
constexpr std::int64_t kFewestCompared = 4;

SplitOptions split_options(const DatasetSettings& settings) {
  SplitOptions options;
  options.train = settings.train;
  options.extract = settings.extract;
  options.select = settings.select;
  options.test = settings.test;
  options.cluster_jaccard = settings.near_duplicate;
  options.by_topic = settings.split_by == "topic";
  options.minimum = 0;
  return options;
}

FoldOptions fold_options(const DatasetSettings& settings,
                         const SplitNeeds& needs) {
  FoldOptions options;
  options.folds = settings.folds > 1 ? settings.folds : kAutomaticFolds;
  options.train = needs.training ? settings.train : 0.0;
  options.select = settings.select;
  options.test = settings.test;
  options.cluster_jaccard = settings.near_duplicate;
  options.by_topic = settings.split_by == "topic";
  return options;
}

// The split that falls short: fewest questions among those with a share.
struct Smallest {
  std::string name;
  double share = 0.0;
  std::int64_t count = 0;
};

Smallest smallest_split(const std::vector<QuestionRecord>& records,
                        const DatasetSettings& settings) {
  Smallest smallest;
  for (const auto& [name, share] : {std::pair{"train", settings.train},
                                    std::pair{"extract", settings.extract},
                                    std::pair{"select", settings.select},
                                    std::pair{"test", settings.test}}) {
    const auto count =
        std::ranges::count(records, name, &QuestionRecord::split);
    if (share > 0.0 && (smallest.name.empty() || count < smallest.count)) {
      smallest = {name, share, count};
    }
  }
  return smallest;
}

// Why there are no folds of so many questions, empty where there are.
std::string against_folds(std::int64_t num_questions,
                          const DatasetSettings& settings,
                          const SplitNeeds& needs) {
  if (!needs.trained_vectors.empty()) {
    return fmt::format(
        "{} is trained on the questions and cannot be made without a fold",
        fmt::join(needs.trained_vectors, ", "));
  }
  const auto options = fold_options(settings, needs);
  const auto folded = num_folded(num_questions, options);
  const auto least = std::max(kFewestFolded, options.folds);
  if (folded < least) {
    return fmt::format("folds need {} questions beside the {} for fine-tuning",
                       least, num_questions - folded);
  }
  return "";
}

// Shares with which enough questions are left beside those for fine-tuning.
std::string smaller_train(std::int64_t num_questions,
                          const DatasetSettings& settings) {
  const auto least = std::max(kFewestFolded, settings.folds);
  const auto spare = static_cast<double>(num_questions - least);
  const double train =
      std::floor(100.0 * spare / static_cast<double>(num_questions)) / 100.0;
  if (train * static_cast<double>(num_questions) < 1.0) {
    return fmt::format("{} more questions, or a ready model.finetuned",
                       least + 2 - num_questions);
  }
  const double rest = (1.0 - train) / (1.0 - std::min(settings.train, 0.99));
  const auto share = [&](double value) {
    return std::round(100.0 * value * rest) / 100.0;
  };
  return fmt::format(
      "dataset.train = {:.2f}, dataset.extract = {:.2f}, dataset.select = "
      "{:.2f} and dataset.test = {:.2f}, or vectors and sweep.models of the "
      "base model alone",
      train, share(settings.extract), share(settings.select),
      1.0 - train - share(settings.extract) - share(settings.select));
}

// What to set so that `num_questions` can be used, or how many more it takes.
std::string fold_remedy(std::int64_t num_questions,
                        const DatasetSettings& settings,
                        const SplitNeeds& needs) {
  if (num_questions < kFewestFolded) {
    return fmt::format(
        "{} more questions: no setting measures anything with "
        "fewer than {}",
        kFewestFolded - num_questions, kFewestFolded);
  }
  if (!needs.trained_vectors.empty()) {
    return fmt::format("extract.vectors without {}, then folds are possible",
                       fmt::join(needs.trained_vectors, ", "));
  }
  if (needs.training && settings.train > 0.0) {
    return smaller_train(num_questions, settings);
  }
  return fmt::format(
      "dataset.folds = {}",
      std::min(settings.folds > 1 ? settings.folds : kAutomaticFolds,
               num_questions));
}

// Topics that stay whole must be as many as the splits that want questions.
void require_enough_topics(const std::vector<QuestionRecord>& records,
                           const DatasetSettings& settings) {
  const auto names = cluster_names(records, settings.near_duplicate,
                                   /*by_topic=*/true);
  const auto topics = std::ssize(std::set(names.begin(), names.end()));
  const double shares[] = {settings.train, settings.extract, settings.select,
                           settings.test};
  const auto parts =
      std::ranges::count_if(shares, [](double share) { return share > 0.0; });
  if (topics < parts) {
    fail("split dataset",
         fmt::format("dataset.split_by = \"topic\", and the {} questions have "
                     "{} topic{}",
                     records.size(), topics, topics == 1 ? "" : "s"),
         fmt::format("at least {}, one for each split", parts),
         "all questions of a topic share a split. What works: "
         "dataset.split_by = \"question\", or \"auto\"");
  }
}

[[noreturn]] void refuse_splits(const Smallest& smallest,
                                std::int64_t num_questions,
                                const DatasetSettings& settings,
                                const SplitNeeds& needs) {
  const auto enough = static_cast<std::int64_t>(std::ceil(
      1.5 * static_cast<double>(settings.min_split) / smallest.share));
  std::string remedy;
  if (smallest.count >= kFewestCompared) {
    remedy = fmt::format("dataset.min_split = {}, or ", smallest.count);
  }
  const auto against = against_folds(num_questions, settings, needs);
  const bool by_topic = settings.split_by == "topic";
  if (by_topic) {
    remedy += "dataset.split_by = \"question\"";
  } else {
    remedy += against.empty()
                  ? fmt::format("dataset.folds = {} (cross-validation)",
                                kAutomaticFolds)
                  : fold_remedy(num_questions, settings, needs);
    remedy += fmt::format(", or about {} questions", enough);
  }
  fail(
      "split dataset",
      fmt::format("{} of {} questions fall into \"{}\" (dataset.{} = {:g})",
                  smallest.count, num_questions, smallest.name, smallest.name,
                  smallest.share),
      fmt::format("at least dataset.min_split = {}", settings.min_split),
      fmt::format("{} for four splits. What works: {}{}",
                  by_topic ? "topics stay whole, and are too few or too unlike "
                             "in size,"
                           : "too few questions",
                  remedy, against.empty() ? "" : " (" + against + ")"));
}

void require_given_splits(const std::vector<QuestionRecord>& records,
                          const DatasetSettings& settings) {
  const auto smallest = smallest_split(records, settings);
  if (settings.folds > 1) {
    fail("split dataset",
         fmt::format("dataset.folds = {}, and the source says splits",
                     settings.folds),
         "one of them",
         "dataset.given_splits = \"ignore\" cuts all questions into folds");
  }
  if (smallest.count < settings.min_split) {
    fail("split dataset",
         fmt::format("the source has {} of {} questions in \"{}\"",
                     smallest.count, records.size(), smallest.name),
         fmt::format("at least dataset.min_split = {}", settings.min_split),
         fmt::format(
             "too few questions for four splits. What works: {}"
             "dataset.given_splits = \"ignore\", with which they are "
             "split anew",
             smallest.count < kFewestCompared
                 ? ""
                 : fmt::format("dataset.min_split = {}, or ", smallest.count)));
  }
}

std::string fold_text(const std::vector<QuestionRecord>& records,
                      std::int64_t folds, bool automatic,
                      const DatasetSettings& settings) {
  const auto count = [&](const char* split) {
    return std::ranges::count(records, split, &QuestionRecord::split);
  };
  const auto train = count("train");
  const std::string why =
      automatic ? fmt::format(
                      "they are too few for four splits of dataset.min_split = "
                      "{}",
                      settings.min_split)
                : fmt::format("dataset.folds = {}", folds);
  std::string text = fmt::format(
      "{} questions are cut into {} folds ({}). {} make the vectors, and each "
      "is measured with vectors made without its fold. {} of them choose, {} "
      "report.",
      records.size(), folds, why, std::ssize(records) - train, count("select"),
      count("test"));
  if (train > 0) {
    text += fmt::format(
        " {} are set aside for fine-tuning (dataset.train = "
        "{:g}).",
        train, settings.train);
  }
  return text;
}

// As settings.split_by says, which is "topic" or "question".
SplitChoice split_as_said(std::vector<QuestionRecord>& records,
                          std::uint64_t seed, const DatasetSettings& settings,
                          const SplitNeeds& needs) {
  const auto total = std::ssize(records);
  if (settings.split_by == "topic") {
    require_enough_topics(records, settings);
  }
  const auto against = against_folds(total, settings, needs);
  if (settings.folds > 1 && !against.empty()) {
    fail("split dataset",
         fmt::format("dataset.folds = {} with {} questions: {}", settings.folds,
                     total, against),
         fmt::format("{} questions beside those for fine-tuning",
                     std::max(kFewestFolded, settings.folds)),
         "too few questions. What works: " +
             fold_remedy(total, settings, needs));
  }
  if (settings.folds < 2) {
    assign_splits(records, seed, split_options(settings));
    const auto smallest = smallest_split(records, settings);
    if (smallest.count >= settings.min_split) {
      return {.by = settings.split_by};
    }
    if (settings.folds == 1 || !against.empty()) {
      refuse_splits(smallest, total, settings, needs);
    }
  }
  const auto options = fold_options(settings, needs);
  assign_folds(records, seed, options);
  return {
      .folds = options.folds,
      .text = fold_text(records, options.folds, settings.folds == 0, settings),
      .by = settings.split_by};
}

// Topics among the questions that make vectors, or report.
std::int64_t topics_in(const std::vector<QuestionRecord>& records,
                       std::string_view split) {
  std::set<std::string_view> topics;
  for (const auto& record : records) {
    if (!record.topic.empty() && (record.split == split || record.fold > 0)) {
      topics.insert(record.topic);
    }
  }
  return std::ssize(topics);
}

DatasetSettings split_by(DatasetSettings settings, const char* what) {
  settings.split_by = what;
  return settings;
}

// The splits by topic, where they are good enough for "auto"; otherwise why
// not, in `note`.
std::optional<SplitChoice> split_by_topic(std::vector<QuestionRecord>& records,
                                          std::uint64_t seed,
                                          const DatasetSettings& settings,
                                          const SplitNeeds& needs,
                                          std::string& note) {
  auto trial = records;
  SplitChoice choice;
  try {
    choice = split_as_said(trial, seed, split_by(settings, "topic"), needs);
  } catch (const Error&) {
    note =
        "topics are too few, or too unlike in size, to give every split its "
        "questions";
    return std::nullopt;
  }
  const auto fewest =
      std::min(topics_in(trial, "extract"), topics_in(trial, "test"));
  if (fewest < kFewestUnits) {
    note = fmt::format(
        "only {} topics would make vectors or report, and at least {} are "
        "needed",
        fewest, kFewestUnits);
    return std::nullopt;
  }
  if (choice.folds > 0 && settings.folds == 0) {
    note = "topics do not give four splits";
  }
  records = std::move(trial);
  return choice;
}

SplitChoice split_automatically(std::vector<QuestionRecord>& records,
                                std::uint64_t seed,
                                const DatasetSettings& settings,
                                const SplitNeeds& needs) {
  const bool has_topics = std::ranges::any_of(
      records, [](const auto& record) { return !record.topic.empty(); });
  std::string note;
  std::optional<SplitChoice> by_topic;
  auto of_topics = records;
  if (has_topics) {
    by_topic = split_by_topic(of_topics, seed, settings, needs, note);
    if (by_topic && note.empty()) {
      records = std::move(of_topics);
      return *by_topic;
    }
  }
  auto choice =
      split_as_said(records, seed, split_by(settings, "question"), needs);
  if (by_topic && choice.folds > 0) {  // no four splits either way
    records = std::move(of_topics);
    return *by_topic;
  }
  if (!note.empty()) {
    choice.note = fmt::format(
        "Questions are split by question, not by topic: {} (dataset.split_by "
        "= \"topic\" asks for it).",
        note);
  }
  return choice;
}

}  // namespace

SplitChoice split_questions(std::vector<QuestionRecord>& records,
                            std::uint64_t seed, const DatasetSettings& settings,
                            const SplitNeeds& needs) {
  for (auto& record : records) {
    record.fold = 0;  // of the run that a source was taken from
  }
  if (needs.given) {
    require_given_splits(records, settings);
    return {.by = "source"};
  }
  return settings.split_by == "auto"
             ? split_automatically(records, seed, settings, needs)
             : split_as_said(records, seed, settings, needs);
}

Json folds_json(const std::vector<QuestionRecord>& records,
                const SplitChoice& choice) {
  if (choice.folds == 0) {
    return nullptr;
  }
  std::vector<std::int64_t> questions(static_cast<std::size_t>(choice.folds));
  for (const auto& record : records) {
    if (record.fold > 0) {
      ++questions[static_cast<std::size_t>(record.fold) - 1];
    }
  }
  return {
      {"count", choice.folds},
      {"questions", questions},
      {"train", std::ranges::count(records, "train", &QuestionRecord::split)},
      {"text", choice.text}};
}

}  // namespace veer
