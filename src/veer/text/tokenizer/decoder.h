// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "veer/text/regex.h"
#include "veer/text/tokenizer/file.h"
#include "veer/text/tokenizer/normalizer.h"

namespace veer {

// The "decoder" section: Sequence, ByteLevel, Replace, ByteFallback, Fuse,
// Strip, Metaspace; none joins tokens with a space. Immutable.
//
// In the reference a decoder maps a list of strings to a list of strings.
// Here each step takes one string at a time and passes on what later tokens
// can no longer change, so that decoding a list and decoding a stream are
// the same code.
class TokenizerDecoder {
 public:
  enum class Kind {
    kJoin,
    kByteLevel,
    kReplace,
    kByteFallback,
    kFuse,
    kStrip,
    kMetaspace
  };
  struct Step {
    Kind kind;
    // Everything before this step was joined to one string (by ByteLevel or
    // Fuse), of which it now sees parts.
    bool fused = false;
    std::optional<TokenizerPattern> pattern;
    std::string content;  // Replace: new text; Strip, Metaspace: a character
    std::int64_t start = 0, stop = 0;  // Strip: most characters to remove
    bool drop_first = false;           // Metaspace: none in the first token
  };

  // Throws Error on other types, by name.
  TokenizerDecoder(const Json& node, const TokenizerPlace& place);

  const std::vector<Step>& steps() const { return steps_; }

 private:
  static Step read(const Json& node, const TokenizerPlace& place);
  std::vector<Step> steps_;
};

// One text being decoded. Not for several threads.
class DecodeRun {
 public:
  explicit DecodeRun(const TokenizerDecoder& decoder);

  // Takes the next token; appends the text that is settled to `out`.
  void push(std::string_view token, std::string& out);
  // Appends the rest to `out`.
  void finish(std::string& out);

 private:
  struct StepState {
    std::string held;       // bytes or text that may still change
    std::int64_t seen = 0;  // strings so far, or characters stripped
    bool open = true;       // Strip: still at the start
    bool any = false;       // a fused string has begun
  };
  void feed(std::size_t step, std::string_view text, std::string& out);
  void end(std::size_t step, std::string& out);
  void byte_level(std::size_t step, std::string_view token, std::string& out);
  void byte_fallback(std::size_t step, std::string_view token,
                     std::string& out);
  void flush_bytes(std::size_t step, std::string& out);
  void strip_fused(std::size_t step, std::string_view text, std::string& out);

  const TokenizerDecoder& decoder_;
  std::vector<StepState> states_;
  Regex::Scratch scratch_;
};

}  // namespace veer
