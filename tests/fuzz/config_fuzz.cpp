// SPDX-License-Identifier: MIT
// Any bytes give a configuration within its limits or one Error.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "veer/base/error.h"
#include "veer/model/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    const auto config = veer::parse_model_config(bytes, "fuzz");
    const bool sound = config.num_layers > 0 && config.num_layers <= 1024 &&
                       static_cast<std::int64_t>(config.layer_kinds.size()) ==
                           config.num_layers &&
                       config.num_heads % config.num_kv_heads == 0 &&
                       config.head_width % 2 == 0 && config.sliding_window >= 0;
    if (!sound) {
      __builtin_trap();
    }
  } catch (const veer::Error&) {
  }
  return 0;
}
