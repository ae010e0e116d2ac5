// SPDX-License-Identifier: MIT
#include "veer/model/kv_cache.h"

#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include "model/tiny_models.h"
#include "veer/base/error.h"

namespace veer {
namespace {

KvCache cache_for(const Transformer& model, std::int64_t slots,
                  std::int64_t tokens) {
  return {model.config(), slots, tokens, model.dtype()};
}

// The hidden states of `rows`, fed to `slots` in pieces of `step` tokens.
std::vector<at::Tensor> fed_in_pieces(const Transformer& model,
                                      const Rows& rows,
                                      const std::vector<std::int64_t>& slots,
                                      std::size_t step, KvCache& cache) {
  const c10::AutoGradMode no_grad(false);
  std::vector<std::vector<at::Tensor>> parts(rows.size());
  for (std::size_t begin = 0;; begin += step) {
    Rows pieces;
    std::vector<std::int64_t> starts;
    std::vector<std::int64_t> used;
    std::vector<std::size_t> who;
    for (std::size_t b = 0; b < rows.size(); ++b) {
      if (begin < rows[b].size()) {
        const auto end = std::min(begin + step, rows[b].size());
        pieces.emplace_back(rows[b].begin() + begin, rows[b].begin() + end);
        starts.push_back(static_cast<std::int64_t>(begin));
        used.push_back(slots[b]);
        who.push_back(b);
      }
    }
    if (pieces.empty()) {
      break;
    }
    ForwardOptions options;
    options.cache = &cache;
    const auto batch = pack_cached(pieces, starts, used);
    const auto out = model.forward(batch, options);
    for (std::size_t i = 0; i < who.size(); ++i) {
      parts[who[i]].push_back(out.narrow(0, batch.offsets[i], batch.length(i)));
    }
  }
  std::vector<at::Tensor> result;
  for (const auto& row : parts) {
    result.push_back(at::cat(row));
  }
  return result;
}

at::Tensor alone(const Transformer& model,
                 const std::vector<std::int32_t>& row) {
  const c10::AutoGradMode no_grad(false);
  return model.forward(pack(Rows{row}));
}

void expect_cached_equals_uncached(const Transformer& model) {
  const Rows rows = random_rows({11, 4, 11, 7}, 29, 3);
  const std::vector<std::vector<std::int64_t>> slot_lists{{0, 1, 2, 3},
                                                          {4, 0, 2, 5}};
  for (const auto& slots : slot_lists) {
    for (const std::size_t step : {1, 3, 20}) {
      KvCache cache = cache_for(model, 6, 12);
      const auto fed = fed_in_pieces(model, rows, slots, step, cache);
      for (std::size_t b = 0; b < rows.size(); ++b) {
        EXPECT_TRUE(at::allclose(fed[b], alone(model, rows[b]), 1e-4, 1e-5))
            << "row " << b << ", " << step << " tokens a pass";
      }
    }
  }
}

TEST(KvCache, CachedEqualsUncached) {
  expect_cached_equals_uncached(tiny_model());
}

TEST(KvCache, CachedEqualsUncachedWithWindowAndSoftCap) {
  ModelConfig config = parse_model_config(tiny_config_json(), "tiny");
  config.sliding_window = 3;
  config.layer_kinds[1] = LayerKind::kSliding;
  expect_cached_equals_uncached(Transformer(config, random_weights(config, 1)));
  config.attention_softcap = 2.0;
  expect_cached_equals_uncached(Transformer(config, random_weights(config, 1)));
}

TEST(KvCache, ReusedSlotForgetsWhatItHeld) {
  const Transformer model = tiny_model();
  const Rows rows = random_rows({9, 4}, 29, 3);
  KvCache cache = cache_for(model, 1, 12);
  fed_in_pieces(model, {rows[0]}, {0}, 20, cache);
  const auto fed = fed_in_pieces(model, {rows[1]}, {0}, 1, cache);
  EXPECT_TRUE(at::allclose(fed[0], alone(model, rows[1]), 1e-4, 1e-5));
}

// A hook that makes every number NaN.
class Spoil : public ResidualHook {
 public:
  bool wants(ResidualSite site) const override {
    return site == ResidualSite{0, ResidualPoint::kResidPre};
  }
  at::Tensor visit(ResidualSite, const at::Tensor& hidden_TD,
                   const PackedBatch&) override {
    return hidden_TD * std::numeric_limits<double>::quiet_NaN();
  }
};

void spoil_slot(const Transformer& model, const std::vector<std::int32_t>& row,
                KvCache& cache) {
  const c10::AutoGradMode no_grad(false);
  Spoil spoil;
  std::vector<ResidualHook*> hooks{&spoil};
  ForwardOptions options;
  options.cache = &cache;
  options.hooks = hooks;
  const std::vector<std::int64_t> zero{0};
  model.forward(pack_cached(Rows{row}, zero, zero), options);
}

// A text in a slot that held NaN, beside a longer one whose keys set how far
// the kernels read.
void expect_no_trace_of_nan(const Transformer& model) {
  const Rows rows = random_rows({4, 9}, 29, 3);
  const std::vector<std::int32_t> broken(12, 1);
  KvCache clean = cache_for(model, 2, 12);
  KvCache used = cache_for(model, 2, 12);
  spoil_slot(model, broken, used);
  fed_in_pieces(model, {rows[1]}, {1}, 20, clean);
  fed_in_pieces(model, {rows[1]}, {1}, 20, used);
  const c10::AutoGradMode no_grad(false);
  const auto both = [&](KvCache& cache) {
    ForwardOptions options;
    options.cache = &cache;
    fed_in_pieces(model, {{rows[0].begin(), rows[0].begin() + 3}}, {0}, 20,
                  cache);
    const Rows next{{rows[0][3]}, {5}};
    return model.forward(pack_cached(next, std::vector<std::int64_t>{3, 9},
                                     std::vector<std::int64_t>{0, 1}),
                         options);
  };
  EXPECT_TRUE(at::equal(both(used), both(clean)));
  // The same after a prefix was copied into the slot.
  spoil_slot(model, broken, used);
  const auto copied = [&](KvCache& cache) {
    ForwardOptions options;
    options.cache = &cache;
    cache.copy_prefixes(std::vector<std::int64_t>{1},
                        std::vector<std::int64_t>{0}, 3);
    const Rows next{{7}, {5}};
    return model.forward(pack_cached(next, std::vector<std::int64_t>{3, 10},
                                     std::vector<std::int64_t>{0, 1}),
                         options);
  };
  EXPECT_TRUE(at::equal(copied(used), copied(clean)));
}

TEST(KvCache, NanOfAnEarlierTextLeavesNoTrace) {
  ModelConfig config = parse_model_config(tiny_config_json(), "tiny");
  const auto model_in = [&](at::ScalarType dtype) {
    auto weights = random_weights(config, 1);
    for (auto& [name, weight] : weights) {
      weight = weight.to(dtype);
    }
    return Transformer(config, weights);
  };
  expect_no_trace_of_nan(model_in(at::kFloat));
  expect_no_trace_of_nan(model_in(at::kBFloat16));
  config.attention_softcap = 2.0;
  expect_no_trace_of_nan(model_in(at::kFloat));
}

TEST(KvCache, CopiedPrefixContinuesAlike) {
  const Transformer model = tiny_model();
  const Rows rows = random_rows({9}, 29, 3);
  KvCache cache = cache_for(model, 3, 12);
  const Rows prompt{{rows[0].begin(), rows[0].begin() + 6}};
  fed_in_pieces(model, prompt, {0}, 20, cache);
  cache.copy_prefixes(std::vector<std::int64_t>{0},
                      std::vector<std::int64_t>{2}, 6);
  const c10::AutoGradMode no_grad(false);
  const Rows rest{{rows[0].begin() + 6, rows[0].end()}};
  ForwardOptions options;
  options.cache = &cache;
  const std::vector<std::int64_t> starts{6};
  const auto original = model.forward(
      pack_cached(rest, starts, std::vector<std::int64_t>{0}), options);
  const auto copied = model.forward(
      pack_cached(rest, starts, std::vector<std::int64_t>{2}), options);
  EXPECT_TRUE(at::equal(original, copied));
  EXPECT_TRUE(
      at::allclose(copied, alone(model, rows[0]).narrow(0, 6, 3), 1e-4, 1e-5));
}

at::Tensor continued(const Transformer& model, const Rows& next,
                     const std::vector<std::int64_t>& starts,
                     const std::vector<std::int64_t>& slots, bool stores,
                     KvCache& cache) {
  const c10::AutoGradMode no_grad(false);
  ForwardOptions options;
  options.cache = &cache;
  auto batch = pack_cached(next, starts, slots);
  batch.stores = stores;
  return model.forward(batch, options);
}

// Two rows of each of two slots, of several lengths, and one without a prefix.
void expect_reading_equals_storing(const Transformer& model, double tolerance) {
  const Rows prompts = random_rows({9, 4}, 29, 3);
  const Rows next = random_rows({3, 1, 3, 6, 2}, 29, 4);
  const std::vector<std::int64_t> starts{9, 9, 4, 4, 0};
  KvCache shared = cache_for(model, 3, 16);
  fed_in_pieces(model, prompts, {1, 0}, 20, shared);
  const auto before = shared.keys(1).clone();
  const auto read =
      continued(model, next, starts, {1, 1, 0, 0, 2}, false, shared);
  EXPECT_TRUE(at::equal(shared.keys(1), before));
  KvCache own = cache_for(model, 5, 16);
  fed_in_pieces(model, {prompts[0], prompts[0], prompts[1], prompts[1]},
                {0, 1, 2, 3}, 20, own);
  const auto stored =
      continued(model, next, starts, {0, 1, 2, 3, 4}, true, own);
  EXPECT_FALSE(at::equal(own.keys(1)[0], before[1]));
  EXPECT_TRUE(at::allclose(read, stored, tolerance, tolerance));
}

TEST(KvCache, RowsThatOnlyReadShareASlot) {
  expect_reading_equals_storing(tiny_model(), 0.0);
  ModelConfig config = parse_model_config(tiny_config_json(), "tiny");
  config.sliding_window = 5;
  config.layer_kinds[1] = LayerKind::kSliding;
  auto weights = random_weights(config, 1);
  expect_reading_equals_storing(Transformer(config, weights), 0.0);
  auto soft = config;
  soft.attention_softcap = 2.0;  // not by the fused kernel
  expect_reading_equals_storing(Transformer(soft, weights), 1e-5);
  for (auto& [name, weight] : weights) {
    weight = weight.to(at::kDouble);
  }
  expect_reading_equals_storing(Transformer(config, std::move(weights)), 1e-12);
}

TEST(KvCache, RefusesWhatDoesNotFit) {
  const Transformer model = tiny_model();
  KvCache cache = cache_for(model, 2, 4);
  EXPECT_EQ(cache.bytes(), 3 * 2 * 2 * 2 * 4 * 8 * 4);
  ForwardOptions options;
  options.cache = &cache;
  const auto forward = [&](std::size_t length, std::int64_t start,
                           std::int64_t slot) {
    const Rows rows{std::vector<std::int32_t>(length, 1)};
    model.forward(pack_cached(rows, std::vector<std::int64_t>{start},
                              std::vector<std::int64_t>{slot}),
                  options);
  };
  EXPECT_NO_THROW(forward(4, 0, 1));
  EXPECT_THROW(forward(5, 0, 1), Error);
  EXPECT_THROW(forward(1, 4, 1), Error);
  EXPECT_THROW(forward(1, 0, 2), Error);
  const std::vector<std::int64_t> first{0};
  const std::vector<std::int64_t> second{1};
  const std::vector<std::int64_t> third{2};
  EXPECT_THROW(cache.copy_prefixes(first, third, 1), Error);
  EXPECT_THROW(cache.copy_prefixes(first, second, 5), Error);
  EXPECT_THROW(cache.copy_prefixes(first, {}, 1), Error);
  EXPECT_THROW(cache.copy_prefixes(first, first, 1), Error);  // both at once
  EXPECT_THROW(model.forward(pack(Rows{{1}}), options), Error);
}

}  // namespace
}  // namespace veer
