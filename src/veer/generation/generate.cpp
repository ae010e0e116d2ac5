// SPDX-License-Identifier: MIT
#include "veer/generation/generate.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include "veer/base/error.h"
#include "veer/generation/checks.h"
#include "veer/generation/pass.h"
#include "veer/generation/prompt_slots.h"
#include "veer/generation/repetition.h"
#include "veer/generation/sampler.h"
#include "veer/tensors/float_range.h"
#include "veer/tensors/out_of_memory.h"

namespace veer {
namespace {

constexpr std::string_view kTask = "generate";

// Tokens of a closing mark, which count neither as thoughts nor as answer.
constexpr std::int64_t kMarkTokens = 1;

std::int64_t most_tokens(const GenerationRequest& request) {
  return request.max_tokens + (request.thinking_tokens > 0
                                   ? request.thinking_tokens + kMarkTokens
                                   : 0);
}

// Adds the time of its life, also when memory runs out in it.
class Stopwatch {
 public:
  explicit Stopwatch(double& seconds) : seconds_(seconds) {}
  ~Stopwatch() {
    seconds_ +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start_)
            .count();
  }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  double& seconds_;
  std::chrono::steady_clock::time_point start_ =
      std::chrono::steady_clock::now();
};

// A text on its way.
struct LiveText {
  std::int64_t request = 0;
  Placement place;
  std::int64_t content = 0;  // which tokens are in the cache (PassRow::text)
  std::int64_t length = 0;   // how many they are
  std::int32_t next = 0;     // the token to feed
  SeenTokens seen;           // kept only under a repetition penalty
  Random random{0};
  Completion completion;
  ThinkingBlock thoughts;  // among the ids of the completion
  PositionRange thinking;  // in the row
};

class Generation {
 public:
  Generation(const Transformer& model, InterventionTable* table,
             std::span<const GenerationRequest> requests,
             const GenerationOptions& options, const CompletionSink& sink,
             const Monitor& monitor, std::vector<bool>& delivered,
             GenerationReport& report)
      : model_(model),
        table_(table),
        requests_(requests),
        options_(options),
        sink_(sink),
        monitor_(monitor),
        delivered_(delivered),
        report_(report),
        slots_(model, table, uses_of(requests), SlotUse::kOwn,
               rows_that_fit(model, max_tokens(), options), max_tokens(),
               options.max_prefill_tokens),
        num_contents_(slots_.numbers().num_texts()),
        pending_(slots_.order()) {
    std::erase_if(pending_, [&](std::int64_t i) { return delivered[i]; });
    num_finished_ = std::ssize(requests) - std::ssize(pending_);
    std::ranges::reverse(pending_);  // taken from the back
    report_.cache_bytes = std::max(report_.cache_bytes, slots_.cache().bytes());
  }
  // Also of an attempt that memory ended.
  ~Generation() {
    report_.prefilled_tokens += slots_.prefilled_tokens();
    report_.shared_tokens += slots_.shared_tokens();
  }
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;

  void run() {
    const at::NoGradGuard no_grad;
    while (!live_.empty() || !pending_.empty()) {
      if (monitor_.stop.stop_requested()) {
        deliver();
        monitor_.check_stop(kTask);
      }
      admit();
      step();
      retire();
      if (static_cast<std::int64_t>(finished_.size()) >= options_.delivery) {
        deliver();
      }
    }
    deliver();
  }

 private:
  static std::vector<PromptUse> uses_of(
      std::span<const GenerationRequest> requests) {
    std::vector<PromptUse> uses;
    for (const auto& request : requests) {
      uses.push_back({request.prompt, request.configuration,
                      request.adapter_strength, request.donor_strength,
                      thinking_range(request.thinking)});
    }
    return uses;
  }

  std::int64_t max_tokens() const {
    std::int64_t longest = 1;
    for (const auto& request : requests_) {
      longest =
          std::max(longest, static_cast<std::int64_t>(request.prompt.size()) +
                                most_tokens(request));
    }
    return longest;
  }

  // Refills free slots. Prefilling a few prompts costs almost as much as
  // many, so while texts are running it waits until a quarter is free.
  void admit() {
    const auto total = static_cast<std::int64_t>(slots_.cache().num_slots());
    auto room = slots_.num_free();
    if (pending_.empty() || (!live_.empty() && room * 4 < total)) {
      return;
    }
    const Stopwatch watch(report_.prefill_seconds);
    std::vector<std::int64_t> chosen;
    while (!pending_.empty() && slots_.slots_of(pending_.back()) <= room) {
      room -= slots_.slots_of(pending_.back());
      chosen.push_back(pending_.back());
      pending_.pop_back();
    }
    const auto places = slots_.place(chosen);
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      live_.push_back(begin_text(chosen[i], places[i]));
    }
    std::ranges::sort(live_, {},
                      [](const LiveText& t) { return t.place.slot; });
  }

  LiveText begin_text(std::int64_t index, Placement place) const {
    const auto& request = requests_[index];
    LiveText text;
    text.request = index;
    text.place = place;
    text.content = slots_.numbers().text_of(index);
    text.length = static_cast<std::int64_t>(request.prompt.size()) - 1;
    text.next = request.prompt.back();
    text.random = Random(request.seed, kTask);
    if (penalised()) {
      text.seen = SeenTokens(request.prompt);
    }
    text.completion.request = index;
    text.thinking = thinking_range(request.thinking);
    return text;
  }

  bool penalised() const { return options_.repetition_penalty != 1.0; }

  // The logits that tokens are chosen by, where they are not the model's own.
  at::Tensor choice_of(const at::Tensor& logits_BV) const {
    if (!penalised()) {
      return {};
    }
    std::vector<const SeenTokens*> seen;
    for (const auto& text : live_) {
      seen.push_back(&text.seen);
    }
    return with_repetition_penalty(logits_BV, seen,
                                   options_.repetition_penalty);
  }

  PassRow row_of(const LiveText& text) const {
    const auto& request = requests_[text.request];
    PassRow row;
    row.ids = {text.next};
    row.start = text.length;
    row.slot = text.place.slot;
    row.text = text.content;
    row.binding = {request.configuration,
                   static_cast<std::int64_t>(request.prompt.size()), -1,
                   text.thinking};
    row.adapter_strength = request.adapter_strength;
    return row;
  }

  // One token for every live text: the texts' rows, then the donors' rows.
  void step() {
    const Stopwatch watch(report_.decode_seconds);
    std::vector<PassRow> rows;
    for (const auto& text : live_) {
      rows.push_back(row_of(text));
    }
    for (std::size_t i = 0; i < live_.size(); ++i) {
      if (live_[i].place.donor_slot >= 0) {
        rows[i].binding.donor = static_cast<std::int64_t>(rows.size());
        auto donor = rows[i];
        donor.slot = live_[i].place.donor_slot;
        donor.binding.configuration = -1;
        donor.binding.donor = -1;
        donor.text = -1;
        donor.adapter_strength = requests_[live_[i].request].donor_strength;
        rows.push_back(donor);
      }
    }
    const auto hidden_TD = run_pass(model_, table_, slots_.cache(), rows);
    const auto count = static_cast<std::int64_t>(live_.size());
    std::vector<double> strengths;
    for (const auto& text : live_) {
      strengths.push_back(requests_[text.request].adapter_strength);
    }
    take_tokens(model_.logits(hidden_TD.narrow(0, 0, count),
                              adapter_strength_of(model_, strengths)));
    ++report_.decode_steps;
    report_.generated_tokens += count;
  }

  void take_tokens(const at::Tensor& logits_BV) {
    std::vector<Sampling> samplings;
    std::vector<Random*> randoms;
    for (auto& text : live_) {
      samplings.push_back(requests_[text.request].sampling);
      randoms.push_back(&text.random);
    }
    const auto drawn =
        draw_rows(logits_BV, samplings, randoms, choice_of(logits_BV));
    // Texts that were the same and were fed the same token still are.
    std::map<std::pair<std::int64_t, std::int32_t>, std::int64_t> contents;
    for (std::size_t i = 0; i < live_.size(); ++i) {
      auto& text = live_[i];
      if (std::isnan(drawn[i].log_prob)) {
        end_without_numbers(text);
        continue;
      }
      const auto [content, added] =
          contents.try_emplace({text.content, text.next}, num_contents_);
      num_contents_ += added ? 1 : 0;
      text.content = content->second;
      ++text.length;
      text.next = drawn[i].id;
      if (penalised()) {
        text.seen.add(text.next);
      }
      text.completion.log_probs.push_back(drawn[i].log_prob);
    }
  }

  // What steers a text may be too strong for the dtype; that an unsteered model
  // has no numbers is no result.
  void end_without_numbers(LiveText& text) const {
    if (requests_[text.request].configuration < 0) {
      fail_run(kTask,
               fmt::format("request {}: logits that are not finite at token {} "
                           "of an unsteered text",
                           text.request, text.completion.ids.size()),
               "finite numbers",
               overflow_cause(model_.dtype(), "the weights are damaged"));
    }
    text.completion.reason = StopReason::kNotFinite;
  }

  // Closes texts that ended and keeps the rest in slots 0 .. n-1: attention
  // then reads the cache where it lies.
  void retire() {
    std::vector<LiveText> staying;
    for (auto& text : live_) {
      if (ended(text)) {
        finish(text);
      } else {
        staying.push_back(std::move(text));
      }
    }
    live_ = std::move(staying);
    compact();
  }

  bool ended(LiveText& text) const {
    if (text.completion.reason == StopReason::kNotFinite) {
      return true;
    }
    if (std::ranges::find(options_.stop_ids, text.next) !=
        options_.stop_ids.end()) {
      text.completion.reason = StopReason::kStopToken;
      return true;
    }
    text.completion.ids.push_back(text.next);
    text.completion.reason = StopReason::kLength;
    follow_thoughts(text);
    return static_cast<std::int64_t>(text.completion.ids.size()) >=
           limit_of(text);
  }

  // The text's think block by now, where something asks for it.
  void follow_thoughts(LiveText& text) const {
    const auto& request = requests_[text.request];
    const bool acts =
        table_ != nullptr && table_->acts_on_thinking(request.configuration);
    if (!options_.thinking || (!acts && request.thinking_tokens == 0)) {
      return;
    }
    text.thoughts =
        options_.thinking(text.completion.ids, request.thinking.open);
    if (!request.thinking.open && text.thoughts == ThinkingBlock{}) {
      return;
    }
    const auto length = static_cast<std::int64_t>(request.prompt.size());
    auto in_row = text.thoughts;
    in_row.begin =
        request.thinking.open ? request.thinking.begin : length + in_row.begin;
    in_row.end += length;
    text.thinking = thinking_range(in_row);
  }

  // Tokens that the text may have by now.
  std::int64_t limit_of(const LiveText& text) const {
    const auto& request = requests_[text.request];
    const bool may_think =
        request.thinking.open || text.thoughts != ThinkingBlock{};
    if (request.thinking_tokens == 0 || !options_.thinking || !may_think) {
      return request.max_tokens;
    }
    // Behind the thoughts comes the mark that ends them.
    return text.thoughts.open
               ? request.thinking_tokens
               : text.thoughts.end + kMarkTokens + request.max_tokens;
  }

  void finish(LiveText& text) {
    slots_.release(text.place);
    if (options_.read) {
      const auto& request = requests_[text.request];
      auto written = options_.read(text.completion.ids, request.thinking.open);
      text.completion.text = std::move(written.text);
      text.completion.thoughts = std::move(written.thoughts);
      text.completion.answer_begin = written.begin;
      text.completion.in_thoughts = written.in_thoughts;
    }
    finished_.push_back(std::move(text.completion));
    ++num_finished_;
  }

  void compact() {
    std::vector<PromptSlots::Move> moves;
    std::int64_t longest = 0;
    std::int64_t hole = 0;
    for (auto it = live_.rbegin(); it != live_.rend(); ++it) {
      while (hole < it->place.slot && !slots_.is_free(hole)) {
        ++hole;
      }
      if (hole >= it->place.slot) {
        break;
      }
      moves.push_back({it->place.slot, hole});
      longest = std::max(longest, it->length);
      it->place.slot = hole++;
    }
    slots_.move(moves, longest);
    std::ranges::sort(live_, {},
                      [](const LiveText& t) { return t.place.slot; });
  }

  void deliver() {
    if (!finished_.empty()) {
      for (const auto& completion : finished_) {
        delivered_[completion.request] = true;
      }
      sink_(std::exchange(finished_, {}));
    }
    monitor_.progress({.task = kTask,
                       .done = num_finished_,
                       .total = static_cast<std::int64_t>(requests_.size()),
                       .unit = "texts"});
  }

  const Transformer& model_;
  InterventionTable* table_;
  std::span<const GenerationRequest> requests_;
  const GenerationOptions& options_;
  const CompletionSink& sink_;
  const Monitor& monitor_;
  std::vector<bool>& delivered_;  // by request
  GenerationReport& report_;      // of all attempts
  PromptSlots slots_;
  std::int64_t num_contents_;
  std::vector<std::int64_t> pending_;
  std::vector<LiveText> live_;
  std::vector<Completion> finished_;
  std::int64_t num_finished_ = 0;
};

}  // namespace

GenerationRequest request_of(EncodedChat prompt) {
  GenerationRequest request;
  request.prompt = std::move(prompt.ids);
  request.thinking = prompt.thinking;
  return request;
}

PositionRange thinking_range(const ThinkingBlock& block) {
  return {block.begin,
          block.open ? std::numeric_limits<std::int64_t>::max() : block.end};
}

GenerationReport generate(const Transformer& model, InterventionTable* table,
                          std::span<const GenerationRequest> requests,
                          const GenerationOptions& options,
                          const CompletionSink& sink, const Monitor& monitor) {
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const auto& request = requests[i];
    check_prompt(model.config(), table, request.prompt, request.configuration,
                 most_tokens(request), fmt::format("request {}", i));
  }
  if (requests.empty()) {
    return {};
  }
  if (!(options.repetition_penalty > 0.0) ||
      !std::isfinite(options.repetition_penalty)) {
    fail(kTask,
         fmt::format("a repetition penalty of {}", options.repetition_penalty),
         "a number above 0; 1 = none");
  }
  GenerationReport report;
  std::vector<bool> delivered(requests.size());
  const auto batch = rows_together(std::ssize(requests), options);
  halve_until_it_fits(kTask, batch, monitor, [&](std::int64_t rows) {
    const auto smaller = with_rows(options, batch, rows);
    Generation(model, table, requests, smaller, sink, monitor, delivered,
               report)
        .run();
  });
  report.texts = std::ssize(requests);
  return report;
}

std::vector<Completion> generate_all(
    const Transformer& model, InterventionTable* table,
    std::span<const GenerationRequest> requests,
    const GenerationOptions& options, const Monitor& monitor) {
  std::vector<Completion> all(requests.size());
  generate(
      model, table, requests, options,
      [&](std::vector<Completion> finished) {
        for (auto& completion : finished) {
          const auto place = completion.request;
          all[place] = std::move(completion);
        }
      },
      monitor);
  return all;
}

}  // namespace veer
