// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "veer/base/json.h"

namespace veer {

// What a model's generation_config.json asks of those who generate with it.
struct GenerationDefaults {
  // Followed: logits of tokens that stand in the text are divided by it where
  // positive, multiplied where negative. 1 = none.
  double repetition_penalty = 1.0;
  // What is not followed, in words: keys that change what transformers'
  // generate() would answer.
  std::vector<std::string> notes;
};

// Reads the document `file` (its name, for messages); `config` may hold any
// keys, others are ignored. Throws Error{kBadInput} for a repetition_penalty
// that is no number above 0.
GenerationDefaults read_generation_defaults(const Json& config,
                                            const std::string& file);

}  // namespace veer
