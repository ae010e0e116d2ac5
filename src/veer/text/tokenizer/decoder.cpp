// SPDX-License-Identifier: MIT
#include "veer/text/tokenizer/decoder.h"

#include <charconv>

#include <fmt/core.h>

#include "veer/text/tokenizer/vocabulary.h"
#include "veer/text/unicode.h"

namespace veer {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// The byte of "<0x41>", or -1.
int fallback_byte(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') {
    return -1;
  }
  // Rust's from_str_radix takes a sign.
  const std::string_view digits =
      token.substr(token[3] == '+' ? 4 : 3, token[3] == '+' ? 1 : 2);
  unsigned value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return error == std::errc() && end == digits.data() + digits.size()
             ? static_cast<int>(value)
             : -1;
}

// Up to `limit` times `character` off one end; returns how many.
std::int64_t strip_front(std::string_view& text, std::string_view character,
                         std::int64_t limit) {
  std::int64_t count = 0;
  while (count < limit && text.starts_with(character)) {
    text.remove_prefix(character.size());
    ++count;
  }
  return count;
}

void strip_back(std::string_view& text, std::string_view character,
                std::int64_t limit) {
  for (std::int64_t i = 0; i < limit && text.ends_with(character); ++i) {
    text.remove_suffix(character.size());
  }
}

std::string one_character(const std::string& text,
                          const TokenizerPlace& place) {
  std::size_t at = 0;
  if (!text.empty()) {
    next_code_point(text, at);
  }
  if (text.empty() || at != text.size()) {
    place.fail(fmt::format("'{}'", text), "one character");
  }
  return text;
}

// `text` without `character`, or with a space for each.
std::string metaspaces_to(std::string_view text, std::string_view character,
                          std::string_view space) {
  std::string out;
  std::size_t at = 0;
  for (std::size_t found; (found = text.find(character, at)) != text.npos;
       at = found + character.size()) {
    out.append(text.substr(at, found - at)).append(space);
  }
  return out.append(text.substr(at));
}

}  // namespace

TokenizerDecoder::TokenizerDecoder(const Json& node,
                                   const TokenizerPlace& place) {
  bool fused = false;
  for (const Json& step : json_steps(node, "decoders", place)) {
    steps_.push_back(read(step, place));
    steps_.back().fused = fused;
    fused |= steps_.back().kind == Kind::kByteLevel ||
             steps_.back().kind == Kind::kFuse;
  }
  if (node.is_null()) {
    steps_.push_back({.kind = Kind::kJoin});
  }
}

TokenizerDecoder::Step TokenizerDecoder::read(const Json& node,
                                              const TokenizerPlace& place) {
  const std::string type = json_string(node, "type", place);
  if (type == "ByteLevel") {
    return {.kind = Kind::kByteLevel};
  }
  if (type == "ByteFallback") {
    return {.kind = Kind::kByteFallback};
  }
  if (type == "Fuse") {
    return {.kind = Kind::kFuse};
  }
  Step step{.kind = Kind::kReplace};
  if (type == "Replace") {
    step.pattern.emplace(node.value("pattern", Json()), place / "pattern");
    step.content = json_string(node, "content", place);
  } else if (type == "Strip") {
    step.kind = Kind::kStrip;
    step.content =
        one_character(json_string(node, "content", place), place / "content");
    step.start = json_int_or(node, "start", 0, place);
    step.stop = json_int_or(node, "stop", 0, place);
  } else if (type == "Metaspace") {
    step.kind = Kind::kMetaspace;
    step.content = one_character(
        json_string_or(node, "replacement", "\xE2\x96\x81", place),
        place / "replacement");
    const bool legacy = json_bool_or(node, "add_prefix_space", true, place);
    step.drop_first =
        json_string_or(node, "prepend_scheme", legacy ? "always" : "never",
                       place) != "never";
  } else {
    place.fail(fmt::format("type '{}', which is not supported", type),
               "ByteLevel, Replace, ByteFallback, Fuse, Strip, Metaspace or a "
               "Sequence of them");
  }
  return step;
}

DecodeRun::DecodeRun(const TokenizerDecoder& decoder)
    : decoder_(decoder), states_(decoder.steps().size()) {}

void DecodeRun::push(std::string_view token, std::string& out) {
  feed(0, token, out);
}

void DecodeRun::finish(std::string& out) {
  end(0, out);
}

// Gives `text` (a string, or after a fusing step a part of the one string)
// to a step.
void DecodeRun::feed(std::size_t at, std::string_view text, std::string& out) {
  if (at == states_.size()) {
    out += text;
    return;
  }
  const auto& step = decoder_.steps()[at];
  auto& state = states_[at];
  using Kind = TokenizerDecoder::Kind;
  state.any = true;
  switch (step.kind) {
    case Kind::kJoin:
      if (state.seen++ > 0) {
        feed(at + 1, " ", out);
      }
      return feed(at + 1, text, out);
    case Kind::kFuse:
      return feed(at + 1, text, out);
    case Kind::kMetaspace: {
      const bool first = state.seen == 0 && step.drop_first;
      state.seen += step.fused ? 0 : 1;
      return feed(at + 1, metaspaces_to(text, step.content, first ? "" : " "),
                  out);
    }
    case Kind::kStrip:
      if (step.fused) {
        return strip_fused(at, text, out);
      }
      strip_front(text, step.content, step.start);
      strip_back(text, step.content, step.stop);
      return feed(at + 1, text, out);
    case Kind::kReplace:
    case Kind::kByteLevel:
    case Kind::kByteFallback:
      break;
  }
  if (step.fused) {
    state.held += text;  // a match could span what is still to come
  } else if (step.kind == Kind::kByteLevel) {
    byte_level(at, text, out);
  } else if (step.kind == Kind::kByteFallback) {
    byte_fallback(at, text, out);
  } else {
    std::string replaced;
    step.pattern->replace(text, step.content, scratch_, replaced);
    feed(at + 1, replaced, out);
  }
}

void DecodeRun::byte_level(std::size_t at, std::string_view token,
                           std::string& out) {
  std::string bytes;
  states_[at].held += from_byte_characters(token, bytes) ? bytes : token;
  std::string text;
  states_[at].held.erase(0,
                         repair_utf8(states_[at].held, /*final=*/false, text));
  if (!text.empty()) {
    feed(at + 1, text, out);
  }
}

void DecodeRun::byte_fallback(std::size_t at, std::string_view token,
                              std::string& out) {
  if (const int byte = fallback_byte(token); byte >= 0) {
    states_[at].held.push_back(static_cast<char>(byte));
    return;
  }
  flush_bytes(at, out);
  feed(at + 1, token, out);
}

// A run of byte tokens is text as a whole, or one U+FFFD per byte.
void DecodeRun::flush_bytes(std::size_t at, std::string& out) {
  const std::string bytes = std::move(states_[at].held);
  states_[at].held.clear();
  if (bytes.empty()) {
    return;
  }
  if (is_valid_utf8(bytes)) {
    return feed(at + 1, bytes, out);
  }
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    feed(at + 1, kReplacement, out);
  }
}

void DecodeRun::strip_fused(std::size_t at, std::string_view text,
                            std::string& out) {
  const auto& step = decoder_.steps()[at];
  auto& state = states_[at];
  if (state.open) {
    state.seen += strip_front(text, step.content, step.start - state.seen);
    state.open = text.empty();
  }
  // Characters at the end stay until something follows them.
  std::string all = std::move(state.held);
  all += text;
  std::string_view settled = all;
  strip_back(settled, step.content, step.stop);
  state.held = all.substr(settled.size());
  if (!settled.empty()) {
    feed(at + 1, settled, out);
  }
}

void DecodeRun::end(std::size_t at, std::string& out) {
  if (at == states_.size()) {
    return;
  }
  const auto& step = decoder_.steps()[at];
  auto& state = states_[at];
  using Kind = TokenizerDecoder::Kind;
  if (step.kind == Kind::kByteFallback && !step.fused) {
    flush_bytes(at, out);
  } else if (step.kind == Kind::kByteLevel && !step.fused) {
    std::string text;
    repair_utf8(state.held, /*final=*/true, text);
    feed(at + 1, text, out);
  } else if (step.fused && step.kind != Kind::kStrip && state.any) {
    std::string text = std::move(state.held);
    std::string changed;
    if (step.kind == Kind::kReplace) {
      step.pattern->replace(text, step.content, scratch_, changed);
    } else if (step.kind == Kind::kByteFallback) {
      const int byte = fallback_byte(text);
      changed = byte < 0     ? text
                : byte < 128 ? std::string(1, static_cast<char>(byte))
                             : std::string(kReplacement);
    } else if (step.kind == Kind::kByteLevel) {
      std::string bytes;
      changed = to_valid_utf8(from_byte_characters(text, bytes) ? bytes : text);
    }
    if (step.kind == Kind::kReplace || step.kind == Kind::kByteFallback ||
        step.kind == Kind::kByteLevel) {
      feed(at + 1, changed, out);
    }
  }
  end(at + 1, out);
}

}  // namespace veer
