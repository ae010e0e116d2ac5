// SPDX-License-Identifier: MIT
//
// Fine-tuning of an adapter. The trainer knows optimizer, schedule, batches,
// checkpoints and evaluation; what is being minimised is an objective, a
// function of a batch and of the model with the adapter on or off (the
// reference model is the same weights with the adapter off). Supervised
// fine-tuning (SFT) is the first objective.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "veer/base/progress.h"
#include "veer/model/adapter.h"
#include "veer/model/transformer.h"
#include "veer/train/adamw.h"
#include "veer/train/lora.h"
#include "veer/train/schedule.h"

namespace veer {

// One training text. ids[t] for t in [supervise_begin, ids.size()) are learnt
// (each predicted from what precedes it); the end-of-turn token belongs to
// them. The first token of a text is never learnt.
struct SftExample {
  std::vector<std::int32_t> ids;
  std::int64_t supervise_begin = 0;
};

struct SftOptions {
  LoraOptions lora;
  AdamWOptions optimizer;
  ScheduleOptions schedule;
  double learning_rate = 2e-4;
  double weight_decay = 0.01;
  // Texts per forward pass and passes per step. A step is the product of both
  // and divides its loss by what it learns in all, however it is cut.
  std::int64_t batch_size = 8;
  std::int64_t accumulation = 1;
  // Most tokens per forward pass: passes are cut where they have more. Sums are
  // then rounded, and dropout drawn, in other parts. 0 = any.
  std::int64_t batch_tokens = 0;
  double epochs = 10.0;
  // Wins over epochs when not 0.
  std::int64_t steps = 0;
  // "answer": the answer with its end-of-turn; "full": every token but the
  // first, as the original study did.
  std::string loss = "answer";
  // Which adapter a run ends with: "last", or "best", the one of the evaluation
  // with the lowest held-out loss, kHeldOutLoss of TrainCallbacks::evaluate.
  std::string keep = "last";
  // Steps between evaluations and between checkpoints, 0 = none. The last step
  // is always evaluated.
  std::int64_t evaluate_every = 0;
  std::int64_t checkpoint_every = 0;

  // Parameters that change speed or memory only.

  // Recompute blocks in the backward pass instead of keeping activations.
  bool recompute = false;

  template <class Self, class Visitor>
  static void visit(Self& self, Visitor&& field) {
    field("lora", self.lora, "the adapter's shape");
    field("optimizer", self.optimizer, "AdamW");
    field("schedule", self.schedule, "of the learning rate");
    field("learning_rate", self.learning_rate, "peak learning rate");
    field("weight_decay", self.weight_decay, "decoupled weight decay");
    field("batch_size", self.batch_size, "texts per forward pass");
    field("accumulation", self.accumulation, "passes per optimizer step");
    field("batch_tokens", self.batch_tokens, "most tokens per pass, 0 = any");
    field("epochs", self.epochs, "passes over the data");
    field("steps", self.steps, "optimizer steps, 0 = by epochs");
    field("loss", self.loss, "answer or full");
    field("keep", self.keep, "adapter to end with: last or best held-out loss");
    field("evaluate_every", self.evaluate_every, "steps, 0 = at the end only");
    field("checkpoint_every", self.checkpoint_every, "steps, 0 = none");
    field("recompute", self.recompute, "less memory, a fifth slower");
  }
};

// What an objective sees of one pass: which examples, the model with the
// adapter attached, and how to run it with the adapter on.
struct ObjectiveInput {
  const Transformer& model;
  // Indices into the training data; all passes of a step together.
  std::span<const std::int64_t> items;       // of this pass
  std::span<const std::int64_t> step_items;  // of the whole step
  // Options with the adapter on (dropout included) and off.
  ForwardOptions tuned;
  ForwardOptions reference;
  // What the loss is to be multiplied by before gradients are taken.
  double loss_scale = 1.0;
};

struct ObjectiveOutput {
  at::Tensor
      loss;  // scalar; the losses of a step's passes add up to the step's
  std::int64_t num_tokens = 0;            // that went through the model
  std::map<std::string, double> metrics;  // summed over passes
};

using Objective = std::function<ObjectiveOutput(const ObjectiveInput&)>;

// Held-out loss among the values of an evaluation, mean -log p per token.
inline constexpr const char* kHeldOutLoss = "eval/loss";

// One line of metrics.jsonl.
struct MetricsRow {
  std::int64_t step = 0;                 // from 1: after this many updates
  std::map<std::string, double> values;  // train/loss, lr, grad_norm, ...
};

struct TrainCallbacks {
  Monitor monitor;
  // Called with the adapter as it is after `step` updates; what it returns is
  // added to the step's metrics row under its own names ("eval/loss").
  std::function<std::map<std::string, double>(std::int64_t step)> evaluate;
  std::function<void(const MetricsRow&)> on_metrics;
  // Called at each evaluation with the adapter itself.
  std::function<void(std::int64_t step, const Adapter& adapter)> on_adapter;
};

struct TrainResult {
  Adapter adapter;  // as it was after kept_step updates
  std::int64_t num_steps = 0;
  std::int64_t kept_step = 0;  // num_steps unless an earlier one was better
  std::int64_t num_tokens = 0;
  std::vector<MetricsRow> rows;  // of the whole run, resumed parts included
};

// Trains an adapter on `num_items` items. The model keeps the adapter
// attached. With a `checkpoint_folder` the run saves adapter, optimizer,
// position and metrics there every checkpoint_every steps and goes on from
// them when called again with the same options: a run killed at any moment
// and resumed gives the same adapter bytes as an undisturbed one. A checkpoint
// of other options or data (`data_fingerprint`) is refused. With options.keep =
// "best" the adapter of the best evaluation so far is in the checkpoint too; of
// equal losses the earlier one is kept, and without a finite one the last step.
// `item_tokens`: tokens of each item, for options.batch_tokens; empty = not
// known, and passes are cut by texts alone.
//
// When memory runs out, the step begins again in passes of half the texts, and
// so do those that follow; the monitor hears of it. Loss and gradient stay the
// step's, rounded in other parts: only then may a resumed run differ in bits.
// The same bytes again are promised on a CPU; a card gives them as far as its
// algorithms repeat (tensors/device.h).
//
// Throws Error{kFailed} naming the step when loss or gradient is not finite,
// Error{kInterrupted} when the monitor asks to stop (after a checkpoint).
TrainResult train_adapter(Transformer& model, std::int64_t num_items,
                          const Objective& objective, const SftOptions& options,
                          std::uint64_t seed,
                          const std::string& data_fingerprint,
                          const TrainCallbacks& callbacks = {},
                          const std::filesystem::path& checkpoint_folder = {},
                          std::span<const std::int64_t> item_tokens = {});

// Updates of a whole run on `num_items` items: options.steps, or by epochs.
std::int64_t training_steps(const SftOptions& options, std::int64_t num_items);

// The SFT objective: mean of -log p over the supervised tokens of the step.
// `examples` must outlive it.
Objective sft_objective(std::span<const SftExample> examples,
                        const std::string& loss);

// train_adapter() with the SFT objective.
TrainResult finetune(Transformer& model, std::span<const SftExample> examples,
                     const SftOptions& options, std::uint64_t seed,
                     const TrainCallbacks& callbacks = {},
                     const std::filesystem::path& checkpoint_folder = {});

// Mean of -log p over supervised tokens, no gradient; for `evaluate`.
double sft_loss(const Transformer& model, std::span<const SftExample> examples,
                const std::string& loss, const AdapterStrength& strength,
                std::int64_t batch_size = 32);

}  // namespace veer
