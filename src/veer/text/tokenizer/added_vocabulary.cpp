// SPDX-License-Identifier: MIT
#include "veer/text/tokenizer/added_vocabulary.h"

#include <algorithm>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"

namespace veer {
namespace {

constexpr std::size_t kMaxAddedTokens = 1 << 20;

AddedToken read_added_token(const Json& node, const TokenizerPlace& place) {
  AddedToken token;
  token.content = json_string(node, "content", place);
  token.special = json_bool_or(node, "special", false, place);
  token.single_word = json_bool_or(node, "single_word", false, place);
  token.left_strip = json_bool_or(node, "lstrip", false, place);
  token.right_strip = json_bool_or(node, "rstrip", false, place);
  token.matched_normalized =
      json_bool_or(node, "normalized", !token.special, place);
  token.id = static_cast<std::int32_t>(json_int_or(node, "id", -1, place));
  return token;
}

void check_count(std::size_t count, std::string_view what) {
  if (count > kMaxAddedTokens) {
    fail("read tokenizer", fmt::format("{}: {} added tokens", what, count),
         fmt::format("at most {}", kMaxAddedTokens));
  }
}

}  // namespace

AddedVocabulary::AddedVocabulary(const TokenizerFile& file,
                                 const TokenizerBeside& beside,
                                 const BpeModel& model,
                                 const TokenizerNormalizer& normalizer)
    : model_(&model), normalizer_(&normalizer) {
  const TokenizerPlace place = file.place / "added_tokens";
  const Json& list = json_list(file.sections, "added_tokens", file.place);
  check_count(list.size(), place.text);
  auto next = static_cast<std::int32_t>(model.vocabulary_size());
  for (const Json& node : list) {
    AddedToken token = read_added_token(node, place);
    if (token.content.empty()) {
      continue;
    }
    std::int32_t id = find(token.content);
    if (id < 0) {
      id = next++;
    }
    if (token.id >= 0 && token.id != id) {
      place.fail(fmt::format("'{}' has id {}, but its place in the file gives "
                             "it {}",
                             token.content, token.id, id),
                 "ids that continue the vocabulary in file order");
    }
    token.id = id;
    add(std::move(token));
  }
  add_beside(beside);
}

void AddedVocabulary::add_beside(const TokenizerBeside& beside) {
  check_count(tokens_.size() + beside.tokens.size(), "the model folder");
  const std::vector<AddedToken> before = tokens_;
  std::int32_t next = first_free_id();
  for (const auto& [given, source] : beside.tokens) {
    if (given.content.empty()) {
      continue;
    }
    AddedToken token = given;
    token.id = find(token.content);
    if (token.id < 0) {
      token.id = next++;
    }
    if (given.id >= 0 && given.id != token.id) {
      notes_.push_back(fmt::format(
          "{} gives the token '{}' the id {}, but its place gives it {}, as in "
          "Hugging Face transformers",
          source, token.content, given.id, token.id));
    }
    add(std::move(token));
  }
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    if (i >= before.size() || tokens_[i] != before[i]) {
      const AddedToken& t = tokens_[i];
      changes_ +=
          dump_json({t.content, t.id, t.special, t.single_word, t.left_strip,
                     t.right_strip, t.matched_normalized});
    }
  }
}

std::int32_t AddedVocabulary::first_free_id() const {
  std::int64_t next = model_->vocabulary_size();
  for (const AddedToken& token : tokens_) {
    next = std::max<std::int64_t>(next, token.id + 1);
  }
  return static_cast<std::int32_t>(next);
}

std::int32_t AddedVocabulary::find(const std::string& content) const {
  const auto known = places_.find(content);
  return known != places_.end() ? tokens_[known->second].id
                                : model_->find(content);
}

void AddedVocabulary::add(AddedToken token) {
  token.normalized = token.matched_normalized
                         ? normalizer_->apply(token.content, scratch_)
                         : token.content;
  if (std::max(token.content.size(), token.normalized.size()) >
      TokenTrie::kMaxBytes) {
    fail("read tokenizer",
         fmt::format("an added token of {} bytes, {} once normalised",
                     token.content.size(), token.normalized.size()),
         fmt::format("at most {}", TokenTrie::kMaxBytes));
  }
  const auto [known, is_new] =
      places_.try_emplace(token.content, tokens_.size());
  if (is_new) {
    tokens_.push_back(std::move(token));
    return;
  }
  AddedToken& old = tokens_[known->second];
  token.special = token.special || old.special;
  // What it is decoded to stays once the normaliser has changed it.
  if (token.normalized == token.content) {
    token.normalized = old.normalized;
  }
  old = std::move(token);
}

}  // namespace veer
