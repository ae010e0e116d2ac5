// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace veer::jinja {

enum class TokenType {
  kData,
  kVariableBegin,
  kVariableEnd,
  kBlockBegin,
  kBlockEnd,
  kName,
  kString,
  kInteger,
  kFloat,
  kOperator,
  kEnd
};

struct Token {
  TokenType type = TokenType::kEnd;
  std::string text;  // name, operator, decoded string, data
  std::int64_t integer = 0;
  double number = 0.0;
  std::uint32_t offset = 0;  // in the normalised source

  bool is(TokenType wanted, std::string_view value) const {
    return type == wanted && text == value;
  }
  bool is_name(std::string_view value) const {
    return is(TokenType::kName, value);
  }
  bool is_op(std::string_view value) const {
    return is(TokenType::kOperator, value);
  }
};

// Line ends become "\n" and the one last line end is dropped.
std::string normalise_source(std::string_view source);

// Throws Error{kBadInput}: [chat template] <origin>, line L, column C: what.
[[noreturn]] void fail_at(std::string_view source, std::size_t offset,
                          std::string_view origin, std::string_view what,
                          std::string_view expected = {});
// "<origin>, line L, column C" of an offset.
std::string place_of(std::string_view source, std::size_t offset,
                     std::string_view origin);

// The tokens of a normalised source as jinja2's lexer gives them with
// trim_blocks and lstrip_blocks; the last one is kEnd.
std::vector<Token> tokenize(std::string_view source, std::string_view origin);

}  // namespace veer::jinja
