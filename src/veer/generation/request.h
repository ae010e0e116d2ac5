// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "veer/interventions/scope.h"
#include "veer/text/chat/chat_format.h"

namespace veer {

// How the next token is drawn.
struct Sampling {
  // 0 = greedy. Otherwise logits are divided by it.
  double temperature = 0.0;
  // Keep the smallest set of tokens with this much probability; 1 = all.
  double top_p = 1.0;
  // Keep the `top_k` likeliest tokens; 0 = all. Applied before top_p.
  std::int64_t top_k = 0;

  template <class Self, class Visitor>
  static void visit(Self& self, Visitor&& field) {
    field("temperature", self.temperature, "0 = greedy");
    field("top_p", self.top_p, "probability kept, 1 = all");
    field("top_k", self.top_k, "tokens kept, 0 = all");
  }
};

// One text to continue.
struct GenerationRequest {
  std::vector<std::int32_t> prompt;  // at least one token
  std::int64_t configuration = -1;   // row of the intervention table
  double adapter_strength = 0.0;     // 0 = base, 1 = fine-tuned
  Sampling sampling;
  // Seed of this text's own random stream: equal seeds are common random
  // numbers, whatever batch the rows run in.
  std::uint64_t seed = 0;
  std::int64_t max_tokens = 32;
  // Adapter strength of the donor row, when the configuration patches.
  double donor_strength = 1.0;
  // The prompt's think block; left open, what is written first is thought.
  ThinkingBlock thinking;
  // How long a text may think; its answer then has max_tokens of its own.
  // 0 = thoughts count as part of max_tokens. Needs
  // GenerationOptions::thinking.
  std::int64_t thinking_tokens = 0;
};

// A request to go on where the prompt ends.
GenerationRequest request_of(EncodedChat prompt);

// The positions of a think block in its row; one left open has no end.
PositionRange thinking_range(const ThinkingBlock& block);

enum class StopReason : std::uint8_t {
  kStopToken,
  kLength,
  // What steers the text left no finite logits to choose the next token by.
  kNotFinite,
};
// "stop", "length", "not_finite".
std::string_view stop_reason_name(StopReason reason);

struct Completion {
  std::int64_t request = 0;       // index into the requests
  std::vector<std::int32_t> ids;  // without the stop token
  // Filled when a reader was given: the answer, which begins with token
  // `answer_begin` of `ids`, and what was thought before it.
  std::string text;
  std::string thoughts;
  std::int64_t answer_begin = 0;
  bool in_thoughts = false;  // it ended before there was an answer
  // Log-probability of each token in `ids` (and of the stop token, if one
  // ended the text) under the steered model at temperature 1.
  std::vector<float> log_probs;
  StopReason reason = StopReason::kLength;
};

struct GenerationOptions {
  // Parameters that change the result.
  // Tokens that end a text.
  std::vector<std::int32_t> stop_ids;
  // Before a token is drawn, logits of tokens that stand in the prompt or the
  // answer so far are divided by it where positive and multiplied where
  // negative; 1 = none. Log-probabilities are those without it.
  double repetition_penalty = 1.0;

  // Parameters that change speed or memory only.
  // Rows decoded together. Memory of the cache grows in proportion; halved,
  // with what follows, when memory runs out.
  std::int64_t max_rows = 256;
  // Upper bound of the key/value cache; fewer rows run together when it
  // would be passed. At least one row always runs. 0 = 1 GiB on a CPU, on a
  // card what it has free but for a reserve.
  std::int64_t max_cache_bytes = 0;
  // Prompt tokens in one prefill pass.
  std::int64_t max_prefill_tokens = 4096;
  // Finished texts are handed over in groups of at least this many (the last
  // group may be smaller).
  std::int64_t delivery = 64;

  // Makes text of ids and takes it apart into thoughts and answer, behind a
  // prompt that left its think block open or not; may be empty.
  std::function<WrittenAnswer(std::span<const std::int32_t>, bool)> read;
  // The think block in a text that is being written, for configurations that
  // act there and for thinking_tokens (ChatFormat::read_thinking); may be
  // empty.
  std::function<ThinkingBlock(std::span<const std::int32_t>, bool)> thinking;
};

// What a run did, for benchmarks and the report. When memory ran out it is the
// work of all attempts: texts that had to begin again count twice in all but
// `texts`.
struct GenerationReport {
  std::int64_t texts = 0;
  std::int64_t generated_tokens = 0;
  std::int64_t prefilled_tokens = 0;  // that went through the model
  std::int64_t shared_tokens = 0;     // prompt tokens taken from a fork
  std::int64_t decode_steps = 0;
  std::int64_t cache_bytes = 0;  // of the largest cache
  double prefill_seconds = 0.0;
  double decode_seconds = 0.0;
};

}  // namespace veer
