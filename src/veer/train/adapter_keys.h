// SPDX-License-Identifier: MIT
//
// The names of tensors in a PEFT adapter. No torch here (see adapter_info.h).
#pragma once

#include <string>
#include <string_view>

namespace veer {

enum class AdapterPart {
  kA,           // lora_A.weight
  kB,           // lora_B.weight
  kBias,        // lora_B.bias
  kEmbeddingA,  // lora_embedding_A
  kEmbeddingB,  // lora_embedding_B
  kMagnitude,   // lora_magnitude_vector
  kTokens,      // token_adapter.trainable_tokens_delta
  kOwnWeight,   // modules_to_save.NAME.*: a copy that the adapter trained
  kWeight,      // a weight of the model or of the layer that a pair wraps
  kOriginal,    // the base's own beside such a copy: nothing that is trained
};

struct AdapterKey {
  AdapterPart part = AdapterPart::kWeight;
  // Of the module ("model.layers.0.self_attn.q_proj"); of weights the weight's
  // own name ("model.norm.weight").
  std::string path;
  // "default" of "lora_A.default.weight"; empty where PEFT saved the file.
  std::string adapter;
  bool wrapped = false;  // kWeight of a layer that a pair or tokens wrap
};

// Throws Error{kBadInput} on a name that is none, with its likely cause.
AdapterKey parse_adapter_key(std::string_view name, std::string_view origin);

// The name under which PEFT stores it.
std::string adapter_key_name(const AdapterKey& key);

}  // namespace veer
