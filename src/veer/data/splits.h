// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "veer/data/record.h"

namespace veer {

// Shares of the questions. They need not sum to 1; they are divided by their
// sum.
struct SplitOptions {
  double train = 0.30;    // fine-tuning only
  double extract = 0.25;  // vectors
  double select = 0.15;   // layer, scale, threshold
  double test = 0.30;     // reported numbers
  // Questions from this word 3-gram Jaccard on go to the same split.
  double cluster_jaccard = 0.7;
  // Keep all questions of one topic in one split, so that nothing is tested
  // on a topic that was trained on. Questions without a topic stand alone.
  bool by_topic = false;
  // Fewest questions of a split; fewer is an error.
  std::int64_t minimum = 1;

  template <class Self, class Visitor>
  static void visit(Self& self, Visitor&& field) {
    field("train", self.train, "share of questions for fine-tuning");
    field("extract", self.extract, "share for extracting vectors");
    field("select", self.select, "share for choosing layer and scale");
    field("test", self.test, "share for the reported numbers");
    field("cluster_jaccard", self.cluster_jaccard,
          "questions at least this alike go to the same split");
    field("by_topic", self.by_topic,
          "keep all questions of one topic in one split");
    field("minimum", self.minimum, "fewest questions a split may have");
  }
};

// Sets the split of every record. Questions are clustered by likeness and a
// cluster goes where the hash of (seed, its first question) falls, so that a
// question stays in its split when others are added behind it. By topic, it is
// the hash of (seed, topic) for questions that have one; near-duplicates then
// stay together only within a topic.
// Throws Error{kBadInput} if a share is negative or all are 0, or if a split
// with a share ends with fewer than `minimum` questions.
void assign_splits(std::vector<QuestionRecord>& records, std::uint64_t seed,
                   const SplitOptions& options = {});

// Whether a source says splits: a record has one.
bool has_splits(const std::vector<QuestionRecord>& records);

// For a source that says splits: throws Error{kBadInput} if a record has none
// or one of another name than the four, if a split with a share has no
// question, or, by topic, if one topic stands in two splits.
void require_whole_splits(const std::vector<QuestionRecord>& records,
                          const SplitOptions& options = {});

// What each record is kept together with: the normalised first question of its
// cluster of near-duplicates, or "topic ..." of a record that has one when
// `by_topic`.
std::vector<std::string> cluster_names(
    const std::vector<QuestionRecord>& records, double cluster_jaccard,
    bool by_topic);

// The records of one split, in order.
std::vector<QuestionRecord> records_of_split(
    const std::vector<QuestionRecord>& records, std::string_view split);

// Throws Error{kBadInput} naming the question if one stands in two splits
// (equal after normalisation). Stages call it when they load a dataset.
void require_disjoint_splits(const std::vector<QuestionRecord>& records);

}  // namespace veer
