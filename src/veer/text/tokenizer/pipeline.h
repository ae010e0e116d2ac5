// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "veer/text/tokenizer/added_vocabulary.h"
#include "veer/text/tokenizer/beside.h"
#include "veer/text/tokenizer/bpe.h"
#include "veer/text/tokenizer/decoder.h"
#include "veer/text/tokenizer/normalizer.h"
#include "veer/text/tokenizer/split.h"
#include "veer/text/tokenizer/tokenizer.h"

namespace veer {

// The parts of a tokenizer.json put together. Immutable but for a pool of
// scratch memory; shared by all copies of a Tokenizer.
class TokenizerPipeline {
 public:
  // Consumes `file`. `beside`: what the other files of its folder add. Throws
  // Error{kBadInput}.
  TokenizerPipeline(TokenizerFile file, const TokenizerBeside& beside,
                    std::string fingerprint);

  std::vector<std::int32_t> encode(std::string_view text, bool add_special,
                                   SpecialText special_text) const;

  // What the decoder gets for an id; null for none and for a special token
  // that is to be skipped.
  const std::string* decoded_spelling(std::int32_t id, bool skip_special) const;

  // The token, or null.
  const std::string* token(std::int32_t id) const;
  std::int32_t id(std::string_view token) const;
  bool is_special(std::int32_t id) const;
  std::int64_t size() const {
    return static_cast<std::int64_t>(entries_.size());
  }
  const TokenizerDecoder& decoder() const { return decoder_; }
  const std::string& fingerprint() const { return fingerprint_; }
  const std::vector<std::string>& notes() const { return added_.notes(); }

 private:
  struct Scratch {
    Regex::Scratch regex;
    BpeScratch bpe;
    std::vector<TextSection> sections, inner;
  };
  struct Entry {
    const std::string* token = nullptr;    // null = no token has this id
    const std::string* decoded = nullptr;  // differs for normalised tokens
    bool special = false;
  };

  static BpeModel read_model(TokenizerFile& file, bool raw_bytes);
  void read_template(const Json& node, const TokenizerPlace& place);
  void read_template_processing(const Json& node, const TokenizerPlace& place);
  void fill_entries();
  void encode_text(std::string_view text, bool at_start, bool as_letters,
                   Scratch& scratch, std::vector<std::int32_t>& out) const;
  std::unique_ptr<Scratch> take_scratch() const;
  void return_scratch(std::unique_ptr<Scratch> scratch) const;

  std::string fingerprint_;
  TokenizerPlace place_;
  TokenizerNormalizer normalizer_;
  PreTokenizer pre_tokenizer_;
  TokenizerDecoder decoder_;
  BpeModel model_;
  AddedVocabulary added_;
  StringIndex added_ids_;
  AddedTokenSplitter raw_splitter_, normalized_splitter_;
  std::vector<Entry> entries_;  // by id
  std::vector<std::int32_t> prefix_, suffix_;
  bool has_template_ = false;
  bool split_special_ = false;  // special tokens in a text are letters

  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Scratch>> free_;
};

}  // namespace veer
