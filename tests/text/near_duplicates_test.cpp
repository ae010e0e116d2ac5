// SPDX-License-Identifier: MIT
#include "veer/text/near_duplicates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"
#include "veer/base/random.h"
#include "veer/text/longest_common.h"

namespace veer {
namespace {

using ::testing::ElementsAre;
using Texts = std::vector<std::string>;

TEST(NormaliseText, DropsCasePunctuationAndSpaces) {
  EXPECT_EQ(normalise_text("  What\xE2\x80\x99s the BEST way?\n"),
            "whats the best way");
  EXPECT_EQ(normalise_text("much\xE2\x80\x94just skim"), "much just skim");
  EXPECT_EQ(normalise_text("\xEF\xBC\xA1\xC3\x89"), "a\xC3\xA9");  // NFKC
  EXPECT_EQ(normalise_text("?!"), "");
}

TEST(WordJaccard, CountsThreeGrams) {
  // 3-grams: abc bcd cde / abc bcd cdf: two of four are common.
  EXPECT_DOUBLE_EQ(word_jaccard("a b c d e", "a b c d f"), 0.5);
  EXPECT_DOUBLE_EQ(word_jaccard("A b, c!", "a b c"), 1.0);
  EXPECT_DOUBLE_EQ(word_jaccard("a b", "a c"), 1.0 / 3.0);  // short: words
  EXPECT_DOUBLE_EQ(word_jaccard("a b", "a b c"), 0.0);
  EXPECT_DOUBLE_EQ(word_jaccard("", "?"), 1.0);
}

TEST(RougeL, IsTheHarmonicMeanOfTheCommonSubsequence) {
  // Common: the cat mat, of 4 and 5 tokens: 2 * 3 / 9.
  EXPECT_DOUBLE_EQ(rouge_l("The cat's mat", "the cat sat a mat"),
                   2.0 * 3.0 / 9.0);
  EXPECT_DOUBLE_EQ(rouge_l("", "a"), 0.0);
}

std::int64_t plain_common(const std::vector<std::uint64_t>& a,
                          const std::vector<std::uint64_t>& b) {
  std::vector<std::vector<std::int64_t>> best(
      a.size() + 1, std::vector<std::int64_t>(b.size() + 1));
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      best[i][j] = a[i - 1] == b[j - 1]
                       ? best[i - 1][j - 1] + 1
                       : std::max(best[i - 1][j], best[i][j - 1]);
    }
  }
  return best[a.size()][b.size()];
}

TEST(LongestCommonSubsequence, EqualsThePlainTable) {
  Random random(7);
  for (const std::size_t size : {1U, 5U, 63U, 64U, 65U, 200U}) {
    std::vector<std::uint64_t> a(size);
    std::vector<std::uint64_t> b(size + 3);
    for (auto* list : {&a, &b}) {
      for (auto& item : *list) {
        item = random.below(9);
      }
    }
    EXPECT_EQ(longest_common_subsequence(a, b), plain_common(a, b)) << size;
  }
}

TEST(FilterNearDuplicates, KeepsTheFirstAndNamesTheTwin) {
  const Texts texts = {"How do I get better at math quickly today?",
                       "What is the best way to study?",
                       "how do i get better at math quickly today",
                       "How do I get better at math quickly now?", "Why?"};
  NearDuplicateOptions options;
  options.jaccard = 0.7;
  const DuplicateFilter out = filter_near_duplicates(texts, options);
  // Text 3 shares 6 of 8 three-grams with text 0.
  EXPECT_THAT(out.kept, ElementsAre(0, 1, 4));
  ASSERT_EQ(out.rejected.size(), 2U);
  EXPECT_EQ(out.rejected[0].index, 2);
  EXPECT_EQ(out.rejected[0].twin, 0);
  EXPECT_EQ(out.rejected[0].measure, "equal");
  EXPECT_EQ(out.rejected[1].index, 3);
  EXPECT_DOUBLE_EQ(out.rejected[1].score, 0.75);
  EXPECT_EQ(out.rejected[1].measure, "jaccard");
}

TEST(FilterNearDuplicates, RougeCatchesAChangedWordInTheMiddle) {
  const Texts texts = {"How can I improve my writing skills?",
                       "How can I improve my cooking skills?"};
  EXPECT_EQ(filter_near_duplicates(texts).kept.size(), 2U);
  NearDuplicateOptions options;
  options.rouge_l = 0.7;
  const DuplicateFilter out = filter_near_duplicates(texts, options);
  ASSERT_EQ(out.rejected.size(), 1U);
  EXPECT_DOUBLE_EQ(out.rejected[0].score, 6.0 / 7.0);
}

TEST(FilterNearDuplicates, JaccardAboveOneLeavesEqualityAlone) {
  NearDuplicateOptions options;
  options.jaccard = 2.0;
  const Texts texts = {"a b c d e f g h i j", "a b c d e f g h i k",
                       "A b c d e f g h i j!"};
  EXPECT_THAT(filter_near_duplicates(texts, options).kept, ElementsAre(0, 1));
}

TEST(FilterNearDuplicates, RefusesAThresholdOfZero) {
  NearDuplicateOptions options;
  options.jaccard = 0.0;
  EXPECT_THROW(filter_near_duplicates(Texts{}, options), Error);
}

TEST(NearDuplicateClusters, LinksChains) {
  // Neighbours share 7 of 9 three-grams, the first and the last 6 of 10.
  const Texts texts = {"a b c d e f g h i j", "something else",
                       "c d e f g h i j k l", "b c d e f g h i j k"};
  EXPECT_THAT(near_duplicate_clusters(Texts{texts[0], texts[2]}),
              ElementsAre(0, 1));
  EXPECT_THAT(near_duplicate_clusters(texts), ElementsAre(0, 1, 0, 0));
}

// The index must not lose a pair that comparing all pairs finds.
TEST(NearDuplicatesBetween, EqualsComparingAllPairs) {
  Random random(3);
  const auto draw = [&] {
    std::string out;
    const auto words = 1 + random.below(9);
    for (std::uint64_t i = 0; i < words; ++i) {
      out += "w" + std::to_string(random.below(4)) + " ";
    }
    return out;
  };
  Texts first(150);
  Texts second(150);
  for (auto* list : {&first, &second}) {
    for (auto& text : *list) {
      text = draw();
    }
  }
  for (const double rouge : {0.55, 0.7, 1.0}) {
    NearDuplicateOptions options;
    options.jaccard = 0.5;
    options.rouge_l = rouge;
    std::vector<std::pair<std::int64_t, std::int64_t>> expected;
    for (std::size_t i = 0; i < first.size(); ++i) {
      for (std::size_t j = 0; j < second.size(); ++j) {
        if (word_jaccard(first[i], second[j]) >= 0.5 ||
            (rouge < 1.0 && rouge_l(first[i], second[j]) > rouge)) {
          expected.emplace_back(i, j);
        }
      }
    }
    std::vector<std::pair<std::int64_t, std::int64_t>> found;
    for (const auto& pair : near_duplicates_between(first, second, options)) {
      found.emplace_back(pair.first, pair.second);
    }
    EXPECT_GT(expected.size(), 20U);
    EXPECT_EQ(found, expected) << rouge;
  }
}

}  // namespace
}  // namespace veer
