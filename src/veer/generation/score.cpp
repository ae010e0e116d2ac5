// SPDX-License-Identifier: MIT
#include "veer/generation/score.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/stack.h>
#include <fmt/format.h>

#include "veer/base/error.h"
#include "veer/generation/checks.h"
#include "veer/generation/pass.h"
#include "veer/generation/prompt_slots.h"
#include "veer/model/host_indices.h"
#include "veer/tensors/float_range.h"
#include "veer/tensors/out_of_memory.h"

namespace veer {
namespace {

constexpr std::string_view kTask = "score answers";
// Logits of this many values are formed at once.
constexpr std::int64_t kLogitsAtOnce = std::int64_t{1} << 24;

// One answer of one request.
struct AnswerRow {
  std::int64_t request = 0;
  std::int64_t answer = 0;
};

class Scoring {
 public:
  Scoring(const Transformer& model, InterventionTable* table,
          std::span<const ScoreRequest> requests,
          const GenerationOptions& options,
          const std::function<void(std::vector<AnswerScores>)>& sink,
          const Monitor& monitor, std::vector<bool>& delivered)
      : model_(model),
        table_(table),
        requests_(requests),
        options_(options),
        sink_(sink),
        monitor_(monitor),
        delivered_(delivered),
        rows_(rows_of(requests)),
        slots_(model, table, uses(), SlotUse::kShared,
               rows_that_fit(model, max_tokens(), options), max_tokens(),
               options.max_prefill_tokens) {
    for (std::size_t i = 0; i < requests.size(); ++i) {
      scores_.push_back({static_cast<std::int64_t>(i), {}});
      scores_.back().log_probs.resize(requests[i].answers.size());
      open_.push_back(static_cast<std::int64_t>(requests[i].answers.size()));
    }
  }

  void run() {
    const at::NoGradGuard no_grad;
    auto order = slots_.order();
    std::erase_if(order, [&](std::int64_t row) {
      return delivered_[rows_[row].request];
    });
    num_finished_ = std::ranges::count(delivered_, true);
    std::size_t next = 0;
    while (next < order.size()) {
      if (monitor_.stop.stop_requested()) {
        deliver();
        monitor_.check_stop(kTask);
      }
      std::vector<std::int64_t> group;
      auto room = slots_.num_free();
      std::int64_t tokens = 0;
      std::int64_t rows = 0;  // with donors
      while (next < order.size()) {
        const auto row = order[next];
        const auto needed = slots_beside(group, row);
        rows += slots_.slots_of(row);
        if (needed > room ||
            (!group.empty() && (rows > options_.max_rows ||
                                tokens >= options_.max_prefill_tokens))) {
          break;
        }
        room -= needed;
        tokens += static_cast<std::int64_t>(answer(row).size());
        group.push_back(row);
        ++next;
      }
      score_group(group);
      if (static_cast<std::int64_t>(finished_.size()) >= options_.delivery) {
        deliver();
      }
    }
    deliver();
  }

 private:
  static std::vector<AnswerRow> rows_of(
      std::span<const ScoreRequest> requests) {
    std::vector<AnswerRow> rows;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      for (std::size_t a = 0; a < requests[i].answers.size(); ++a) {
        rows.push_back(
            {static_cast<std::int64_t>(i), static_cast<std::int64_t>(a)});
      }
    }
    return rows;
  }

  std::vector<PromptUse> uses() const {
    std::vector<PromptUse> all;
    for (const auto& row : rows_) {
      const auto& request = requests_[row.request];
      all.push_back({request.prompt, request.configuration,
                     request.adapter_strength, request.donor_strength,
                     request.thinking});
    }
    return all;
  }

  const std::vector<std::int32_t>& answer(std::int64_t row) const {
    return requests_[rows_[row].request].answers[rows_[row].answer];
  }

  std::int64_t max_tokens() const {
    std::int64_t longest = 1;
    for (std::size_t row = 0; row < rows_.size(); ++row) {
      longest =
          std::max(longest, static_cast<std::int64_t>(
                                requests_[rows_[row].request].prompt.size() +
                                answer(static_cast<std::int64_t>(row)).size()));
    }
    return longest;
  }

  // Slots that the row takes beside the group, whose last one may have its
  // prompt.
  std::int64_t slots_beside(std::span<const std::int64_t> group,
                            std::int64_t row) const {
    const auto& numbers = slots_.numbers();
    const bool shares =
        !group.empty() && numbers.key_of(group.back()) == numbers.key_of(row);
    return shares ? 0 : slots_.slots_of(row);
  }

  // The tokens whose successors are scored: prompt_end and the answer but
  // its last token.
  PassRow pass_row(std::int64_t row, const Placement& place) const {
    const auto& request = requests_[rows_[row].request];
    const auto& ids = answer(row);
    PassRow pass;
    pass.ids.push_back(request.prompt.back());
    pass.ids.insert(pass.ids.end(), ids.begin(), ids.end() - 1);
    pass.start = static_cast<std::int64_t>(request.prompt.size()) - 1;
    pass.slot = place.slot;
    pass.text = slots_.numbers().text_of(row);
    pass.binding = {request.configuration, pass.start + 1, -1,
                    request.thinking};
    pass.adapter_strength = request.adapter_strength;
    return pass;
  }

  void score_group(std::span<const std::int64_t> group) {
    const auto places = slots_.place(group);
    std::vector<PassRow> rows;
    for (std::size_t i = 0; i < group.size(); ++i) {
      rows.push_back(pass_row(group[i], places[i]));
    }
    for (std::size_t i = 0; i < group.size(); ++i) {
      if (places[i].donor_slot >= 0) {
        rows[i].binding.donor = static_cast<std::int64_t>(rows.size());
        auto donor = rows[i];
        donor.slot = places[i].donor_slot;
        donor.binding.configuration = -1;
        donor.binding.donor = -1;
        donor.text = -1;
        donor.adapter_strength =
            requests_[rows_[group[i]].request].donor_strength;
        rows.push_back(std::move(donor));
      }
    }
    const auto hidden_TD = read_pass(model_, table_, slots_.cache(), rows);
    take_scores(group, hidden_TD);
    for (const auto& place : places) {
      slots_.release(place);
    }
  }

  void take_scores(std::span<const std::int64_t> group,
                   const at::Tensor& hidden_TD) {
    std::vector<std::int64_t> targets;
    std::vector<double> strengths;
    for (const auto row : group) {
      targets.insert(targets.end(), answer(row).begin(), answer(row).end());
      strengths.insert(strengths.end(), answer(row).size(),
                       requests_[rows_[row].request].adapter_strength);
    }
    const auto log_probs = log_probs_of(hidden_TD, targets, strengths);
    std::size_t at = 0;
    for (const auto row : group) {
      const auto count = answer(row).size();
      const std::span<const float> own(log_probs.data() + at, count);
      at += count;
      const auto request = rows_[row].request;
      if (requests_[request].configuration < 0 &&
          std::ranges::any_of(own, [](float x) { return std::isnan(x); })) {
        fail_run(kTask,
                 fmt::format("request {}: logits that are not finite behind an "
                             "unsteered text",
                             request),
                 "finite numbers",
                 overflow_cause(model_.dtype(), "the weights are damaged"));
      }
      close_answer(rows_[row], own);
    }
  }

  void close_answer(const AnswerRow& row, std::span<const float> log_probs) {
    scores_[row.request].log_probs[row.answer].assign(log_probs.begin(),
                                                      log_probs.end());
    if (--open_[row.request] == 0) {
      finished_.push_back(std::move(scores_[row.request]));
      ++num_finished_;
    }
  }

  std::vector<float> log_probs_of(const at::Tensor& hidden_TD,
                                  const std::vector<std::int64_t>& targets,
                                  std::span<const double> strengths) const {
    const auto total = static_cast<std::int64_t>(targets.size());
    const auto chunk =
        std::max<std::int64_t>(1, kLogitsAtOnce / model_.config().vocab_size);
    const auto target_T = to_device(targets, hidden_TD.device());
    std::vector<float> result;
    for (std::int64_t at = 0; at < total; at += chunk) {
      const auto count = std::min(chunk, total - at);
      const auto logits_NV = model_.logits(
          hidden_TD.narrow(0, at, count),
          adapter_strength_of(
              model_, strengths.subspan(static_cast<std::size_t>(at),
                                        static_cast<std::size_t>(count))));
      const auto own_N =
          logits_NV.gather(1, target_T.narrow(0, at, count).unsqueeze(1))
              .squeeze(1)
              .to(at::kFloat);
      // Together: each copy to the host waits for the device.
      const auto both_2N =
          at::stack({log_normalisers(logits_NV), own_N}).to(at::kCPU);
      const float* sums = both_2N.const_data_ptr<float>();
      const float* own = sums + count;
      for (std::int64_t i = 0; i < count; ++i) {
        const float sum = sums[i];
        result.push_back(std::isfinite(sum)
                             ? own[i] - sum
                             : std::numeric_limits<float>::quiet_NaN());
      }
    }
    return result;
  }

  void deliver() {
    if (!finished_.empty()) {
      for (const auto& scores : finished_) {
        delivered_[scores.request] = true;
      }
      sink_(std::exchange(finished_, {}));
    }
    monitor_.progress({.task = kTask,
                       .done = num_finished_,
                       .total = static_cast<std::int64_t>(requests_.size()),
                       .unit = "prompts"});
  }

  const Transformer& model_;
  InterventionTable* table_;
  std::span<const ScoreRequest> requests_;
  const GenerationOptions& options_;
  const std::function<void(std::vector<AnswerScores>)>& sink_;
  const Monitor& monitor_;
  std::vector<bool>& delivered_;  // by request
  std::vector<AnswerRow> rows_;
  PromptSlots slots_;
  std::vector<AnswerScores> scores_;
  std::vector<std::int64_t> open_;  // answers not yet scored, per request
  std::vector<AnswerScores> finished_;
  std::int64_t num_finished_ = 0;
};

}  // namespace

double AnswerScores::total(std::size_t answer) const {
  return std::accumulate(log_probs[answer].begin(), log_probs[answer].end(),
                         0.0);
}

double AnswerScores::mean(std::size_t answer) const {
  return total(answer) / static_cast<double>(log_probs[answer].size());
}

void score_answers(const Transformer& model, InterventionTable* table,
                   std::span<const ScoreRequest> requests,
                   const GenerationOptions& options,
                   const std::function<void(std::vector<AnswerScores>)>& sink,
                   const Monitor& monitor) {
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const auto what = fmt::format("request {}", i);
    if (requests[i].answers.empty()) {
      fail(what, "no answer to score", "at least one");
    }
    for (const auto& answer : requests[i].answers) {
      if (answer.empty()) {
        fail(what, "an empty answer", "at least one token");
      }
      check_tokens(model.config(), answer, what);
      check_prompt(model.config(), table, requests[i].prompt,
                   requests[i].configuration,
                   static_cast<std::int64_t>(answer.size()), what);
    }
  }
  if (requests.empty()) {
    return;
  }
  std::int64_t num_answers = 0;
  for (const auto& request : requests) {
    num_answers += std::ssize(request.answers);
  }
  std::vector<bool> delivered(requests.size());
  const auto batch = rows_together(num_answers, options);
  halve_until_it_fits(kTask, batch, monitor, [&](std::int64_t rows) {
    const auto smaller = with_rows(options, batch, rows);
    Scoring(model, table, requests, smaller, sink, monitor, delivered).run();
  });
}

std::vector<AnswerScores> score_all(const Transformer& model,
                                    InterventionTable* table,
                                    std::span<const ScoreRequest> requests,
                                    const GenerationOptions& options,
                                    const Monitor& monitor) {
  std::vector<AnswerScores> all(requests.size());
  score_answers(
      model, table, requests, options,
      [&](std::vector<AnswerScores> finished) {
        for (auto& scores : finished) {
          const auto place = scores.request;
          all[place] = std::move(scores);
        }
      },
      monitor);
  return all;
}

}  // namespace veer
