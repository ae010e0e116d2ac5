// SPDX-License-Identifier: MIT
#include "veer/data/folds.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/base/hash.h"
#include "veer/data/splits.h"

namespace veer {
namespace {

using Cluster = std::vector<std::size_t>;

// Clusters in the order in which they are dealt.
std::vector<Cluster> dealt_clusters(const std::vector<QuestionRecord>& records,
                                    std::uint64_t seed,
                                    const FoldOptions& options) {
  const auto names =
      cluster_names(records, options.cluster_jaccard, options.by_topic);
  std::vector<std::pair<std::uint64_t, std::string>> order;
  for (const auto& name : names) {
    order.emplace_back(hash64(name, seed), name);
  }
  std::sort(order.begin(), order.end());
  order.erase(std::unique(order.begin(), order.end()), order.end());
  std::vector<Cluster> clusters;
  for (const auto& [hash, name] : order) {
    auto& cluster = clusters.emplace_back();
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (names[i] == name) {
        cluster.push_back(i);
      }
    }
  }
  return clusters;
}

std::int64_t rounded(double value) {
  return static_cast<std::int64_t>(std::llround(value));
}

[[noreturn]] void refuse_folds(std::int64_t folded,
                               const std::vector<Cluster>& clusters,
                               std::int64_t total, const FoldOptions& options) {
  std::size_t largest = 0;
  for (const auto& cluster : clusters) {
    largest = std::max(largest, cluster.size());
  }
  fail("cut dataset into folds",
       fmt::format("{} of {} questions are left for {} folds; they are {} {}, "
                   "the largest of {} questions",
                   folded, total, options.folds, clusters.size(),
                   options.by_topic ? "topics" : "groups of near-duplicates",
                   largest),
       fmt::format("at least {}, and one in each fold", kFewestFolded),
       options.by_topic
           ? "topics stay whole and are too few or too unlike in size; "
             "dataset.split_by = \"question\" cuts them"
           : "too few questions, or near-duplicates that stay together");
}

void require_part(const char* part, double share, std::int64_t count) {
  if (share > 0.0 && count == 0) {
    fail("cut dataset into folds",
         fmt::format("no question is left for \"{}\"", part),
         "a question in each part",
         "near-duplicates or topics that stay together, or a share that is "
         "too small");
  }
}

}  // namespace

std::int64_t num_folded(std::int64_t num_questions,
                        const FoldOptions& options) {
  return num_questions -
         rounded(options.train * static_cast<double>(num_questions));
}

void assign_folds(std::vector<QuestionRecord>& records, std::uint64_t seed,
                  const FoldOptions& options) {
  const auto total = std::ssize(records);
  const auto train = total - num_folded(total, options);
  const double measured = options.select + options.test;
  const auto select = rounded(static_cast<double>(total - train) *
                              (measured > 0.0 ? options.select / measured : 0));
  std::int64_t in_train = 0;
  std::int64_t in_select = 0;
  std::vector<std::int64_t> in_fold(static_cast<std::size_t>(options.folds));
  const auto clusters = dealt_clusters(records, seed, options);
  for (const auto& cluster : clusters) {
    const auto size = std::ssize(cluster);
    const bool is_train = in_train + size <= train;
    const bool is_select = !is_train && in_select + size <= select;
    const auto fewest = std::min_element(in_fold.begin(), in_fold.end());
    for (const auto i : cluster) {
      records[i].split = is_train ? "train" : is_select ? "select" : "test";
      records[i].fold = is_train ? 0 : fewest - in_fold.begin() + 1;
    }
    in_train += is_train ? size : 0;
    in_select += is_select ? size : 0;
    *fewest += is_train ? 0 : size;
  }
  const auto folded = total - in_train;
  if (folded < kFewestFolded ||
      *std::min_element(in_fold.begin(), in_fold.end()) == 0) {
    refuse_folds(folded, clusters, total, options);
  }
  require_part("train", options.train, in_train);
  require_part("select", options.select, in_select);
  require_part("test", options.test, folded - in_select);
}

}  // namespace veer
