// SPDX-License-Identifier: MIT
#include "veer/train/preference_direction.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include <ATen/TensorOperators.h>
#include <ATen/ops/log_sigmoid.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/base/random.h"
#include "veer/model/packed_batch.h"
#include "veer/train/adamw.h"

namespace veer {
namespace {

constexpr std::size_t kLeastPairs = 3;

// Adds factors_T[t] * direction to token t at one layer.
class AddedDirection : public ResidualHook {
 public:
  AddedDirection(std::int64_t layer, at::Tensor direction_D,
                 at::Tensor factors_T)
      : site_{layer, ResidualPoint::kResidPost},
        direction_D_(std::move(direction_D)),
        factors_T_(std::move(factors_T)) {}

  bool wants(ResidualSite site) const override { return site == site_; }
  at::Tensor visit(ResidualSite, const at::Tensor& hidden_TD,
                   const PackedBatch&) override {
    const auto added_TD = factors_T_.unsqueeze(1) * direction_D_.unsqueeze(0);
    return hidden_TD + added_TD.to(hidden_TD.scalar_type());
  }

 private:
  ResidualSite site_;
  at::Tensor direction_D_;
  at::Tensor factors_T_;
};

// The two texts of each of some pairs as one packed batch, wanted first.
struct Texts {
  PackedBatch batch;
  at::Tensor before_N;  // packed index of the token before each answer token
  at::Tensor ids_N;     // the answer token
  at::Tensor text_N;    // whose it is: 2 pair, or 2 pair + 1 of the unwanted
  std::vector<std::int64_t> first;  // per text: the prompt's last token, packed
};

Texts make_texts(std::span<const PreferencePair> pairs,
                 std::span<const std::size_t> chosen, at::Device device) {
  std::vector<std::vector<std::int32_t>> rows;
  std::vector<std::int64_t> before;
  std::vector<std::int64_t> ids;
  std::vector<std::int64_t> text;
  Texts out;
  std::int64_t offset = 0;
  for (const std::size_t p : chosen) {
    for (const auto* answer : {&pairs[p].wanted, &pairs[p].unwanted}) {
      out.first.push_back(offset + pairs[p].begin - 1);
      for (std::int64_t t = pairs[p].begin; t < std::ssize(*answer); ++t) {
        before.push_back(offset + t - 1);
        ids.push_back((*answer)[static_cast<std::size_t>(t)]);
        text.push_back(std::ssize(rows));
      }
      rows.push_back(*answer);
      offset += std::ssize(*answer);
    }
  }
  out.batch = pack(rows, device);
  out.before_N = at::tensor(before).to(device);
  out.ids_N = at::tensor(ids).to(device);
  out.text_N = at::tensor(text).to(device);
  return out;
}

// 0 before the last token of the prompt, the pair's sign from there on.
at::Tensor factors_of(const Texts& texts, std::span<const double> signs) {
  const auto factors_T =
      at::zeros({texts.batch.num_tokens()}, at::dtype(at::kFloat));
  for (std::size_t row = 0; row < texts.first.size(); ++row) {
    factors_T.slice(0, texts.first[row], texts.batch.offsets[row + 1])
        .fill_(signs[row / 2]);
  }
  return factors_T.to(texts.batch.ids_T.device());
}

// lp+ - lp- per pair, fp32.
at::Tensor margins(const Transformer& model, const Texts& texts,
                   HookList hooks) {
  ForwardOptions options;
  options.hooks = hooks;
  options.adapter.uniform = 0.0;
  const auto hidden_TD = model.forward(texts.batch, options);
  const auto logits_NV =
      model.logits(hidden_TD.index_select(0, texts.before_N)).to(at::kFloat);
  const auto log_probs_N = at::log_softmax(logits_NV, 1)
                               .gather(1, texts.ids_N.unsqueeze(1))
                               .squeeze(1);
  const auto num_texts = static_cast<std::int64_t>(texts.first.size());
  const auto sums = at::zeros({num_texts}, log_probs_N.options())
                        .index_add(0, texts.text_N, log_probs_N)
                        .view({num_texts / 2, 2});
  return sums.select(1, 0) - sums.select(1, 1);
}

void check(const Transformer& model, std::span<const PreferencePair> pairs,
           const PreferenceOptions& options) {
  if (pairs.size() < kLeastPairs) {
    fail("train direction", fmt::format("{} pairs of answers", pairs.size()),
         fmt::format("{} or more", kLeastPairs));
  }
  for (const auto& pair : pairs) {
    if (pair.begin < 1 || std::ssize(pair.wanted) <= pair.begin ||
        std::ssize(pair.unwanted) <= pair.begin) {
      fail("train direction", "an answer without a token",
           "two answers after the same prompt");
    }
  }
  const auto layers = model.config().num_layers;
  if (options.layer < 0 || options.layer >= layers) {
    fail("train direction", fmt::format("layer {}", options.layer),
         fmt::format("0 to {}", layers - 1));
  }
  if (options.steps < 1 || options.batch < 1) {
    fail("train direction",
         fmt::format("{} steps of {} pairs", options.steps, options.batch),
         "one or more");
  }
}

// Pairs in random order, every one once before any comes again.
class PairOrder {
 public:
  PairOrder(std::size_t count, Random random) : random_(random) {
    order_.resize(count);
    std::iota(order_.begin(), order_.end(), std::size_t{0});
  }

  std::vector<std::size_t> next(std::size_t count) {
    std::vector<std::size_t> out;
    while (out.size() < std::min(count, order_.size())) {
      if (at_ == 0) {
        random_.shuffle(order_);
      }
      out.push_back(order_[at_]);
      at_ = (at_ + 1) % order_.size();
    }
    return out;
  }

 private:
  Random random_;
  std::vector<std::size_t> order_;
  std::size_t at_ = 0;
};

// Mean change of the margin over all pairs when v is added with `sign`.
double mean_gain(const Transformer& model,
                 std::span<const PreferencePair> pairs,
                 const PreferenceOptions& options,
                 const at::Tensor& direction_D, double sign) {
  double sum = 0.0;
  const auto batch = static_cast<std::size_t>(options.batch);
  for (std::size_t begin = 0; begin < pairs.size(); begin += batch) {
    std::vector<std::size_t> chosen(std::min(batch, pairs.size() - begin));
    std::iota(chosen.begin(), chosen.end(), begin);
    const auto texts = make_texts(pairs, chosen, model.device());
    const std::vector<double> signs(chosen.size(), sign);
    AddedDirection added(options.layer, direction_D, factors_of(texts, signs));
    const std::array<ResidualHook*, 1> hooks = {&added};
    const auto change_P =
        margins(model, texts, hooks) - margins(model, texts, {});
    sum += change_P.sum().item<double>();
  }
  return sum / static_cast<double>(pairs.size());
}

// The vector while it is trained, in units of the residual norm over
// sqrt(width), so that one learning rate serves all layers and models.
class Training {
 public:
  Training(const Transformer& model, std::span<const PreferencePair> pairs,
           const PreferenceOptions& options)
      : model_(model),
        pairs_(pairs),
        options_(options),
        unit_(options.norm /
              std::sqrt(static_cast<double>(model.config().width))),
        scaled_D_(at::zeros({model.config().width},
                            at::dtype(at::kFloat).device(model.device()))
                      .requires_grad_(true)),
        optimizer_({{"direction", scaled_D_, options.weight_decay}}, {}),
        order_(pairs.size(), Random(options.seed, "preference pairs")),
        coin_(options.seed, "preference signs") {}

  // One update; returns the loss before it.
  double step() {
    const auto chosen = order_.next(static_cast<std::size_t>(options_.batch));
    std::vector<double> signs;
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      signs.push_back(coin_.chance(0.5) ? 1.0 : -1.0);
    }
    const auto texts = make_texts(pairs_, chosen, model_.device());
    const auto loss = loss_of(texts, signs);
    const double value = loss.item<double>();
    if (std::isfinite(value)) {
      optimizer_.zero_grad();
      loss.backward();
      optimizer_.step(options_.learning_rate);
    }
    return value;
  }

  at::Tensor direction() const {
    const c10::AutoGradMode frozen(false);
    return scaled_D_.detach() * unit_;
  }

 private:
  at::Tensor loss_of(const Texts& texts, std::span<const double> signs) const {
    at::Tensor plain_P;
    {
      const c10::AutoGradMode frozen(false);
      plain_P = margins(model_, texts, {});
    }
    const c10::AutoGradMode training(true);
    AddedDirection added(options_.layer, scaled_D_ * unit_,
                         factors_of(texts, signs));
    const std::array<ResidualHook*, 1> hooks = {&added};
    const auto change_P = margins(model_, texts, hooks) - plain_P;
    const auto signs_P =
        at::tensor(std::vector<double>(signs.begin(), signs.end()))
            .to(change_P.options());
    return -at::log_sigmoid(signs_P * options_.beta * change_P).mean();
  }

  const Transformer& model_;
  std::span<const PreferencePair> pairs_;
  const PreferenceOptions& options_;
  double unit_;
  at::Tensor scaled_D_;
  AdamW optimizer_;
  PairOrder order_;
  Random coin_;
};

}  // namespace

PreferenceDirection train_preference_direction(
    const Transformer& model, std::span<const PreferencePair> pairs,
    const PreferenceOptions& options, const Monitor& monitor) {
  check(model, pairs, options);
  Training training(model, pairs, options);
  PreferenceDirection out;
  const std::string task = fmt::format("direction of layer {}", options.layer);
  for (std::int64_t step = 1; step <= options.steps; ++step) {
    monitor.check_stop("train direction");
    const double loss = training.step();
    if (!std::isfinite(loss)) {
      fail_run("train direction",
               fmt::format("loss {} at step {} of layer {}", loss, step,
                           options.layer),
               "a finite loss", "a learning rate that is too large");
    }
    out.losses.push_back(loss);
    monitor.progress(
        {task, step, options.steps, "steps", fmt::format("loss {:.3f}", loss)});
  }
  const c10::AutoGradMode frozen(false);
  const auto direction_D = training.direction();
  out.gain_added = mean_gain(model, pairs, options, direction_D, 1.0);
  out.gain_subtracted = mean_gain(model, pairs, options, direction_D, -1.0);
  out.direction_D = direction_D.to(at::kCPU);
  return out;
}

}  // namespace veer
