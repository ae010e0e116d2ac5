// SPDX-License-Identifier: MIT
#include "veer/generation/divergence.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include "veer/base/error.h"
#include "veer/generation/checks.h"
#include "veer/model/packed_batch.h"
#include "veer/tensors/out_of_memory.h"

namespace veer {
namespace {

constexpr std::string_view kTask = "measure divergence";
// Logits of this many values are formed at once.
constexpr std::int64_t kValuesAtOnce = std::int64_t{1} << 24;

class Divergences {
 public:
  Divergences(const Transformer& model, InterventionTable& table,
              std::span<const DivergenceText> texts)
      : model_(model), table_(table), texts_(texts) {
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const auto length = static_cast<std::int64_t>(texts[i].ids.size());
      const auto what = fmt::format("{}: text {}", kTask, i);
      if (texts[i].prompt_length < 1 || texts[i].prompt_length >= length) {
        fail(what,
             fmt::format("{} tokens, {} of them prompt", length,
                         texts[i].prompt_length),
             "a prompt and an answer of at least one token each");
      }
      check_tokens(model.config(), texts[i].ids, what);
      // The last token predicts nothing that is asked about.
      rows_.emplace_back(texts[i].ids.begin(), texts[i].ids.end() - 1);
      num_tokens_ += length - 1;
      num_answer_tokens_ += length - texts[i].prompt_length;
    }
  }

  // Settings that run together within `max_tokens`.
  std::int64_t at_once(std::int64_t max_tokens) const {
    const std::int64_t by_logits =
        kValuesAtOnce / (num_answer_tokens_ * model_.config().vocab_size);
    return std::max<std::int64_t>(
        1, std::min(max_tokens / num_tokens_, by_logits));
  }

  // Logits [T, V] behind the answers' tokens, unsteered.
  const at::Tensor& plain(double strength) {
    auto& kept_TV = plain_[strength];
    if (!kept_TV.defined()) {
      const DivergenceSetting setting{-1, strength, 0.0};
      kept_TV = logits({&setting, 1});
    }
    return kept_TV;
  }

  // Every text under every setting, in one pass: [settings * T, V].
  at::Tensor logits(std::span<const DivergenceSetting> settings) {
    std::vector<std::vector<std::int32_t>> rows;
    std::vector<RowBinding> bindings;
    std::vector<float> strengths;
    std::vector<std::int64_t> wanted;
    std::int64_t token = 0;
    for (const auto& setting : settings) {
      for (std::size_t i = 0; i < texts_.size(); ++i) {
        const auto length = static_cast<std::int64_t>(rows_[i].size());
        for (std::int64_t t = texts_[i].prompt_length - 1; t < length; ++t) {
          wanted.push_back(token + t);
        }
        rows.push_back(rows_[i]);
        bindings.push_back({setting.configuration, texts_[i].prompt_length, -1,
                            texts_[i].thinking});
        strengths.push_back(static_cast<float>(setting.adapter_strength));
        token += length;
      }
    }
    add_donors(settings, rows, bindings, strengths);
    return run(rows, bindings, strengths, wanted);
  }

 private:
  void add_donors(std::span<const DivergenceSetting> settings,
                  std::vector<std::vector<std::int32_t>>& rows,
                  std::vector<RowBinding>& bindings,
                  std::vector<float>& strengths) const {
    std::size_t row = 0;
    for (const auto& setting : settings) {
      for (std::size_t i = 0; i < texts_.size(); ++i, ++row) {
        if (setting.configuration >= 0 &&
            table_.needs_donor(setting.configuration)) {
          bindings[row].donor = static_cast<std::int64_t>(rows.size());
          rows.push_back(rows_[i]);
          bindings.push_back({-1, texts_[i].prompt_length, -1});
          strengths.push_back(static_cast<float>(setting.donor_strength));
        }
      }
    }
  }

  at::Tensor run(const std::vector<std::vector<std::int32_t>>& rows,
                 const std::vector<RowBinding>& bindings,
                 const std::vector<float>& strengths,
                 const std::vector<std::int64_t>& wanted) {
    ForwardOptions options;
    ResidualHook* const hook = &table_;
    table_.bind(bindings);
    options.hooks = HookList(&hook, 1);
    if (model_.has_adapter()) {
      options.adapter.per_row_B =
          at::tensor(at::ArrayRef<float>(strengths), at::kFloat)
              .to(model_.device());
    }
    const auto batch = pack(rows, model_.device());
    const auto hidden_TD = model_.forward(batch, options);
    const auto index_N =
        at::tensor(at::IntArrayRef(wanted), at::kLong).to(hidden_TD.device());
    AdapterStrength strength;
    if (options.adapter.per_row_B.defined()) {
      strength.per_row_B = options.adapter.per_row_B.index_select(
          0, batch.rows_T.index_select(0, index_N));
    }
    return model_.logits(hidden_TD.index_select(0, index_N), strength)
        .to(at::kFloat);
  }

  const Transformer& model_;
  InterventionTable& table_;
  std::span<const DivergenceText> texts_;
  std::vector<std::vector<std::int32_t>> rows_;
  std::int64_t num_tokens_ = 0;
  std::int64_t num_answer_tokens_ = 0;
  std::map<double, at::Tensor> plain_;
};

// exp(z - top) of each row, its sum and log(sum(exp(z))), both in fp64.
struct Exponentials {
  at::Tensor weights_TV;
  at::Tensor total_T;
  at::Tensor log_total_T;
};

at::Tensor sum_of_rows(const at::Tensor& rows_TV) {
  return rows_TV.sum(-1, /*keepdim=*/false, at::kDouble);
}

Exponentials exponentials(const at::Tensor& logits_TV) {
  const auto top_T1 = logits_TV.amax(-1, /*keepdim=*/true);
  Exponentials out;
  out.weights_TV = (logits_TV - top_T1).exp_();
  out.total_T = sum_of_rows(out.weights_TV);
  out.log_total_T = out.total_T.log() + top_T1.squeeze(-1).to(at::kDouble);
  return out;
}

// From logits, with normalisers in fp64: between two fp32 log-probabilities
// over a large vocabulary a small divergence is lost.
std::vector<double> divergence_of(const at::Tensor& steered_TV,
                                  const at::Tensor& plain_TV) {
  const auto steered = exponentials(steered_TV);
  const auto moved_T =
      sum_of_rows(steered.weights_TV * (steered_TV - plain_TV)) /
      steered.total_T;
  const auto kl_T =
      (moved_T - steered.log_total_T + exponentials(plain_TV).log_total_T)
          .to(at::kCPU)
          .contiguous();
  const double* values = kl_T.const_data_ptr<double>();
  std::vector<double> result(values, values + kl_T.numel());
  for (double& value : result) {
    if (!std::isfinite(value)) {
      fail_run(kTask, "logits that are not finite", "finite numbers",
               "the intervention is far too strong");
    }
    value = std::max(value, 0.0);  // rounding of equal distributions
  }
  return result;
}

}  // namespace

std::vector<std::vector<double>> token_divergences(
    const Transformer& model, InterventionTable& table,
    std::span<const DivergenceText> texts,
    std::span<const DivergenceSetting> settings, std::int64_t max_tokens,
    const Monitor& monitor) {
  if (texts.empty()) {
    fail(kTask, "no text", "at least one");
  }
  const at::NoGradGuard no_grad;
  Divergences work(model, table, texts);
  std::vector<std::vector<double>> result;
  const BatchSize batch{
      .size = std::min(std::ssize(settings), work.at_once(max_tokens)),
      .smallest = 1,
      .unit = "configurations"};
  halve_until_it_fits(kTask, batch, monitor, [&](std::int64_t at_once) {
    while (result.size() < settings.size()) {
      monitor.check_stop(kTask);
      const auto left = settings.subspan(result.size());
      const auto group =
          left.first(std::min(left.size(), static_cast<std::size_t>(at_once)));
      const auto all_NV = work.logits(group);
      const auto each = all_NV.size(0) / std::ssize(group);
      for (std::int64_t i = 0; i < std::ssize(group); ++i) {
        const double strength =
            group[static_cast<std::size_t>(i)].adapter_strength;
        result.push_back(divergence_of(all_NV.narrow(0, i * each, each),
                                       work.plain(strength)));
      }
      monitor.progress({.task = kTask,
                        .done = std::ssize(result),
                        .total = std::ssize(settings),
                        .unit = "configurations"});
    }
  });
  return result;
}

DivergenceSummary summarise_divergence(std::span<const double> tokens) {
  if (tokens.empty()) {
    fail(kTask, "no tokens", "at least one");
  }
  std::vector<double> sorted(tokens.begin(), tokens.end());
  std::ranges::sort(sorted);
  DivergenceSummary summary;
  for (const double value : sorted) {
    summary.mean += value / static_cast<double>(sorted.size());
  }
  const auto rank = static_cast<std::size_t>(
      std::ceil(0.95 * static_cast<double>(sorted.size())));
  summary.p95 = sorted[std::max<std::size_t>(rank, 1) - 1];
  return summary;
}

}  // namespace veer
