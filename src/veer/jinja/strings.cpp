// SPDX-License-Identifier: MIT
#include "veer/jinja/strings.h"

#include <algorithm>

namespace veer::jinja {
namespace {

bool in_set(std::uint32_t c, std::string_view chars) {
  for (std::size_t at = 0; at < chars.size();) {
    const CodePoint other = code_point_at(chars, at);
    if (other.value == c) {
      return true;
    }
    at += other.length;
  }
  return false;
}

std::size_t last_begin(std::string_view text, std::size_t end) {
  --end;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
    --end;
  }
  return end;
}

}  // namespace

Str strip_text(const Str& text, const Str* chars, Side side) {
  const auto strips = [&](std::uint32_t c) {
    return chars == nullptr ? is_space(c) : in_set(c, chars->bytes);
  };
  std::size_t begin = 0;
  std::size_t end = text.bytes.size();
  while (side != Side::kRight && begin < end) {
    const CodePoint c = code_point_at(text.bytes, begin);
    if (!strips(c.value)) {
      break;
    }
    begin += c.length;
  }
  while (side != Side::kLeft && end > begin) {
    const std::size_t start = last_begin(text.bytes, end);
    if (!strips(code_point_at(text.bytes, start).value)) {
      break;
    }
    end = start;
  }
  return slice_bytes(text, begin, end);
}

Str replace_text(Interpreter& in, const Str& text, std::string_view old,
                 const Str& with, std::int64_t count) {
  in.step(static_cast<std::int64_t>(text.bytes.size() / 64));
  StrBuilder out;
  std::size_t done = 0;
  std::size_t at = 0;
  const std::string_view bytes = text.bytes;
  const auto put = [&](std::size_t upto) {
    in.step();
    in.charge_bytes(with.bytes.size());
    out.append(text, done, upto);
    out.append(with);
    done = upto;
  };
  if (old.empty()) {
    for (; count != 0 && at <= bytes.size(); --count) {
      put(at);
      if (at == bytes.size()) {
        break;
      }
      at += code_point_at(bytes, at).length;
    }
  } else {
    for (; count != 0; --count) {
      at = bytes.find(old, done);
      if (at == std::string_view::npos) {
        break;
      }
      put(at);
      done = at + old.size();
    }
  }
  out.append(text, done, bytes.size());
  return out.take();
}

namespace {

std::vector<Value> split_space(Interpreter& in, const Str& text,
                               std::int64_t count, bool from_right) {
  std::vector<std::pair<std::size_t, std::size_t>> words;
  const std::string_view bytes = text.bytes;
  for (std::size_t at = skip_space(bytes); at < bytes.size();) {
    std::size_t end = at;
    while (end < bytes.size()) {
      const CodePoint c = code_point_at(bytes, end);
      if (is_space(c.value)) {
        break;
      }
      end += c.length;
    }
    words.emplace_back(at, end);
    at = skip_space(bytes, end);
    in.step();
  }
  const auto total = static_cast<std::int64_t>(words.size());
  if (count >= 0 && count + 1 < total) {
    // What is beyond the last split stays one piece.
    if (from_right) {
      const auto keep = static_cast<std::size_t>(total - count);
      words[keep - 1].first = words[0].first = 0;
      words.erase(words.begin(),
                  words.begin() + static_cast<std::ptrdiff_t>(keep - 1));
    } else {
      words.resize(static_cast<std::size_t>(count + 1));
      words.back().second = bytes.size();
    }
  }
  std::vector<Value> out;
  for (const auto& [begin, end] : words) {
    out.push_back(in.text(slice_bytes(text, begin, end)));
  }
  return out;
}

}  // namespace

std::vector<Value> split_text(Interpreter& in, const Str& text,
                              const Str* separator, std::int64_t count,
                              bool from_right) {
  in.step(static_cast<std::int64_t>(text.bytes.size() / 64));
  if (separator == nullptr) {
    return split_space(in, text, count, from_right);
  }
  if (separator->bytes.empty()) {
    in.fail("empty separator");
  }
  const std::string_view bytes = text.bytes;
  const std::string_view mark = separator->bytes;
  std::vector<std::size_t> cuts;
  if (from_right) {
    std::size_t end = bytes.size();
    while (count != 0 && end >= mark.size()) {
      const std::size_t at = bytes.rfind(mark, end - mark.size());
      if (at == std::string_view::npos) {
        break;
      }
      cuts.push_back(at);
      end = at;
      --count;
    }
    std::reverse(cuts.begin(), cuts.end());
  } else {
    for (std::size_t at = bytes.find(mark);
         count != 0 && at != std::string_view::npos;
         at = bytes.find(mark, at + mark.size()), --count) {
      cuts.push_back(at);
    }
  }
  std::vector<Value> out;
  std::size_t begin = 0;
  for (const std::size_t cut : cuts) {
    in.step();
    out.push_back(in.text(slice_bytes(text, begin, cut)));
    begin = cut + mark.size();
  }
  out.push_back(in.text(slice_bytes(text, begin, bytes.size())));
  return out;
}

std::vector<std::pair<std::size_t, std::size_t>> line_ranges(
    std::string_view text, bool keep_ends) {
  std::vector<std::pair<std::size_t, std::size_t>> out;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = code_point_at(text, at);
    const bool ends = (c.value >= 0x0A && c.value <= 0x0D) ||
                      (c.value >= 0x1C && c.value <= 0x1E) || c.value == 0x85 ||
                      c.value == 0x2028 || c.value == 0x2029;
    std::size_t next = at + c.length;
    if (ends) {
      if (c.value == '\r' && next < text.size() && text[next] == '\n') {
        ++next;
      }
      out.emplace_back(begin, keep_ends ? next : at);
      begin = next;
    }
    at = next;
  }
  if (begin < text.size()) {
    out.emplace_back(begin, text.size());
  }
  return out;
}

Str map_case(const Str& text, CaseMap map) {
  StrBuilder out;
  OriginCursor origin(text);
  bool first = true;  // of the text, or of a word
  bool after_cased = false;
  static constexpr std::string_view kWordBegin = "-({[<";
  for (std::size_t at = 0; at < text.bytes.size();) {
    const CodePoint c = code_point_at(text.bytes, at);
    std::string piece;
    switch (map) {
      case CaseMap::kUpper:
        append_upper(piece, c.value);
        break;
      case CaseMap::kLower:
        append_lower(piece, c.value);
        break;
      case CaseMap::kSwap:
        is_upper(c.value) ? append_lower(piece, c.value)
                          : append_upper(piece, c.value);
        break;
      case CaseMap::kTitle: {
        after_cased ? append_lower(piece, c.value)
                    : append_title(piece, c.value);
        after_cased =
            is_upper(c.value) || is_lower(c.value) || is_title(c.value);
        break;
      }
      case CaseMap::kCapitalize:
        first ? append_title(piece, c.value) : append_lower(piece, c.value);
        first = false;
        break;
      case CaseMap::kJinjaTitle: {
        const bool separates =
            is_space(c.value) ||
            (c.value < 0x80 && kWordBegin.find(static_cast<char>(c.value)) !=
                                   std::string_view::npos);
        first ? append_upper(piece, c.value) : append_lower(piece, c.value);
        first = separates;
        break;
      }
    }
    out.append(piece, origin.at(at));
    at += c.length;
  }
  Str result = out.take();
  result.markup = text.markup;
  return result;
}

Str pad_text(Interpreter& in, const Str& text, std::int64_t left,
             std::int64_t right, std::string_view fill) {
  left = std::max<std::int64_t>(left, 0);
  right = std::max<std::int64_t>(right, 0);
  const auto most = static_cast<std::int64_t>(in.limits().max_string_bytes);
  if (left > most || right > most) {
    in.charge_bytes(in.limits().max_string_bytes + 1);
  }
  in.charge_bytes(static_cast<std::size_t>(left + right) * fill.size());
  StrBuilder out;
  for (std::int64_t i = 0; i < left; ++i) {
    out.append(fill);
  }
  out.append(text);
  for (std::int64_t i = 0; i < right; ++i) {
    out.append(fill);
  }
  return out.take();
}

bool all_characters(std::string_view text, CharacterTest test) {
  bool any = false;  // a cased character, for upper and lower
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = code_point_at(text, at);
    const std::uint32_t v = c.value;
    bool good = true;
    switch (test) {
      case CharacterTest::kDigit:
        good = is_digit(v);
        break;
      case CharacterTest::kAlpha:
        good = is_alphabetic(v);
        break;
      case CharacterTest::kAlnum:
        good = is_alphabetic(v) || is_numeric(v);
        break;
      case CharacterTest::kSpace:
        good = is_space(v);
        break;
      case CharacterTest::kUpper:
        good = !is_lower(v) && !is_title(v);
        any = any || is_upper(v);
        break;
      case CharacterTest::kLower:
        good = !is_upper(v) && !is_title(v);
        any = any || is_lower(v);
        break;
      case CharacterTest::kDecimal:
        good = is_decimal(v);
        break;
      case CharacterTest::kNumeric:
        good = is_numeric(v);
        break;
    }
    if (!good) {
      return false;
    }
    at += c.length;
  }
  return test == CharacterTest::kUpper || test == CharacterTest::kLower
             ? any
             : !text.empty();
}

}  // namespace veer::jinja
