// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "veer/gguf/model.h"

namespace veer {

// The text of the tokenizer.json that a model was published with, as far as its
// GGUF file tells:
//   tokenizer.ggml.model "gpt2": byte-level BPE, its cutting of the text by
//       tokenizer.ggml.pre (docs/formats/gguf.md lists the names);
//   "llama": SentencePiece BPE, its merges recovered from the scores where the
//       file holds none.
// Control tokens become special, user-defined ones added tokens. Throws
// Error{kBadInput} on another tokenizer or cutting by name, and on lists that
// do not fit each other.
std::string gguf_tokenizer_json(const GgufModel& model);

// The text of the tokenizer_config.json: bos, eos, unk and pad token, and the
// chat template.
std::string gguf_tokenizer_config_json(const GgufModel& model);

// Throws Error{kBadInput} if the embedding and the tokenizer, where both are
// there, have another number of tokens.
void gguf_require_fitting_tokens(const GgufModel& model);

}  // namespace veer
