// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Which pairs are compared: an inverted index over the rarest features of each
// text (prefix filtering, Bayardo et al. 2007) gives every pair that can reach
// a threshold, and each is then measured. So the result is that of comparing
// all pairs; nothing is missed as with MinHash buckets.
namespace veer {

struct NearDuplicateOptions {
  // Two texts are near-duplicates from this word 3-gram Jaccard on. In (0, 1];
  // above 1 = only equality after normalisation counts.
  double jaccard = 0.7;
  // ... or above this ROUGE-L F1. 1 or more = not used.
  double rouge_l = 1.0;

  template <class Self, class Visitor>
  static void visit(Self& self, Visitor&& field) {
    field("jaccard", self.jaccard,
          "word 3-gram Jaccard from which two questions are near-duplicates");
    field("rouge_l", self.rouge_l,
          "ROUGE-L F1 above which they are too (1 = not used)");
  }
};

// NFKC, lower case; apostrophes are dropped, other punctuation and white
// space become one space between words. Equal results are the same question.
std::string normalise_text(std::string_view text);

// Jaccard of the sets of word 3-grams of two texts after normalisation. Texts
// of fewer than three words have their words instead, and share nothing with
// longer ones. 1 for two texts without words.
double word_jaccard(std::string_view a, std::string_view b);

// ROUGE-L F1: longest common subsequence of lower-case [a-z0-9]+ tokens,
// without stemming. 0 if either has no token.
double rouge_l(std::string_view a, std::string_view b);

struct RejectedText {
  std::int64_t index = 0;  // in the texts given
  std::int64_t twin = 0;   // the kept text it resembles most
  double score = 0.0;      // similarity to the twin, by `measure`
  std::string measure;     // "equal", "jaccard" or "rouge_l"
};

struct DuplicateFilter {
  std::vector<std::int64_t> kept;  // ascending
  std::vector<RejectedText> rejected;
};

// Keeps a text unless an earlier kept one is a near-duplicate of it, as a
// data pipeline does: no two kept texts resemble each other.
DuplicateFilter filter_near_duplicates(
    std::span<const std::string> texts,
    const NearDuplicateOptions& options = {});

// Cluster of each text: texts linked by a chain of near-duplicates share one.
// A cluster's number is the index of its first text.
std::vector<std::int64_t> near_duplicate_clusters(
    std::span<const std::string> texts,
    const NearDuplicateOptions& options = {});

struct SimilarPair {
  std::int64_t first = 0;   // index in the first list
  std::int64_t second = 0;  // index in the second list
  double score = 0.0;
  std::string measure;
};

// Every near-duplicate pair between two lists (leakage), by first, then
// second index.
std::vector<SimilarPair> near_duplicates_between(
    std::span<const std::string> first, std::span<const std::string> second,
    const NearDuplicateOptions& options = {});

}  // namespace veer
