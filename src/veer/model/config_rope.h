// SPDX-License-Identifier: MIT
#pragma once

#include "veer/model/config.h"
#include "veer/model/config_reader.h"
#include "veer/model/families.h"

namespace veer {

// Fills `config.rope` and `config.sliding_rope` from the keys of either
// generation. Head width and max_positions must be set.
void parse_rope(const ConfigReader& reader, const Family& family,
                ModelConfig& config);

}  // namespace veer
