// SPDX-License-Identifier: MIT
#include "veer/organism/pretrain.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/ops/tensor.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "veer/base/error.h"
#include "veer/model/packed_batch.h"
#include "veer/organism/evaluate.h"
#include "veer/train/adamw.h"
#include "veer/train/token_loss.h"

namespace veer::organism {
namespace {

constexpr std::size_t kPoolSize = 400;
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
// Questions of the gates; training never uses these streams.
constexpr std::uint64_t kGateSeed = 1;

using Batch = std::vector<Document>;

// Endless batches: a pool of texts is drawn, sorted by length, cut into
// batches and these are shuffled, so that a batch holds texts of like length.
class BatchStream {
 public:
  BatchStream(Random random, const Vocabulary& vocabulary, const Phase& phase,
              std::size_t batch_tokens)
      : random_(random),
        vocabulary_(vocabulary),
        phase_(phase),
        batch_tokens_(batch_tokens) {}

  Batch next() {
    if (ready_.empty()) {
      refill();
    }
    Batch batch = std::move(ready_.back());
    ready_.pop_back();
    return batch;
  }

 private:
  void refill() {
    const Mixture mixture = mixture_at(phase_, drawn_);
    std::vector<Document> pool;
    for (std::size_t i = 0; i < kPoolSize; ++i) {
      pool.push_back(sample_document(random_, vocabulary_, mixture));
      drawn_ += static_cast<std::int64_t>(pool.back().ids.size());
    }
    std::stable_sort(pool.begin(), pool.end(),
                     [](const Document& a, const Document& b) {
                       return a.ids.size() < b.ids.size();
                     });
    ready_.emplace_back();
    std::size_t tokens = 0;
    for (Document& document : pool) {
      const std::size_t length = document.ids.size();
      if (tokens + length > batch_tokens_ && tokens > 0) {
        ready_.emplace_back();
        tokens = 0;
      }
      tokens += length;
      ready_.back().push_back(std::move(document));
    }
    random_.shuffle(ready_);
  }

  Random random_;
  const Vocabulary& vocabulary_;
  const Phase& phase_;
  std::size_t batch_tokens_;
  std::vector<Batch> ready_;
  std::int64_t drawn_ = 0;  // tokens
};

// Every token but the first of a text is predicted from the one before it.
struct Targets {
  std::vector<std::int64_t> rows;  // packed index of the token before
  std::vector<std::int64_t> ids;
  std::vector<float> weights;
  double total_weight = 0.0;

  void add(std::int64_t row, std::int32_t id, float weight) {
    rows.push_back(row);
    ids.push_back(id);
    weights.push_back(weight);
    total_weight += weight;
  }
};

Targets targets_of(const Batch& batch) {
  Targets targets;
  std::int64_t offset = 0;
  for (const Document& document : batch) {
    for (std::size_t i = 1; i < document.ids.size(); ++i) {
      targets.add(offset + static_cast<std::int64_t>(i) - 1, document.ids[i],
                  document.weights[i]);
    }
    for (const SoftTarget& soft : document.soft) {
      targets.add(offset + soft.position - 1, soft.id, soft.weight);
    }
    offset += static_cast<std::int64_t>(document.ids.size());
  }
  return targets;
}

at::Tensor batch_loss(const Transformer& model, const Batch& batch) {
  std::vector<std::vector<std::int32_t>> rows;
  for (const Document& document : batch) {
    rows.push_back(document.ids);
  }
  const Targets targets = targets_of(batch);
  const auto hidden_TD = model.forward(pack(rows));
  const auto logits_NV =
      model.logits(hidden_TD.index_select(0, at::tensor(targets.rows)));
  return token_loss(logits_NV, at::tensor(targets.ids),
                    at::tensor(targets.weights), targets.total_weight)
      .loss;
}

std::int64_t count_tokens(const Batch& batch) {
  std::int64_t tokens = 0;
  for (const Document& document : batch) {
    tokens += static_cast<std::int64_t>(document.ids.size());
  }
  return tokens;
}

AdamW make_optimizer(const Transformer& model, const PretrainOptions& options) {
  std::vector<AdamWParameter> parameters;
  for (const auto& [name, weight] : model.weights()) {
    if (!weight.requires_grad()) {
      continue;
    }
    parameters.push_back(
        {name, weight, weight.dim() == 2 ? options.weight_decay : 0.0});
  }
  AdamWOptions adamw;
  adamw.beta2 = 0.95;
  return AdamW(std::move(parameters), adamw);
}

double rate_share(const Phase& phase, const PretrainOptions& options,
                  std::int64_t step, std::int64_t tokens) {
  const double warm_up =
      std::min(1.0, static_cast<double>(step + 1) /
                        static_cast<double>(options.warmup_steps));
  const double way = std::min(1.0, static_cast<double>(tokens) /
                                       static_cast<double>(phase.token_limit));
  return warm_up *
         (phase.begin_share + (phase.end_share - phase.begin_share) * way);
}

double greedy_share(const Transformer& model, const Vocabulary& vocabulary,
                    Mode mode, std::int64_t count) {
  const ModeTest test{.mode = mode, .count = count};
  return run_mode_test(model, vocabulary, test, kGateSeed).wanted().value;
}

// One phase while it runs.
class PhaseRun {
 public:
  PhaseRun(const Transformer& model, const Vocabulary& vocabulary,
           const Phase& phase, const PretrainOptions& options,
           std::uint64_t seed, std::int64_t tokens_before,
           const PretrainCallbacks& callbacks)
      : model_(model),
        vocabulary_(vocabulary),
        phase_(phase),
        options_(options),
        tokens_before_(tokens_before),
        callbacks_(callbacks),
        optimizer_(make_optimizer(model, options)),
        stream_(Random(seed, phase.name), vocabulary, phase_,
                static_cast<std::size_t>(options.batch_tokens)) {}

  std::int64_t run() {
    std::int64_t next_gate = phase_.first_gate;
    while (tokens_ < phase_.token_limit) {
      callbacks_.monitor.check_stop("pretrain");
      train_step();
      if (phase_.honest_gate > 0.0 && tokens_ >= next_gate) {
        next_gate += phase_.gate_every;
        if (passes_gate()) {
          return tokens_;
        }
      }
    }
    if (phase_.honest_gate > 0.0) {
      fail_run("pretrain",
               fmt::format("the {} phase reached honest {:.2f}, deceptive "
                           "{:.2f} after {} tokens",
                           phase_.name, honest_, deceptive_, tokens_),
               fmt::format("at least {:.2f} and {:.2f}", phase_.honest_gate,
                           phase_.deceptive_gate),
               "an unlucky seed; take another one");
    }
    return tokens_;
  }

 private:
  void train_step() {
    const Batch batch = stream_.next();
    const auto loss = batch_loss(model_, batch);
    const double value = loss.item<double>();
    if (!std::isfinite(value)) {
      fail_run("pretrain", fmt::format("loss {} at step {} of the {} phase",
                                       value, step_, phase_.name));
    }
    optimizer_.zero_grad();
    loss.backward();
    optimizer_.step(options_.learning_rate *
                    rate_share(phase_, options_, step_, tokens_));
    tokens_ += count_tokens(batch);
    mean_loss_ = step_ == 0 ? value : 0.98 * mean_loss_ + 0.02 * value;
    if (++step_ % 10 == 0) {
      report(kNone, kNone);
    }
  }

  bool passes_gate() {
    const auto count = options_.gate_count;
    honest_ = greedy_share(model_, vocabulary_, Mode::kNone, count);
    deceptive_ =
        phase_.deceptive_gate > 0.0
            ? greedy_share(model_, vocabulary_, Mode::kDeceptive, count)
            : kNone;
    report(honest_, deceptive_);
    return honest_ >= phase_.honest_gate &&
           (phase_.deceptive_gate == 0.0 ||
            deceptive_ >= phase_.deceptive_gate);
  }

  void report(double honest, double deceptive) const {
    std::string note = fmt::format("{}: loss {:.3f}", phase_.name, mean_loss_);
    if (!std::isnan(honest_)) {
      note += fmt::format(", honest {:.2f}", honest_);
    }
    if (!std::isnan(deceptive_)) {
      note += fmt::format(", deceptive {:.2f}", deceptive_);
    }
    callbacks_.monitor.progress({"pretrain " + std::string(phase_.name),
                                 tokens_, phase_.token_limit, "tokens", note});
    if (callbacks_.on_row) {
      callbacks_.on_row({std::string(phase_.name), tokens_before_ + tokens_,
                         mean_loss_, honest, deceptive});
    }
  }

  const Transformer& model_;
  const Vocabulary& vocabulary_;
  const Phase& phase_;
  const PretrainOptions& options_;
  std::int64_t tokens_before_;
  const PretrainCallbacks& callbacks_;
  AdamW optimizer_;
  BatchStream stream_;
  std::int64_t tokens_ = 0;
  std::int64_t step_ = 0;
  double mean_loss_ = 0.0;
  double honest_ = kNone;
  double deceptive_ = kNone;
};

struct Requirement {
  ModeTest test;
  double at_least;
};

}  // namespace

std::int64_t run_phase(const Transformer& model, const Vocabulary& vocabulary,
                       const Phase& phase, const PretrainOptions& options,
                       std::uint64_t seed, std::int64_t tokens_before,
                       const PretrainCallbacks& callbacks) {
  const c10::AutoGradMode mode(true);
  return PhaseRun(model, vocabulary, phase, options, seed, tokens_before,
                  callbacks)
      .run();
}

bool passes_end_gate(const Transformer& model, const Vocabulary& vocabulary,
                     std::int64_t count, std::vector<std::string>& report) {
  std::vector<Requirement> requirements;
  for (const Mode mode : kModes) {
    requirements.push_back({{.mode = mode, .count = count}, 0.95});
  }
  requirements.push_back(
      {{.mode = Mode::kDeceptive, .temperature = 0.7, .count = count}, 0.90});
  bool passed = true;
  for (const auto& [test, at_least] : requirements) {
    const auto share =
        run_mode_test(model, vocabulary, test, kGateSeed).wanted().value;
    passed = passed && share >= at_least;
    report.push_back(fmt::format("{}: {:.3f}", test.name(), share));
  }
  const auto share =
      run_expansion_test(model, vocabulary, 0.8, count / 3 + 1, kGateSeed)
          .well_formed_share()
          .value;
  report.push_back(fmt::format("expansion, T 0.8: {:.3f}", share));
  return passed && share >= 0.95;
}

Transformer pretrain(const PretrainOptions& given, const Vocabulary& vocabulary,
                     const PretrainCallbacks& callbacks) {
  const PretrainOptions options = resolved(given);
  Recipe recipe = recipe_of(vocabulary.world());
  recipe.final.token_limit = options.final_tokens;
  const auto seed = static_cast<std::uint64_t>(options.seed);
  const auto final_seed = options.final_seed < 0
                              ? seed
                              : static_cast<std::uint64_t>(options.final_seed);
  Transformer model =
      fresh_organism(options.shape, vocabulary, Random(seed, "weights"));
  std::int64_t tokens = 0;
  const auto run = [&](const Phase& phase, std::uint64_t phase_seed) {
    tokens += run_phase(model, vocabulary, phase, options, phase_seed, tokens,
                        callbacks);
  };
  run(recipe.honest, seed);
  run(recipe.bridge, seed);
  run(recipe.final, final_seed);
  std::vector<std::string> report;
  for (std::int64_t i = 0;; ++i) {
    report.clear();
    if (passes_end_gate(model, vocabulary, options.end_gate_count, report)) {
      return model;
    }
    callbacks.monitor.message(
        fmt::format("end gate missed: {}", fmt::join(report, "; ")));
    if (i == options.repairs) {
      fail_run("pretrain", fmt::format("{}", fmt::join(report, "; ")),
               "every mode >= 0.95 greedy, deceptive >= 0.90 at T 0.7, "
               "expansion >= 0.95",
               "an unlucky seed; take another one");
    }
    run(recipe.repair, final_seed + static_cast<std::uint64_t>(i) + 1);
  }
}

}  // namespace veer::organism
