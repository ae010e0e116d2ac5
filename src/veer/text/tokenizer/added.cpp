// SPDX-License-Identifier: MIT
#include "veer/text/tokenizer/added.h"

#include <algorithm>

#include "veer/text/unicode.h"

namespace veer {
namespace {

std::size_t skip_space(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    std::size_t next = at;
    if (!is_white_space(next_code_point(text, next))) {
      break;
    }
    at = next;
  }
  return at;
}

std::size_t skip_space_back(std::string_view text, std::size_t end) {
  while (end > 0) {
    const std::size_t begin = previous_character(text, end);
    std::size_t at = begin;
    if (!is_white_space(next_code_point(text, at))) {
      break;
    }
    end = begin;
  }
  return end;
}

}  // namespace

TokenTrie::TokenTrie() : roots_(256, -1) {}

std::int32_t TokenTrie::step(std::int32_t node, char byte) const {
  std::int32_t child = nodes_[static_cast<std::size_t>(node)].child;
  while (child >= 0 && nodes_[static_cast<std::size_t>(child)].byte != byte) {
    child = nodes_[static_cast<std::size_t>(child)].sibling;
  }
  return child;
}

void TokenTrie::insert(std::string_view text, std::int32_t value) {
  const auto new_node = [&](char byte, std::int32_t sibling) {
    nodes_.push_back({-1, sibling, -1, byte});
    return static_cast<std::int32_t>(nodes_.size() - 1);
  };
  const auto first = static_cast<unsigned char>(text.front());
  starts_.set(first);
  if (roots_[first] < 0) {
    roots_[first] = new_node(text.front(), -1);
  }
  std::int32_t node = roots_[first];
  for (const char byte : text.substr(1)) {
    std::int32_t child = step(node, byte);
    if (child < 0) {
      child = new_node(byte, nodes_[static_cast<std::size_t>(node)].child);
      nodes_[static_cast<std::size_t>(node)].child = child;
    }
    node = child;
  }
  nodes_[static_cast<std::size_t>(node)].value = value;
}

bool TokenTrie::find(std::string_view text, std::size_t from,
                     Match& match) const {
  for (std::size_t begin = from; begin < text.size(); ++begin) {
    const auto first = static_cast<unsigned char>(text[begin]);
    if (!starts_[first]) {
      continue;
    }
    match.value = -1;
    std::int32_t node = roots_[first];
    for (std::size_t at = begin + 1;; ++at) {
      if (const auto value = nodes_[static_cast<std::size_t>(node)].value;
          value >= 0) {
        match = {begin, at, value};
      }
      if (at == text.size() || (node = step(node, text[at])) < 0) {
        break;
      }
    }
    if (match.value >= 0) {
      return true;
    }
  }
  return false;
}

AddedTokenSplitter::AddedTokenSplitter(const std::vector<AddedToken>& tokens,
                                       bool normalized)
    : word_(Regex::compile(
          "[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\x{200C}\\x{200D}]",
          "word characters")) {
  for (const AddedToken& token : tokens) {
    const std::string& text = normalized ? token.normalized : token.content;
    if (token.matched_normalized != normalized || text.empty()) {
      continue;
    }
    trie_.insert(text, static_cast<std::int32_t>(tokens_.size()));
    tokens_.push_back(token);
  }
}

bool AddedTokenSplitter::stands_alone(std::string_view text,
                                      const TokenTrie::Match& match,
                                      Regex::Scratch& scratch) const {
  const auto is_word = [&](std::size_t begin) {
    std::size_t end = begin;
    next_code_point(text, end);
    Regex::Match found;
    return word_.search(text.substr(begin, end - begin), 0, scratch, found);
  };
  return !(match.begin > 0 && is_word(previous_character(text, match.begin))) &&
         !(match.end < text.size() && is_word(match.end));
}

void AddedTokenSplitter::split(std::string_view text, bool as_letters,
                               Regex::Scratch& scratch,
                               std::vector<TextSection>& out) const {
  std::size_t done = 0;  // all before it is in a section
  TokenTrie::Match match;
  for (std::size_t from = 0; !trie_.empty() && trie_.find(text, from, match);
       from = match.end) {
    const AddedToken& token = tokens_[static_cast<std::size_t>(match.value)];
    if ((as_letters && token.special) ||
        (token.single_word && !stands_alone(text, match, scratch))) {
      continue;
    }
    std::size_t begin = match.begin;
    std::size_t end = match.end;
    if (token.left_strip) {
      begin = std::max(skip_space_back(text, begin), done);
    }
    if (token.right_strip) {
      end = skip_space(text, end);
    }
    if (done < begin) {
      out.push_back({done, begin, -1});
    }
    out.push_back({begin, end, token.id});
    done = end;
  }
  if (done < text.size()) {
    out.push_back({done, text.size(), -1});
  }
}

}  // namespace veer
