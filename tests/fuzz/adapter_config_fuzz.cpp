// SPDX-License-Identifier: MIT
// Any bytes as adapter_config.json: a configuration that answers for every
// path, or one Error.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "veer/base/error.h"
#include "veer/train/adapter_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    const auto config = veer::AdapterConfig::parse(bytes, "fuzz");
    for (const char* path :
         {"model.layers.0.self_attn.q_proj", "model.layers.11.mlp.down_proj",
          "lm_head", "model.layers.99999999999999999999.x", ""}) {
      config.targets(path);
      if (config.rank(path) < 1 || std::isnan(config.scale(path))) {
        std::abort();
      }
    }
  } catch (const veer::Error&) {
    // The one permitted way to refuse.
  }
  return 0;
}
