// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace veer {

class DecodeRun;
class TokenizerPipeline;
struct TokenizerBesideFiles;

// What encode() does with the text of a special token ("<|eot_id|>") that
// stands in its input.
enum class SpecialText {
  kToken,   // it becomes that token, as Hugging Face does by default
  kLetters  // it is ordinary text: user input cannot forge a turn
};

// A Hugging Face tokenizer.json: byte-level BPE (Llama 3, Qwen, GPT-2) and
// SentencePiece-style BPE (Llama 2, Mistral, Gemma, Phi-3). Ids and text are
// those of the `tokenizers` library; docs/formats/tokenizer.md lists what is
// supported and the known deviations.
//
// A value that is cheap to copy (copies share the immutable tables). Every
// const function may be called from many threads at once.
class Tokenizer {
 public:
  // Reads the text of a tokenizer.json; `origin` names it in messages.
  // Throws Error{kBadInput} on malformed text and on every component that is
  // not supported (Unigram, WordPiece, WordLevel, ... by name), in time and
  // memory proportional to the text.
  static Tokenizer from_json(std::string_view text, std::string_view origin);

  // The same with the tokens that the files beside it add
  // (tokenizer_beside.h).
  static Tokenizer from_json(std::string_view text, std::string_view origin,
                             const TokenizerBesideFiles& beside);

  // Reads `folder`/tokenizer.json with tokenizer_config.json,
  // special_tokens_map.json and added_tokens.json beside it, as AutoTokenizer
  // does (`folder` may also be a tokenizer.json, which is then read alone), or
  // the tokenizer of a GGUF file (gguf/tokenizer.h).
  // Throws Error{kBadInput}; a folder with only tokenizer.model or tekken.json
  // is told apart from one without any tokenizer.
  static Tokenizer load(const std::filesystem::path& folder);

  // The ids of `text`. `add_special` applies the post-processor's template
  // (a leading "<s>" and the like). Bytes that are no UTF-8 are read as
  // U+FFFD, one for each maximal broken part. Time is O(n log n).
  std::vector<std::int32_t> encode(
      std::string_view text, bool add_special,
      SpecialText special_text = SpecialText::kToken) const;

  // The text of `ids`, always valid UTF-8 (broken parts become U+FFFD).
  // `skip_special` leaves out special tokens. Ids of no token are left out.
  std::string decode(std::span<const std::int32_t> ids,
                     bool skip_special) const;

  // The token of an id as the file spells it ("\u0120the", "\u2581the",
  // "<0x0A>"). Throws Error{kBadInput} for an id of no token.
  const std::string& token(std::int32_t id) const;

  // The same; null for an id of no token.
  const std::string* find(std::int32_t id) const;

  // The id of a token in the file's spelling, added tokens included.
  std::optional<std::int32_t> id(std::string_view token) const;

  // Whether the id is an added token flagged special ("<s>", "<|eot_id|>").
  bool is_special(std::int32_t id) const;

  // Largest id + 1, added tokens included. (A model's vocab_size may be
  // larger: embeddings are often padded.)
  std::int64_t size() const;

  // XXH3 fingerprint of the file's text and of what the files beside it add to
  // it: equal tokenizers have equal ones.
  const std::string& fingerprint() const;

  // What a user should know of how the files were understood.
  const std::vector<std::string>& notes() const;

 private:
  friend class StreamDecoder;
  explicit Tokenizer(std::shared_ptr<const TokenizerPipeline> pipeline);

  std::shared_ptr<const TokenizerPipeline> pipeline_;
};

// Decodes token by token. Text appears as soon as no later token can change
// it: bytes of an incomplete UTF-8 character are held back, and of "<0x41>"
// tokens the whole run, which is text or broken as a whole. All parts joined,
// finish() included, are decode() of all ids. One object per stream, one
// thread at a time.
class StreamDecoder {
 public:
  StreamDecoder(Tokenizer tokenizer, bool skip_special);
  ~StreamDecoder();
  StreamDecoder(StreamDecoder&&) noexcept;
  StreamDecoder& operator=(StreamDecoder&&) noexcept;

  // The text that `id` completes; often empty within a character.
  std::string push(std::int32_t id);

  // The rest, incomplete characters as U+FFFD. The stream is empty again.
  std::string finish();

 private:
  Tokenizer tokenizer_;
  bool skip_special_;
  std::unique_ptr<DecodeRun> run_;
};

}  // namespace veer
