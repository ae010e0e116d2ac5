// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "veer/jinja/jinja.h"

namespace veer::jinja {

// A template's string: valid UTF-8 and where its bytes come from.
struct Str {
  std::string bytes;
  // Cover `bytes`; empty = all of it is literal.
  std::vector<OriginRun> runs;
  // The result of escape/safe: `+` escapes what is joined to it.
  bool markup = false;
};

// Joins pieces and keeps their origins.
class StrBuilder {
 public:
  void append(std::string_view bytes,
              std::int32_t origin = OriginRun::kLiteral);
  void append(const Str& text);
  // The bytes [begin, end) of `text`.
  void append(const Str& text, std::size_t begin, std::size_t end);
  std::size_t size() const { return bytes_.size(); }
  // The result; the builder is empty again.
  Str take();
  // The runs even where all is literal.
  const std::vector<OriginRun>& runs() const { return runs_; }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
  std::vector<OriginRun> runs_;
  bool marked_ = false;  // some run is not literal
};

Str slice_bytes(const Str& text, std::size_t begin, std::size_t end);

// Origin of bytes asked for in ascending order.
class OriginCursor {
 public:
  explicit OriginCursor(const Str& text) : runs_(text.runs) {}
  std::int32_t at(std::size_t position);

 private:
  const std::vector<OriginRun>& runs_;
  std::size_t index_ = 0;
  std::size_t begin_ = 0;
};

// Code points. All functions take valid UTF-8.
struct CodePoint {
  std::uint32_t value = 0;
  std::size_t length = 0;
};
CodePoint code_point_at(std::string_view text, std::size_t position);
void append_code_point(std::string& out, std::uint32_t value);
std::int64_t count_code_points(std::string_view text);
// Byte offset of code point `index` (>= 0); text.size() beyond the end.
std::size_t byte_offset(std::string_view text, std::int64_t index);
bool valid_utf8(std::string_view text);

// Python's str predicates of one code point.
bool is_space(std::uint32_t c);
bool is_alphabetic(std::uint32_t c);
bool is_decimal(std::uint32_t c);
bool is_digit(std::uint32_t c);
bool is_numeric(std::uint32_t c);
bool is_upper(std::uint32_t c);
bool is_lower(std::uint32_t c);
bool is_title(std::uint32_t c);
bool is_printable(std::uint32_t c);
bool is_word(std::uint32_t c);  // re's \w

// Case mapping of one code point, appended; a few map to two.
void append_upper(std::string& out, std::uint32_t c);
void append_lower(std::string& out, std::uint32_t c);
void append_title(std::string& out, std::uint32_t c);

// First byte after leading, and after the last not-trailing white space.
std::size_t skip_space(std::string_view text, std::size_t begin = 0);
std::size_t trim_end(std::string_view text, std::size_t begin = 0);

}  // namespace veer::jinja
