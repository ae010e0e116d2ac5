// SPDX-License-Identifier: MIT
//
// No torch here, so that the fuzz target of adapter_config.json needs none.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace veer {

// What adapter_config.json says besides the pairs themselves.
struct AdapterInfo {
  std::string base_model;  // base_model_name_or_path, may be empty
  std::int64_t rank = 0;
  double alpha = 0.0;
  double dropout = 0.0;
  bool rslora = false;
  std::vector<std::int64_t> layers;  // layers_to_transform, empty = all
};

}  // namespace veer
