// SPDX-License-Identifier: MIT
//
// Tokens that a model folder adds to its tokenizer.json: tokenizer_config.json,
// special_tokens_map.json and added_tokens.json may name further ones, or other
// flags of those that are there.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "veer/text/tokenizer/added.h"
#include "veer/text/tokenizer/file.h"

namespace veer {

// What lies beside a tokenizer.json, as text; empty = there is no such file.
struct TokenizerBesideFiles {
  std::string folder;  // names the files in messages
  std::string tokenizer_config;
  std::string special_tokens_map;
  std::string added_tokens;
};

// A token to add behind those of tokenizer.json.
struct BesideToken {
  AddedToken token;    // its id is what the file says, or -1
  std::string source;  // "tokenizer_config.json: added_tokens_decoder"
};

struct TokenizerBeside {
  // In the order in which they get their ids.
  std::vector<BesideToken> tokens;
  // Special tokens in a text are ordinary letters (split_special_tokens).
  bool split_special = false;
};

// The tokens that AutoTokenizer of transformers 5.24 (class TokenizersBackend)
// adds to `file`, the tokenizer.json:
//   - every entry of added_tokens_decoder, by its number; without that key
//     those of added_tokens.json and of tokenizer.json, and the entries of
//     special_tokens_map.json then win over those of tokenizer_config.json;
//   - then special tokens that are still missing: bos, eos, unk, sep, pad, cls,
//     mask; other keys "..._token" and the entries of an extra_special_tokens
//     that is a dict; the list extra_special_tokens (or
//     additional_special_tokens).
// Throws Error{kBadInput} naming file and key for what cannot be read.
TokenizerBeside read_beside(const TokenizerBesideFiles& files,
                            const TokenizerFile& file);

// The text of a token given as a string or as an object with "content"; none
// for anything else.
std::optional<std::string> beside_token_text(const Json& value);

}  // namespace veer
