// SPDX-License-Identifier: MIT
#pragma once

#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "veer/base/json.h"
#include "veer/text/tokenizer/tokenizer.h"
#include "veer/text/tokenizer/vocabulary.h"

namespace veer::testing {

using Ids = std::vector<std::int32_t>;

// A tokenizer.json as a tree: BPE with these tokens (ids in order) and
// merges, every component null.
inline Json tiny_bpe(const std::vector<std::string>& tokens,
                     const std::vector<std::string>& merges = {}) {
  Json vocab = Json::object();
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    vocab[tokens[i]] = i;
  }
  return Json{
      {"version", "1.0"},
      {"added_tokens", Json::array()},
      {"normalizer", nullptr},
      {"pre_tokenizer", nullptr},
      {"post_processor", nullptr},
      {"decoder", nullptr},
      {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", merges}}}};
}

// The 256 byte tokens (id = byte), then `words` in ByteLevel spelling.
inline std::vector<std::string> byte_tokens(
    const std::vector<std::string>& words = {}) {
  std::vector<std::string> out;
  for (int b = 0; b < 256; ++b) {
    out.push_back(to_byte_characters(std::string(1, static_cast<char>(b))));
  }
  for (const auto& word : words) {
    out.push_back(to_byte_characters(word));
  }
  return out;
}

inline constexpr const char* kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

// Llama 3's way of splitting, with ByteLevel at both ends.
inline Json as_llama3(Json file) {
  file["pre_tokenizer"] = {{"type", "Sequence"},
                           {"pretokenizers",
                            {{{"type", "Split"},
                              {"pattern", {{"Regex", kLlama3Pattern}}},
                              {"behavior", "Isolated"},
                              {"invert", false}},
                             {{"type", "ByteLevel"},
                              {"add_prefix_space", false},
                              {"trim_offsets", true},
                              {"use_regex", false}}}}};
  file["decoder"] = {{"type", "ByteLevel"}};
  return file;
}

inline Json added(std::int32_t id, const std::string& content,
                  bool special = true) {
  return {{"id", id},           {"content", content}, {"special", special},
          {"lstrip", false},    {"rstrip", false},    {"single_word", false},
          {"normalized", false}};
}

inline Tokenizer make(const Json& file) {
  return Tokenizer::from_json(file.dump(), "tiny.json");
}

inline std::filesystem::path test_data() {
  const char* folder = std::getenv("VEER_TEST_DATA");
  return folder != nullptr ? folder : "../shared/data";
}

}  // namespace veer::testing
