// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/hash.h"
#include "veer/base/settings.h"
#include "veer/train/checkpoint.h"
#include "veer/train/sft.h"

namespace veer {
namespace {

void check_options(const SftOptions& options, std::int64_t num_items) {
  if (num_items < 1) {
    fail("fine-tune", "no training example", "at least one");
  }
  if (options.batch_size < 1 || options.accumulation < 1 || options.steps < 0 ||
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

std::int64_t steps_per_epoch(const SftOptions& options,
                             std::int64_t num_items) {
  const std::int64_t per_step = options.batch_size * options.accumulation;
  return (num_items + per_step - 1) / per_step;
}

// What decides the result of a run, as one string.
std::string run_identity(const Transformer& model, std::int64_t num_items,
                         SftOptions options, std::uint64_t seed,
                         const std::string& data_fingerprint) {
  if (options.keep == "last") {
    options.evaluate_every = 0;
  }
  options.checkpoint_every = 0;
  const auto fields = setting_fields(options);
  return canonical_json(settings_to_json(fields)) +
         fmt::format(" items {} data {} seed {} model {}", num_items,
                     data_fingerprint, seed, model.fingerprint());
}

// Which items each step takes: a fresh shuffle per epoch that is a function
// of seed and epoch; the last step of an epoch takes what is left.
class Order {
 public:
  Order(std::int64_t num_items, const SftOptions& options, std::uint64_t seed)
      : num_items_(num_items),
        per_step_(options.batch_size * options.accumulation),
        steps_per_epoch_(steps_per_epoch(options, num_items)),
        seed_(seed),
        total_(training_steps(options, num_items)) {}

  std::int64_t total_steps() const { return total_; }

  std::vector<std::int64_t> items(std::int64_t step) {
    const std::int64_t epoch = step / steps_per_epoch_;
    if (epoch != epoch_) {
      shuffled_.resize(num_items_);
      std::iota(shuffled_.begin(), shuffled_.end(), std::int64_t{0});
      Random(seed_, fmt::format("order {}", epoch)).shuffle(shuffled_);
      epoch_ = epoch;
    }
    const std::int64_t begin = (step % steps_per_epoch_) * per_step_;
    const std::int64_t end = std::min(begin + per_step_, num_items_);
    return {shuffled_.begin() + begin, shuffled_.begin() + end};
  }

 private:
  std::int64_t num_items_;
  std::int64_t per_step_;
  std::int64_t steps_per_epoch_;
  std::uint64_t seed_;
  std::int64_t total_;
  std::int64_t epoch_ = -1;
  std::vector<std::int64_t> shuffled_;
};

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
          const TrainCallbacks& callbacks, const std::filesystem::path& folder)
      : model_(model),
        objective_(objective),
        options_(options),
        callbacks_(callbacks),
        folder_(folder),
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

  // Sums the gradients of the step's passes; the step's loss and metrics go
  // into `row`.
  void accumulate(const std::vector<std::int64_t>& items, MetricsRow& row) {
    const std::span<const std::int64_t> all(items);
    double loss = 0.0;
    double tokens = tokens_so_far();
    for (std::size_t i = 0, pass = 0; i < items.size();
         i += options_.batch_size, ++pass) {
      const auto n =
          std::min<std::size_t>(options_.batch_size, items.size() - i);
      const ObjectiveOutput out =
          objective_({.model = model_,
                      .items = all.subspan(i, n),
                      .step_items = all,
                      .tuned = tuned(static_cast<std::int64_t>(pass)),
                      .reference = {}});
      loss += out.loss.item<double>();
      check_finite(loss);
      out.loss.backward();
      tokens += static_cast<double>(out.num_tokens);
      for (const auto& [name, value] : out.metrics) {
        row.values[name] += value;
      }
    }
    row.values["train/loss"] = loss;
    row.values["tokens"] = tokens;
  }

  void check_finite(double loss) const {
    if (!std::isfinite(loss)) {
      fail_run("fine-tune",
               fmt::format("the loss is {} at step {}", loss, state_.step + 1),
               "a finite number",
               "a learning rate too high, or damaged weights");
    }
  }

  double update(double learning_rate) {
    try {
      return optimizer_.step(learning_rate);
    } catch (const Error&) {
      fail_run(
          "fine-tune",
          fmt::format("the gradient is not finite at step {}", state_.step + 1),
          "finite numbers", "a learning rate too high, or damaged weights");
    }
  }

  void one_step() {
    const std::int64_t total = order_.total_steps();
    const double learning_rate =
        options_.learning_rate *
        schedule_share(options_.schedule, state_.step, total);
    MetricsRow row{.step = state_.step + 1, .values = {}};
    optimizer_.zero_grad();
    accumulate(order_.items(state_.step), row);
    row.values["grad_norm"] = update(learning_rate);
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
  std::uint64_t seed_;
  std::string run_;
  Order order_;
  Adapter adapter_;
  AdamW optimizer_;
  TrainState state_;
};

}  // namespace

std::int64_t training_steps(const SftOptions& options, std::int64_t num_items) {
  return options.steps > 0
             ? options.steps
             : static_cast<std::int64_t>(std::ceil(
                   options.epochs *
                   static_cast<double>(steps_per_epoch(options, num_items))));
}

TrainResult train_adapter(Transformer& model, std::int64_t num_items,
                          const Objective& objective, const SftOptions& options,
                          std::uint64_t seed,
                          const std::string& data_fingerprint,
                          const TrainCallbacks& callbacks,
                          const std::filesystem::path& checkpoint_folder) {
  check_options(options, num_items);
  return Trainer(model, num_items, objective, options, seed, data_fingerprint,
                 callbacks, checkpoint_folder)
      .run();
}

}  // namespace veer
