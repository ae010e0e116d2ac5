// SPDX-License-Identifier: MIT
#include "veer/data/splits.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <unordered_map>

#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/base/hash.h"
#include "veer/text/near_duplicates.h"

namespace veer {
namespace {

struct Share {
  const char* name;
  double value;
};
using Shares = std::array<Share, 4>;

Shares shares_of(const SplitOptions& options) {
  Shares out = {{{"train", options.train},
                 {"extract", options.extract},
                 {"select", options.select},
                 {"test", options.test}}};
  double sum = 0.0;
  for (const Share& share : out) {
    if (!(share.value >= 0.0) || !std::isfinite(share.value)) {
      fail("split dataset",
           fmt::format("the share of {} is {}", share.name, share.value),
           "0 or more");
    }
    sum += share.value;
  }
  if (!(sum > 0.0)) {
    fail("split dataset", "all shares are 0", "at least one above 0");
  }
  for (Share& share : out) {
    share.value /= sum;
  }
  return out;
}

// Where the hash of the cluster falls among the shares laid end to end.
const char* split_of(std::string_view cluster, std::uint64_t seed,
                     const Shares& shares) {
  const double point =
      std::ldexp(static_cast<double>(hash64(cluster, seed) >> 11U), -53);
  double end = 0.0;
  const char* last = "";
  for (const Share& share : shares) {
    if (share.value <= 0.0) {
      continue;
    }
    last = share.name;
    end += share.value;
    if (point < end) {
      break;
    }
  }
  return last;
}

void require_minimum(const std::vector<QuestionRecord>& records,
                     const Shares& shares, std::int64_t minimum) {
  for (const Share& share : shares) {
    std::int64_t count = 0;
    for (const QuestionRecord& record : records) {
      count += record.split == share.name ? 1 : 0;
    }
    if (share.value > 0.0 && count < minimum) {
      fail("split dataset",
           fmt::format("{} of {} questions fall into \"{}\"", count,
                       records.size(), share.name),
           fmt::format("at least {}", minimum),
           "too few questions for the splits, or a share that is too small");
    }
  }
}

void require_topics_apart(const std::vector<QuestionRecord>& records) {
  std::map<std::string, std::string> splits;
  for (const QuestionRecord& record : records) {
    if (record.topic.empty()) {
      continue;
    }
    const auto [at, is_new] = splits.try_emplace(record.topic, record.split);
    if (!is_new && at->second != record.split) {
      fail("split dataset",
           fmt::format("the source has questions about \"{}\" in \"{}\" and in "
                       "\"{}\"",
                       record.topic, at->second, record.split),
           "each topic in one split, because dataset.split_by = \"topic\"",
           "splits that were made by question; dataset.split_by = "
           "\"question\" takes them");
    }
  }
}

}  // namespace

std::vector<std::string> cluster_names(
    const std::vector<QuestionRecord>& records, double cluster_jaccard,
    bool by_topic) {
  std::vector<std::string> questions;
  for (const QuestionRecord& record : records) {
    questions.push_back(record.question);
  }
  NearDuplicateOptions near;
  near.jaccard = cluster_jaccard;
  const auto clusters = near_duplicate_clusters(questions, near);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto first = static_cast<std::size_t>(clusters[i]);
    names.push_back(by_topic && !records[i].topic.empty()
                        ? "topic " + records[i].topic
                        : normalise_text(questions[first]));
  }
  return names;
}

void assign_splits(std::vector<QuestionRecord>& records, std::uint64_t seed,
                   const SplitOptions& options) {
  const Shares shares = shares_of(options);
  const auto clusters =
      cluster_names(records, options.cluster_jaccard, options.by_topic);
  for (std::size_t i = 0; i < records.size(); ++i) {
    records[i].split = split_of(clusters[i], seed, shares);
  }
  require_minimum(records, shares, options.minimum);
}

bool has_splits(const std::vector<QuestionRecord>& records) {
  return std::any_of(records.begin(), records.end(),
                     [](const auto& record) { return !record.split.empty(); });
}

void require_whole_splits(const std::vector<QuestionRecord>& records,
                          const SplitOptions& options) {
  const Shares shares = shares_of(options);
  std::map<std::string, std::int64_t> counts;
  for (const QuestionRecord& record : records) {
    ++counts[record.split];
  }
  const bool known =
      std::all_of(counts.begin(), counts.end(), [&](const auto& count) {
        return std::any_of(shares.begin(), shares.end(), [&](const Share& s) {
          return count.first == s.name;
        });
      });
  const bool complete =
      std::all_of(shares.begin(), shares.end(), [&](const Share& share) {
        return share.value <= 0.0 || counts.contains(share.name);
      });
  if (!known || !complete) {
    std::string found;
    for (const auto& [name, count] : counts) {
      found += fmt::format(
          "{}{} questions {}", found.empty() ? "" : ", ", count,
          name.empty() ? "without a split" : fmt::format("of \"{}\"", name));
    }
    fail("split dataset", "the source says these splits: " + found,
         "train, extract, select and test, each with questions, for every "
         "question",
         "other names or a part of the splits; dataset.given_splits = "
         "\"ignore\" makes them anew from all questions");
  }
  if (options.by_topic) {
    require_topics_apart(records);
  }
}

std::vector<QuestionRecord> records_of_split(
    const std::vector<QuestionRecord>& records, std::string_view split) {
  std::vector<QuestionRecord> out;
  for (const QuestionRecord& record : records) {
    if (record.split == split) {
      out.push_back(record);
    }
  }
  return out;
}

void require_disjoint_splits(const std::vector<QuestionRecord>& records) {
  std::unordered_map<std::string, const QuestionRecord*> seen;
  for (const QuestionRecord& record : records) {
    if (record.split.empty()) {
      continue;
    }
    const auto [at, is_new] =
        seen.try_emplace(normalise_text(record.question), &record);
    if (!is_new && at->second->split != record.split) {
      fail("load dataset",
           fmt::format("the question \"{}\" stands in \"{}\" and in \"{}\"",
                       record.question, at->second->split, record.split),
           "splits without a common question",
           "the file was edited, or joined from two datasets");
    }
  }
}

}  // namespace veer
