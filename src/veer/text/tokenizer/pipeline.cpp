// SPDX-License-Identifier: MIT
#include "veer/text/tokenizer/pipeline.h"

#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/base/hash.h"
#include "veer/text/unicode.h"

namespace veer {
namespace {

Json section(const TokenizerFile& file, std::string_view key) {
  return file.sections.value(std::string(key), Json());
}

}  // namespace

TokenizerPipeline::TokenizerPipeline(TokenizerFile file,
                                     const TokenizerBeside& beside,
                                     std::string fingerprint)
    : fingerprint_(std::move(fingerprint)),
      place_(file.place),
      normalizer_(section(file, "normalizer"), place_ / "normalizer"),
      pre_tokenizer_(section(file, "pre_tokenizer"), place_ / "pre_tokenizer"),
      decoder_(section(file, "decoder"), place_ / "decoder"),
      model_(read_model(file, pre_tokenizer_.ends_in_bytes())),
      added_(file, beside, model_, normalizer_),
      raw_splitter_(added_.tokens(), /*normalized=*/false),
      normalized_splitter_(added_.tokens(), /*normalized=*/true),
      split_special_(beside.split_special) {
  if (!added_.changes().empty() || split_special_) {
    fingerprint_ = veer::fingerprint(fmt::format(
        "{} {} {}", fingerprint_, split_special_, added_.changes()));
  }
  fill_entries();
  read_template(section(file, "post_processor"), place_ / "post_processor");
}

BpeModel TokenizerPipeline::read_model(TokenizerFile& file, bool raw_bytes) {
  const TokenizerPlace place = file.place / "model";
  const std::string version =
      json_string_or(file.sections, "version", "1.0", file.place);
  if (version != "1.0") {
    (file.place / "version").fail(fmt::format("'{}'", version), "'1.0'");
  }
  if (!file.model.is_object()) {
    place.fail("missing", "a BPE model");
  }
  const std::string type = json_string_or(
      file.model, "type", file.vocab_is_list ? "Unigram" : "BPE", place);
  if (type != "BPE") {
    place.fail(fmt::format("type '{}', which is not supported", type), "BPE");
  }
  if (!file.has_vocab || file.vocab_is_list || !file.has_merges) {
    place.fail("no vocabulary or no merges", "a BPE model with both");
  }
  return {file, raw_bytes};
}

void TokenizerPipeline::fill_entries() {
  const auto& tokens = model_.tokens();
  entries_.resize(tokens.size());
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (model_.present()[i]) {
      entries_[i] = {&tokens[i], &tokens[i], false};
    }
  }
  added_ids_ = StringIndex(added_.tokens().size());
  for (const AddedToken& token : added_.tokens()) {
    const auto i = static_cast<std::size_t>(token.id);
    if (i >= entries_.size()) {
      entries_.resize(i + 1);
    }
    if (entries_[i].token != nullptr && *entries_[i].token != token.content) {
      (place_ / "added_tokens")
          .fail(fmt::format("'{}' would get id {}, which '{}' has",
                            token.content, i, *entries_[i].token));
    }
    entries_[i] = {&token.content, &token.normalized, token.special};
    added_ids_.insert(token.content, token.id);
  }
}

void TokenizerPipeline::read_template(const Json& node,
                                      const TokenizerPlace& place) {
  for (const Json& step : json_steps(node, "processors", place)) {
    const std::string type = json_string(step, "type", place);
    if (type == "TemplateProcessing") {
      read_template_processing(step, place);
    } else if (type != "ByteLevel") {  // that one moves offsets only
      place.fail(fmt::format("type '{}', which is not supported", type),
                 "TemplateProcessing, ByteLevel or a Sequence of them");
    }
  }
}

void TokenizerPipeline::read_template_processing(const Json& node,
                                                 const TokenizerPlace& place) {
  if (has_template_) {
    place.fail("a second TemplateProcessing");
  }
  has_template_ = true;
  const Json specials = node.value("special_tokens", Json::object());
  bool text_seen = false;
  for (const Json& piece : json_list(node, "single", place)) {
    if (!piece.is_object() || piece.size() != 1 ||
        (piece.begin().key() != "Sequence" &&
         piece.begin().key() != "SpecialToken")) {
      (place / "single")
          .fail(piece.dump(-1, ' ', true).substr(0, 100),
                "{\"Sequence\": ..} or {\"SpecialToken\": ..}");
    }
    const std::string id = json_string(*piece.begin(), "id", place / "single");
    if (piece.begin().key() == "Sequence") {
      if (id != "A" || text_seen) {
        (place / "single")
            .fail(fmt::format("the sequence '{}'", id), "the sequence A once");
      }
      text_seen = true;
      continue;
    }
    if (!specials.is_object() || !specials.contains(id)) {
      (place / "special_tokens").fail(fmt::format("no '{}'", id));
    }
    for (const Json& token :
         json_list(specials[id], "ids", place / "special_tokens")) {
      const Json holder{{"id", token}};
      const auto value = static_cast<std::int32_t>(
          json_int_or(holder, "id", -1, place / "special_tokens"));
      if (this->token(value) == nullptr) {
        (place / "special_tokens")
            .fail(fmt::format("'{}' has the id {} of no token", id, value));
      }
      (text_seen ? suffix_ : prefix_).push_back(value);
    }
  }
  if (!text_seen) {
    (place / "single").fail("no sequence", "the sequence A once");
  }
}

std::vector<std::int32_t> TokenizerPipeline::encode(
    std::string_view text, bool add_special, SpecialText special_text) const {
  if (text.size() > kMaxTextBytes) {
    fail("encode text", fmt::format("{} bytes", text.size()),
         "less than 2 GiB");
  }
  std::string repaired;
  if (!is_valid_utf8(text)) {
    repaired = to_valid_utf8(text);
    text = repaired;
  }
  std::vector<std::int32_t> out;
  out.reserve(text.size() / 3 + prefix_.size() + suffix_.size());
  if (add_special) {
    out = prefix_;
  }
  const bool as_letters =
      split_special_ || special_text == SpecialText::kLetters;
  auto scratch = take_scratch();
  scratch->sections.clear();
  raw_splitter_.split(text, as_letters, scratch->regex, scratch->sections);
  for (const TextSection& section : scratch->sections) {
    if (section.id >= 0) {
      out.push_back(section.id);
    } else {
      encode_text(text.substr(section.begin, section.end - section.begin),
                  section.begin == 0, as_letters, *scratch, out);
    }
  }
  return_scratch(std::move(scratch));
  if (add_special) {
    out.insert(out.end(), suffix_.begin(), suffix_.end());
  }
  return out;
}

// Normalises text between added tokens and encodes it.
void TokenizerPipeline::encode_text(std::string_view text, bool at_start,
                                    bool as_letters, Scratch& scratch,
                                    std::vector<std::int32_t>& out) const {
  std::string normalized;
  if (!normalizer_.empty()) {
    normalized = normalizer_.apply(text, scratch.regex);
    text = normalized;
  }
  scratch.inner.clear();
  normalized_splitter_.split(text, as_letters, scratch.regex, scratch.inner);
  for (const TextSection& section : scratch.inner) {
    if (section.id >= 0) {
      out.push_back(section.id);
      continue;
    }
    TextPieces pieces;
    pieces.text = text.substr(section.begin, section.end - section.begin);
    pieces.pieces.push_back({0, pieces.text.size()});
    pieces.at_start = at_start && section.begin == 0;
    pre_tokenizer_.apply(pieces, scratch.regex);
    for (const auto [begin, end] : pieces.pieces) {
      model_.encode(std::string_view(pieces.text).substr(begin, end - begin),
                    scratch.bpe, out);
    }
  }
}

const std::string* TokenizerPipeline::decoded_spelling(
    std::int32_t id, bool skip_special) const {
  if (token(id) == nullptr || (skip_special && is_special(id))) {
    return nullptr;
  }
  return entries_[static_cast<std::size_t>(id)].decoded;
}

const std::string* TokenizerPipeline::token(std::int32_t id) const {
  return id < 0 || id >= size() ? nullptr
                                : entries_[static_cast<std::size_t>(id)].token;
}

std::int32_t TokenizerPipeline::id(std::string_view token) const {
  const std::int32_t added = added_ids_.find(token);
  return added >= 0 ? added : model_.find(token);
}

bool TokenizerPipeline::is_special(std::int32_t id) const {
  return token(id) != nullptr && entries_[static_cast<std::size_t>(id)].special;
}

std::unique_ptr<TokenizerPipeline::Scratch> TokenizerPipeline::take_scratch()
    const {
  const std::lock_guard lock(mutex_);
  if (free_.empty()) {
    return std::make_unique<Scratch>();
  }
  auto scratch = std::move(free_.back());
  free_.pop_back();
  return scratch;
}

void TokenizerPipeline::return_scratch(std::unique_ptr<Scratch> scratch) const {
  const std::lock_guard lock(mutex_);
  free_.push_back(std::move(scratch));
}

}  // namespace veer
