// SPDX-License-Identifier: MIT
#include "veer/text/tokenizer/split.h"

#include <algorithm>
#include <map>

#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/text/tokenizer/vocabulary.h"
#include "veer/text/unicode.h"

namespace veer {
namespace {

// White_Space-separated runs of word or of other characters, as the Rust
// crate `regex` reads \w+|[^\w\s]+.
constexpr std::string_view kWords =
    R"([\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{200C}\x{200D}]+)"
    R"(|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{200C}\x{200D}\s]+)";

// Consecutive matches of a pattern that matches everywhere.
template <class Visit>
void for_each_known(KnownPattern known, const Regex& regex,
                    std::string_view text, Regex::Scratch& scratch,
                    Visit&& visit) {
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = scan_known_pattern(known, text, at);
    if (end == 0) {
      Regex::Match match;
      if (!regex.search(text, at, scratch, match)) {
        return;
      }
      at = match.begin;
      end = match.end;
    }
    visit(at, end);
    at = end;
  }
}

}  // namespace

PreTokenizer::PreTokenizer(const Json& node, const TokenizerPlace& place) {
  for (const Json& step : json_steps(node, "pretokenizers", place)) {
    read(step, place);
  }
  if (!steps_.empty() && steps_.back().kind == Kind::kSpellBytes) {
    steps_.pop_back();
    ends_in_bytes_ = true;
  }
}

void PreTokenizer::read(const Json& node, const TokenizerPlace& place) {
  const std::string type = json_string(node, "type", place);
  if (type == "ByteLevel") {
    return read_byte_level(node, place);
  }
  if (type == "Metaspace") {
    return read_metaspace(node, place);
  }
  Step step;
  if (type == "Split") {
    step.pattern.emplace(node.value("pattern", Json()), place / "pattern");
    step.invert = json_bool_or(node, "invert", false, place);
    step.behavior = read_behavior(node, place);
    if (const Regex* regex = step.pattern->regex()) {
      step.known = recognise_pattern(regex->pattern());
    }
  } else if (type == "Digits") {
    step.delimiter = Delimiter::kNumeric;
    step.behavior = json_bool_or(node, "individual_digits", false, place)
                        ? Behavior::kIsolated
                        : Behavior::kContiguous;
  } else if (type == "Whitespace") {
    step.pattern.emplace(Regex::compile(kWords, place.text));
    step.invert = true;
    step.behavior = Behavior::kRemoved;
  } else if (type == "WhitespaceSplit") {
    step.delimiter = Delimiter::kWhiteSpace;
    step.behavior = Behavior::kRemoved;
  } else if (type == "Punctuation") {
    step.delimiter = Delimiter::kPunctuation;
    step.behavior = read_behavior(node, place);
  } else {
    place.fail(fmt::format("type '{}', which is not supported", type),
               "Split, ByteLevel, Metaspace, Digits, Whitespace, "
               "WhitespaceSplit, Punctuation or a Sequence of them");
  }
  steps_.push_back(std::move(step));
}

void PreTokenizer::read_byte_level(const Json& node,
                                   const TokenizerPlace& place) {
  Step step;
  if (json_bool_or(node, "add_prefix_space", true, place)) {
    step.kind = Kind::kPrefixSpace;
    steps_.push_back(step);
  }
  if (json_bool_or(node, "use_regex", true, place)) {
    step.kind = Kind::kCut;
    step.pattern.emplace(Regex::compile(gpt2_pattern(), place.text));
    step.known = KnownPattern::kGpt2;
    steps_.push_back(step);
  }
  step = {};
  step.kind = Kind::kSpellBytes;
  steps_.push_back(std::move(step));
}

void PreTokenizer::read_metaspace(const Json& node,
                                  const TokenizerPlace& place) {
  const bool legacy = json_bool_or(node, "add_prefix_space", true, place);
  const std::string scheme = json_string_or(node, "prepend_scheme",
                                            legacy ? "always" : "never", place);
  if (scheme != "always" && scheme != "first" && scheme != "never") {
    (place / "prepend_scheme")
        .fail(fmt::format("'{}'", scheme), "always, first or never");
  }
  if (!legacy && scheme != "never") {
    place.fail("add_prefix_space and prepend_scheme contradict each other");
  }
  Step step;
  step.kind = Kind::kMetaspace;
  step.replacement = json_string_or(node, "replacement", "\xE2\x96\x81", place);
  if (step.replacement.empty()) {
    (place / "replacement").fail("\"\"", "one character");
  }
  step.prepend = scheme != "never";
  step.only_first = scheme == "first";
  steps_.push_back(step);
  if (json_bool_or(node, "split", true, place)) {
    Step cut;
    cut.pattern.emplace(Json{{"String", step.replacement}}, place);
    cut.behavior = Behavior::kMergedWithNext;
    steps_.push_back(std::move(cut));
  }
}

PreTokenizer::Behavior PreTokenizer::read_behavior(
    const Json& node, const TokenizerPlace& place) {
  static const std::map<std::string, Behavior, std::less<>> kBehaviors = {
      {"Removed", Behavior::kRemoved},
      {"Isolated", Behavior::kIsolated},
      {"MergedWithPrevious", Behavior::kMergedWithPrevious},
      {"MergedWithNext", Behavior::kMergedWithNext},
      {"Contiguous", Behavior::kContiguous}};
  const std::string name = json_string_or(node, "behavior", "Isolated", place);
  const auto found = kBehaviors.find(name);
  if (found == kBehaviors.end()) {
    (place / "behavior")
        .fail(fmt::format("'{}'", name),
              "Removed, Isolated, MergedWithPrevious, "
              "MergedWithNext or Contiguous");
  }
  return found->second;
}

void PreTokenizer::apply(TextPieces& pieces, Regex::Scratch& scratch) const {
  for (const Step& step : steps_) {
    if (step.kind == Kind::kCut) {
      cut_at(step, pieces, scratch);
    } else {
      rewrite(step, pieces);
    }
  }
}

void PreTokenizer::cut_at(const Step& step, TextPieces& pieces,
                          Regex::Scratch& scratch) {
  std::vector<TextPieces::Piece> out;
  out.reserve(pieces.pieces.size() + pieces.text.size() / 4);
  std::vector<Cut> cuts;
  for (const auto [begin, end] : pieces.pieces) {
    cuts.clear();
    find_cuts(step, std::string_view(pieces.text).substr(begin, end - begin),
              scratch, cuts);
    combine(cuts, step.behavior);
    for (const Cut& cut : cuts) {
      if (cut.begin < cut.end) {
        out.push_back({begin + cut.begin, begin + cut.end});
      }
    }
  }
  const auto first = pieces.pieces.empty() ? 0 : pieces.pieces.front().begin;
  pieces.at_start &= !out.empty() && out.front().begin == first;
  pieces.pieces = std::move(out);
}

// Matches and the text between them, covering the piece.
void PreTokenizer::find_cuts(const Step& step, std::string_view piece,
                             Regex::Scratch& scratch, std::vector<Cut>& cuts) {
  std::size_t done = 0;
  const auto match = [&](std::size_t begin, std::size_t end) {
    if (done < begin) {
      cuts.push_back({done, begin, step.invert});
    }
    cuts.push_back({begin, end, !step.invert});
    done = end;
  };
  if (step.delimiter != Delimiter::kPattern) {
    const auto is_delimiter =
        step.delimiter == Delimiter::kNumeric      ? &is_numeric
        : step.delimiter == Delimiter::kWhiteSpace ? &is_white_space
                                                   : &is_punctuation;
    for (std::size_t at = 0; at < piece.size();) {
      const std::size_t begin = at;
      if (is_delimiter(next_code_point(piece, at))) {
        match(begin, at);
      }
    }
  } else if (step.known != KnownPattern::kNone) {
    for_each_known(step.known, *step.pattern->regex(), piece, scratch, match);
  } else {
    step.pattern->for_each(piece, scratch, match);
  }
  if (done < piece.size()) {
    cuts.push_back({done, piece.size(), step.invert});
  }
}

void PreTokenizer::combine(std::vector<Cut>& cuts, Behavior behavior) {
  if (behavior == Behavior::kIsolated) {
    return;
  }
  if (behavior == Behavior::kRemoved) {
    std::erase_if(cuts, [](const Cut& cut) { return cut.match; });
    return;
  }
  const bool backwards = behavior == Behavior::kMergedWithNext;
  if (backwards) {
    std::reverse(cuts.begin(), cuts.end());
  }
  std::size_t kept = 0;
  bool previous = false;  // whether the cut before was a match
  for (const Cut cut : std::vector<Cut>(cuts)) {
    const bool join = behavior == Behavior::kContiguous
                          ? cut.match == previous
                          : cut.match && !previous;
    previous = cut.match;
    if (!join || kept == 0) {
      cuts[kept++] = cut;
    } else if (backwards) {
      cuts[kept - 1].begin = cut.begin;
    } else {
      cuts[kept - 1].end = cut.end;
    }
  }
  cuts.resize(kept);
  if (backwards) {
    std::reverse(cuts.begin(), cuts.end());
  }
}

void PreTokenizer::rewrite(const Step& step, TextPieces& pieces) {
  std::string text;
  text.reserve(pieces.text.size() + pieces.text.size() / 4);
  bool first = pieces.at_start;
  for (auto& piece : pieces.pieces) {
    const std::string_view old =
        std::string_view(pieces.text)
            .substr(piece.begin, piece.end - piece.begin);
    const std::size_t begin = text.size();
    if (step.kind == Kind::kSpellBytes) {
      text += to_byte_characters(old);
    } else if (step.kind == Kind::kPrefixSpace) {
      if (!old.starts_with(' ')) {
        text += ' ';
      }
      text += old;
    } else {
      const bool wanted = step.prepend && (first || !step.only_first);
      if (wanted && !old.starts_with(' ') &&
          !old.starts_with(step.replacement)) {
        text += step.replacement;
      }
      for (const char c : old) {
        c == ' ' ? text += step.replacement : text += c;
      }
    }
    piece = {begin, text.size()};
    first = false;
    if (text.size() > kMaxTextBytes) {
      fail("split text", "more than 2 GiB after a replacement");
    }
  }
  pieces.text = std::move(text);
}

}  // namespace veer
