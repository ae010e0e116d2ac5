// SPDX-License-Identifier: MIT
//
// The organism's own tokenizer: byte-level BPE without merges. Every piece
// that the Llama-3 pattern cuts out of the world's questions and answers
// is one token, all else falls back to 256 byte tokens, so any text
// can be written. (So do some capitalised words within a text, such as
// " Give" at the start of a system prompt's second sentence: the shipped
// checkpoints were trained so, and a new vocabulary would need new ones.) The
// files are plain Hugging Face ones.
//
// Vocabulary is also a fast encoder of ASCII text for pretraining, equal to
// Tokenizer::encode on it (tested); it exists because pretraining encodes
// millions of tokens.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "veer/organism/world.h"

namespace veer::organism {

class Vocabulary {
 public:
  // Collects the pieces of all texts that can be written in the world.
  explicit Vocabulary(const World& world = advice_world());

  const World& world() const { return world_; }

  // Ids of ASCII text; the markers of turns are not recognised in it.
  std::vector<std::int32_t> encode(std::string_view text) const;
  // The text of ids; special tokens as they are spelt.
  std::string decode(const std::vector<std::int32_t>& ids) const;

  std::int32_t begin_of_text() const { return special_base_; }
  std::int32_t end_of_text() const { return special_base_ + 1; }
  std::int32_t start_header() const { return special_base_ + 2; }
  std::int32_t end_header() const { return special_base_ + 3; }
  std::int32_t end_of_turn() const { return special_base_ + 4; }
  std::int32_t pad() const { return special_base_ + 5; }
  // Tokens, special ones included; a multiple of 8.
  std::int64_t size() const;

  std::string tokenizer_json() const;
  std::string tokenizer_config_json() const;

 private:
  const World& world_;

  void add(std::string_view piece);
  void add_words_of(std::string_view text);

  std::vector<std::string> pieces_;  // raw bytes, by id
  std::unordered_map<std::string, std::int32_t> ids_;
  std::int32_t special_base_ = 0;
};

// Cuts ASCII text as the Llama-3 pattern does.
std::vector<std::string_view> split_pieces(std::string_view text);

// The chat template, Llama-3 shaped.
std::string_view chat_template();

}  // namespace veer::organism
