// SPDX-License-Identifier: MIT
#include "veer/generation/prompt_slots.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include <c10/core/ScalarType.h>
#include <fmt/format.h>

#include "veer/base/error.h"
#include "veer/tensors/device.h"

namespace veer {
namespace {

constexpr std::int64_t kGiB = std::int64_t{1} << 30;

// On a CPU more rows are hardly faster, and memory is for others too. On a card
// what is free, but for what the passes themselves need: a tenth of it, and
// 1 GiB if it has two.
std::int64_t bytes_for_cache(at::Device device) {
  const auto free = free_memory(device);
  if (!free) {
    return kGiB;
  }
  return *free - std::max(*free / 10, std::min(kGiB, *free / 2));
}

bool is_pair(const InterventionTable* table, const PromptUse& use) {
  return table != nullptr && table->needs_donor(use.configuration);
}

std::int64_t slots_to_make(const InterventionTable* table,
                           std::span<const PromptUse> uses,
                           const PromptNumbers& numbers, SlotUse slot_use,
                           std::int64_t most) {
  const std::int64_t pairs = std::ranges::count_if(
      uses, [&](const PromptUse& use) { return is_pair(table, use); });
  const std::int64_t prompts =
      slot_use == SlotUse::kShared ? numbers.num_keys() : std::ssize(uses);
  const std::int64_t least = pairs > 0 ? 2 : 1;
  return std::max(least, std::min(prompts + pairs, most));
}

}  // namespace

PromptNumbers::PromptNumbers(const InterventionTable* table,
                             std::span<const PromptUse> uses) {
  for (const auto& use : uses) {
    auto name = fmt::format("{} ", use.adapter_strength);
    name.append(reinterpret_cast<const char*>(use.ids.data()),
                (use.ids.size() - 1) * sizeof(std::int32_t));
    const auto text = texts_.try_emplace(std::move(name), num_texts()).first;
    text_of_use_.push_back(text->second);
    const auto length = static_cast<std::int64_t>(use.ids.size());
    const bool steered =
        table != nullptr &&
        table->touches_prompt(use.configuration, length, use.thinking);
    std::pair key(text->second, steered ? use.configuration : -1);
    // A donor pair is never shared: its two rows run in one pass.
    if (is_pair(table, use)) {
      key.second = -2 - num_keys();
    }
    key_of_use_.push_back(keys_.try_emplace(key, num_keys()).first->second);
  }
}

PromptSlots::PromptSlots(const Transformer& model, InterventionTable* table,
                         std::vector<PromptUse> uses, SlotUse slot_use,
                         std::int64_t max_slots, std::int64_t max_tokens,
                         std::int64_t max_prefill_tokens)
    : model_(model),
      table_(table),
      uses_(std::move(uses)),
      slot_use_(slot_use),
      numbers_(table, uses_),
      max_prefill_tokens_(max_prefill_tokens),
      cache_(model.config(),
             slots_to_make(table, uses_, numbers_, slot_use, max_slots),
             max_tokens, model.dtype(), model.device()),
      uses_left_(numbers_.num_keys()),
      key_of_slot_(cache_.num_slots(), -1),
      free_(cache_.num_slots(), true) {
  for (std::size_t use = 0; use < uses_.size(); ++use) {
    ++uses_left_[numbers_.key_of(static_cast<std::int64_t>(use))];
  }
}

std::vector<std::int64_t> PromptSlots::order() const {
  std::vector<std::int64_t> order(uses_.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, {}, [&](std::int64_t use) {
    return std::pair(numbers_.text_of(use), numbers_.key_of(use));
  });
  return order;
}

std::int64_t PromptSlots::num_free() const {
  return std::ranges::count(free_, true);
}

std::int64_t PromptSlots::slots_of(std::int64_t use) const {
  return is_pair(table_, uses_[use]) ? 2 : 1;
}

std::int64_t PromptSlots::find_slot(std::int64_t key) const {
  const auto found = std::ranges::find(key_of_slot_, key);
  return found == key_of_slot_.end() ? -1 : found - key_of_slot_.begin();
}

// A free slot: one that holds the key already, else one whose content nobody
// waits for, else the first.
std::int64_t PromptSlots::take_slot(std::int64_t key) {
  std::int64_t best = -1;
  int best_rank = 3;
  for (std::size_t slot = 0; slot < free_.size(); ++slot) {
    if (!free_[slot]) {
      continue;
    }
    const auto held = key_of_slot_[slot];
    const int rank = held == key                           ? 0
                     : (held < 0 || uses_left_[held] == 0) ? 1
                                                           : 2;
    if (rank < best_rank) {
      best = static_cast<std::int64_t>(slot);
      best_rank = rank;
    }
  }
  free_[best] = false;
  return best;
}

Placement PromptSlots::place_one(std::int64_t index,
                                 std::vector<PassRow>& prefill,
                                 std::vector<Move>& copies) {
  const auto& use = uses_[index];
  const auto key = numbers_.key_of(index);
  const auto held = static_cast<std::int64_t>(use.ids.size()) - 1;
  --uses_left_[key];
  Placement placement;
  const auto source = find_slot(key);
  if (source >= 0 && slot_use_ == SlotUse::kShared) {
    shared_tokens_ += held;
    free_[source] = false;
    placement.slot = source;
    return placement;
  }
  placement.slot = take_slot(key);
  if (source >= 0) {
    shared_tokens_ += held;
    if (key_of_slot_[placement.slot] != key) {
      // All copies are made at once: one of a slot that is filled by a copy
      // itself would come too early.
      const auto filled = std::ranges::find(copies, source, &Move::to);
      copies.push_back(
          {filled == copies.end() ? source : filled->from, placement.slot});
      key_of_slot_[placement.slot] = key;
    }
    return placement;
  }
  key_of_slot_[placement.slot] = key;
  PassRow row;
  row.ids.assign(use.ids.begin(), use.ids.end() - 1);
  row.slot = placement.slot;
  row.adapter_strength = use.adapter_strength;
  row.binding = {use.configuration, held + 1, -1, use.thinking};
  row.text = numbers_.text_of(index);
  if (slots_of(index) == 2) {
    placement.donor_slot = take_slot(-1);
    key_of_slot_[placement.donor_slot] = -1;
    key_of_slot_[placement.slot] = -1;
    row.binding.donor = 1;  // the row after it
  }
  if (held == 0) {
    return placement;
  }
  prefill.push_back(row);
  if (placement.donor_slot >= 0) {
    row.binding = {-1, held + 1, -1};
    row.slot = placement.donor_slot;
    row.adapter_strength = use.donor_strength;
    row.text = -1;
    prefill.push_back(row);
  }
  return placement;
}

std::vector<Placement> PromptSlots::place(std::span<const std::int64_t> uses) {
  std::vector<PassRow> prefill;
  std::vector<Move> copies;
  std::vector<Placement> placements;
  for (const auto use : uses) {
    placements.push_back(place_one(use, prefill, copies));
  }
  run_prefill(std::move(prefill));
  std::int64_t longest = 0;
  for (const auto use : uses) {
    longest =
        std::max(longest, static_cast<std::int64_t>(uses_[use].ids.size()));
  }
  copy(copies, longest);
  return placements;
}

// Passes of at most max_prefill_tokens; a row and its donor stay together.
void PromptSlots::run_prefill(std::vector<PassRow> rows) {
  std::vector<PassRow> pass;
  std::int64_t tokens = 0;
  const auto run = [&] {
    if (!pass.empty()) {
      fill_slots(model_, table_, cache_, pass);
    }
    prefilled_tokens_ += tokens;
    pass.clear();
    tokens = 0;
  };
  for (auto& row : rows) {
    const auto length = static_cast<std::int64_t>(row.ids.size());
    const bool follows_its_row =
        !pass.empty() &&
        pass.back().binding.donor == static_cast<std::int64_t>(pass.size());
    if (!follows_its_row && tokens + length > max_prefill_tokens_) {
      run();
    }
    if (row.binding.donor >= 0) {
      row.binding.donor = static_cast<std::int64_t>(pass.size()) + 1;
    }
    tokens += length;
    pass.push_back(std::move(row));
  }
  run();
}

void PromptSlots::release(const Placement& placement) {
  free_[placement.slot] = true;
  if (placement.donor_slot >= 0) {
    free_[placement.donor_slot] = true;
  }
}

void PromptSlots::copy(std::span<const Move> moves, std::int64_t num_tokens) {
  std::vector<std::int64_t> from;
  std::vector<std::int64_t> to;
  for (const auto& move : moves) {
    from.push_back(move.from);
    to.push_back(move.to);
  }
  cache_.copy_prefixes(from, to, std::min(num_tokens, cache_.max_tokens()));
}

void PromptSlots::move(std::span<const Move> moves, std::int64_t num_tokens) {
  copy(moves, num_tokens);
  for (const auto& [from, to] : moves) {
    key_of_slot_[to] = key_of_slot_[from];
    free_[to] = false;
    free_[from] = true;
  }
}

std::int64_t rows_that_fit(const Transformer& model, std::int64_t max_tokens,
                           const GenerationOptions& options) {
  const ModelConfig& config = model.config();
  const auto bytes = 2 * config.num_layers * config.num_kv_heads *
                     config.head_width * max_tokens *
                     static_cast<std::int64_t>(c10::elementSize(model.dtype()));
  const auto most = options.max_cache_bytes > 0
                        ? options.max_cache_bytes
                        : bytes_for_cache(model.device());
  const auto fitting = most / std::max<std::int64_t>(1, bytes);
  return std::clamp<std::int64_t>(fitting, 1,
                                  std::max<std::int64_t>(1, options.max_rows));
}

BatchSize rows_together(std::int64_t num_texts,
                        const GenerationOptions& options) {
  return {
      .size = std::max<std::int64_t>(1, std::min(num_texts, options.max_rows)),
      .smallest = 1,
      .unit = "rows"};
}

GenerationOptions with_rows(const GenerationOptions& options,
                            const BatchSize& whole, std::int64_t rows) {
  GenerationOptions smaller = options;
  if (rows < whole.size) {
    smaller.max_rows = rows;
    smaller.max_prefill_tokens = std::max<std::int64_t>(
        1, options.max_prefill_tokens * rows / whole.size);
  }
  return smaller;
}

}  // namespace veer
