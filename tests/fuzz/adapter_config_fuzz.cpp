// SPDX-License-Identifier: MIT
// Any bytes as adapter_config.json: a configuration that answers for every
// path, or one Error. And as a tensor's name: a part that can be named again,
// or one Error.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "veer/base/error.h"
#include "veer/train/adapter_config.h"
#include "veer/train/adapter_keys.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    const auto config = veer::AdapterConfig::parse(bytes, "fuzz");
    for (const char* path :
         {"model.layers.0.self_attn.q_proj", "model.layers.11.mlp.down_proj",
          "lm_head", "model.layers.99999999999999999999.x", ""}) {
      config.targets(path);
      config.saves(path);
      config.tokens(path);
      if (config.rank(path) < 1 || std::isnan(config.scale(path))) {
        std::abort();
      }
    }
  } catch (const veer::Error&) {
    // The one permitted way to refuse.
  }
  try {
    const std::string prefix = "base_model.model.";
    const auto key =
        veer::parse_adapter_key(prefix + std::string(bytes), "fuzz");
    if (key.part != veer::AdapterPart::kOriginal &&
        !veer::adapter_key_name(key).starts_with(prefix)) {
      std::abort();
    }
  } catch (const veer::Error&) {
    // The one permitted way to refuse.
  }
  return 0;
}
