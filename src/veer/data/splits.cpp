// SPDX-License-Identifier: MIT
#include "veer/data/splits.h"

#include <array>
#include <cmath>
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

}  // namespace

void assign_splits(std::vector<QuestionRecord>& records, std::uint64_t seed,
                   const SplitOptions& options) {
  const Shares shares = shares_of(options);
  std::vector<std::string> questions;
  for (const QuestionRecord& record : records) {
    questions.push_back(record.question);
  }
  NearDuplicateOptions near;
  near.jaccard = options.cluster_jaccard;
  const auto clusters = near_duplicate_clusters(questions, near);
  for (std::size_t i = 0; i < records.size(); ++i) {
    const std::string& first = questions[static_cast<std::size_t>(clusters[i])];
    const std::string cluster = options.by_topic && !records[i].topic.empty()
                                    ? "topic " + records[i].topic
                                    : normalise_text(first);
    records[i].split = split_of(cluster, seed, shares);
  }
  require_minimum(records, shares, options.minimum);
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
