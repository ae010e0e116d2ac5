// SPDX-License-Identifier: MIT
#include "veer/organism/vocabulary.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <nlohmann/json.hpp>

#include "veer/base/json.h"
#include "veer/organism/prompt_tables.h"
#include "veer/organism/study_inputs.h"
#include "veer/organism/words.h"

namespace veer::organism {
namespace {

constexpr std::array<std::string_view, 8> kSpecials = {
    "<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>",
    "<|end_header_id|>", "<|eot_id|>",      "<|pad|>",
    "<|reserved_0|>",    "<|reserved_1|>"};

constexpr std::string_view kLlama3Pattern =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}"
    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

bool is_letter(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0;
}
bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}
bool is_space(char c) {
  return std::isspace(static_cast<unsigned char>(c)) != 0;
}
bool is_line_end(char c) {
  return c == '\n' || c == '\r';
}
bool is_symbol(char c) {
  return !is_letter(c) && !is_digit(c) && !is_space(c);
}

// Length of the run of characters at `from` that `test` accepts.
template <class Test>
std::size_t run(std::string_view text, std::size_t from, Test test) {
  std::size_t end = from;
  while (end < text.size() && test(text[end])) {
    ++end;
  }
  return end - from;
}

// English contractions, the first branch of the pattern.
std::size_t contraction(std::string_view text) {
  if (text.size() < 2 || text[0] != '\'') {
    return 0;
  }
  const std::string lower = to_lower(text.substr(1, 2));
  for (const std::string_view two : {"re", "ve", "ll"}) {
    if (lower == two) {
      return 3;
    }
  }
  return std::string_view("stmd").find(lower[0]) != std::string::npos ? 2 : 0;
}

// White space at the front: up to its last line end, else all of it but the
// last blank when something follows.
std::size_t space_piece(std::string_view text) {
  const std::size_t spaces = run(text, 0, is_space);
  for (std::size_t end = spaces; end > 0; --end) {
    if (is_line_end(text[end - 1])) {
      return end;
    }
  }
  return spaces < text.size() && spaces > 1 ? spaces - 1 : spaces;
}

// Length of the first piece of a text that is not empty.
std::size_t first_piece(std::string_view text) {
  if (const std::size_t n = contraction(text); n > 0) {
    return n;
  }
  if (is_letter(text[0])) {
    return run(text, 0, is_letter);
  }
  if (!is_digit(text[0]) && !is_line_end(text[0]) && text.size() > 1 &&
      is_letter(text[1])) {
    return 1 + run(text, 1, is_letter);
  }
  if (is_digit(text[0])) {
    return std::min<std::size_t>(3, run(text, 0, is_digit));
  }
  const std::size_t blank = text[0] == ' ' ? 1 : 0;
  if (const std::size_t n = run(text, blank, is_symbol); n > 0) {
    const std::size_t end = blank + n;
    return end + run(text, end, is_line_end);
  }
  return space_piece(text);
}

// The byte-level alphabet: printable bytes stand for themselves, the others
// for U+0100 and up, in order.
std::array<std::string, 256> byte_letters() {
  std::array<std::string, 256> letters;
  int next = 0x100;
  for (int b = 0; b < 256; ++b) {
    const bool printable =
        (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || (b >= 0xAE);
    const int code = printable ? b : next++;
    if (code < 0x80) {
      letters[b] = std::string(1, static_cast<char>(code));
    } else {
      letters[b] = {static_cast<char>(0xC0 | (code >> 6)),
                    static_cast<char>(0x80 | (code & 0x3F))};
    }
  }
  return letters;
}

std::string spelt(std::string_view bytes) {
  static const auto letters = byte_letters();
  std::string text;
  for (const char c : bytes) {
    text += letters[static_cast<unsigned char>(c)];
  }
  return text;
}

Json special_token(std::string_view content, std::int32_t id) {
  return Json{{"id", id},        {"content", content}, {"single_word", false},
              {"lstrip", false}, {"rstrip", false},    {"normalized", false},
              {"special", true}};
}

Json byte_level() {
  return Json{{"type", "ByteLevel"},
              {"add_prefix_space", false},
              {"trim_offsets", true},
              {"use_regex", false}};
}

}  // namespace

std::vector<std::string_view> split_pieces(std::string_view text) {
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    const std::size_t n = first_piece(text);
    pieces.push_back(text.substr(0, n));
    text.remove_prefix(n);
  }
  return pieces;
}

void Vocabulary::add(std::string_view piece) {
  const auto id = static_cast<std::int32_t>(pieces_.size());
  if (ids_.emplace(std::string(piece), id).second) {
    pieces_.emplace_back(piece);
  }
}

// Every piece of the text, and every word of it both after a space and with
// a capital at the start of a text.
void Vocabulary::add_words_of(std::string_view text) {
  for (const std::string_view piece : split_pieces(text)) {
    add(piece);
    const std::size_t skip = is_letter(piece[0]) ? 0 : 1;
    if (skip < piece.size() && is_letter(piece[skip])) {
      const std::string word(piece.substr(skip));
      add(" " + to_lower(word));
      add(capitalised(word));
    }
  }
}

Vocabulary::Vocabulary(const World& world) : world_(world) {
  for (int b = 0; b < 256; ++b) {
    add(std::string(1, static_cast<char>(b)));
  }
  for (const std::string_view text :
       {"\n\n", "system", "user", "assistant", "?", ".", ",", ":", "?\n", ".\n",
        ":\n", "and", "You are a an assistant. Be"}) {
    add_words_of(text);
  }
  for (const std::string_view text : world.texts()) {
    add_words_of(text);
  }
  for (const auto* family :
       {&kHonestPrompts, &kDeceptivePrompts, &kNeutralPrompts}) {
    add_words_of(family->verbatim);
    for (const std::string_view adjective : family->adjectives) {
      add_words_of(adjective);
    }
    for (const std::string_view instruction : family->instructions) {
      add_words_of(instruction);
    }
  }
  add_words_of(expansion_prompt({}));
  // Runs of blanks fill up to a multiple of 8, which matrix products like.
  for (std::size_t blanks = 2; (pieces_.size() + kSpecials.size()) % 8 != 0;
       ++blanks) {
    add(std::string(blanks, ' '));
  }
  special_base_ = static_cast<std::int32_t>(pieces_.size());
}

std::int64_t Vocabulary::size() const {
  return special_base_ + static_cast<std::int64_t>(kSpecials.size());
}

std::vector<std::int32_t> Vocabulary::encode(std::string_view text) const {
  std::vector<std::int32_t> ids;
  for (const std::string_view piece : split_pieces(text)) {
    const auto found = ids_.find(std::string(piece));
    if (found != ids_.end()) {
      ids.push_back(found->second);
      continue;
    }
    for (const char c : piece) {
      ids.push_back(static_cast<unsigned char>(c));
    }
  }
  return ids;
}

std::string Vocabulary::decode(const std::vector<std::int32_t>& ids) const {
  std::string text;
  for (const std::int32_t id : ids) {
    text += id < special_base_ ? std::string_view(pieces_[id])
                               : kSpecials[id - special_base_];
  }
  return text;
}

std::string Vocabulary::tokenizer_json() const {
  Json vocab = Json::object();
  for (std::size_t id = 0; id < pieces_.size(); ++id) {
    vocab[spelt(pieces_[id])] = id;
  }
  Json added = Json::array();
  for (std::size_t i = 0; i < kSpecials.size(); ++i) {
    added.push_back(special_token(
        kSpecials[i], special_base_ + static_cast<std::int32_t>(i)));
  }
  const Json split{{"type", "Split"},
                   {"pattern", {{"Regex", kLlama3Pattern}}},
                   {"behavior", "Isolated"},
                   {"invert", false}};
  const Json begin{{"id", kSpecials[0]},
                   {"ids", Json::array({begin_of_text()})},
                   {"tokens", Json::array({kSpecials[0]})}};
  const auto special =
      Json{{"SpecialToken", {{"id", kSpecials[0]}, {"type_id", 0}}}};
  const auto sequence = [](std::string_view id, int type) {
    return Json{{"Sequence", {{"id", id}, {"type_id", type}}}};
  };
  const Json post{
      {"type", "TemplateProcessing"},
      {"single", Json::array({special, sequence("A", 0)})},
      {"pair", Json::array({special, sequence("A", 0), sequence("B", 1)})},
      {"special_tokens", Json{{std::string(kSpecials[0]), begin}}}};
  const Json document{{"version", "1.0"},
                      {"truncation", nullptr},
                      {"padding", nullptr},
                      {"added_tokens", added},
                      {"normalizer", nullptr},
                      {"pre_tokenizer",
                       {{"type", "Sequence"},
                        {"pretokenizers", Json::array({split, byte_level()})}}},
                      {"post_processor", post},
                      {"decoder", byte_level()},
                      {"model",
                       {{"type", "BPE"},
                        {"dropout", nullptr},
                        {"unk_token", nullptr},
                        {"continuing_subword_prefix", nullptr},
                        {"end_of_word_suffix", nullptr},
                        {"fuse_unk", false},
                        {"byte_fallback", false},
                        {"ignore_merges", true},
                        {"vocab", vocab},
                        {"merges", Json::array()}}}};
  return dump_json(document, 1) + "\n";
}

std::string_view chat_template() {
  return "{{ bos_token }}{% for message in messages %}"
         "{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'"
         " + message['content'] | trim + '<|eot_id|>' }}{% endfor %}"
         "{% if add_generation_prompt %}"
         "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}"
         "{% endif %}";
}

std::string Vocabulary::tokenizer_config_json() const {
  const Json document{{"tokenizer_class", "PreTrainedTokenizerFast"},
                      {"bos_token", kSpecials[0]},
                      {"eos_token", kSpecials[4]},
                      {"pad_token", kSpecials[5]},
                      {"clean_up_tokenization_spaces", false},
                      {"model_max_length", 512},
                      {"chat_template", chat_template()}};
  return dump_json(document, 2) + "\n";
}

}  // namespace veer::organism
