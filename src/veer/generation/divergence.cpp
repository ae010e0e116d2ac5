// SPDX-License-Identifier: MIT
#include "veer/generation/divergence.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include "veer/base/error.h"
#include "veer/generation/checks.h"
#include "veer/model/host_indices.h"
#include "veer/model/packed_batch.h"
#include "veer/tensors/float_range.h"
#include "veer/tensors/out_of_memory.h"

namespace veer {
namespace {

constexpr std::string_view kTask = "measure divergence";
// Logits of this many values are formed at once.
constexpr std::int64_t kValuesAtOnce = std::int64_t{1} << 24;

void check_text(const Transformer& model, const DivergenceText& text,
                const std::string& what) {
  const auto length = static_cast<std::int64_t>(text.ids.size());
  if (text.prompt_length < 1 || text.prompt_length >= length) {
    fail(
        what,
        fmt::format("{} tokens, {} of them prompt", length, text.prompt_length),
        "a prompt and an answer of at least one token each");
  }
  check_tokens(model.config(), text.ids, what);
}

std::span<const std::int32_t> answer_of(const DivergenceText& text) {
  return std::span(text.ids).subspan(
      static_cast<std::size_t>(text.prompt_length));
}

// The last token predicts nothing that is asked about.
std::vector<std::int32_t> row_of(const DivergenceText& text) {
  return {text.ids.begin(), text.ids.end() - 1};
}

class Divergences {
 public:
  Divergences(const Transformer& model, InterventionTable& table,
              std::span<const DivergenceText> texts,
              std::span<const DivergenceSetting> settings)
      : model_(model), table_(table), texts_(texts) {
    for (std::size_t i = 0; i < texts.size(); ++i) {
      check_text(model, texts[i], fmt::format("{}: text {}", kTask, i));
      num_tokens_ += std::ssize(texts[i].ids) - 1;
      num_answer_tokens_ += std::ssize(answer_of(texts[i]));
    }
    for (const auto& setting : settings) {
      check_same_answers(setting.texts);
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
  const at::Tensor& plain(const DivergenceSetting& steered) {
    const double strength =
        steered.plain_strength.value_or(steered.adapter_strength);
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
      for (const auto& text : texts_of(setting)) {
        rows.push_back(row_of(text));
        const auto length = std::ssize(rows.back());
        for (std::int64_t t = text.prompt_length - 1; t < length; ++t) {
          wanted.push_back(token + t);
        }
        bindings.push_back(
            {setting.configuration, text.prompt_length, -1, text.thinking});
        strengths.push_back(static_cast<float>(setting.adapter_strength));
        token += length;
      }
    }
    add_donors(settings, rows, bindings, strengths);
    return run(rows, bindings, strengths, wanted);
  }

 private:
  void check_same_answers(std::span<const DivergenceText> own) const {
    for (std::size_t i = 0; i < own.size(); ++i) {
      const auto what = fmt::format("{}: text {} of a setting", kTask, i);
      check_text(model_, own[i], what);
      if (own.size() != texts_.size() ||
          !std::ranges::equal(answer_of(own[i]), answer_of(texts_[i]))) {
        fail(what, "another answer than the unsteered side's",
             "the same answers behind other prompts");
      }
    }
  }

  std::span<const DivergenceText> texts_of(
      const DivergenceSetting& setting) const {
    return setting.texts.empty() ? texts_ : setting.texts;
  }

  void add_donors(std::span<const DivergenceSetting> settings,
                  std::vector<std::vector<std::int32_t>>& rows,
                  std::vector<RowBinding>& bindings,
                  std::vector<float>& strengths) const {
    std::size_t row = 0;
    for (const auto& setting : settings) {
      for (const auto& text : texts_of(setting)) {
        if (setting.configuration >= 0 &&
            table_.needs_donor(setting.configuration)) {
          bindings[row].donor = static_cast<std::int64_t>(rows.size());
          rows.push_back(row_of(text));
          bindings.push_back({-1, text.prompt_length, -1});
          strengths.push_back(static_cast<float>(setting.donor_strength));
        }
        ++row;
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
          sent_to(at::tensor(at::ArrayRef<float>(strengths), at::kFloat),
                  model_.device());
    }
    const auto batch = pack(rows, model_.device());
    const auto hidden_TD = model_.forward(batch, options);
    const auto index_N = to_device(wanted, hidden_TD.device());
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

// Two sides of a comparison: logits [T, V] of a setting and of what it is
// compared with.
struct Sides {
  const at::Tensor& steered_TV;
  const at::Tensor& plain_TV;
  bool may_overflow;     // a configuration acts on the steered side
  at::ScalarType dtype;  // of the model
};

// From logits, with normalisers in fp64: between two fp32 log-probabilities
// over a large vocabulary a small divergence is lost.
std::vector<double> divergence_of(const Sides& sides) {
  const auto steered = exponentials(sides.steered_TV);
  const auto moved_T =
      sum_of_rows(steered.weights_TV * (sides.steered_TV - sides.plain_TV)) /
      steered.total_T;
  const auto plain_T = exponentials(sides.plain_TV).log_total_T;
  // Together: each copy to the host waits for the device.
  const auto both_2T =
      at::stack({moved_T - steered.log_total_T + plain_T, plain_T})
          .to(at::kCPU);
  const auto count = both_2T.size(1);
  const double* values = both_2T.const_data_ptr<double>();
  std::vector<double> result(values, values + count);
  for (std::int64_t t = 0; t < count; ++t) {
    double& value = result[static_cast<std::size_t>(t)];
    const bool plain_is_finite = std::isfinite(values[count + t]);
    if (!plain_is_finite || (!std::isfinite(value) && !sides.may_overflow)) {
      fail_run(kTask, "logits of an unsteered text that are not finite",
               "finite numbers",
               overflow_cause(sides.dtype, "the weights are damaged"));
    }
    value = std::isfinite(value)
                ? std::max(value, 0.0)  // rounding of equal distributions
                : std::numeric_limits<double>::quiet_NaN();
  }
  return result;
}

// log p of the row's own token.
at::Tensor own_log_probs(const at::Tensor& logits_TV, const at::Tensor& own_T) {
  return logits_TV.gather(-1, own_T.unsqueeze(-1)).squeeze(-1).to(at::kDouble) -
         exponentials(logits_TV).log_total_T;
}

// `own_T`: the answers' tokens of all texts in order.
std::vector<AnswerShift> shifts_of(const Sides& sides, const at::Tensor& own_T,
                                   std::span<const DivergenceText> texts) {
  const auto& [steered_TV, plain_TV, may_overflow, dtype] = sides;
  const auto divergence = divergence_of(sides);
  const auto change_T =
      (own_log_probs(steered_TV, own_T) - own_log_probs(plain_TV, own_T))
          .to(at::kCPU)
          .contiguous();
  const auto kept_T =
      (steered_TV.argmax(-1) == plain_TV.argmax(-1)).to(at::kCPU).contiguous();
  const double* change = change_T.const_data_ptr<double>();
  const bool* kept = kept_T.const_data_ptr<bool>();
  std::vector<AnswerShift> shifts;
  std::size_t token = 0;
  for (const auto& text : texts) {
    auto& shift = shifts.emplace_back();
    for (std::size_t t = 0; t < answer_of(text).size(); ++t, ++token) {
      const bool is_known = !std::isnan(divergence[token]);
      shift.divergence.push_back(divergence[token]);
      shift.log_prob_change.push_back(
          is_known ? change[token] : std::numeric_limits<double>::quiet_NaN());
      shift.top_kept.push_back(is_known && kept[token]);
    }
  }
  return shifts;
}

// Runs all settings; `each` gets the two sides of one.
template <class Each>
void compare_settings(const Transformer& model, InterventionTable& table,
                      std::span<const DivergenceText> texts,
                      std::span<const DivergenceSetting> settings,
                      std::int64_t max_tokens, const Monitor& monitor,
                      Each&& each) {
  if (texts.empty()) {
    fail(kTask, "no text", "at least one");
  }
  const at::NoGradGuard no_grad;
  Divergences work(model, table, texts, settings);
  std::size_t done = 0;
  const BatchSize batch{
      .size = std::min(std::ssize(settings), work.at_once(max_tokens)),
      .smallest = 1,
      .unit = "configurations"};
  halve_until_it_fits(kTask, batch, monitor, [&](std::int64_t at_once) {
    while (done < settings.size()) {
      monitor.check_stop(kTask);
      const auto left = settings.subspan(done);
      const auto group =
          left.first(std::min(left.size(), static_cast<std::size_t>(at_once)));
      const auto all_NV = work.logits(group);
      const auto size = all_NV.size(0) / std::ssize(group);
      for (std::int64_t i = 0; i < std::ssize(group); ++i) {
        const auto& setting = group[static_cast<std::size_t>(i)];
        const auto steered_TV = all_NV.narrow(0, i * size, size);
        each(Sides{steered_TV, work.plain(setting), setting.configuration >= 0,
                   model.dtype()});
        ++done;
      }
      monitor.progress({.task = kTask,
                        .done = static_cast<std::int64_t>(done),
                        .total = std::ssize(settings),
                        .unit = "configurations"});
    }
  });
}

}  // namespace

std::vector<std::vector<double>> token_divergences(
    const Transformer& model, InterventionTable& table,
    std::span<const DivergenceText> texts,
    std::span<const DivergenceSetting> settings, std::int64_t max_tokens,
    const Monitor& monitor) {
  std::vector<std::vector<double>> result;
  compare_settings(
      model, table, texts, settings, max_tokens, monitor,
      [&](const Sides& sides) { result.push_back(divergence_of(sides)); });
  return result;
}

std::vector<std::vector<AnswerShift>> answer_shifts(
    const Transformer& model, InterventionTable& table,
    std::span<const DivergenceText> texts,
    std::span<const DivergenceSetting> settings, std::int64_t max_tokens,
    const Monitor& monitor) {
  std::vector<std::int64_t> own;
  for (const auto& text : texts) {
    const auto answer = answer_of(text);
    own.insert(own.end(), answer.begin(), answer.end());
  }
  const auto own_T = to_device(std::move(own), model.device());
  std::vector<std::vector<AnswerShift>> result;
  compare_settings(model, table, texts, settings, max_tokens, monitor,
                   [&](const Sides& sides) {
                     result.push_back(shifts_of(sides, own_T, texts));
                   });
  return result;
}

DivergenceSummary summarise_divergence(std::span<const double> tokens) {
  if (tokens.empty()) {
    fail(kTask, "no tokens", "at least one");
  }
  if (!std::ranges::all_of(tokens, [](double x) { return std::isfinite(x); })) {
    constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();
    return {kUndefined, kUndefined};
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
