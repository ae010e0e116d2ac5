// SPDX-License-Identifier: MIT
#include "veer/text/unicode.h"

#include <cstdint>
#include <cstring>

#include <utf8proc.h>

namespace veer {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// How many bytes at the front of `bytes` belong together: a whole character
// (complete) or the longest part that could still become one.
struct Utf8Part {
  std::size_t length;
  bool complete;
  bool cut;  // the bytes ended before the character did
};

Utf8Part first_part(std::string_view bytes) {
  const auto byte = [&](std::size_t i) {
    return static_cast<unsigned char>(bytes[i]);
  };
  const unsigned lead = byte(0);
  if (lead < 0x80) {
    return {1, true, false};
  }
  if (lead < 0xC2 || lead > 0xF4) {
    return {1, false, false};
  }
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  // The second byte excludes overlong forms, surrogates, > U+10FFFF.
  const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  for (std::size_t i = 1; i < length; ++i) {
    if (i == bytes.size()) {
      return {i, false, true};
    }
    const unsigned b = byte(i);
    if (b < (i == 1 ? low : 0x80U) || b > (i == 1 ? high : 0xBFU)) {
      return {i, false, false};
    }
  }
  return {length, true, false};
}

}  // namespace

std::size_t ascii_run(std::string_view bytes, std::size_t at) {
  while (at + 8 <= bytes.size()) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, 8);
    if ((word & 0x8080808080808080U) != 0) {
      break;
    }
    at += 8;
  }
  while (at < bytes.size() && static_cast<unsigned char>(bytes[at]) < 0x80) {
    ++at;
  }
  return at;
}

bool is_valid_utf8(std::string_view bytes) {
  for (std::size_t at = 0; (at = ascii_run(bytes, at)) < bytes.size();) {
    const Utf8Part part = first_part(bytes.substr(at));
    if (!part.complete) {
      return false;
    }
    at += part.length;
  }
  return true;
}

std::size_t repair_utf8(std::string_view bytes, bool final, std::string& out) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    const std::size_t ascii_end = ascii_run(bytes, at);
    out.append(bytes, at, ascii_end - at);
    at = ascii_end;
    if (at == bytes.size()) {
      break;
    }
    const Utf8Part part = first_part(bytes.substr(at));
    if (part.cut && !final) {
      break;
    }
    out.append(part.complete ? bytes.substr(at, part.length) : kReplacement);
    at += part.length;
  }
  return at;
}

std::string to_valid_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  repair_utf8(bytes, /*final=*/true, out);
  return out;
}

char32_t next_code_point(std::string_view valid, std::size_t& at) {
  const auto byte = [&](std::size_t i) -> char32_t {
    return static_cast<unsigned char>(valid[at + i]);
  };
  const char32_t lead = byte(0);
  if (lead < 0x80) {
    at += 1;
    return lead;
  }
  char32_t c = 0;
  if (lead < 0xE0) {
    c = (lead & 0x1F) << 6 | (byte(1) & 0x3F);
    at += 2;
  } else if (lead < 0xF0) {
    c = (lead & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
    at += 3;
  } else {
    c = (lead & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 |
        (byte(3) & 0x3F);
    at += 4;
  }
  return c;
}

std::size_t previous_character(std::string_view valid, std::size_t end) {
  --end;
  while (end > 0 && (static_cast<unsigned char>(valid[end]) & 0xC0) == 0x80) {
    --end;
  }
  return end;
}

void append_utf8(std::string& out, char32_t c) {
  if (c < 0x80) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out.push_back(static_cast<char>(0xC0 | c >> 6));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  } else if (c < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | c >> 12));
    out.push_back(static_cast<char>(0x80 | (c >> 6 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  } else {
    out.push_back(static_cast<char>(0xF0 | c >> 18));
    out.push_back(static_cast<char>(0x80 | (c >> 12 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (c >> 6 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  }
}

bool is_white_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 ||
         c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_numeric(char32_t c) {
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return category == UTF8PROC_CATEGORY_ND || category == UTF8PROC_CATEGORY_NL ||
         category == UTF8PROC_CATEGORY_NO;
}

bool is_punctuation(char32_t c) {
  if (c < 0x80) {
    return (c >= 0x21 && c <= 0x2F) || (c >= 0x3A && c <= 0x40) ||
           (c >= 0x5B && c <= 0x60) || (c >= 0x7B && c <= 0x7E);
  }
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO;
}

}  // namespace veer
