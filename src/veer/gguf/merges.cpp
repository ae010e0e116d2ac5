// SPDX-License-Identifier: MIT
#include "veer/gguf/merges.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <unordered_map>

namespace veer {
namespace {

// Joins longer than this are no words: markup, or a hostile file, whose cost
// would be the square of their length.
constexpr std::size_t kMaxToken = 512;

bool begins_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xc0U) != 0x80U;
}

struct Join {
  std::size_t token;
  std::size_t left_bytes;
  std::size_t left_characters;
  std::size_t right_characters;
  std::size_t left_id;
  std::size_t right_id;
};

}  // namespace

std::vector<std::pair<std::string, std::string>> merges_of_scores(
    const std::vector<std::string>& tokens, const std::vector<double>& scores) {
  std::unordered_map<std::string_view, std::size_t> ids;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    ids.insert_or_assign(tokens[i], i);
  }
  std::vector<Join> joins;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::string_view token = tokens[i];
    if (token.size() > kMaxToken) {
      continue;
    }
    const auto characters = static_cast<std::size_t>(
        std::ranges::count_if(token, begins_character));
    const std::size_t first = joins.size();
    std::size_t before = 1;
    for (std::size_t at = 1; at < token.size(); ++at) {
      if (!begins_character(token[at])) {
        continue;
      }
      const auto left = ids.find(token.substr(0, at));
      const auto right = ids.find(token.substr(at));
      if (left != ids.end() && right != ids.end()) {
        joins.push_back(
            {i, at, before, characters - before, left->second, right->second});
      }
      ++before;
    }
    std::sort(joins.begin() + static_cast<std::ptrdiff_t>(first), joins.end(),
              [](const Join& a, const Join& b) {
                return std::tie(a.left_id, a.right_id) <
                       std::tie(b.left_id, b.right_id);
              });
  }
  std::ranges::stable_sort(joins, [&](const Join& a, const Join& b) {
    return std::tie(scores[a.token], a.left_characters, a.right_characters) >
           std::tie(scores[b.token], b.left_characters, b.right_characters);
  });
  std::vector<std::pair<std::string, std::string>> merges;
  merges.reserve(joins.size());
  for (const Join& join : joins) {
    const std::string& token = tokens[join.token];
    merges.emplace_back(token.substr(0, join.left_bytes),
                        token.substr(join.left_bytes));
  }
  return merges;
}

}  // namespace veer
