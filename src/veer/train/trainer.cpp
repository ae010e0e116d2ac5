// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <utility>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/hash.h"
#include "veer/base/settings.h"
#include "veer/tensors/device.h"
#include "veer/tensors/float_range.h"
#include "veer/tensors/out_of_memory.h"
#include "veer/train/checkpoint.h"
#include "veer/train/loss_scale.h"
#include "veer/train/sft.h"
#include "veer/train/step_items.h"

namespace veer {
namespace {

void check_options(const SftOptions& options, std::int64_t num_items) {
  if (num_items < 1) {
    fail("fine-tune", "no training example", "at least one");
  }
  if (options.batch_size < 1 || options.accumulation < 1 ||
      options.batch_tokens < 0 || options.steps < 0 ||
      options.evaluate_every < 0 || options.checkpoint_every < 0 ||
      !(options.learning_rate > 0.0) ||
      (options.steps == 0 && !(options.epochs > 0.0))) {
    fail("fine-tune",
         fmt::format("batch size {}, accumulation {}, steps {}, epochs {}, "
                     "learning rate {}",
                     options.batch_size, options.accumulation, options.steps,
                     options.epochs, options.learning_rate),
         "positive numbers");
  }
  if (options.keep != "last" && options.keep != "best") {
    fail("fine-tune", fmt::format("keep '{}'", options.keep), "last or best");
  }
}

// What decides the result of a run, as one string.
std::string run_identity(const Transformer& model, std::int64_t num_items,
                         SftOptions options, std::uint64_t seed,
                         const std::string& data_fingerprint) {
  if (options.keep == "last") {
    options.evaluate_every = 0;
  }
  options.checkpoint_every = 0;
  options.recompute = false;
  const auto fields = setting_fields(options);
  Json chosen = settings_to_json(fields);
  if (options.batch_tokens == 0) {
    chosen.erase("batch_tokens");
  }
  return canonical_json(chosen) +
         fmt::format(" items {} data {} seed {} model {}", num_items,
                     data_fingerprint, seed, model.fingerprint());
}

std::vector<AdamWParameter> parameters_of(const Adapter& adapter,
                                          double weight_decay) {
  std::vector<AdamWParameter> parameters;
  for (const auto& [path, pair] : adapter.pairs) {
    parameters.push_back({path + ".A", pair.A_RI, weight_decay});
    parameters.push_back({path + ".B", pair.B_OR, weight_decay});
  }
  return parameters;
}

// A fresh adapter on the model's device.
Adapter start_adapter(const Transformer& model, const LoraOptions& options,
                      std::uint64_t seed) {
  Adapter adapter =
      make_adapter(model.linear_layers(), options, Random(seed, "adapter"));
  for (auto& [path, pair] : adapter.pairs) {
    if (pair.A_RI.device() != model.device()) {
      pair.A_RI = pair.A_RI.detach().to(model.device()).requires_grad_(true);
      pair.B_OR = pair.B_OR.detach().to(model.device()).requires_grad_(true);
    }
  }
  return adapter;
}

class Trainer {
 public:
  Trainer(Transformer& model, std::int64_t num_items,
          const Objective& objective, const SftOptions& options,
          std::uint64_t seed, const std::string& data_fingerprint,
          const TrainCallbacks& callbacks, const std::filesystem::path& folder,
          std::span<const std::int64_t> item_tokens)
      : model_(model),
        objective_(objective),
        options_(options),
        callbacks_(callbacks),
        folder_(folder),
        item_tokens_(item_tokens),
        pass_texts_(options.batch_size),
        loss_scale_(model.dtype()),
        seed_(seed),
        run_(run_identity(model, num_items, options, seed, data_fingerprint)),
        order_(num_items, options, seed),
        adapter_(start_adapter(model, options.lora, seed)),
        optimizer_(parameters_of(adapter_, options.weight_decay),
                   options.optimizer) {
    model_.attach(adapter_);
  }

  TrainResult run() {
    if (!folder_.empty()) {
      state_ = read_checkpoint(folder_, adapter_, optimizer_, run_);
    }
    while (state_.step < order_.total_steps()) {
      stop_if_asked();
      one_step();
    }
    for (auto& [path, pair] : adapter_.pairs) {
      pair.A_RI.mutable_grad().reset();
      pair.B_OR.mutable_grad().reset();
      pair.A_RI.requires_grad_(false);
      pair.B_OR.requires_grad_(false);
    }
    const std::int64_t kept = go_back_to_best();
    return {.adapter = adapter_,
            .num_steps = state_.step,
            .kept_step = kept,
            .num_tokens = static_cast<std::int64_t>(tokens_so_far()),
            .rows = state_.rows};
  }

 private:
  double tokens_so_far() const {
    return state_.rows.empty() ? 0.0 : state_.rows.back().values.at("tokens");
  }

  // Of the evaluation of this row, if it has one; not a number chooses nothing.
  void note_best(const MetricsRow& row) {
    const auto found = row.values.find(kHeldOutLoss);
    if (options_.keep == "best" && found != row.values.end() &&
        std::isfinite(found->second) &&
        (state_.best.step == 0 || found->second < state_.best.loss)) {
      state_.best = {row.step, found->second, copy_of(adapter_)};
    }
  }

  // Returns the step whose factors the adapter has then.
  std::int64_t go_back_to_best() {
    if (state_.best.step == 0) {
      return state_.step;
    }
    const at::NoGradGuard no_grad;
    for (auto& [path, pair] : adapter_.pairs) {
      const auto& best = state_.best.adapter.pairs.at(path);
      pair.A_RI.copy_(best.A_RI);
      pair.B_OR.copy_(best.B_OR);
    }
    return state_.best.step;
  }

  void save() {
    if (!folder_.empty()) {
      write_checkpoint(folder_, adapter_, optimizer_, state_, run_);
    }
  }

  void stop_if_asked() {
    if (callbacks_.monitor.stop.stop_requested()) {
      save();
      callbacks_.monitor.check_stop("fine-tune");
    }
  }

  ForwardOptions tuned(std::int64_t pass) const {
    ForwardOptions options;
    options.adapter.uniform = 1.0;
    options.adapter.dropout = options_.lora.dropout;
    options.adapter.dropout_seed =
        hash64(fmt::format("dropout {} {}", state_.step, pass), seed_);
    options.checkpoint_blocks = options_.recompute;
    return options;
  }

  // How many of these items, which a pass of the settings holds, one pass
  // takes.
  std::size_t pass_length(std::span<const std::int64_t> items) const {
    const auto most =
        std::min(items.size(), static_cast<std::size_t>(pass_texts_));
    if (options_.batch_tokens == 0 || item_tokens_.empty()) {
      return most;
    }
    std::int64_t tokens = item_tokens_[items[0]];
    std::size_t n = 1;
    while (n < most &&
           (tokens += item_tokens_[items[n]]) <= options_.batch_tokens) {
      ++n;
    }
    return n;
  }

  // Sums the gradients of the step's passes, puts what they count into `row`
  // and returns the step's loss, where the model lies: nobody waits for it
  // here.
  at::Tensor accumulate(const std::vector<std::int64_t>& items,
                        MetricsRow& row) {
    const std::span<const std::int64_t> all(items);
    const auto batch = static_cast<std::size_t>(options_.batch_size);
    at::Tensor loss;
    double tokens = tokens_so_far();
    std::int64_t pass = 0;
    for (std::size_t i = 0; i < items.size(); ++pass) {
      const auto whole =
          all.subspan(i, std::min(batch - i % batch, items.size() - i));
      const auto n = pass_length(whole);
      const ObjectiveOutput out =
          objective_({.model = model_,
                      .items = whole.first(n),
                      .step_items = all,
                      .tuned = tuned(pass),
                      .reference = {},
                      .loss_scale = loss_scale_.value()});
      const auto own = out.loss.detach().to(at::kDouble) / loss_scale_.value();
      loss = loss.defined() ? loss + own : own;
      out.loss.backward();
      tokens += static_cast<double>(out.num_tokens);
      for (const auto& [name, value] : out.metrics) {
        row.values[name] += value;
      }
      i += n;
    }
    row.values["tokens"] = tokens;
    return loss;
  }

  // The gradients of a step, in passes that fit into memory; returns its loss.
  at::Tensor gradients(const std::vector<std::int64_t>& items,
                       MetricsRow& row) {
    at::Tensor loss;
    halve_until_it_fits(
        "fine-tune",
        {.size = pass_texts_,
         .smallest = 1,
         .unit = "texts",
         .remedy =
             options_.recompute ? "" : "finetune.recompute = true needs less"},
        callbacks_.monitor, [&](std::int64_t texts) {
          pass_texts_ = texts;
          row = {.step = state_.step + 1, .values = {}};
          optimizer_.zero_grad();
          loss = accumulate(items, row);
        });
    return loss;
  }

  [[noreturn]] void fail_not_finite(const std::string& what) const {
    fail_run("fine-tune", fmt::format("{} at step {}", what, state_.step + 1),
             "finite numbers",
             overflow_cause(model_.dtype(),
                            "a learning rate too high, or damaged weights"));
  }

  MetricsRow updated_by(const std::vector<std::int64_t>& items,
                        double learning_rate) {
    while (true) {
      MetricsRow row;
      const auto loss = gradients(items, row);
      const auto found = optimizer_.try_step(
          learning_rate, {.gradient_scale = loss_scale_.value(), .loss = loss});
      if (found.is_finite()) {
        row.values["train/loss"] = found.loss;
        row.values["grad_norm"] = found.norm;
        return row;
      }
      if (!std::isfinite(found.loss)) {
        fail_not_finite(fmt::format("the loss is {}", found.loss));
      }
      // It may not be finite only for being scaled.
      if (!loss_scale_.lower()) {
        fail_not_finite("the gradient is not finite");
      }
    }
  }

  void one_step() {
    const std::int64_t total = order_.total_steps();
    const double learning_rate =
        options_.learning_rate *
        schedule_share(options_.schedule, state_.step, total);
    MetricsRow row = updated_by(order_.items(state_.step), learning_rate);
    row.values["lr"] = learning_rate;
    ++state_.step;
    evaluate(row);
    if (callbacks_.on_metrics) {
      callbacks_.on_metrics(row);
    }
    callbacks_.monitor.progress(
        {.task = "fine-tune",
         .done = state_.step,
         .total = total,
         .unit = "steps",
         .note = fmt::format("loss {:.3f}", row.values["train/loss"])});
    note_best(row);
    state_.rows.push_back(std::move(row));
    if (is_due(options_.checkpoint_every)) {
      save();
    }
  }

  // The last step is always due.
  bool is_due(std::int64_t every) const {
    return state_.step == order_.total_steps() ||
           (every > 0 && state_.step % every == 0);
  }

  void evaluate(MetricsRow& row) {
    if (callbacks_.on_adapter && is_due(options_.evaluate_every)) {
      callbacks_.on_adapter(state_.step, adapter_);
    }
    if (callbacks_.evaluate && is_due(options_.evaluate_every)) {
      const at::NoGradGuard no_grad;
      for (const auto& [name, value] : callbacks_.evaluate(state_.step)) {
        row.values[name] = value;
      }
    }
  }

  Transformer& model_;
  const Objective& objective_;
  const SftOptions& options_;
  const TrainCallbacks& callbacks_;
  const std::filesystem::path& folder_;
  std::span<const std::int64_t> item_tokens_;
  std::int64_t pass_texts_;  // in one pass; fewer once memory ran out
  LossScale loss_scale_;
  std::uint64_t seed_;
  std::string run_;
  StepItems order_;
  Adapter adapter_;
  AdamW optimizer_;
  TrainState state_;
};

}  // namespace

TrainResult train_adapter(Transformer& model, std::int64_t num_items,
                          const Objective& objective, const SftOptions& options,
                          std::uint64_t seed,
                          const std::string& data_fingerprint,
                          const TrainCallbacks& callbacks,
                          const std::filesystem::path& checkpoint_folder,
                          std::span<const std::int64_t> item_tokens) {
  check_options(options, num_items);
  const RepeatableScope repeatable;
  return Trainer(model, num_items, objective, options, seed, data_fingerprint,
                 callbacks, checkpoint_folder, item_tokens)
      .run();
}

}  // namespace veer
