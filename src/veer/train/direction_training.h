// SPDX-License-Identifier: MIT
//
// What every training of a single direction needs: answers as one packed
// batch, their log-probabilities under a frozen model, an order of items and
// the loop over steps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "veer/base/progress.h"
#include "veer/base/random.h"
#include "veer/model/packed_batch.h"
#include "veer/model/residual.h"
#include "veer/model/transformer.h"
#include "veer/train/adamw.h"
#include "veer/train/loss_scale.h"

namespace veer {

// A prompt and its answer, end of turn included. `begin`: first token of the
// answer, the length of the prompt.
struct AnsweredPrompt {
  std::vector<std::int32_t> ids;
  std::int64_t begin = 0;
};

// Texts end to end with what scoring their answers needs, on one device.
struct AnswerBatch {
  PackedBatch batch;
  at::Tensor before_N;  // packed index of the token before each answer token
  at::Tensor ids_N;     // the answer token
  at::Tensor text_N;    // the text whose it is
  std::vector<std::int64_t> last_prompt;  // per text, packed

  std::int64_t num_texts() const { return std::ssize(last_prompt); }
};

AnswerBatch pack_answers(std::span<const AnsweredPrompt> texts,
                         at::Device device);

// [T] fp32: 0 before the last token of a text's prompt, the text's factor from
// there on: where a sweep intervenes by default.
at::Tensor from_prompt_end(const AnswerBatch& texts,
                           std::span<const double> factors);

// [N] fp32, log p(answer token | everything before it) of the model without
// its adapter. Differentiable in what the hooks add.
at::Tensor answer_log_probs(const Transformer& model, const AnswerBatch& texts,
                            HookList hooks);

// Throws Error{kBadInput} for a layer the model does not have, fewer than one
// step or item in a step.
void check_direction_training(const Transformer& model, std::int64_t layer,
                              std::int64_t steps, std::int64_t batch);
// Throws Error{kBadInput} for an answer without a token or no prompt before it.
void check_answer(const AnsweredPrompt& text);

// Items in random order, every one once before any comes again. Not safe to
// share between threads.
class ItemOrder {
 public:
  ItemOrder(std::size_t count, Random random);
  // At most all of the items.
  std::vector<std::size_t> next(std::size_t count);

 private:
  Random random_;
  std::vector<std::size_t> order_;
  std::size_t at_ = 0;
};

// Calls step(s) for s = 1 ... steps and returns the losses it gave. Throws
// Error{kFailed} naming step and layer when one is not finite.
std::vector<double> run_steps(std::int64_t layer, std::int64_t steps,
                              const std::function<double(std::int64_t)>& step,
                              const Monitor& monitor);

// One update by the gradients of what `loss` makes, scaled while they are taken
// and taken again with a smaller scale where they are not finite for it.
// `update` changes the parameters, if loss and gradient are finite. Returns the
// loss; nothing has changed where that is not finite. Throws Error{kFailed}
// where only the gradient is not.
double updated_by(const std::function<at::Tensor()>& loss, LossScale& scale,
                  const std::function<AdamWNumbers(const at::Tensor&)>& update,
                  AdamW& optimizer);

}  // namespace veer
