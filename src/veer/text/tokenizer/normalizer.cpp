// SPDX-License-Identifier: MIT
#include "veer/text/tokenizer/normalizer.h"

#include <map>

#include <fmt/core.h>

#include "veer/base/error.h"

namespace veer {
namespace {

const std::map<std::string, NormalForm, std::less<>>& forms() {
  static const std::map<std::string, NormalForm, std::less<>> kForms = {
      {"NFC", NormalForm::kNfc},
      {"NFD", NormalForm::kNfd},
      {"NFKC", NormalForm::kNfkc},
      {"NFKD", NormalForm::kNfkd}};
  return kForms;
}

std::string_view strip(std::string_view text, bool left, bool right) {
  std::size_t begin = 0;
  while (left && begin < text.size()) {
    std::size_t next = begin;
    if (!is_white_space(next_code_point(text, next))) {
      break;
    }
    begin = next;
  }
  std::size_t end = text.size();
  while (right && end > begin) {
    const std::size_t last = previous_character(text, end);
    std::size_t at = last;
    if (!is_white_space(next_code_point(text, at))) {
      break;
    }
    end = last;
  }
  return text.substr(begin, end - begin);
}

}  // namespace

TokenizerPattern::TokenizerPattern(const Json& node,
                                   const TokenizerPlace& place) {
  if (!node.is_object() || node.size() != 1 || !node.begin()->is_string()) {
    place.fail(node.dump(-1, ' ', true).substr(0, 100),
               "{\"String\": ..} or {\"Regex\": ..}");
  }
  const std::string text = node.begin()->get<std::string>();
  if (text.empty()) {
    place.fail("an empty pattern");
  }
  if (node.begin().key() == "String") {
    literal_ = text;
  } else if (node.begin().key() == "Regex") {
    regex_ = Regex::compile(text, place.text);
  } else {
    place.fail(fmt::format("a pattern of kind '{}'", node.begin().key()),
               "String or Regex");
  }
}

void TokenizerPattern::replace(std::string_view text, std::string_view content,
                               Regex::Scratch& scratch,
                               std::string& out) const {
  std::size_t done = 0;
  for_each(text, scratch, [&](std::size_t begin, std::size_t end) {
    out.append(text.substr(done, begin - done)).append(content);
    done = end;
    if (out.size() > kMaxTextBytes) {
      fail("normalise text", "more than 2 GiB after a replacement");
    }
  });
  out.append(text.substr(done));
}

TokenizerNormalizer::TokenizerNormalizer(const Json& node,
                                         const TokenizerPlace& place) {
  for (const Json& step : json_steps(node, "normalizers", place)) {
    steps_.push_back(read(step, place));
  }
}

TokenizerNormalizer::Step TokenizerNormalizer::read(
    const Json& node, const TokenizerPlace& place) {
  const std::string type = json_string(node, "type", place);
  Step step;
  if (const auto form = forms().find(type); form != forms().end()) {
    step.kind = Kind::kForm;
    step.form = form->second;
  } else if (type == "Lowercase") {
    step.kind = Kind::kLower;
  } else if (type == "Replace") {
    step.kind = Kind::kReplace;
    step.pattern.emplace(node.value("pattern", Json()), place / "pattern");
    step.content = json_string(node, "content", place);
  } else if (type == "Prepend") {
    step.kind = Kind::kPrepend;
    step.content = json_string(node, "prepend", place);
  } else if (type == "Strip") {
    step.kind = Kind::kStrip;
    step.left = json_bool_or(node, "strip_left", true, place);
    step.right = json_bool_or(node, "strip_right", true, place);
  } else {
    place.fail(fmt::format("type '{}', which is not supported", type),
               "NFC, NFD, NFKC, NFKD, Lowercase, Replace, Prepend, Strip or "
               "a Sequence of them");
  }
  return step;
}

std::string TokenizerNormalizer::apply_step(const Step& step, std::string text,
                                            Regex::Scratch& scratch) {
  switch (step.kind) {
    case Kind::kForm:
      return normalize(text, step.form);
    case Kind::kLower:
      return to_lower(text);
    case Kind::kPrepend:
      return text.empty() ? text : step.content + text;
    case Kind::kStrip:
      return std::string(strip(text, step.left, step.right));
    case Kind::kReplace:
      break;
  }
  if (text.empty()) {
    return text;
  }
  std::string out;
  out.reserve(text.size() + text.size() / 4);
  step.pattern->replace(text, step.content, scratch, out);
  return out;
}

std::string TokenizerNormalizer::apply(std::string_view text,
                                       Regex::Scratch& scratch) const {
  std::string out(text);
  for (const Step& step : steps_) {
    out = apply_step(step, std::move(out), scratch);
    if (out.size() > kMaxTextBytes) {
      fail("normalise text", "more than 2 GiB after normalisation");
    }
  }
  return out;
}

}  // namespace veer
