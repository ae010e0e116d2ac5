// SPDX-License-Identifier: MIT
#include "veer/capture/capture_texts.h"

#include <map>

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "model/tiny_models.h"
#include "tensors/failing_allocator.h"
#include "veer/base/error.h"
#include "veer/capture/recorder.h"
#include "veer/text/chat/chat_format.h"

namespace veer {
namespace {

// Texts of different lengths: a prompt of 4 tokens, an answer of the rest but
// one end token.
std::vector<EncodedChat> texts() {
  std::vector<EncodedChat> out;
  for (const std::int64_t length : {9, 6, 12, 7}) {
    EncodedChat text;
    for (std::int64_t t = 0; t < length; ++t) {
      text.ids.push_back(static_cast<std::int32_t>((3 * t + length) % 29));
      text.roles.push_back(TokenRole::kAnswer);
    }
    text.prompt_length = 4;
    text.answer_begin = 4;
    text.answer_end = length - 1;
    out.push_back(text);
  }
  return out;
}

CaptureRequest request(std::int64_t batch_tokens) {
  CaptureRequest r;
  r.positions = {parse_position("prompt_end"), parse_position("answer_mean")};
  r.batch_tokens = batch_tokens;
  return r;
}

// All hidden states of one text, one pass per layer.
at::Tensor hidden_after(const Transformer& model, const EncodedChat& text,
                        std::int64_t layer, double strength) {
  const Rows rows = {text.ids};
  ForwardOptions options;
  options.last_layer = layer;
  options.adapter.uniform = strength;
  return model.forward(pack(rows), options);
}

TEST(CaptureTexts, ReadsWhatSinglePassesGive) {
  auto model = tiny_model();
  model.attach(random_adapter(model, 2, 5));
  const auto all = texts();
  for (const double strength : {0.0, 1.0}) {
    auto r = request(15);  // several batches
    r.adapter_strength = strength;
    const auto got = capture_texts(model, all, r);
    ASSERT_EQ(got.rows.size(), 2U);
    ASSERT_EQ(got.rows[0].size(), 3U);
    for (std::size_t n = 0; n < all.size(); ++n) {
      for (std::int64_t l = 0; l < 3; ++l) {
        const auto hidden_TD = hidden_after(model, all[n], l, strength);
        const auto mean = hidden_TD.narrow(0, 4, all[n].answer_end - 4).mean(0);
        const auto layer = static_cast<std::size_t>(l);
        const auto item = static_cast<std::int64_t>(n);
        EXPECT_LT(
            (got.rows[0][layer][item] - hidden_TD[3]).abs().max().item<float>(),
            1e-5);
        EXPECT_LT((got.rows[1][layer][item] - mean).abs().max().item<float>(),
                  1e-5);
      }
    }
  }
}

// Keeps every hidden state of a pass, and which blocks it reached.
class Spy : public ResidualHook {
 public:
  bool wants(ResidualSite) const override { return true; }
  at::Tensor visit(ResidualSite site, const at::Tensor& hidden_TD,
                   const PackedBatch&) override {
    seen[site] = hidden_TD.clone();
    return hidden_TD;
  }
  std::map<ResidualSite, at::Tensor> seen;
};

TEST(CaptureTexts, EverySiteOfTheBlockAtEveryPosition) {
  const auto model = tiny_model();
  auto all = texts();
  for (auto& text : all) {
    text.roles.assign(text.ids.size(), TokenRole::kAnswer);
    text.roles[0] = text.roles[3] = TokenRole::kTemplate;
    text.roles[1] = TokenRole::kSystem;
    text.roles[2] = TokenRole::kQuestion;
    text.roles.back() = TokenRole::kTemplate;
  }
  CaptureRequest r;
  r.batch_tokens = 15;
  r.points = {ResidualPoint::kResidPre, ResidualPoint::kAttnOut,
              ResidualPoint::kResidMid, ResidualPoint::kMlpOut,
              ResidualPoint::kResidPost};
  for (const char* name :
       {"prompt_end", "answer_first", "answer_last", "answer_mean",
        "answer_token.1", "answer_token.4", "span.system", "span.question",
        "span.template", "all", "legacy_last"}) {
    r.positions.push_back(parse_position(name));
  }
  const auto got = capture_texts(model, all, r);
  for (std::size_t n = 0; n < all.size(); ++n) {
    Spy spy;
    ResidualHook* hooks[] = {&spy};
    ForwardOptions options;
    options.hooks = hooks;
    const Rows one = {all[n].ids};
    model.forward(pack(one), options);
    for (std::size_t p = 0; p < r.positions.size(); ++p) {
      const auto tokens = position_tokens(all[n], r.positions[p]);
      for (std::size_t s = 0; s < r.points.size() * 3; ++s) {
        const ResidualSite site{static_cast<std::int64_t>(s % 3),
                                r.points[s / 3]};
        auto mean_D = at::zeros({16});
        for (const auto t : tokens) {
          mean_D += spy.seen.at(site)[t] / static_cast<double>(tokens.size());
        }
        EXPECT_LT((got.rows[p][s][static_cast<std::int64_t>(n)] - mean_D)
                      .abs()
                      .max()
                      .item<float>(),
                  1e-5)
            << site.name() << " " << r.positions[p].name() << " text " << n;
      }
    }
  }
}

TEST(CaptureTexts, BlocksOfLayersAndBatchesChangeNothing) {
  const auto model = tiny_model();
  const auto whole = capture_texts(model, texts(), request(1000));
  auto part = request(8);
  part.first_layer = 1;
  part.last_layer = 1;
  const auto middle = capture_texts(model, texts(), part);
  ASSERT_EQ(middle.rows[0].size(), 1U);
  EXPECT_LT((middle.rows[1][0] - whole.rows[1][1]).abs().max().item<float>(),
            1e-5);
  EXPECT_EQ(whole.num_tokens, 9 + 6 + 12 + 7);
  EXPECT_EQ(whole.stacked_LND(0).sizes(), at::IntArrayRef({3, 4, 16}));
}

TEST(CaptureTexts, NormsAreSortedByPosition) {
  const auto model = tiny_model();
  const std::vector<EncodedChat> one = {texts()[0]};
  auto r = request(100);
  r.norms = true;
  const auto got = capture_texts(model, one, r);
  const auto norms = hidden_after(model, one[0], 2, 0.0).norm(2, 1);
  EXPECT_EQ(got.norms[2].prompt_end.n, 1);
  EXPECT_NEAR(got.norms[2].prompt_end.mean, norms[3].item<double>(), 1e-5);
  EXPECT_EQ(got.norms[2].prompt.n, 3);  // without the first token
  EXPECT_EQ(got.norms[2].generated.n, 4);
  EXPECT_NEAR(got.norms[2].generated.mean,
              norms.narrow(0, 4, 4).mean().item<double>(), 1e-5);
}

TEST(CaptureTexts, ProjectionsAreThoseOfTheHiddenStates) {
  const auto model = tiny_model();
  const std::vector<EncodedChat> one = {texts()[1]};
  Random random(4);
  const auto directions = random_tensor({3, 16}, random);
  const auto got = token_projections(model, one, directions, request(100));
  const auto unit_D = directions[1] / directions[1].norm();
  const auto scores =
      hidden_after(model, one[0], 1, 0.0).narrow(0, 1, 5).mv(unit_D);
  EXPECT_EQ(got[1].n, 5);
  EXPECT_NEAR(got[1].mean, scores.mean().item<double>(), 1e-5);
  EXPECT_NEAR(got[1].sd(), scores.std().item<double>(), 1e-5);
}

// Both readings, at every place where memory may run out.
TEST(CaptureTexts, GoesOnWithSmallerBatchesWhenMemoryRunsOut) {
  at::set_num_threads(1);
  const auto model = tiny_model();
  Random random(4);
  const auto directions = random_tensor({3, 16}, random);
  auto r = request(1000);
  r.norms = true;
  const auto whole = capture_texts(model, texts(), r);
  const auto projections = token_projections(model, texts(), directions, r);
  std::int64_t messages = 0;
  Monitor monitor;
  monitor.on_message = [&](std::string_view) { ++messages; };
  // Behind the rows that are kept, which do not shrink with the batch.
  for (std::int64_t at = 12;; at += 7) {
    messages = 0;
    const testing::FailingAllocator failing(at);
    const auto got = capture_texts(model, texts(), r, monitor);
    if (!failing.has_failed()) {
      EXPECT_GT(at, 50);
      break;
    }
    EXPECT_EQ(messages, 1) << at;
    for (std::size_t p = 0; p < 2; ++p) {
      for (std::size_t l = 0; l < 3; ++l) {
        EXPECT_LT((got.rows[p][l] - whole.rows[p][l]).abs().max().item<float>(),
                  1e-5);
      }
    }
    for (std::size_t l = 0; l < 3; ++l) {
      EXPECT_EQ(got.norms[l].prompt.n, whole.norms[l].prompt.n);
      EXPECT_NEAR(got.norms[l].generated.mean, whole.norms[l].generated.mean,
                  1e-5);
    }
  }
  for (std::int64_t at = 6;; at += 7) {
    const testing::FailingAllocator failing(at);
    const auto got = token_projections(model, texts(), directions, r, monitor);
    if (!failing.has_failed()) {
      break;
    }
    for (std::size_t l = 0; l < 3; ++l) {
      EXPECT_EQ(got[l].n, projections[l].n) << at;
      EXPECT_NEAR(got[l].mean, projections[l].mean, 1e-5);
      EXPECT_NEAR(got[l].sd(), projections[l].sd(), 1e-5);
    }
  }
}

TEST(CaptureTexts, BadRequestsAreRefused) {
  const auto model = tiny_model();
  auto r = request(100);
  EXPECT_THROW(capture_texts(model, {}, r), Error);
  r.last_layer = 3;
  EXPECT_THROW(capture_texts(model, texts(), r), Error);
  r = request(100);
  r.adapter_strength = 1.0;
  EXPECT_THROW(capture_texts(model, texts(), r), Error);
  std::vector<EncodedChat> empty(1);
  EXPECT_THROW(capture_texts(model, empty, request(100)), Error);
}

TEST(Recorder, LeavesThePassAsItIs) {
  const auto model = tiny_model();
  const Rows rows = {{1, 2, 3}, {4, 5}};
  const auto batch = pack(rows);
  Recorder recorder(
      {{0, ResidualPoint::kResidPre}, {2, ResidualPoint::kMlpOut}});
  recorder.begin(batch, {{{0, 2}, {}}, {{1}, {0}}});
  ResidualHook* hooks[] = {&recorder};
  ForwardOptions options;
  options.hooks = hooks;
  EXPECT_TRUE(model.forward(batch, options).equal(model.forward(batch)));
  const auto read = recorder.take();
  EXPECT_EQ(read.sizes(), at::IntArrayRef({2, 2, 2, 16}));
  EXPECT_EQ(read[0][1].abs().max().item<float>(), 0.0F);  // an empty group
  EXPECT_THROW(recorder.take(), Error);
  EXPECT_THROW(recorder.begin(batch, {{{3}, {}}, {{1}, {0}}}), Error);
  EXPECT_THROW(recorder.begin(batch, {{{0}}}), Error);
  EXPECT_THROW(Recorder({}), Error);
}

}  // namespace
}  // namespace veer
