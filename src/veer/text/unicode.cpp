// SPDX-License-Identifier: MIT
#include "veer/text/unicode.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include <utf8proc.h>

#include "veer/base/error.h"

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

// Hangul vowels and trailing consonants join the syllable before them.
bool is_joining_jamo(char32_t c) {
  return c >= 0x1160 && c <= 0x11FF;
}

// Whether NFC surely leaves the text as it is.
bool is_surely_nfc(std::string_view valid) {
  for (std::size_t at = 0; (at = ascii_run(valid, at)) < valid.size();) {
    const char32_t c = next_code_point(valid, at);
    if (c < 0x300) {
      continue;  // precomposed Latin is its own NFC
    }
    const auto* p = utf8proc_get_property(static_cast<utf8proc_int32_t>(c));
    const bool combines =
        p->comb_index != UINT16_MAX && p->comb_index >= 0x8000;
    if (p->combining_class != 0 || p->decomp_seqindex != UINT16_MAX ||
        combines || is_joining_jamo(c)) {
      return false;
    }
  }
  return true;
}

std::vector<utf8proc_int32_t> decompose(std::string_view valid, bool compat) {
  const int options =
      UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | (compat ? UTF8PROC_COMPAT : 0);
  std::vector<utf8proc_int32_t> out;
  out.reserve(valid.size());
  std::array<utf8proc_int32_t, 32> buffer{};
  int boundary = 0;
  for (std::size_t at = 0; at < valid.size();) {
    const auto c = static_cast<utf8proc_int32_t>(next_code_point(valid, at));
    const auto n = utf8proc_decompose_char(
        c, buffer.data(), buffer.size(),
        static_cast<utf8proc_option_t>(options), &boundary);
    if (n < 0 || n > static_cast<utf8proc_ssize_t>(buffer.size())) {
      out.push_back(c);
      continue;
    }
    out.insert(out.end(), buffer.begin(), buffer.begin() + n);
  }
  return out;
}

// Canonical order. utf8proc's own sort is quadratic in a run of marks.
void order_marks(std::vector<utf8proc_int32_t>& points) {
  const auto mark_class = [](utf8proc_int32_t c) {
    return c < 0x300 ? 0 : utf8proc_get_property(c)->combining_class;
  };
  for (std::size_t i = 0; i < points.size();) {
    if (mark_class(points[i]) == 0) {
      ++i;
      continue;
    }
    std::size_t end = i + 1;
    while (end < points.size() && mark_class(points[end]) != 0) {
      ++end;
    }
    std::stable_sort(
        points.begin() + static_cast<std::ptrdiff_t>(i),
        points.begin() + static_cast<std::ptrdiff_t>(end),
        [&](auto a, auto b) { return mark_class(a) < mark_class(b); });
    i = end;
  }
}

}  // namespace

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

std::string normalize(std::string_view valid, NormalForm form) {
  const bool compat = form == NormalForm::kNfkc || form == NormalForm::kNfkd;
  const bool compose = form == NormalForm::kNfc || form == NormalForm::kNfkc;
  if (ascii_run(valid, 0) == valid.size() ||
      (form == NormalForm::kNfc && is_surely_nfc(valid))) {
    return std::string(valid);
  }
  auto points = decompose(valid, compat);
  order_marks(points);
  auto count = static_cast<utf8proc_ssize_t>(points.size());
  if (compose) {
    count = utf8proc_normalize_utf32(
        points.data(), count,
        static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    if (count < 0) {
      fail_run("normalise text", utf8proc_errmsg(count));
    }
  }
  std::string out;
  out.reserve(valid.size());
  for (utf8proc_ssize_t i = 0; i < count; ++i) {
    append_utf8(out,
                static_cast<char32_t>(points[static_cast<std::size_t>(i)]));
  }
  return out;
}

std::string to_lower(std::string_view valid) {
  std::string out;
  out.reserve(valid.size());
  for (std::size_t at = 0; at < valid.size();) {
    const char32_t c = next_code_point(valid, at);
    if (c == 0x130) {  // the one character that lowers to two
      out += "i\xCC\x87";
    } else {
      append_utf8(out, static_cast<char32_t>(
                           utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
    }
  }
  return out;
}

}  // namespace veer
