// SPDX-License-Identifier: MIT
#include "veer/model/row_sharing.h"

#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include "model/tiny_models.h"
#include "veer/base/error.h"

namespace veer {
namespace {

// Adds a row's own number to its states at a site of its own. The rows of the
// whole pass are known, as an intervention's are.
class PushRows : public ResidualHook {
 public:
  explicit PushRows(std::vector<ResidualSite> sites)
      : sites_(std::move(sites)) {}

  bool wants(ResidualSite) const override { return true; }
  at::Tensor visit(ResidualSite site, const at::Tensor& hidden_TD,
                   const PackedBatch& batch) override {
    EXPECT_EQ(static_cast<std::size_t>(batch.num_rows() + batch.rows_to_join),
              sites_.size());
    auto changed_TD = hidden_TD.clone();
    for (std::int64_t b = 0; b < batch.num_rows(); ++b) {
      if (sites_[b] == site) {
        changed_TD.narrow(0, batch.offsets[b], batch.length(b))
            .add_(0.5 + static_cast<double>(b));
      }
    }
    return changed_TD;
  }

 private:
  std::vector<ResidualSite> sites_;
};

// Two texts of five tokens, the second row's and the last's the same as the
// first's; pushed at the last block, nowhere but in the end, in the middle, at
// the first block's end.
class RowSharingTest : public ::testing::Test {
 protected:
  static constexpr std::int64_t kTokens = 5;

  RowSharingTest() {
    model_.keep_turned_weights(std::int64_t{1} << 20);
    model_.attach(random_full_adapter(model_, 2, 5));
    const auto text =
        random_rows({kTokens, kTokens}, model_.config().vocab_size, 3);
    rows_ = {text[0], text[1], text[0], text[0], text[1]};
    sites_ = {{2, ResidualPoint::kMlpOut},
              {2, ResidualPoint::kResidPost},
              {0, ResidualPoint::kResidPost},
              {1, ResidualPoint::kResidMid},
              {2, ResidualPoint::kResidPost}};
    sharing_.first_block = {0, 0, 1, 1, 3};
    sharing_.leader = {-1, -1, 0, 0, 1};
  }

  // States of the pass that continues the cache at `start` with `count` tokens.
  at::Tensor run(KvCache& cache, std::int64_t start, std::int64_t count,
                 const RowSharing* sharing, bool fill = false) {
    const c10::AutoGradMode no_grad(false);
    Rows pieces;
    for (const auto& row : rows_) {
      pieces.emplace_back(row.begin() + start, row.begin() + start + count);
    }
    PushRows push(sites_);
    ResidualHook* const hook = &push;
    ForwardOptions options;
    options.cache = &cache;
    options.hooks = HookList(&hook, 1);
    options.adapter.per_row_B = at::ones({5}, at::kFloat) * 0.5;
    options.sharing = sharing;
    options.fill_cache_only = fill;
    const std::vector<std::int64_t> starts(rows_.size(), start);
    return model_.forward(pack_cached(pieces, starts, slots_), options);
  }

  KvCache cache() const { return {model_.config(), 6, 8, model_.dtype()}; }

  void expect_same_caches(KvCache& a, KvCache& b) const {
    for (std::int64_t i = 0; i < model_.config().num_layers; ++i) {
      EXPECT_TRUE(at::equal(a.keys(i), b.keys(i))) << i;
      EXPECT_TRUE(at::equal(a.values(i), b.values(i))) << i;
    }
  }

  Transformer model_ = tiny_model();
  Rows rows_;
  std::vector<std::int64_t> slots_ = {4, 0, 5, 1, 2};
  std::vector<ResidualSite> sites_;
  RowSharing sharing_;
};

TEST_F(RowSharingTest, GivesTheBitsOfRowsThatRunAlone) {
  auto apart = cache();
  auto shared = cache();
  // First a prompt of three tokens, then one that reads it, then the last.
  for (const auto& [start, count] : {std::pair{0, 3}, {3, 1}, {4, 1}}) {
    // Products of fewer than four tokens may round otherwise.
    if (count * 2 < 4) {
      sharing_.first_block = {0, 0, 0, 0, 3};
      sharing_.leader = {-1, -1, -1, -1, 1};
    }
    const auto expected_TD = run(apart, start, count, nullptr);
    EXPECT_TRUE(at::equal(run(shared, start, count, &sharing_), expected_TD))
        << start;
    expect_same_caches(shared, apart);
  }
}

TEST_F(RowSharingTest, FillsTheCacheAsAWholePassDoes) {
  for (const auto* sharing : {static_cast<const RowSharing*>(nullptr),
                              static_cast<const RowSharing*>(&sharing_)}) {
    auto whole = cache();
    auto filled = cache();
    run(whole, 0, 4, nullptr);
    EXPECT_FALSE(run(filled, 0, 4, sharing, /*fill=*/true).defined());
    expect_same_caches(filled, whole);
  }
}

TEST_F(RowSharingTest, RefusesWhatDoesNotFit) {
  auto room = cache();
  const auto refuses = [&](RowSharing sharing) {
    EXPECT_THROW(run(room, 0, 3, &sharing), Error);
  };
  refuses({{0, 0, 1, 1}, {-1, -1, 0, 0}});        // a row short
  refuses({{0, 0, 2, 1, 3}, {-1, -1, 0, 0, 1}});  // not ascending
  refuses({{0, 0, 1, 1, 4}, {-1, -1, 0, 0, 1}});  // no such block
  refuses({{1, 1, 1, 1, 3}, {-1, -1, 0, 0, 1}});  // nobody begins
  refuses({{0, 0, 1, 1, 3}, {-1, -1, 0, 2, 1}});  // leader joins itself
  refuses({{0, 0, 1, 1, 3}, {-1, -1, 0, 7, 1}});  // no such leader
  const RowSharing unequal{{0, 1}, {-1, 0}};
  ForwardOptions options;
  options.cache = &room;
  options.sharing = &unequal;
  const Rows pieces = {{1, 2, 3}, {1, 2}};
  const std::vector<std::int64_t> starts{0, 0};
  const std::vector<std::int64_t> slots{0, 1};
  EXPECT_THROW(model_.forward(pack_cached(pieces, starts, slots), options),
               Error);
  ForwardOptions without_cache;
  without_cache.fill_cache_only = true;
  EXPECT_THROW(model_.forward(pack(rows_), without_cache), Error);
}

}  // namespace
}  // namespace veer
