// SPDX-License-Identifier: MIT
// The normal forms and lower case of the `tokenizers` library. Its tables of
// normal forms are those of Unicode 9, its lower case that of Unicode 17;
// utf8proc has Unicode 15 for both, so what lies between is listed here.
#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include <utf8proc.h>

#include "veer/text/unicode.h"

namespace veer {
namespace {

using Range = std::pair<char32_t, char32_t>;

// Characters younger than Unicode 9 that utf8proc decomposes or reorders:
// the reference knows neither a decomposition nor a combining class of them.
constexpr std::array kYoungRanges = {
    Range{0x7FD, 0x7FD},     Range{0x898, 0x89F},     Range{0x8CA, 0x8D3},
    Range{0x9FE, 0x9FE},     Range{0xC3C, 0xC3C},     Range{0xD3B, 0xD3C},
    Range{0xEBA, 0xEBA},     Range{0x1715, 0x1715},   Range{0x1ABF, 0x1ACE},
    Range{0x1DF6, 0x1DFA},   Range{0x32FF, 0x32FF},   Range{0xA7F2, 0xA7F4},
    Range{0xA82C, 0xA82C},   Range{0xAB69, 0xAB69},   Range{0x10781, 0x107BA},
    Range{0x10D24, 0x10D27}, Range{0x10EAB, 0x10EAC}, Range{0x10EFD, 0x10EFF},
    Range{0x10F46, 0x10F50}, Range{0x10F82, 0x10F85}, Range{0x11070, 0x11070},
    Range{0x1133B, 0x1133B}, Range{0x1145E, 0x1145E}, Range{0x11839, 0x1183A},
    Range{0x11938, 0x11938}, Range{0x1193D, 0x1193E}, Range{0x11943, 0x11943},
    Range{0x119E0, 0x119E0}, Range{0x11A34, 0x11A34}, Range{0x11A47, 0x11A47},
    Range{0x11A99, 0x11A99}, Range{0x11D42, 0x11D42}, Range{0x11D44, 0x11D45},
    Range{0x11D97, 0x11D97}, Range{0x11F41, 0x11F42}, Range{0x16FF0, 0x16FF1},
    Range{0x1E030, 0x1E08F}, Range{0x1E130, 0x1E136}, Range{0x1E2AE, 0x1E2AE},
    Range{0x1E2EC, 0x1E2EF}, Range{0x1E4EC, 0x1E4EF}, Range{0x1F16C, 0x1F16C},
    Range{0x1FBF0, 0x1FBF9}};

bool is_young(char32_t c) {
  const auto* range = std::ranges::lower_bound(
      kYoungRanges, c, {}, [](const Range& r) { return r.second; });
  return range != kYoungRanges.end() && range->first <= c;
}

const utf8proc_property_t& property(char32_t c) {
  return *utf8proc_get_property(static_cast<utf8proc_int32_t>(c));
}

int combining_class(char32_t c) {
  if (c < 0x300) {
    return 0;
  }
  const int found = property(c).combining_class;
  return found == 0 || is_young(c) ? 0 : found;
}

constexpr char32_t kSyllables = 0xAC00, kLeads = 0x1100, kVowels = 0x1161,
                   kTrails = 0x11A7;
constexpr char32_t kNumLeads = 19, kNumVowels = 21, kNumTrails = 28;
constexpr char32_t kNumSyllables = kNumLeads * kNumVowels * kNumTrails;

// Two characters that are one in a composed form.
struct Composition {
  char32_t first, second, whole;
  std::pair<char32_t, char32_t> parts() const { return {first, second}; }
};

std::vector<char32_t> decomposition(char32_t c, bool compat) {
  std::array<utf8proc_int32_t, 32> buffer{};
  const int options =
      UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | (compat ? UTF8PROC_COMPAT : 0);
  int boundary = 0;
  const auto n = utf8proc_decompose_char(
      static_cast<utf8proc_int32_t>(c), buffer.data(), buffer.size(),
      static_cast<utf8proc_option_t>(options), &boundary);
  if (n < 0 || n > static_cast<utf8proc_ssize_t>(buffer.size())) {
    return {c};
  }
  return {buffer.begin(), buffer.begin() + n};
}

// Whether the parts compose to `whole` again. Those that Unicode excludes, and
// those that stand for one other character (U+1FEE for U+0385), do not.
bool becomes(const std::vector<char32_t>& parts, char32_t whole) {
  std::vector<utf8proc_int32_t> points(parts.begin(), parts.end());
  const auto n = utf8proc_normalize_utf32(
      points.data(), static_cast<utf8proc_ssize_t>(points.size()),
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  return n == 1 && static_cast<char32_t>(points[0]) == whole;
}

// A table of our own: utf8proc's composition swallows U+11A7 behind a Hangul
// syllable. A character of more than two parts is made of the whole of all but
// its last part, which has a smaller number of parts and so is known before.
class Compositions {
 public:
  Compositions() {
    std::vector<std::pair<std::vector<char32_t>, char32_t>> found;
    constexpr char32_t kLast = 0x1FFFF;  // beyond are only single parts
    for (char32_t c = 0xC0; c <= kLast; ++c) {
      const auto& p = property(c);
      if (p.decomp_seqindex == UINT16_MAX || p.decomp_type != 0 ||
          is_young(c)) {
        continue;
      }
      auto parts = decomposition(c, /*compat=*/false);
      if (parts.size() > 1 && becomes(parts, c)) {
        found.emplace_back(std::move(parts), c);
      }
    }
    std::ranges::stable_sort(found, {},
                             [](const auto& f) { return f.first.size(); });
    for (const auto& [parts, whole] : found) {
      char32_t first = parts[0];
      for (std::size_t i = 1; i + 1 < parts.size(); ++i) {
        first = first == 0 ? 0 : find(first, parts[i]);
      }
      if (first != 0) {
        insert({first, parts.back(), whole});
      }
    }
  }

  // The whole, or 0.
  char32_t find(char32_t first, char32_t second) const {
    const auto at = std::ranges::lower_bound(all_, std::pair(first, second), {},
                                             &Composition::parts);
    return at != all_.end() && at->parts() == std::pair(first, second)
               ? at->whole
               : 0;
  }

 private:
  void insert(Composition c) {
    all_.insert(
        std::ranges::lower_bound(all_, c.parts(), {}, &Composition::parts), c);
  }

  std::vector<Composition> all_;  // sorted by its parts
};

char32_t compose(char32_t first, char32_t second) {
  if (first - kLeads < kNumLeads && second - kVowels < kNumVowels) {
    return kSyllables +
           ((first - kLeads) * kNumVowels + (second - kVowels)) * kNumTrails;
  }
  const char32_t syllable = first - kSyllables;
  if (syllable < kNumSyllables && syllable % kNumTrails == 0 &&
      second > kTrails && second - kTrails < kNumTrails) {
    return first + (second - kTrails);
  }
  static const Compositions kCompositions;
  return second < 0x300 ? 0 : kCompositions.find(first, second);
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
    const auto& p = property(c);
    const bool combines = p.comb_index != UINT16_MAX && p.comb_index >= 0x8000;
    if (p.combining_class != 0 || p.decomp_seqindex != UINT16_MAX || combines ||
        is_joining_jamo(c)) {
      return false;
    }
  }
  return true;
}

std::vector<char32_t> decompose(std::string_view valid, bool compat) {
  std::vector<char32_t> out;
  out.reserve(valid.size());
  for (std::size_t at = 0; at < valid.size();) {
    const char32_t c = next_code_point(valid, at);
    const bool whole = c < 0xA0 || is_young(c) ||
                       (property(c).decomp_seqindex == UINT16_MAX &&
                        c - kSyllables >= kNumSyllables);
    if (whole) {
      out.push_back(c);
      continue;
    }
    const auto parts = decomposition(c, compat);
    out.insert(out.end(), parts.begin(), parts.end());
  }
  return out;
}

// Canonical order. utf8proc's own sort is quadratic in a run of marks.
void order_marks(std::vector<char32_t>& points) {
  for (std::size_t i = 0; i < points.size();) {
    if (combining_class(points[i]) == 0) {
      ++i;
      continue;
    }
    std::size_t end = i + 1;
    while (end < points.size() && combining_class(points[end]) != 0) {
      ++end;
    }
    std::stable_sort(points.begin() + static_cast<std::ptrdiff_t>(i),
                     points.begin() + static_cast<std::ptrdiff_t>(end),
                     [](char32_t a, char32_t b) {
                       return combining_class(a) < combining_class(b);
                     });
    i = end;
  }
}

// Canonical composition: a character joins the last starter unless one between
// them has its class or a higher one (Unicode Standard, 3.11, D117).
void compose_all(std::vector<char32_t>& points) {
  constexpr std::size_t kNone = SIZE_MAX;
  std::size_t starter = kNone;
  std::size_t kept = 0;
  int last_class = -1;  // of what was kept behind the starter
  for (const char32_t c : points) {
    const int own_class = combining_class(c);
    if (starter != kNone && last_class < own_class) {
      if (const char32_t whole = compose(points[starter], c)) {
        points[starter] = whole;
        continue;
      }
    }
    if (own_class == 0) {
      starter = kept;
      last_class = -1;
    } else {
      last_class = own_class;
    }
    points[kept++] = c;
  }
  points.resize(kept);
}

// Pairs of upper and lower case that came after Unicode 15.
char32_t young_lower(char32_t c) {
  if (c >= 0x10D50 && c <= 0x10D65) {
    return c + 0x20;
  }
  if (c >= 0x16EA0 && c <= 0x16EB8) {
    return c + 0x1B;
  }
  switch (c) {
    case 0x1C89:
    case 0xA7CC:
    case 0xA7CE:
    case 0xA7D2:
    case 0xA7D4:
    case 0xA7DA:
      return c + 1;
    case 0xA7CB:
      return 0x264;
    case 0xA7DC:
      return 0x19B;
    default:
      return 0;
  }
}

}  // namespace

std::string normalize(std::string_view valid, NormalForm form) {
  const bool compat = form == NormalForm::kNfkc || form == NormalForm::kNfkd;
  const bool composed = form == NormalForm::kNfc || form == NormalForm::kNfkc;
  if (ascii_run(valid, 0) == valid.size() ||
      (form == NormalForm::kNfc && is_surely_nfc(valid))) {
    return std::string(valid);
  }
  auto points = decompose(valid, compat);
  order_marks(points);
  if (composed) {
    compose_all(points);
  }
  std::string out;
  out.reserve(valid.size());
  for (const char32_t c : points) {
    append_utf8(out, c);
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
    } else if (const char32_t young = young_lower(c)) {
      append_utf8(out, young);
    } else {
      append_utf8(out, static_cast<char32_t>(
                           utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
    }
  }
  return out;
}

}  // namespace veer
