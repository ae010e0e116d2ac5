// SPDX-License-Identifier: MIT
#include "veer/train/direction_training.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <ATen/TensorOperators.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <fmt/core.h>

#include "veer/base/error.h"

namespace veer {

AnswerBatch pack_answers(std::span<const AnsweredPrompt> texts,
                         at::Device device) {
  std::vector<std::vector<std::int32_t>> rows;
  std::vector<std::int64_t> before;
  std::vector<std::int64_t> ids;
  std::vector<std::int64_t> text;
  AnswerBatch out;
  std::int64_t offset = 0;
  for (const auto& answered : texts) {
    const auto length = std::ssize(answered.ids);
    out.last_prompt.push_back(offset + answered.begin - 1);
    for (std::int64_t t = answered.begin; t < length; ++t) {
      before.push_back(offset + t - 1);
      ids.push_back(answered.ids[static_cast<std::size_t>(t)]);
      text.push_back(std::ssize(rows));
    }
    rows.push_back(answered.ids);
    offset += length;
  }
  out.batch = pack(rows, device);
  out.before_N = at::tensor(before).to(device);
  out.ids_N = at::tensor(ids).to(device);
  out.text_N = at::tensor(text).to(device);
  return out;
}

at::Tensor from_prompt_end(const AnswerBatch& texts,
                           std::span<const double> factors) {
  const auto factors_T =
      at::zeros({texts.batch.num_tokens()}, at::dtype(at::kFloat));
  for (std::size_t row = 0; row < texts.last_prompt.size(); ++row) {
    factors_T.slice(0, texts.last_prompt[row], texts.batch.offsets[row + 1])
        .fill_(factors[row]);
  }
  return factors_T.to(texts.batch.ids_T.device());
}

at::Tensor answer_log_probs(const Transformer& model, const AnswerBatch& texts,
                            HookList hooks) {
  ForwardOptions options;
  options.hooks = hooks;
  options.adapter.uniform = 0.0;
  const auto hidden_TD = model.forward(texts.batch, options);
  const auto logits_NV =
      model.logits(hidden_TD.index_select(0, texts.before_N), options.adapter)
          .to(at::kFloat);
  return at::log_softmax(logits_NV, 1)
      .gather(1, texts.ids_N.unsqueeze(1))
      .squeeze(1);
}

void check_direction_training(const Transformer& model, std::int64_t layer,
                              std::int64_t steps, std::int64_t batch) {
  const auto layers = model.config().num_layers;
  if (layer < 0 || layer >= layers) {
    fail("train direction", fmt::format("layer {}", layer),
         fmt::format("0 to {}", layers - 1));
  }
  if (steps < 1 || batch < 1) {
    fail("train direction", fmt::format("{} steps of {} items", steps, batch),
         "one or more");
  }
}

void check_answer(const AnsweredPrompt& text) {
  if (text.begin < 1 || std::ssize(text.ids) <= text.begin) {
    fail("train direction", "an answer without a token",
         "a prompt and an answer");
  }
}

ItemOrder::ItemOrder(std::size_t count, Random random) : random_(random) {
  order_.resize(count);
  std::iota(order_.begin(), order_.end(), std::size_t{0});
}

std::vector<std::size_t> ItemOrder::next(std::size_t count) {
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

std::vector<double> run_steps(std::int64_t layer, std::int64_t steps,
                              const std::function<double(std::int64_t)>& step,
                              const Monitor& monitor) {
  std::vector<double> losses;
  const std::string task = fmt::format("direction of layer {}", layer);
  for (std::int64_t s = 1; s <= steps; ++s) {
    monitor.check_stop("train direction");
    const double loss = step(s);
    if (!std::isfinite(loss)) {
      fail_run("train direction",
               fmt::format("loss {} at step {} of layer {}", loss, s, layer),
               "a finite loss", "a learning rate that is too large");
    }
    losses.push_back(loss);
    monitor.progress(
        {task, s, steps, "steps", fmt::format("loss {:.3f}", loss)});
  }
  return losses;
}

double updated_by(const std::function<at::Tensor()>& loss, LossScale& scale,
                  const std::function<AdamWNumbers(const at::Tensor&)>& update,
                  AdamW& optimizer) {
  while (true) {
    optimizer.zero_grad();
    const auto value = loss();
    (scale.value() == 1.0 ? value : value * scale.value()).backward();
    const auto found = update(value.detach());
    if (found.is_finite() || !std::isfinite(found.loss)) {
      return found.loss;
    }
    if (!scale.lower()) {
      fail_run("train direction", "the gradient's norm is not finite",
               "finite numbers",
               "a learning rate too high or a damaged weight");
    }
  }
}

}  // namespace veer
