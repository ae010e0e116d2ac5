// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "veer/text/tokenizer/added.h"
#include "veer/text/tokenizer/beside.h"
#include "veer/text/tokenizer/bpe.h"
#include "veer/text/tokenizer/file.h"
#include "veer/text/tokenizer/normalizer.h"

namespace veer {

// The added tokens of a tokenizer with their ids: those of tokenizer.json in
// file order, then those that the files beside it add. A token of the
// vocabulary keeps its id, others continue it. A token that comes again takes
// its new flags; once special, it stays so.
class AddedVocabulary {
 public:
  // Throws Error{kBadInput} for what tokenizer.json says wrongly, and for
  // tokens that are too long or too many.
  AddedVocabulary(const TokenizerFile& file, const TokenizerBeside& beside,
                  const BpeModel& model, const TokenizerNormalizer& normalizer);

  // One entry per token.
  const std::vector<AddedToken>& tokens() const { return tokens_; }
  // A file beside tokenizer.json states another id than a token gets.
  const std::vector<std::string>& notes() const { return notes_; }
  // The tokens that those files add or change, for a fingerprint; empty when
  // there are none.
  const std::string& changes() const { return changes_; }

 private:
  void add_beside(const TokenizerBeside& beside);
  std::int32_t first_free_id() const;
  // The id of a token that is known; -1 otherwise.
  std::int32_t find(const std::string& content) const;
  void add(AddedToken token);

  const BpeModel* model_;  // both until the constructor ends
  const TokenizerNormalizer* normalizer_;
  Regex::Scratch scratch_;
  std::vector<AddedToken> tokens_;
  std::map<std::string, std::size_t, std::less<>> places_;
  std::vector<std::string> notes_;
  std::string changes_;
};

}  // namespace veer
