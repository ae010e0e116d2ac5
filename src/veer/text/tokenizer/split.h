// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "veer/text/regex.h"
#include "veer/text/tokenizer/file.h"
#include "veer/text/tokenizer/normalizer.h"
#include "veer/text/tokenizer/scan.h"

namespace veer {

// Text cut into pieces: [begin, end) of `text`, in order, not empty.
struct TextPieces {
  struct Piece {
    std::size_t begin, end;
  };
  std::string text;
  std::vector<Piece> pieces;
  bool at_start = false;  // the first piece begins the whole input
};

// The "pre_tokenizer" section: Sequence, Split, ByteLevel, Metaspace, Digits,
// Whitespace, WhitespaceSplit, Punctuation. Immutable.
class PreTokenizer {
 public:
  // Throws Error on other types, by name.
  PreTokenizer(const Json& node, const TokenizerPlace& place);

  // The last step is ByteLevel: apply() leaves its pieces as raw bytes, and
  // the model reads them as their ByteLevel spelling. (Saves spelling every
  // byte out and back.)
  bool ends_in_bytes() const { return ends_in_bytes_; }

  // Cuts the one piece of `pieces` (valid UTF-8).
  void apply(TextPieces& pieces, Regex::Scratch& scratch) const;

 private:
  enum class Kind { kCut, kPrefixSpace, kSpellBytes, kMetaspace };
  enum class Delimiter { kPattern, kNumeric, kWhiteSpace, kPunctuation };
  enum class Behavior {
    kRemoved,
    kIsolated,
    kMergedWithPrevious,
    kMergedWithNext,
    kContiguous
  };
  struct Step {
    Kind kind = Kind::kCut;
    // kCut
    Delimiter delimiter = Delimiter::kPattern;
    std::optional<TokenizerPattern> pattern;
    KnownPattern known = KnownPattern::kNone;
    Behavior behavior = Behavior::kIsolated;
    bool invert = false;
    // kMetaspace
    std::string replacement;
    bool prepend = false, only_first = false;
  };
  struct Cut {
    std::size_t begin, end;
    bool match;
  };

  void read(const Json& node, const TokenizerPlace& place);
  void read_byte_level(const Json& node, const TokenizerPlace& place);
  void read_metaspace(const Json& node, const TokenizerPlace& place);
  static Behavior read_behavior(const Json& node, const TokenizerPlace& place);
  static void cut_at(const Step& step, TextPieces& pieces,
                     Regex::Scratch& scratch);
  static void find_cuts(const Step& step, std::string_view piece,
                        Regex::Scratch& scratch, std::vector<Cut>& cuts);
  static void combine(std::vector<Cut>& cuts, Behavior behavior);
  static void rewrite(const Step& step, TextPieces& pieces);

  std::vector<Step> steps_;
  bool ends_in_bytes_ = false;
};

}  // namespace veer
