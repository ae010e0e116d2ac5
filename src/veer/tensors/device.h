// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <c10/core/Device.h>

namespace veer {

// The device of a name (base/device_name.h); "auto" is the first card that
// torch can use, otherwise the CPU. Throws Error{kBadInput} where there is no
// such device, with what there is instead.
at::Device find_device(std::string_view name);

// Whether it multiplies in bfloat16. Cards before compute capability 8 (T4,
// V100) take it and compute it in float32, several times slower than float16.
bool computes_in_bfloat16(at::Device device);

// Bytes that a card could still give, those that torch holds unused included.
// Nothing for a CPU, and where torch cannot tell.
std::optional<std::int64_t> free_memory(at::Device device);

// Whether a RepeatableScope does anything on this device, for the process, as
// torch's own setting is. Never on a CPU, whose results repeat anyway. To be
// called before the first product on the card.
void want_repeatable_algorithms(at::Device device, bool on);

// While it lives, torch chooses algorithms that give the same bits again, where
// it has them. For training and extraction: decoding would pay for it with a
// sort at each write into the cache.
class RepeatableScope {
 public:
  RepeatableScope();
  ~RepeatableScope();
  RepeatableScope(const RepeatableScope&) = delete;
  RepeatableScope& operator=(const RepeatableScope&) = delete;

 private:
  bool before_;
  bool warned_only_;
};

}  // namespace veer
