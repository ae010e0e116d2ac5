// SPDX-License-Identifier: MIT
//
// The part of BpeModel that reads and checks the file.
#include <algorithm>

#include <fmt/core.h>

#include "veer/text/tokenizer/bpe.h"
#include "veer/text/unicode.h"

namespace veer {
namespace {

constexpr std::string_view kMetaspace = "\xE2\x96\x81";

bool only_metaspaces(std::string_view token) {
  while (token.starts_with(kMetaspace)) {
    token.remove_prefix(kMetaspace.size());
  }
  return token.empty();
}

}  // namespace

BpeModel::BpeModel(TokenizerFile& file, bool raw_bytes)
    : raw_bytes_(raw_bytes) {
  read_options(file);
  read_vocabulary(file);
  prepare_characters();
  read_merges(file);
  const std::string unknown =
      json_string_or(file.model, "unk_token", "", file.place / "model");
  if (!unknown.empty()) {
    unknown_id_ = find(unknown);
    if (unknown_id_ < 0) {
      (file.place / "model")
          .fail(
              fmt::format("unk_token '{}' is not in the vocabulary", unknown));
    }
  }
}

void BpeModel::read_options(const TokenizerFile& file) {
  const TokenizerPlace place = file.place / "model";
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    const std::string affix = json_string_or(file.model, key, "", place);
    if (!affix.empty()) {
      (place / key)
          .fail(fmt::format("'{}', which is not supported", affix),
                "null or \"\"");
    }
  }
  const auto dropout = file.model.find("dropout");
  if (dropout != file.model.end() && !dropout->is_null() && *dropout != 0.0) {
    (place / "dropout")
        .fail(dropout->dump(-1, ' ', true),
              "null: encoding has no chance in it");
  }
  ignore_merges_ = json_bool_or(file.model, "ignore_merges", false, place);
  byte_fallback_ = json_bool_or(file.model, "byte_fallback", false, place);
  fuse_unknown_ = json_bool_or(file.model, "fuse_unk", false, place);
}

void BpeModel::read_vocabulary(TokenizerFile& file) {
  const TokenizerPlace place = file.place / "model" / "vocab";
  std::int32_t largest = -1;
  for (const auto& [token, id] : file.vocab) {
    largest = std::max(largest, id);
  }
  // Some files have holes; nobody has more holes than tokens by far.
  const auto limit = static_cast<std::int64_t>(4 * file.vocab.size() + 65536);
  if (largest >= limit) {
    place.fail(fmt::format("id {} among {} tokens", largest, file.vocab.size()),
               fmt::format("ids below {}", limit));
  }
  tokens_.resize(static_cast<std::size_t>(largest + 1));
  present_.resize(tokens_.size());
  spellings_ = StringIndex(file.vocab.size());
  pieces_ = StringIndex(raw_bytes_ ? file.vocab.size() : 0);
  std::string bytes;
  for (auto& [token, id] : file.vocab) {
    const auto i = static_cast<std::size_t>(id);
    if (!spellings_.insert(token, id)) {
      place.fail(fmt::format("token '{}' twice", token));
    }
    if (present_[i]) {
      place.fail(fmt::format("tokens '{}' and '{}' share the id {}", tokens_[i],
                             token, id));
    }
    if (raw_bytes_ && from_byte_characters(token, bytes)) {
      pieces_.insert(bytes, id);
    }
    present_[i] = true;
    tokens_[i] = std::move(token);
  }
  vocabulary_size_ = static_cast<std::int64_t>(file.vocab.size());
  file.vocab = {};
}

void BpeModel::prepare_characters() {
  character_ids_.fill(-1);
  fallback_ids_.fill(-1);
  for (int i = 0; i < 256; ++i) {
    const auto byte = static_cast<unsigned char>(i);
    std::string character;
    append_utf8(character, raw_bytes_ ? byte_to_character(byte) : byte);
    if (raw_bytes_ || i < 0x80) {
      character_ids_[byte] = find(character);
    }
    fallback_ids_[byte] = find(fmt::format("<0x{:02X}>", i));
  }
}

void BpeModel::read_merges(TokenizerFile& file) {
  const TokenizerPlace place = file.place / "model" / "merges";
  merges_ = MergeTable(file.merges.size());
  cut_at_metaspace_ = !raw_bytes_ && find(kMetaspace) >= 0;
  const auto known = [&](std::string_view token, std::size_t rank) {
    const std::int32_t id = find(token);
    if (id < 0) {
      place.fail(fmt::format("entry {}: '{}' is not in the vocabulary", rank,
                             token.substr(0, 100)));
    }
    return id;
  };
  std::string joined;
  for (std::size_t rank = 0; rank < file.merges.size(); ++rank) {
    const auto& [left, right] = file.merges[rank];
    if (left.empty() || right.empty()) {
      place.fail(
          fmt::format("entry {} joins nothing to '{}'", rank, left + right),
          "two tokens");
    }
    const std::int32_t left_id = known(left, rank);
    const std::int32_t right_id = known(right, rank);
    joined.assign(left).append(right);
    merges_.insert(left_id, right_id,
                   {static_cast<std::uint32_t>(rank), known(joined, rank)});
    if (right.starts_with(kMetaspace) && !only_metaspaces(left)) {
      cut_at_metaspace_ = false;
    }
  }
  file.merges = {};
}

}  // namespace veer
