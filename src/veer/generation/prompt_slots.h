// SPDX-License-Identifier: MIT
//
// Prompts in the key/value cache, each kind of prompt computed once. All
// tokens of a prompt but the last go into a slot; the last one is the first
// token of decoding, because it makes the first answer token and so belongs
// to what is generated. Two rows may share that part when prompt, adapter
// strength and whatever steers it are the same; a configuration that acts
// from prompt_end on steers none of it.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "veer/generation/pass.h"
#include "veer/generation/request.h"
#include "veer/interventions/table.h"
#include "veer/model/transformer.h"
#include "veer/tensors/out_of_memory.h"

namespace veer {

// What decides the keys and values of a prompt.
struct PromptUse {
  std::span<const std::int32_t> ids;
  std::int64_t configuration = -1;
  double adapter_strength = 0.0;
  double donor_strength = 1.0;
  PositionRange thinking;  // of the prompt's think block
};

struct Placement {
  std::int64_t slot = -1;
  std::int64_t donor_slot = -1;  // only for a patching configuration
};

// Rows that go on in their slots need one each; rows that only read (read_pass)
// share that of their prompt.
enum class SlotUse { kOwn, kShared };

// Uses by what lies in their slot.
class PromptNumbers {
 public:
  PromptNumbers(const InterventionTable* table,
                std::span<const PromptUse> uses);

  // Prompt and adapter strength, whatever steers it (PassRow::text).
  std::int64_t text_of(std::int64_t use) const { return text_of_use_[use]; }
  std::int64_t num_texts() const { return std::ssize(texts_); }
  // Also what steers the prompt. A donor pair has a number of its own.
  std::int64_t key_of(std::int64_t use) const { return key_of_use_[use]; }
  std::int64_t num_keys() const { return std::ssize(keys_); }

 private:
  std::map<std::string, std::int64_t> texts_;
  std::vector<std::int64_t> text_of_use_;
  std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> keys_;
  std::vector<std::int64_t> key_of_use_;
};

// Not safe to share between threads.
class PromptSlots {
 public:
  // `uses`: every row that will be placed; a use is placed once. There are at
  // most `max_slots`, and with kShared no more than the prompts need.
  PromptSlots(const Transformer& model, InterventionTable* table,
              std::vector<PromptUse> uses, SlotUse slot_use,
              std::int64_t max_slots, std::int64_t max_tokens,
              std::int64_t max_prefill_tokens);

  // Order of uses that keeps equal prompts together, and among them those that
  // are steered alike.
  std::vector<std::int64_t> order() const;
  const PromptNumbers& numbers() const { return numbers_; }

  std::int64_t num_free() const;
  // 1, or 2 with a donor.
  std::int64_t slots_of(std::int64_t use) const;

  // Gives each use a slot that holds its prompt but the last token: as it
  // lies there, by copying another row's, or by prefilling. There must be
  // room for all of them. With kShared, equal prompts get one slot.
  std::vector<Placement> place(std::span<const std::int64_t> uses);
  // The slot may be used again; what it holds stays until then. With kShared
  // for all who share it.
  void release(const Placement& placement);
  // Moves live sequences into free slots; `num_tokens` of the longest.
  struct Move {
    std::int64_t from, to;
  };
  void move(std::span<const Move> moves, std::int64_t num_tokens);

  bool is_free(std::int64_t slot) const { return free_[slot]; }
  KvCache& cache() { return cache_; }
  std::int64_t prefilled_tokens() const { return prefilled_tokens_; }
  std::int64_t shared_tokens() const { return shared_tokens_; }

 private:
  std::int64_t find_slot(std::int64_t key) const;  // -1 = none
  std::int64_t take_slot(std::int64_t key);
  Placement place_one(std::int64_t use, std::vector<PassRow>& prefill,
                      std::vector<Move>& copies);
  void copy(std::span<const Move> moves, std::int64_t num_tokens);
  void run_prefill(std::vector<PassRow> rows);

  const Transformer& model_;
  InterventionTable* table_;
  std::vector<PromptUse> uses_;
  SlotUse slot_use_;
  PromptNumbers numbers_;
  std::int64_t max_prefill_tokens_;
  KvCache cache_;
  std::vector<std::int64_t> uses_left_;    // per key
  std::vector<std::int64_t> key_of_slot_;  // -1 = nothing of use
  std::vector<bool> free_;
  std::int64_t prefilled_tokens_ = 0;
  std::int64_t shared_tokens_ = 0;
};

// How many rows fit: max_rows, less when their keys and values would take more
// than max_cache_bytes, or where that is 0 more than the device has to give.
std::int64_t rows_that_fit(const Transformer& model, std::int64_t max_tokens,
                           const GenerationOptions& options);

// What decoding and scoring halve when memory runs out: rows run together, at
// most max_rows; prompt tokens of one pass follow in proportion. All `rows`:
// the options as they are.
BatchSize rows_together(std::int64_t num_texts,
                        const GenerationOptions& options);
GenerationOptions with_rows(const GenerationOptions& options,
                            const BatchSize& whole, std::int64_t rows);

}  // namespace veer
