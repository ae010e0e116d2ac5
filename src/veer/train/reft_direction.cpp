// SPDX-License-Identifier: MIT
#include "veer/train/reft_direction.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include <ATen/TensorOperators.h>
#include <ATen/ops/dot.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mv.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/stack.h>
#include <c10/core/GradMode.h>
#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/tensors/device.h"
#include "veer/train/adamw.h"

namespace veer {
namespace {

constexpr std::size_t kLeastTexts = 3;

// Reads a_i at one layer and adds m w there. The first token of a text is not
// read: its residual is of another size in most models.
class ReadAndAdd : public ResidualHook {
 public:
  ReadAndAdd(const AnswerBatch& texts, at::Tensor unit_D,
             const ReftOptions& options)
      : unit_D_(std::move(unit_D)),
        written_T_(from_prompt_end(
            texts, std::vector<double>(texts.last_prompt.size(), 1.0))),
        site_{options.layer, ResidualPoint::kResidPost},
        top_k_(options.top_k) {}

  bool wants(ResidualSite site) const override { return site == site_; }
  at::Tensor visit(ResidualSite, const at::Tensor& hidden_TD,
                   const PackedBatch& batch) override {
    const auto latents_T = at::relu(at::mv(hidden_TD.to(at::kFloat), unit_D_));
    std::vector<at::Tensor> strengths;
    std::vector<at::Tensor> rests;
    for (std::int64_t b = 0; b < batch.num_rows(); ++b) {
      const auto read =
          latents_T.slice(0, batch.offsets[b] + 1, batch.offsets[b + 1]);
      const auto count = read.size(0);
      const auto top = std::get<0>(read.topk(std::min(top_k_, count)));
      strengths.push_back(top.mean());
      rests.push_back((read.sum() - top.sum()) / static_cast<double>(count));
    }
    strengths_B_ = at::stack(strengths);
    rests_B_ = at::stack(rests);
    const auto added_TD =
        (strengths_B_.index_select(0, batch.rows_T) * written_T_).unsqueeze(1) *
        unit_D_.unsqueeze(0);
    return hidden_TD + added_TD.to(hidden_TD.scalar_type());
  }

  const at::Tensor& strengths_B() const { return strengths_B_; }  // m
  // Sum of the latents outside the top k over the tokens read.
  const at::Tensor& rests_B() const { return rests_B_; }

 private:
  at::Tensor unit_D_;
  at::Tensor written_T_;
  ResidualSite site_;
  std::int64_t top_k_;
  at::Tensor strengths_B_;
  at::Tensor rests_B_;
};

void check(const Transformer& model, std::span<const AnsweredPrompt> texts,
           const ReftOptions& options) {
  if (texts.size() < kLeastTexts) {
    fail("train direction", fmt::format("{} answers", texts.size()),
         fmt::format("{} or more", kLeastTexts));
  }
  for (const auto& text : texts) {
    check_answer(text);
  }
  check_direction_training(model, options.layer, options.steps, options.batch);
  if (options.top_k < 1) {
    fail("train direction", fmt::format("top k of {}", options.top_k),
         "one or more");
  }
}

AnswerBatch chosen_texts(std::span<const AnsweredPrompt> texts,
                         std::span<const std::size_t> chosen,
                         at::Device device) {
  std::vector<AnsweredPrompt> out;
  for (const std::size_t i : chosen) {
    out.push_back(texts[i]);
  }
  return pack_answers(out, device);
}

struct Effect {
  double latent = 0.0;
  double gain = 0.0;
};

// Mean m and mean change of log p(answer) over all texts.
Effect mean_effect(const Transformer& model,
                   std::span<const AnsweredPrompt> texts,
                   const at::Tensor& unit_D, const ReftOptions& options) {
  Effect out;
  const auto batch = static_cast<std::size_t>(options.batch);
  for (std::size_t begin = 0; begin < texts.size(); begin += batch) {
    const auto some = pack_answers(
        texts.subspan(begin, std::min(batch, texts.size() - begin)),
        model.device());
    ReadAndAdd hook(some, unit_D, options);
    const std::array<ResidualHook*, 1> hooks = {&hook};
    const auto with_N = answer_log_probs(model, some, hooks);
    const auto change_N = with_N - answer_log_probs(model, some, {});
    out.gain += change_N.sum(at::kDouble).item<double>();
    out.latent += hook.strengths_B().sum(at::kDouble).item<double>();
  }
  out.gain /= static_cast<double>(texts.size());
  out.latent /= static_cast<double>(texts.size());
  return out;
}

// A direction drawn evenly from all, unit norm.
at::Tensor random_unit(const Transformer& model, std::uint64_t seed) {
  Random random(seed, "reft start");
  const auto drawn_D = at::empty({model.config().width}, at::kFloat);
  auto* data = drawn_D.data_ptr<float>();
  for (std::int64_t i = 0; i < drawn_D.numel(); ++i) {
    data[i] = static_cast<float>(random.normal());
  }
  return (drawn_D / drawn_D.norm()).to(model.device());
}

// w while it is trained, as sqrt(width) w: its elements are of size 1.
class Training {
 public:
  Training(const Transformer& model, std::span<const AnsweredPrompt> texts,
           const ReftOptions& options)
      : model_(model),
        texts_(texts),
        options_(options),
        length_(std::sqrt(static_cast<double>(model.config().width))),
        scale_(model.dtype()),
        order_(texts.size(), Random(options.seed, "reft texts")) {
    const c10::AutoGradMode frozen(false);
    auto start_D = random_unit(model, options.seed);
    if (mean_effect(model, texts, -start_D, options).latent >
        mean_effect(model, texts, start_D, options).latent) {
      start_D = -start_D;
    }
    scaled_D_ = (start_D * length_).contiguous().requires_grad_(true);
    // As published: no decay (the norm is fixed) and no clipping.
    AdamWOptions adamw;
    adamw.clip_norm = 0.0;
    optimizer_.emplace(
        std::vector<AdamWParameter>{{"direction", scaled_D_, 0.0}}, adamw);
  }

  // Update s; returns the loss before it.
  double step(std::int64_t s) {
    const auto chosen = order_.next(static_cast<std::size_t>(options_.batch));
    const auto batch = chosen_texts(texts_, chosen, model_.device());
    const double done =
        static_cast<double>(s - 1) / static_cast<double>(options_.steps);
    const c10::AutoGradMode training(true);
    return updated_by(
        [&] {
          return reft_loss(model_, batch, scaled_D_ / length_, options_, done);
        },
        scale_,
        [&](const at::Tensor& loss) {
          return update(options_.learning_rate * (1.0 - done), loss);
        },
        *optimizer_);
  }

  at::Tensor unit() const {
    const c10::AutoGradMode frozen(false);
    return scaled_D_.detach() / length_;
  }

 private:
  AdamWNumbers update(double learning_rate, const at::Tensor& loss) {
    const c10::AutoGradMode frozen(false);
    const auto unit_D = scaled_D_ / length_;
    auto gradient_D = scaled_D_.mutable_grad();
    gradient_D.sub_(unit_D * gradient_D.dot(unit_D));
    const auto found = optimizer_->try_step(
        learning_rate, {.gradient_scale = scale_.value(), .loss = loss});
    if (found.is_finite()) {
      scaled_D_.mul_(length_ / scaled_D_.norm());
    }
    return found;
  }

  const Transformer& model_;
  std::span<const AnsweredPrompt> texts_;
  const ReftOptions& options_;
  double length_;
  LossScale scale_;
  ItemOrder order_;
  at::Tensor scaled_D_;
  std::optional<AdamW> optimizer_;
};

}  // namespace

at::Tensor reft_loss(const Transformer& model, const AnswerBatch& texts,
                     const at::Tensor& unit_D, const ReftOptions& options,
                     double penalty_share) {
  ReadAndAdd hook(texts, unit_D, options);
  const std::array<ResidualHook*, 1> hooks = {&hook};
  const auto log_probs_N = answer_log_probs(model, texts, hooks);
  return hook.rests_B().mean() * (penalty_share * options.l1 / options.norm) -
         log_probs_N.mean();
}

ReftDirection train_reft_direction(const Transformer& model,
                                   std::span<const AnsweredPrompt> texts,
                                   const ReftOptions& options,
                                   const Monitor& monitor) {
  check(model, texts, options);
  const RepeatableScope repeatable;
  Training training(model, texts, options);
  ReftDirection out;
  out.losses = run_steps(
      options.layer, options.steps,
      [&](std::int64_t s) { return training.step(s); }, monitor);
  const c10::AutoGradMode frozen(false);
  const auto unit_D = training.unit();
  const auto effect = mean_effect(model, texts, unit_D, options);
  if (!(effect.latent > 0.0)) {
    fail_run("train direction",
             fmt::format("a direction of layer {} that no token holds",
                         options.layer),
             "a positive projection of some token",
             "a learning rate that is too large");
  }
  out.gain = effect.gain;
  out.latent = effect.latent;
  out.direction_D = (unit_D * effect.latent).to(at::kCPU);
  return out;
}

}  // namespace veer
