// SPDX-License-Identifier: MIT
#include "veer/jinja/text.h"

#include <algorithm>

#include <utf8proc.h>

namespace veer::jinja {
namespace {

void push_run(std::vector<OriginRun>& runs, std::size_t length,
              std::int32_t origin) {
  if (length == 0) {
    return;
  }
  if (!runs.empty() && runs.back().origin == origin) {
    runs.back().length += static_cast<std::uint32_t>(length);
  } else {
    runs.push_back({static_cast<std::uint32_t>(length), origin});
  }
}

utf8proc_category_t category(std::uint32_t c) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(c));
}

}  // namespace

void StrBuilder::append(std::string_view bytes, std::int32_t origin) {
  bytes_.append(bytes);
  push_run(runs_, bytes.size(), origin);
  marked_ = marked_ || (origin != OriginRun::kLiteral && !bytes.empty());
}

void StrBuilder::append(const Str& text) {
  append(text, 0, text.bytes.size());
}

void StrBuilder::append(const Str& text, std::size_t begin, std::size_t end) {
  if (text.runs.empty()) {
    append(std::string_view(text.bytes).substr(begin, end - begin));
    return;
  }
  std::size_t at = 0;
  for (const OriginRun& run : text.runs) {
    const std::size_t from = std::max(at, begin);
    const std::size_t to = std::min(at + run.length, end);
    if (from < to) {
      append(std::string_view(text.bytes).substr(from, to - from), run.origin);
    }
    at += run.length;
    if (at >= end) {
      break;
    }
  }
}

Str StrBuilder::take() {
  Str out;
  out.bytes = std::move(bytes_);
  if (marked_) {
    out.runs = std::move(runs_);
  }
  bytes_.clear();
  runs_.clear();
  marked_ = false;
  return out;
}

Str slice_bytes(const Str& text, std::size_t begin, std::size_t end) {
  if (begin == 0 && end == text.bytes.size()) {
    return text;
  }
  StrBuilder builder;
  builder.append(text, begin, end);
  Str out = builder.take();
  out.markup = text.markup;
  return out;
}

std::int32_t OriginCursor::at(std::size_t position) {
  while (index_ < runs_.size() && position >= begin_ + runs_[index_].length) {
    begin_ += runs_[index_].length;
    ++index_;
  }
  return index_ < runs_.size() ? runs_[index_].origin : OriginRun::kLiteral;
}

CodePoint code_point_at(std::string_view text, std::size_t position) {
  const auto byte = [&](std::size_t i) {
    return position + i < text.size()
               ? static_cast<unsigned char>(text[position + i])
               : 0U;
  };
  const std::uint32_t first = byte(0);
  if (first < 0x80) {
    return {first, 1};
  }
  if (first < 0xE0) {
    return {(first & 0x1FU) << 6U | (byte(1) & 0x3FU), 2};
  }
  if (first < 0xF0) {
    return {
        (first & 0x0FU) << 12U | (byte(1) & 0x3FU) << 6U | (byte(2) & 0x3FU),
        3};
  }
  return {(first & 0x07U) << 18U | (byte(1) & 0x3FU) << 12U |
              (byte(2) & 0x3FU) << 6U | (byte(3) & 0x3FU),
          4};
}

void append_code_point(std::string& out, std::uint32_t value) {
  if (value < 0x80) {
    out += static_cast<char>(value);
  } else if (value < 0x800) {
    out += static_cast<char>(0xC0U | value >> 6U);
    out += static_cast<char>(0x80U | (value & 0x3FU));
  } else if (value < 0x10000) {
    out += static_cast<char>(0xE0U | value >> 12U);
    out += static_cast<char>(0x80U | (value >> 6U & 0x3FU));
    out += static_cast<char>(0x80U | (value & 0x3FU));
  } else {
    out += static_cast<char>(0xF0U | value >> 18U);
    out += static_cast<char>(0x80U | (value >> 12U & 0x3FU));
    out += static_cast<char>(0x80U | (value >> 6U & 0x3FU));
    out += static_cast<char>(0x80U | (value & 0x3FU));
  }
}

std::int64_t count_code_points(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  });
}

std::size_t byte_offset(std::string_view text, std::int64_t index) {
  std::size_t position = 0;
  for (; index > 0 && position < text.size(); --index) {
    position += code_point_at(text, position).length;
  }
  return std::min(position, text.size());
}

bool valid_utf8(std::string_view text) {
  const auto* at = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  auto left = static_cast<utf8proc_ssize_t>(text.size());
  while (left > 0) {
    utf8proc_int32_t c = 0;
    const utf8proc_ssize_t n = utf8proc_iterate(at, left, &c);
    if (n <= 0) {
      return false;
    }
    at += n;
    left -= n;
  }
  return true;
}

bool is_space(std::uint32_t c) {
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 ||
         c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
         c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

bool is_alphabetic(std::uint32_t c) {
  const auto k = category(c);
  return k == UTF8PROC_CATEGORY_LU || k == UTF8PROC_CATEGORY_LL ||
         k == UTF8PROC_CATEGORY_LT || k == UTF8PROC_CATEGORY_LM ||
         k == UTF8PROC_CATEGORY_LO;
}

bool is_decimal(std::uint32_t c) {
  return category(c) == UTF8PROC_CATEGORY_ND;
}

bool is_digit(std::uint32_t c) {
  return is_decimal(c) || c == 0xB2 || c == 0xB3 || c == 0xB9 || c == 0x2070 ||
         (c >= 0x2074 && c <= 0x2079) || (c >= 0x2080 && c <= 0x2089) ||
         (c >= 0x2460 && c <= 0x2468);
}

bool is_numeric(std::uint32_t c) {
  const auto k = category(c);
  return k == UTF8PROC_CATEGORY_ND || k == UTF8PROC_CATEGORY_NL ||
         k == UTF8PROC_CATEGORY_NO;
}

bool is_upper(std::uint32_t c) {
  return category(c) == UTF8PROC_CATEGORY_LU;
}

bool is_lower(std::uint32_t c) {
  return category(c) == UTF8PROC_CATEGORY_LL || c == 0xAA || c == 0xBA;
}

bool is_title(std::uint32_t c) {
  return category(c) == UTF8PROC_CATEGORY_LT;
}

bool is_printable(std::uint32_t c) {
  if (c == ' ') {
    return true;
  }
  switch (category(c)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_ZS:
      return false;
    default:
      return true;
  }
}

bool is_word(std::uint32_t c) {
  return c == '_' || is_alphabetic(c) || is_numeric(c);
}

void append_upper(std::string& out, std::uint32_t c) {
  if (c == 0xDF) {
    out += "SS";
    return;
  }
  if (c >= 0xFB00 && c <= 0xFB06) {
    static constexpr const char* kLigatures[] = {"FF",  "FI", "FL", "FFI",
                                                 "FFL", "ST", "ST"};
    out += kLigatures[c - 0xFB00];
    return;
  }
  append_code_point(out, static_cast<std::uint32_t>(utf8proc_toupper(
                             static_cast<utf8proc_int32_t>(c))));
}

void append_lower(std::string& out, std::uint32_t c) {
  if (c == 0x130) {
    out += "i\xCC\x87";
    return;
  }
  append_code_point(out, static_cast<std::uint32_t>(utf8proc_tolower(
                             static_cast<utf8proc_int32_t>(c))));
}

void append_title(std::string& out, std::uint32_t c) {
  if (c == 0xDF) {
    out += "Ss";
    return;
  }
  append_code_point(out, static_cast<std::uint32_t>(utf8proc_totitle(
                             static_cast<utf8proc_int32_t>(c))));
}

std::size_t skip_space(std::string_view text, std::size_t begin) {
  while (begin < text.size()) {
    const CodePoint c = code_point_at(text, begin);
    if (!is_space(c.value)) {
      break;
    }
    begin += c.length;
  }
  return begin;
}

std::size_t trim_end(std::string_view text, std::size_t begin) {
  std::size_t end = text.size();
  while (end > begin) {
    std::size_t start = end - 1;
    while (start > begin &&
           (static_cast<unsigned char>(text[start]) & 0xC0U) == 0x80U) {
      --start;
    }
    if (!is_space(code_point_at(text, start).value)) {
      break;
    }
    end = start;
  }
  return end;
}

}  // namespace veer::jinja
