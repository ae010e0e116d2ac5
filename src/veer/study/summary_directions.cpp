// SPDX-License-Identifier: MIT
#include "veer/study/summary_directions.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"
#include "veer/study/summary_numbers.h"
#include "veer/study/twin_claim.h"
#include "veer/study/vector_names.h"

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

std::string pair_sentence(const Json& pair_json) {
  const Json* pair = &pair_json;
  std::size_t established = 0;
  std::size_t above = 0;
  std::size_t below = 0;
  std::size_t apart = 0;  // by the equivalence test
  double low = 2.0;
  double high = -2.0;
  double low_above = 2.0;  // of the layers that agree
  double high_above = -2.0;
  for (const auto& at : pair->at("by_layer")) {
    const double cosine = number_or_nan(at, "cosine");
    if (std::isnan(cosine)) {
      continue;
    }
    ++established;
    low = std::min(low, cosine);
    high = std::max(high, cosine);
    if (string_member(at, "verdict") == "align") {
      ++above;
      low_above = std::min(low_above, cosine);
      high_above = std::max(high_above, cosine);
    }
    below += string_member(at, "verdict") == "opposed" ? 1 : 0;
    apart += string_member(at, "verdict") == "orthogonal" ? 1 : 0;
  }
  const std::string names = fmt::format("{} and {}", string_member(*pair, "a"),
                                        string_member(*pair, "b"));
  // A layer that was not extracted was not asked.
  const std::size_t layers = established;
  if (established == 0) {
    return fmt::format(
        "Whether {} agree cannot be told: at no layer are both established.",
        names);
  }
  const std::string range = fmt::format("cosine {:.2f} to {:.2f}", low, high);
  if (above == 0 && below == 0 && apart == layers) {
    return fmt::format(
        "{} do not agree at any of {} layers, by an equivalence test ({}).",
        names, layers, range);
  }
  if (above == 0 && below == 0) {
    return fmt::format(
        "{} are not told from chance at any of {} layers, under the strictest "
        "null ({}).",
        names, layers, range);
  }
  if (above > 0 && below == 0) {
    return fmt::format(
        "{} agree beyond chance at {} of {} layers (cosine {:.2f} to "
        "{:.2f}{}).",
        names, above, layers, low_above, high_above,
        above == layers ? ""
                        : fmt::format(" there, {:.2f} at least in all", low));
  }
  return fmt::format(
      "{} agree at {} and oppose each other at {} of {} layers ({}).", names,
      above, below, layers, range);
}

// What is left of the pair's cosine when every confound is projected out of
// both; empty where that was not measured.
std::string without_confounds(const Json& comparison, const Json& pair) {
  const auto confounds = comparison.find("confounds");
  if (confounds == comparison.end() || !confounds->is_object()) {
    return "";
  }
  for (const auto& entry : confounds->value("pairs", Json::array())) {
    if (string_member(entry, "a") != string_member(pair, "a") ||
        string_member(entry, "b") != string_member(pair, "b") ||
        entry.at("confounds").empty()) {
      continue;
    }
    double low = std::numeric_limits<double>::infinity();
    double high = -low;
    for (const auto& at : entry.at("by_layer")) {
      const double cosine = number_or_nan(at, "without");
      low = std::isnan(cosine) ? low : std::min(low, cosine);
      high = std::isnan(cosine) ? high : std::max(high, cosine);
    }
    return low > high
               ? ""
               : fmt::format(
                     " With {} confounds projected out of both: {:.2f} to "
                     "{:.2f}.",
                     entry.at("confounds").size(), low, high);
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

std::vector<std::string> direction_sentences(const Json& comparison) {
  const Json* primary = primary_of(comparison);
  if (primary == nullptr) {
    return {"No contrastive and fine-tuned vector to compare."};
  }
  std::vector<std::string> sentences = {
      pair_sentence(*primary) + without_confounds(comparison, *primary) +
      twin_note(comparison, string_member(*primary, "b"))};
  for (const auto& pair : comparison.at("pairs")) {
    const std::string a = string_member(pair, "a");
    const std::string b = string_member(pair, "b");
    if (&pair != primary && sentences.size() < kMostPairs &&
        vector_family(a) == "contrastive" && vector_family(b) == "finetune" &&
        vector_position(a) == vector_position(b)) {
      sentences.push_back(pair_sentence(pair) + twin_note(comparison, b));
    }
  }
  return sentences;
}

}  // namespace veer
