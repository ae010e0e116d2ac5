// SPDX-License-Identifier: MIT
#include "veer/study/dataset_splits.h"

#include <algorithm>
#include <cmath>

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/data/folds.h"
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
  remedy += against.empty()
                ? fmt::format("dataset.folds = {} (cross-validation)",
                              kAutomaticFolds)
                : fold_remedy(num_questions, settings, needs);
  fail(
      "split dataset",
      fmt::format("{} of {} questions fall into \"{}\" (dataset.{} = {:g})",
                  smallest.count, num_questions, smallest.name, smallest.name,
                  smallest.share),
      fmt::format("at least dataset.min_split = {}", settings.min_split),
      fmt::format("too few questions for four splits. What works: {}, or "
                  "about {} questions{}",
                  remedy, enough, against.empty() ? "" : " (" + against + ")"));
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

}  // namespace

SplitChoice split_questions(std::vector<QuestionRecord>& records,
                            std::uint64_t seed, const DatasetSettings& settings,
                            const SplitNeeds& needs) {
  const auto total = std::ssize(records);
  for (auto& record : records) {
    record.fold = 0;  // of the run that a source was taken from
  }
  if (needs.given) {
    require_given_splits(records, settings);
    return {};
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
      return {};
    }
    if (settings.folds == 1 || !against.empty()) {
      refuse_splits(smallest, total, settings, needs);
    }
  }
  const auto options = fold_options(settings, needs);
  assign_folds(records, seed, options);
  return {options.folds,
          fold_text(records, options.folds, settings.folds == 0, settings)};
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
