// SPDX-License-Identifier: MIT
#include "veer/train/preference_direction.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>

#include <ATen/TensorOperators.h>
#include <ATen/ops/log_sigmoid.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/base/random.h"
#include "veer/tensors/device.h"
#include "veer/train/adamw.h"
#include "veer/train/direction_training.h"
#include "veer/train/loss_scale.h"

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

// The two texts of each of some pairs, wanted first.
AnswerBatch make_texts(std::span<const PreferencePair> pairs,
                       std::span<const std::size_t> chosen, at::Device device) {
  std::vector<AnsweredPrompt> texts;
  for (const std::size_t p : chosen) {
    texts.push_back({pairs[p].wanted, pairs[p].begin});
    texts.push_back({pairs[p].unwanted, pairs[p].begin});
  }
  return pack_answers(texts, device);
}

// The sign of each pair, for both of its texts.
at::Tensor factors_of(const AnswerBatch& texts, std::span<const double> signs) {
  std::vector<double> twice;
  for (const double sign : signs) {
    twice.insert(twice.end(), 2, sign);
  }
  return from_prompt_end(texts, twice);
}

// lp+ - lp- per pair, fp32.
at::Tensor margins(const Transformer& model, const AnswerBatch& texts,
                   HookList hooks) {
  const auto log_probs_N = answer_log_probs(model, texts, hooks);
  const auto sums = at::zeros({texts.num_texts()}, log_probs_N.options())
                        .index_add(0, texts.text_N, log_probs_N)
                        .view({texts.num_texts() / 2, 2});
  return sums.select(1, 0) - sums.select(1, 1);
}

void check(const Transformer& model, std::span<const PreferencePair> pairs,
           const PreferenceOptions& options) {
  if (pairs.size() < kLeastPairs) {
    fail("train direction", fmt::format("{} pairs of answers", pairs.size()),
         fmt::format("{} or more", kLeastPairs));
  }
  for (const auto& pair : pairs) {
    check_answer({pair.wanted, pair.begin});
    check_answer({pair.unwanted, pair.begin});
  }
  check_direction_training(model, options.layer, options.steps, options.batch);
}

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
        scale_(model.dtype()),
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
    return updated_by([&] { return loss_of(texts, signs); }, scale_,
                      [&](const at::Tensor& loss) {
                        return optimizer_.try_step(
                            options_.learning_rate,
                            {.gradient_scale = scale_.value(), .loss = loss});
                      },
                      optimizer_);
  }

  at::Tensor direction() const {
    const c10::AutoGradMode frozen(false);
    return scaled_D_.detach() * unit_;
  }

 private:
  at::Tensor loss_of(const AnswerBatch& texts,
                     std::span<const double> signs) const {
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
  LossScale scale_;
  ItemOrder order_;
  Random coin_;
};

}  // namespace

PreferenceDirection train_preference_direction(
    const Transformer& model, std::span<const PreferencePair> pairs,
    const PreferenceOptions& options, const Monitor& monitor) {
  check(model, pairs, options);
  const RepeatableScope repeatable;
  Training training(model, pairs, options);
  PreferenceDirection out;
  out.losses = run_steps(
      options.layer, options.steps,
      [&](std::int64_t) { return training.step(); }, monitor);
  const c10::AutoGradMode frozen(false);
  const auto direction_D = training.direction();
  out.gain_added = mean_gain(model, pairs, options, direction_D, 1.0);
  out.gain_subtracted = mean_gain(model, pairs, options, direction_D, -1.0);
  out.direction_D = direction_D.to(at::kCPU);
  return out;
}

}  // namespace veer
