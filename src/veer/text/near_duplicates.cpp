// SPDX-License-Identifier: MIT
#include "veer/text/near_duplicates.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <optional>
#include <unordered_map>
#include <utility>

#include <fmt/core.h>
#include <utf8proc.h>

#include "veer/base/error.h"
#include "veer/base/hash.h"
#include "veer/text/longest_common.h"

namespace veer {
namespace {

using Features = std::vector<std::uint64_t>;

std::string nfkc(std::string_view text) {
  utf8proc_uint8_t* out = nullptr;
  const auto size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &out,
                   static_cast<utf8proc_option_t>(
                       UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT));
  std::string result(text);
  if (size >= 0) {
    result.assign(reinterpret_cast<const char*>(out),
                  static_cast<std::size_t>(size));
  }
  std::free(out);
  return result;
}

enum class CharacterKind { kWord, kDropped, kBetween };

CharacterKind kind_of(utf8proc_int32_t c) {
  if (c == '\'' || c == 0x2018 || c == 0x2019 || c == '`' || c == 0x02BC) {
    return CharacterKind::kDropped;
  }
  switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_CC:
      return CharacterKind::kBetween;
    default:
      return CharacterKind::kWord;
  }
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    if (end > at) {
      out.push_back(text.substr(at, end - at));
    }
    at = end + 1;
  }
  return out;
}

// Sorted hashes of the 3-grams, or of the words of a shorter text.
Features shingles_of(std::string_view normal) {
  const auto words = split_words(normal);
  Features out;
  if (words.size() < 3) {
    for (const auto& word : words) {
      out.push_back(hash64(word, /*seed=*/1));
    }
  }
  for (std::size_t i = 0; i + 2 < words.size(); ++i) {
    const char* begin = words[i].data();
    const char* end = words[i + 2].data() + words[i + 2].size();
    out.push_back(
        hash64({begin, static_cast<std::size_t>(end - begin)}, /*seed=*/3));
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

Features rouge_tokens(std::string_view text) {
  Features out;
  std::string word;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    char c = i < text.size() ? text[i] : ' ';
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      word += c;
    } else if (!word.empty()) {
      out.push_back(hash64(word));
      word.clear();
    }
  }
  return out;
}

double jaccard_of(const Features& a, const Features& b) {
  if (a.empty() && b.empty()) {
    return 1.0;
  }
  std::size_t common = 0;
  for (auto i = a.begin(), j = b.begin(); i != a.end() && j != b.end();) {
    if (*i == *j) {
      ++common;
      ++i;
      ++j;
    } else {
      *i < *j ? ++i : ++j;
    }
  }
  return static_cast<double>(common) /
         static_cast<double>(a.size() + b.size() - common);
}

double rouge_of(const Features& a, const Features& b) {
  if (a.empty() || b.empty()) {
    return 0.0;
  }
  return 2.0 * static_cast<double>(longest_common_subsequence(a, b)) /
         static_cast<double>(a.size() + b.size());
}

// Occurrences told apart, so that a multiset becomes a set.
Features distinct_occurrences(const Features& tokens) {
  std::unordered_map<std::uint64_t, std::uint64_t> seen;
  Features out;
  for (const std::uint64_t token : tokens) {
    const std::uint64_t again = seen[token]++;
    out.push_back(token ^ (again * 0x9E3779B97F4A7C15ULL));
  }
  return out;
}

struct Prepared {
  std::string normal;
  Features shingles;
  Features tokens;
};

struct Match {
  double score = 0.0;
  const char* measure = "equal";
};

// Texts made ready for comparison, and an index of those added so far.
class Comparison {
 public:
  explicit Comparison(const NearDuplicateOptions& options)
      : options_(options), uses_rouge_(options.rouge_l < 1.0) {
    if (!(options.jaccard > 0.0) || !(options.rouge_l > 0.0)) {
      fail("near-duplicates",
           fmt::format("thresholds {} (jaccard) and {} (rouge_l)",
                       options.jaccard, options.rouge_l),
           "both above 0");
    }
  }

  // All texts first: the order of rarity is that of the whole set.
  void prepare(std::span<const std::string> texts) {
    for (const std::string& text : texts) {
      Prepared one;
      one.normal = normalise_text(text);
      one.shingles = shingles_of(one.normal);
      for (const std::uint64_t f : one.shingles) {
        ++frequency_[f];
      }
      if (uses_rouge_) {
        one.tokens = rouge_tokens(text);
        for (const std::uint64_t f : distinct_occurrences(one.tokens)) {
          ++frequency_[f];
        }
      }
      prepared_.push_back(std::move(one));
    }
    last_seen_.assign(prepared_.size(), -1);
  }

  void add(std::int64_t i) {
    const Prepared& text = prepared_[static_cast<std::size_t>(i)];
    const auto [at, is_new] = by_text_.try_emplace(text.normal);
    at->second.push_back(i);
    if (is_new) {
      for (const std::uint64_t f : prefix(text)) {
        postings_[f].push_back(i);
      }
    }
  }

  // Calls visit(index, match) for each added text that text i resembles. Of
  // added texts that are equal, the first stands for all.
  template <class Visit>
  void matches(std::int64_t i, Visit&& visit) {
    const Prepared& text = prepared_[static_cast<std::size_t>(i)];
    for (const std::uint64_t f : prefix(text)) {
      const auto at = postings_.find(f);
      if (at == postings_.end()) {
        continue;
      }
      for (const std::int64_t other : at->second) {
        if (std::exchange(last_seen_[static_cast<std::size_t>(other)], i) !=
            i) {
          if (const auto match = compare(i, other)) {
            visit(other, *match);
          }
        }
      }
    }
    const auto equal = by_text_.find(text.normal);
    if (equal != by_text_.end() && text.shingles.empty()) {
      visit(equal->second.front(), Match{1.0, "equal"});
    }
  }

  const std::vector<std::int64_t>& equals_of(std::int64_t i) const {
    return by_text_.at(prepared_[static_cast<std::size_t>(i)].normal);
  }

 private:
  std::optional<Match> compare(std::int64_t i, std::int64_t j) const {
    const Prepared& a = prepared_[static_cast<std::size_t>(i)];
    const Prepared& b = prepared_[static_cast<std::size_t>(j)];
    if (a.normal == b.normal) {
      return Match{1.0, "equal"};
    }
    const double jaccard = jaccard_of(a.shingles, b.shingles);
    if (jaccard >= options_.jaccard) {
      return Match{jaccard, "jaccard"};
    }
    if (uses_rouge_) {
      const double rouge = rouge_of(a.tokens, b.tokens);
      if (rouge > options_.rouge_l) {
        return Match{rouge, "rouge_l"};
      }
    }
    return std::nullopt;
  }

  // The `keep` rarest features, in an order that all texts share.
  void add_rarest(Features features, std::size_t keep, Features& out) const {
    std::sort(features.begin(), features.end(),
              [this](std::uint64_t a, std::uint64_t b) {
                const auto x = frequency_.at(a);
                const auto y = frequency_.at(b);
                return x != y ? x < y : a < b;
              });
    features.resize(std::min(keep, features.size()));
    out.insert(out.end(), features.begin(), features.end());
  }

  // Two sets that share a fraction `share` of a set of n must meet in its
  // n - ceil(share n) + 1 rarest members.
  static std::size_t prefix_length(std::size_t n, double share) {
    const double least = std::ceil(share * static_cast<double>(n) - 1e-9);
    return n -
           static_cast<std::size_t>(std::clamp(
               least, 1.0, static_cast<double>(std::max<std::size_t>(n, 1)))) +
           1;
  }

  Features prefix(const Prepared& text) const {
    Features out;
    if (!text.shingles.empty()) {
      add_rarest(
          text.shingles,
          prefix_length(text.shingles.size(), std::min(options_.jaccard, 1.0)),
          out);
    }
    if (uses_rouge_ && !text.tokens.empty()) {
      // F1 > t asks for a common subsequence of more than t / (2 - t) of
      // either text.
      const double t = options_.rouge_l;
      add_rarest(distinct_occurrences(text.tokens),
                 prefix_length(text.tokens.size(), t / (2.0 - t)), out);
    }
    return out;
  }

  NearDuplicateOptions options_;
  bool uses_rouge_;
  std::vector<Prepared> prepared_;
  std::unordered_map<std::uint64_t, std::int64_t> frequency_;
  std::unordered_map<std::uint64_t, std::vector<std::int64_t>> postings_;
  std::unordered_map<std::string, std::vector<std::int64_t>> by_text_;
  std::vector<std::int64_t> last_seen_;
};

}  // namespace

std::string normalise_text(std::string_view text) {
  const std::string composed = nfkc(text);
  std::string out;
  bool space = false;
  const auto* at = reinterpret_cast<const utf8proc_uint8_t*>(composed.data());
  auto left = static_cast<utf8proc_ssize_t>(composed.size());
  while (left > 0) {
    utf8proc_int32_t c = 0;
    utf8proc_ssize_t length = utf8proc_iterate(at, left, &c);
    if (length <= 0) {  // no UTF-8: the byte as it is
      c = 0xFFFD;
      length = 1;
    }
    const CharacterKind kind = kind_of(c);
    if (kind == CharacterKind::kBetween) {
      space = true;
    } else if (kind == CharacterKind::kWord) {
      if (space && !out.empty()) {
        out += ' ';
      }
      space = false;
      utf8proc_uint8_t bytes[4];
      const auto n = utf8proc_encode_char(utf8proc_tolower(c), bytes);
      out.append(reinterpret_cast<const char*>(bytes),
                 static_cast<std::size_t>(n));
    }
    at += length;
    left -= length;
  }
  return out;
}

double word_jaccard(std::string_view a, std::string_view b) {
  return jaccard_of(shingles_of(normalise_text(a)),
                    shingles_of(normalise_text(b)));
}

double rouge_l(std::string_view a, std::string_view b) {
  return rouge_of(rouge_tokens(a), rouge_tokens(b));
}

DuplicateFilter filter_near_duplicates(std::span<const std::string> texts,
                                       const NearDuplicateOptions& options) {
  Comparison comparison(options);
  comparison.prepare(texts);
  DuplicateFilter out;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(texts.size()); ++i) {
    RejectedText best{i, -1, 0.0, ""};
    comparison.matches(i, [&](std::int64_t other, const Match& match) {
      if (best.twin < 0 || match.score > best.score ||
          (match.score == best.score && other < best.twin)) {
        best = {i, other, match.score, match.measure};
      }
    });
    if (best.twin < 0) {
      out.kept.push_back(i);
      comparison.add(i);
    } else {
      out.rejected.push_back(best);
    }
  }
  return out;
}

std::vector<std::int64_t> near_duplicate_clusters(
    std::span<const std::string> texts, const NearDuplicateOptions& options) {
  Comparison comparison(options);
  comparison.prepare(texts);
  std::vector<std::int64_t> parent(texts.size());
  std::iota(parent.begin(), parent.end(), 0);
  const auto root = [&](std::int64_t i) {
    while (parent[static_cast<std::size_t>(i)] != i) {
      auto& up = parent[static_cast<std::size_t>(i)];
      up = parent[static_cast<std::size_t>(up)];
      i = up;
    }
    return i;
  };
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(texts.size()); ++i) {
    comparison.matches(i, [&](std::int64_t other, const Match&) {
      const std::int64_t a = root(i);
      const std::int64_t b = root(other);
      parent[static_cast<std::size_t>(std::max(a, b))] = std::min(a, b);
    });
    comparison.add(i);
  }
  std::vector<std::int64_t> out(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    out[i] = root(static_cast<std::int64_t>(i));
  }
  return out;
}

std::vector<SimilarPair> near_duplicates_between(
    std::span<const std::string> first, std::span<const std::string> second,
    const NearDuplicateOptions& options) {
  Comparison comparison(options);
  comparison.prepare(first);
  comparison.prepare(second);
  const auto offset = static_cast<std::int64_t>(first.size());
  for (std::int64_t j = 0; j < static_cast<std::int64_t>(second.size()); ++j) {
    comparison.add(offset + j);
  }
  std::vector<SimilarPair> out;
  for (std::int64_t i = 0; i < offset; ++i) {
    comparison.matches(i, [&](std::int64_t other, const Match& match) {
      for (const std::int64_t same : comparison.equals_of(other)) {
        out.push_back({i, same - offset, match.score, match.measure});
      }
    });
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first, a.second) < std::pair(b.first, b.second);
  });
  return out;
}

}  // namespace veer
