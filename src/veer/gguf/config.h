// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "veer/gguf/model.h"

namespace veer {

// Where a tensor of a GGUF file belongs, and how its numbers differ from those
// of a Hugging Face checkpoint.
struct GgufPlace {
  std::string name;  // "model.layers.0.self_attn.q_proj.weight"; empty: the
                     // tensor is no weight (a table that the config holds)
  // Rows of q and k lie pairwise, per head of so many rows: row 2 i + j is row
  // i + j * half of it in Hugging Face's order. 0 = as there.
  std::int64_t head_rows = 0;
  // The file holds 1 + w.
  bool plus_one = false;
};

// The place of the tensor `name`. A name that no table lists keeps it, so that
// the loader can refuse it.
GgufPlace gguf_place(const GgufModel& model, std::string_view name);

// The text of the config.json that the metadata amount to. Architectures:
// llama (Llama, Mistral, SmolLM), qwen2, qwen3, gemma2, gemma3, phi3, olmo2.
// Throws Error{kBadInput} on any other by name, on a missing or mistyped key,
// on keys that change what is computed and that Veer does not know, and on a
// tokenizer with another number of tokens than the embedding has rows.
std::string gguf_config_json(const GgufModel& model);

}  // namespace veer
