// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "veer/base/json.h"

namespace veer {

// Where we are in a tokenizer.json, for messages: "gpt2/tokenizer.json:
// pre_tokenizer".
struct TokenizerPlace {
  std::string text;
  TokenizerPlace operator/(std::string_view part) const {
    return {text + (text.ends_with(": ") ? "" : ".") + std::string(part)};
  }
  // Throws Error{kBadInput} at this place.
  [[noreturn]] void fail(std::string_view found,
                         std::string_view expected = {}) const;
};

// A tokenizer.json as it is written, nothing interpreted. Vocabulary and
// merges are streamed into flat lists (a document tree of them takes
// seconds); the rest is small and kept as JSON.
struct TokenizerFile {
  struct Merge {
    std::string left, right;
  };

  TokenizerPlace place;
  Json sections;  // every other top-level key
  Json model;     // model's keys but vocab and merges
  bool has_vocab = false, has_merges = false;
  bool vocab_is_list = false;  // Unigram's shape; the list is not kept
  std::vector<std::pair<std::string, std::int32_t>> vocab;
  std::vector<Merge> merges;
};

// Throws Error{kBadInput}: no JSON, wrong types in vocab or merges, ids
// outside int32, nesting deeper than 64, a top-level key twice.
TokenizerFile read_tokenizer_file(std::string_view text,
                                  std::string_view origin);

// Typed access with a default for a missing or null key.
std::string json_string(const Json& node, std::string_view key,
                        const TokenizerPlace& place);
std::string json_string_or(const Json& node, std::string_view key,
                           std::string_view otherwise,
                           const TokenizerPlace& place);
bool json_bool_or(const Json& node, std::string_view key, bool otherwise,
                  const TokenizerPlace& place);
std::int64_t json_int_or(const Json& node, std::string_view key,
                         std::int64_t otherwise, const TokenizerPlace& place);
// The array under `key`; empty when missing or null.
const Json& json_list(const Json& node, std::string_view key,
                      const TokenizerPlace& place);

// The components of `node`: its "type", or for Sequence the flattened list
// under `key`. Null is an empty list. Throws on nesting deeper than 16.
std::vector<Json> json_steps(const Json& node, std::string_view key,
                             const TokenizerPlace& place);

}  // namespace veer
