// SPDX-License-Identifier: MIT
#include "veer/generation/shared_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "generation/support.h"

namespace veer {
namespace {

using testing::add_to;
using ::testing::ElementsAre;

class SharedRowsTest : public ::testing::Test {
 protected:
  static PassRow row(std::int64_t text, std::int64_t configuration,
                     std::vector<std::int32_t> ids = {1, 2, 3, 4}) {
    PassRow row;
    row.ids = std::move(ids);
    row.text = text;
    row.binding.configuration = configuration;
    return row;
  }

  std::int64_t add_at(std::int64_t layer, const char* scope = "all") {
    return add_to(table_, model_.config(), "add", 1.0, layer, scope);
  }

  std::optional<SharedRows> share(const std::vector<PassRow>& rows) {
    return share_rows(&table_, rows, 3);
  }

  Transformer model_ = tiny_model();
  InterventionTable table_{3, 16};
};

TEST_F(SharedRowsTest, TheRowThatIsChangedLastLeads) {
  const auto at_0 = add_at(0);
  const auto at_1 = add_at(1);
  const auto at_2 = add_at(2);
  const auto shared =
      share({row(7, at_1), row(7, at_0), row(7, at_2), row(7, -1)});
  ASSERT_TRUE(shared.has_value());
  // Layer 2's end is as late as no change at all; the first of them leads.
  EXPECT_THAT(shared->order, ElementsAre(2, 1, 0, 3));
  EXPECT_THAT(shared->sharing.first_block, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(shared->sharing.leader, ElementsAre(-1, 0, 0, 0));
}

TEST_F(SharedRowsTest, OnlyTheSameTextTokensAndStrengthAreShared) {
  EXPECT_TRUE(share({row(7, -1), row(7, -1)}).has_value());
  EXPECT_FALSE(share({row(7, -1), row(8, -1)}).has_value());
  EXPECT_FALSE(share({row(-1, -1), row(-1, -1)}).has_value());
  EXPECT_FALSE(share({row(7, -1), row(7, -1, {1, 2, 3, 5})}).has_value());
  auto tuned = row(7, -1);
  tuned.adapter_strength = 1.0;
  EXPECT_FALSE(share({row(7, -1), tuned}).has_value());
}

TEST_F(SharedRowsTest, ASiteBeforeTheEndOfABlockEndsTheSharingBeforeIt) {
  Intervention wish;
  wish.operation = "add";
  wish.point = ResidualPoint::kAttnOut;
  wish.layers = {1};
  const auto attn_out =
      table_.add(compile(wish, testing::random_input(model_.config(), 1), 3));
  EXPECT_EQ(table_.blocks_below(attn_out), 1);
  EXPECT_EQ(table_.blocks_below(add_at(1)), 2);
  EXPECT_EQ(table_.blocks_below(-1), 3);
}

TEST_F(SharedRowsTest, SharesNothingWhereLittleIsSavedOrADonorRuns) {
  const auto at_0 = add_at(0);
  // One of nine rows for one of three blocks.
  std::vector<PassRow> rows = {row(0, at_0), row(0, at_0)};
  for (std::int64_t text = 1; text < 8; ++text) {
    rows.push_back(row(text, at_0));
  }
  EXPECT_FALSE(share(rows).has_value());
  auto patched = row(7, -1);
  patched.binding.donor = 1;
  EXPECT_FALSE(share({patched, row(-1, -1), row(7, -1)}).has_value());
}

// Fewer tokens would be multiplied in another way.
TEST_F(SharedRowsTest, FourTokensAreAlwaysRun) {
  std::vector<PassRow> rows(9, row(7, -1, {5}));
  const auto shared = share(rows);
  ASSERT_TRUE(shared.has_value());
  EXPECT_THAT(shared->sharing.first_block,
              ElementsAre(0, 0, 0, 0, 3, 3, 3, 3, 3));
}

}  // namespace
}  // namespace veer
