// SPDX-License-Identifier: MIT
#include "veer/study/summary/directions.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"
#include "veer/results/vector_name.h"

namespace veer {
namespace {

constexpr std::size_t kMostPairs = 2;

const Json* primary_of(const Json& comparison) {
  if (!comparison.contains("pairs")) {
    return nullptr;
  }
  for (const auto& pair : comparison.at("pairs")) {
    if (pair.value("primary", false)) {
      return &pair;
    }
  }
  return nullptr;
}

struct CosineRange {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  std::string text() const {
    return fmt::format("cosine {:.2f} to {:.2f}", low, high);
  }
};

// Layers of a pair by verdict. A layer that was not extracted was not asked.
struct LayerVerdicts {
  std::size_t layers = 0;
  std::size_t aligned = 0;
  std::size_t opposed = 0;
  std::size_t apart = 0;  // by the equivalence test
  CosineRange all;
  CosineRange told;  // of the layers that agree or oppose each other
};

LayerVerdicts verdicts_of(const Json& pair) {
  LayerVerdicts out;
  for (const auto& at : pair.at("by_layer")) {
    const double cosine = number_or_nan(at, "cosine");
    if (std::isnan(cosine)) {
      continue;
    }
    ++out.layers;
    out.all.add(cosine);
    const auto verdict = string_member(at, "verdict");
    out.aligned += verdict == "align" ? 1 : 0;
    out.opposed += verdict == "opposed" ? 1 : 0;
    out.apart += verdict == "orthogonal" ? 1 : 0;
    if (verdict == "align" || verdict == "opposed") {
      out.told.add(cosine);
    }
  }
  return out;
}

std::string layers_text(std::size_t some, std::size_t all) {
  return some == all ? fmt::format("at all {} layers", all)
                     : fmt::format("at {} of {} layers", some, all);
}

// H1 asks for half of the layers, so that "yes" does too.
std::string plain_answer(const LayerVerdicts& at) {
  if (at.layers == 0) {
    return "It cannot be told: at no layer are both established.";
  }
  if (at.aligned > 0 && at.opposed > 0) {
    return fmt::format(
        "They agree at {} and oppose each other at {} of {} layers.",
        at.aligned, at.opposed, at.layers);
  }
  if (at.opposed > 0) {
    return fmt::format("No: they oppose each other {}.",
                       layers_text(at.opposed, at.layers));
  }
  if (at.aligned > 0) {
    return fmt::format("{}, {}.",
                       2 * at.aligned >= at.layers ? "Yes" : "In part",
                       layers_text(at.aligned, at.layers));
  }
  return at.apart == at.layers
             ? fmt::format("No: equivalent to no agreement at {} of {} layers.",
                           at.apart, at.layers)
             : fmt::format("Not told from chance at any of {} layers.",
                           at.layers);
}

std::string numbers_text(const LayerVerdicts& at) {
  if (at.aligned > 0 && at.opposed == 0 && at.aligned < at.layers) {
    return fmt::format("Beyond chance there: {}; at all layers {:.2f} at least",
                       at.told.text(), at.all.low);
  }
  if (at.aligned + at.opposed > 0) {
    return "Beyond chance there: " + at.told.text();
  }
  return at.apart == at.layers
             ? "By an equivalence test: " + at.all.text()
             : "Under the strictest of the nulls: " + at.all.text();
}

std::string names_text(const Json& pair, const std::string& claim = "") {
  return fmt::format(" ({}, {}{}).", string_member(pair, "a"),
                     string_member(pair, "b"), claim);
}

// What is left of the pair's cosine when every confound is projected out of
// both; empty where that was not measured.
std::string without_confounds(const Json& comparison, const Json& pair) {
  const Json& confounds = member(comparison, "confounds");
  for (const auto& entry : member(confounds, "pairs")) {
    if (string_member(entry, "a") != string_member(pair, "a") ||
        string_member(entry, "b") != string_member(pair, "b") ||
        entry.at("confounds").empty()) {
      continue;
    }
    CosineRange range;
    for (const auto& at : entry.at("by_layer")) {
      const double cosine = number_or_nan(at, "without");
      if (!std::isnan(cosine)) {
        range.add(cosine);
      }
    }
    return range.low > range.high
               ? ""
               : fmt::format("With {} confounds projected out of both: {}.",
                             entry.at("confounds").size(), range.text());
  }
  return "";
}

}  // namespace

Json cosine_rows(const Json& comparison) {
  Json rows = Json::array();
  if (const Json* pair = primary_of(comparison)) {
    for (const auto& at : pair->at("by_layer")) {
      rows.push_back({{"layer", at["layer"]},
                      {"cosine", at["cosine"]},
                      {"low", at["low"]},
                      {"high", at["high"]},
                      {"null_low", at["null_low"]},
                      {"null_high", at["null_high"]}});
    }
  }
  return rows;
}

SummaryAnswer agreement_answer(const Json& comparison, const Json& hypotheses,
                               bool from_prompt) {
  SummaryAnswer out{"agreement",
                    "Do the prompt's direction and the fine-tuned one agree?",
                    "Not measured: there are no two such vectors to compare.",
                    {}};
  const Json* primary = primary_of(comparison);
  if (primary == nullptr) {
    return out;
  }
  const auto own = verdicts_of(*primary);
  out.answer = plain_answer(own);
  if (own.layers > 0) {
    out.add(numbers_text(own) +
            names_text(*primary, claim_note(hypotheses, "H1")));
  }
  out.add(without_confounds(comparison, *primary));
  std::size_t shown = 1;
  for (const auto& pair : comparison.at("pairs")) {
    const std::string a = string_member(pair, "a");
    const std::string b = string_member(pair, "b");
    if (&pair != primary && shown < kMostPairs &&
        vector_family(a) == "contrastive" && vector_family(b) == "finetune" &&
        vector_position(a) == vector_position(b)) {
      ++shown;
      const auto other = verdicts_of(pair);
      out.add("At another position. " + plain_answer(other) +
              (other.layers == 0
                   ? ""
                   : " " + numbers_text(other) + names_text(pair)));
    }
  }
  if (from_prompt) {
    out.add(
        "Some agreement is built in: the answers tuned on were written under "
        "the prompt that makes the contrastive vector.");
  }
  return out;
}

}  // namespace veer
