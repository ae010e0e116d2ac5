// SPDX-License-Identifier: MIT
//
// Byte-pair encoding of one piece of text. Symbols start as single
// characters (or bytes); of all neighbours that the merge table knows, the
// pair of lowest rank, leftmost first, becomes one symbol, until none is
// left. Short pieces scan for that pair, long ones keep a queue: both
// O(n log n) or better in practice, and equal.
//
// Two things make it fast without changing a result: a cache of short
// pieces, and cutting a long piece where no merge can reach across. The
// latter holds for SentencePiece vocabularies, whose pieces are whole
// documents: if no merge joins "..x" with "\u2581..", the text before each
// \u2581 that follows another character is independent of what follows.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "veer/text/tokenizer/file.h"
#include "veer/text/tokenizer/vocabulary.h"

namespace veer {

// (left id, right id) -> (rank, id of the joined token).
class MergeTable {
 public:
  struct Merge {
    std::uint32_t rank;
    std::int32_t id;
  };
  static constexpr std::uint32_t kNone = UINT32_MAX;

  explicit MergeTable(std::size_t count = 0);
  // A pair that is there already gets the new rank.
  void insert(std::int32_t left, std::int32_t right, Merge merge);
  // Merge of rank kNone if there is none.
  Merge find(std::int32_t left, std::int32_t right) const;

 private:
  struct Slot {
    std::uint64_t pair = UINT64_MAX;
    Merge merge{kNone, -1};
  };
  std::size_t slot_of(std::uint64_t pair) const;
  std::vector<Slot> slots_;
};

// Results of short pieces, direct-mapped: 16,384 cache lines, 1 MiB.
class PieceCache {
 public:
  struct alignas(64) Entry {
    std::uint8_t length = 0;  // 0 = free
    std::uint8_t count = 0;
    std::array<char, 26> key;
    std::array<std::int32_t, 9> ids;
  };

  // The entry where `piece` belongs; null when the piece is too long.
  Entry* entry(std::string_view piece);
  static bool holds(const Entry& entry, std::string_view piece);
  static void store(Entry& entry, std::string_view piece,
                    const std::int32_t* ids, std::size_t count);

 private:
  std::vector<Entry> entries_;
};

// Memory for encoding, reused from piece to piece; one per thread.
struct BpeScratch {
  PieceCache cache;
  std::vector<std::int32_t> ids, joined, previous, next;
  std::vector<std::uint32_t> ranks;
  std::vector<std::uint64_t> queue;
};

class BpeModel {
 public:
  // Takes vocabulary and merges out of `file`. `raw_bytes`: pieces come as
  // raw bytes and stand for their ByteLevel spelling. Throws Error on
  // missing tables, empty merge parts, merges outside the vocabulary, two
  // tokens with one id, absurd ids, options that are not supported.
  BpeModel(TokenizerFile& file, bool raw_bytes);

  // Appends the ids of one piece (valid UTF-8, not empty).
  void encode(std::string_view piece, BpeScratch& scratch,
              std::vector<std::int32_t>& out) const;

  // The id of a token as the file spells it, or -1.
  std::int32_t find(std::string_view token) const {
    return spellings_.find(token);
  }
  std::int64_t vocabulary_size() const { return vocabulary_size_; }
  // Spelling by id; ids of no token have present()[id] == false.
  const std::vector<std::string>& tokens() const { return tokens_; }
  const std::vector<bool>& present() const { return present_; }

 private:
  struct Unknown {
    bool pending = false;
  };
  void read_options(const TokenizerFile& file);
  void read_vocabulary(TokenizerFile& file);
  void read_merges(TokenizerFile& file);
  void prepare_characters();
  void encode_segment(std::string_view text, bool whole, BpeScratch& scratch,
                      std::vector<std::int32_t>& out) const;
  void compute(std::string_view text, bool whole, BpeScratch& scratch) const;
  void symbols(std::string_view text, std::vector<std::int32_t>& ids) const;
  void add_character(std::string_view character, Unknown& unknown,
                     std::vector<std::int32_t>& ids) const;
  void merge_short(BpeScratch& scratch) const;
  void merge_long(BpeScratch& scratch) const;

  bool raw_bytes_;
  bool ignore_merges_ = false, byte_fallback_ = false, fuse_unknown_ = false;
  bool cut_at_metaspace_ = false;
  std::int32_t unknown_id_ = -1;
  std::int64_t vocabulary_size_ = 0;
  std::vector<std::string> tokens_;
  std::vector<bool> present_;
  StringIndex spellings_;
  StringIndex pieces_;  // raw bytes of ByteLevel tokens
  MergeTable merges_;
  // Ids of the 256 bytes (raw_bytes) or the 128 ASCII characters, or -1.
  std::array<std::int32_t, 256> character_ids_{};
  std::array<std::int32_t, 256> fallback_ids_{};  // "<0x00>".. or -1
};

}  // namespace veer
