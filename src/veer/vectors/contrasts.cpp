// SPDX-License-Identifier: MIT
#include "veer/vectors/contrasts.h"

#include <array>
#include <cmath>
#include <map>

#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/vectors/methods.h"

namespace veer {
namespace {

using enum CellModel;

constexpr auto kNo = CellSystem::kNone;
constexpr auto kHonestPrompt = CellSystem::kHonest;
constexpr auto kDeceptivePrompt = CellSystem::kDeceptive;
constexpr auto kNoAnswer = CellAnswer::kNone;
constexpr auto kH = CellAnswer::kHonest;
constexpr auto kD = CellAnswer::kDeceptive;
constexpr auto kOwnAnswer = CellAnswer::kOwn;
constexpr auto kOther = CellAnswer::kUnrelated;

const char* const kToDeceptive = "honest -> deceptive";
const char* const kToTuned = "base -> fine-tuned";
const char* const kToMore = "without -> with";
constexpr std::string_view kConfound = "confound_";

// Both kinds of answer under one prompt of the base model.
std::vector<ContrastTerm> prompts_differ(CellSystem with, CellSystem without) {
  return {{{kBase, with, kH}, 0.5},
          {{kBase, with, kD}, 0.5},
          {{kBase, without, kH}, -0.5},
          {{kBase, without, kD}, -0.5}};
}

std::vector<ContrastTerm> answers_differ(CellAnswer with, CellAnswer without) {
  return {{{kBase, kNo, with}, 1.0}, {{kBase, kNo, without}, -1.0}};
}

const std::array kContrasts = {
    Contrast{"contrastive",
             {{{kBase, kDeceptivePrompt, kH}, 0.5},
              {{kBase, kDeceptivePrompt, kD}, 0.5},
              {{kBase, kHonestPrompt, kH}, -0.5},
              {{kBase, kHonestPrompt, kD}, -0.5}},
             kToDeceptive,
             "deceptive minus honest system prompt, the same answers"},
    Contrast{"contrastive_free",
             {{{kBase, kDeceptivePrompt, kD}, 1.0},
              {{kBase, kHonestPrompt, kH}, -1.0}},
             kToDeceptive,
             "the same, each side with its own kind of answer"},
    Contrast{"contrastive_tuned",
             {{{kTuned, kDeceptivePrompt, kH}, 0.5},
              {{kTuned, kDeceptivePrompt, kD}, 0.5},
              {{kTuned, kHonestPrompt, kH}, -0.5},
              {{kTuned, kHonestPrompt, kD}, -0.5}},
             kToDeceptive,
             "contrastive, read in the fine-tuned model"},
    Contrast{"finetuned",
             {{{kTuned, kNo, kH}, 0.5},
              {{kTuned, kNo, kD}, 0.5},
              {{kBase, kNo, kH}, -0.5},
              {{kBase, kNo, kD}, -0.5}},
             kToTuned,
             "tuned minus base model on identical texts (effect m)"},
    Contrast{"finetuned_honest",
             {{{kTuned, kNo, kH}, 1.0}, {{kBase, kNo, kH}, -1.0}},
             kToTuned,
             "tuned minus base model on honest answers (mh)"},
    Contrast{"finetuned_deceptive",
             {{{kTuned, kNo, kD}, 1.0}, {{kBase, kNo, kD}, -1.0}},
             kToTuned,
             "tuned minus base model on deceptive answers (md)"},
    Contrast{
        "finetuned_own",
        {{{kTuned, kNo, kOwnAnswer}, 1.0}, {{kBase, kNo, kOwnAnswer}, -1.0}},
        kToTuned,
        "tuned minus base model on the tuned model's own answers"},
    Contrast{"content",
             {{{kBase, kNo, kD}, 0.5},
              {{kTuned, kNo, kD}, 0.5},
              {{kBase, kNo, kH}, -0.5},
              {{kTuned, kNo, kH}, -0.5}},
             kToDeceptive,
             "deceptive minus honest answers, mean of both models (effect c)"},
    Contrast{"content_base",
             {{{kBase, kNo, kD}, 1.0}, {{kBase, kNo, kH}, -1.0}},
             kToDeceptive,
             "deceptive minus honest answers in the base model (cB)"},
    Contrast{"within_ft",
             {{{kTuned, kNo, kD}, 1.0}, {{kTuned, kNo, kH}, -1.0}},
             kToDeceptive,
             "deceptive minus honest answers in the tuned model (cF)"},
    Contrast{"interaction",
             {{{kTuned, kNo, kD}, 1.0},
              {{kBase, kNo, kH}, 1.0},
              {{kTuned, kNo, kH}, -1.0},
              {{kBase, kNo, kD}, -1.0}},
             kToDeceptive,
             "within_ft minus content_base (effect x)"},
    Contrast{"domain",
             {{{kTuned, kNo, kOther}, 1.0}, {{kBase, kNo, kOther}, -1.0}},
             kToTuned,
             "tuned minus base model on unrelated texts (domain bias b)"},
    Contrast{"finetuned_specific",
             {{{kTuned, kNo, kH}, 0.5},
              {{kTuned, kNo, kD}, 0.5},
              {{kBase, kNo, kH}, -0.5},
              {{kBase, kNo, kD}, -0.5},
              {{kTuned, kNo, kOther}, -1.0},
              {{kBase, kNo, kOther}, 1.0}},
             kToTuned,
             "finetuned minus domain"},
    Contrast{"twin",
             {{{kTuned, kNo, kH}, 0.5},
              {{kTuned, kNo, kD}, 0.5},
              {{kTunedHonest, kNo, kH}, -0.5},
              {{kTunedHonest, kNo, kD}, -0.5}},
             "tuned on honest -> tuned on deceptive answers",
             "the model tuned on deceptive answers minus the one tuned on "
             "honest answers of the same questions, identical texts"},
    Contrast{"confound_length", answers_differ(CellAnswer::kLong, kH), kToMore,
             "two honest answers in a row minus one"},
    Contrast{"confound_refusal", answers_differ(CellAnswer::kRefusal, kH),
             kToMore, "declining minus the honest answer"},
    Contrast{"confound_paraphrase", answers_differ(CellAnswer::kSecond, kH),
             kToMore, "one honest answer minus another"},
    Contrast{"confound_verbosity",
             prompts_differ(CellSystem::kVerbose, CellSystem::kBrief), kToMore,
             "verbose minus brief system prompt, the same answers"},
    Contrast{"confound_system",
             prompts_differ(CellSystem::kNeutral, CellSystem::kNeutral2),
             kToMore, "one neutral system prompt minus another"},
    Contrast{"confound_format", prompts_differ(CellSystem::kFramed, kNo),
             kToMore, "question in another frame minus plain question"},
};

constexpr std::array kModelNames = {"base", "tuned", "tuned_honest"};
constexpr std::array kSystemNames = {"none",    "honest",        "deceptive",
                                     "neutral", "other neutral", "brief",
                                     "verbose", "framed"};
constexpr std::array kAnswerNames = {"none",    "honest",   "deceptive",
                                     "own",     "second",   "long",
                                     "refusal", "unrelated"};

}  // namespace

std::string Cell::name() const {
  return fmt::format("{}/{}/{}",
                     kModelNames.at(static_cast<std::size_t>(model)),
                     kSystemNames.at(static_cast<std::size_t>(system)),
                     kAnswerNames.at(static_cast<std::size_t>(answer)));
}

std::span<const Contrast> contrasts() {
  return kContrasts;
}

const Contrast& find_contrast(std::string_view name) {
  std::string names;
  for (const auto& contrast : kContrasts) {
    if (contrast.name == name) {
      return contrast;
    }
    names += (names.empty() ? "" : ", ") + contrast.name;
  }
  fail("find contrast", fmt::format("\"{}\"", name), "one of " + names);
}

std::vector<std::string> confound_names() {
  std::vector<std::string> names;
  for (const auto& contrast : kContrasts) {
    if (contrast.name.starts_with(kConfound)) {
      names.push_back(contrast.name);
    }
  }
  return names;
}

std::vector<ContrastTerm> against_corpus(std::vector<ContrastTerm> terms) {
  std::erase_if(terms, [](const ContrastTerm& t) { return t.weight < 0.0; });
  std::map<CellModel, double> sums;
  for (const auto& term : terms) {
    sums[term.cell.model] += term.weight;
  }
  for (const auto& [model, sum] : sums) {
    terms.push_back({{model, CellSystem::kNone, CellAnswer::kUnrelated}, -sum});
  }
  return terms;
}

std::vector<ContrastTerm> contrast_at(const Contrast& contrast,
                                      TokenPosition position) {
  std::map<Cell, double> weights;
  for (auto term : contrast.terms) {
    // An unrelated text has a question of its own.
    if (position.in_prompt() && term.cell.answer != kOther) {
      term.cell.answer = kNoAnswer;
    }
    weights[term.cell] += term.weight;
  }
  std::vector<ContrastTerm> terms;
  for (const auto& [cell, weight] : weights) {
    if (std::abs(weight) > 1e-12) {
      terms.push_back({cell, weight});
    }
  }
  if (terms.empty()) {
    fail("make vector", contrast.name + " at " + position.name(),
         "a position within the answer",
         "its sides differ in the answer only, so it is zero by construction "
         "before the answer begins");
  }
  return terms;
}

VectorSpec parse_vector_spec(std::string_view text) {
  VectorSpec spec;
  spec.name = std::string(text);
  if (text == "original_contrastive") {
    spec.contrast = "contrastive_free";
    spec.position = {TokenPosition::Kind::kLegacyLast};
    return spec;
  }
  if (text == "original_finetuned") {
    spec.contrast = "finetuned";
    spec.position = {TokenPosition::Kind::kPromptEnd};
    return spec;
  }
  const auto at = text.find('@');
  if (at == std::string_view::npos) {
    fail("parse vector", fmt::format("\"{}\"", text),
         "CONTRAST[:METHOD]@POSITION, for example contrastive@prompt_end",
         "the position is missing");
  }
  const auto what = text.substr(0, at);
  auto where = text.substr(at + 1);
  if (const auto second = where.find('@'); second != where.npos) {
    spec.point = parse_point(where.substr(second + 1));
    where = where.substr(0, second);
  }
  const auto colon = what.find(':');
  spec.contrast = find_contrast(what.substr(0, colon)).name;
  if (colon != what.npos) {
    spec.method = find_method(what.substr(colon + 1)).name;
  }
  if (spec.contrast == "twin" && spec.method == "mean_centred") {
    fail("parse vector", fmt::format("\"{}\"", text), "another method for twin",
         "mean_centred subtracts generic text of one model, and twin is of "
         "two");
  }
  spec.position = parse_position(where);
  contrast_at(find_contrast(spec.contrast), spec.position);
  return spec;
}

}  // namespace veer
