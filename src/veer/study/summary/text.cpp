// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"
#include "veer/base/number_text.h"
#include "veer/results/leading_effect.h"
#include "veer/results/summary_numbers.h"
#include "veer/study/finetune/training_course.h"
#include "veer/study/summary/baselines.h"
#include "veer/study/summary/summary.h"

namespace veer {
namespace {

constexpr std::size_t kMostLayers = 8;
constexpr std::size_t kMostEffects = 6;  // of each goal
constexpr int kBarWidth = 20;

std::string bar_line(const Json& at) {
  const double cosine = number_or_nan(at, "cosine");
  const int layer = at.at("layer").get<int>();
  const double chance = number_or_nan(at, "null_high");
  if (std::isnan(cosine)) {
    return fmt::format("  layer {:>3}   not established", layer);
  }
  const auto cell = [](double value) {
    return static_cast<int>(
        std::lround(std::clamp(std::abs(value), 0.0, 1.0) * kBarWidth));
  };
  std::string bar;
  for (int i = 0; i < kBarWidth; ++i) {
    const bool filled = i < cell(cosine);
    const bool by_chance = i < cell(chance);
    bar += filled ? (by_chance ? "▒" : "█") : (by_chance ? "░" : " ");
  }
  bar.erase(bar.find_last_not_of(' ') + 1);
  return fmt::format("  layer {:>3}  {} [{}, {}]  {}", layer,
                     signed_rounded(cosine, 2),
                     signed_rounded(number_or_nan(at, "low"), 2),
                     signed_rounded(number_or_nan(at, "high"), 2), bar);
}

std::vector<std::string> chart_lines(const Json& rows) {
  std::vector<std::string> lines;
  const std::size_t step = (rows.size() + kMostLayers - 1) / kMostLayers;
  for (std::size_t i = 0; i < rows.size();
       i += std::max<std::size_t>(1, step)) {
    lines.push_back(bar_line(rows[i]));
  }
  return lines;
}

// "layer 4, +0.5 rel" without what the column's title says.
std::string short_place(const Json& entry) {
  const std::string place = place_of(entry);
  return place.starts_with("layer ") ? place.substr(6)
         : place.starts_with("all layers")
             ? "all" + place.substr(std::string_view("all layers").size())
             : place;
}

// One row of the table; below it why the effect does not count.
void add_effect_row(const Json& entry, const std::vector<const Json*>& ranked,
                    std::vector<std::string>& lines) {
  const bool share = is_share(entry);
  const Json& beyond = member(entry, "effect_minus_control");
  const bool has_beyond = !std::isnan(number_or_nan(beyond, "low"));
  const auto effect = has_beyond
                          ? bare_amount(beyond, share)
                          : bare_amount(entry.at("effect"), share) + " in all";
  lines.push_back(fmt::format(
      "  {:<24} {:<24} {:>4}  {}", string_member(entry, "vector"), effect,
      rank_on_test(ranked, entry).rank, short_place(entry)));
  if (!has_random_control(entry)) {
    lines.emplace_back("    does not count: no random vector beside it");
  } else if (const auto reason = string_member(entry, "reason");
             !reason.empty()) {
    lines.push_back("    does not count: " + reason);
  }
}

// The vectors of a goal in the order of the select questions, so that the first
// is the one that every sentence names.
std::vector<std::string> effect_lines(const Json& summary, const char* goal) {
  const auto ranked =
      ranked_effects(summary.at("best"), member(summary, "additions"), goal);
  std::vector<std::string> lines;
  if (ranked.empty()) {
    return lines;
  }
  lines.push_back(fmt::format("  {:<24} {:<24} rank  {}", goal,
                              "beyond random vectors", "layer, scale"));
  for (std::size_t i = 0; i < std::min(kMostEffects, ranked.size()); ++i) {
    add_effect_row(*ranked[i], ranked, lines);
  }
  if (ranked.size() > kMostEffects) {
    lines.push_back(
        fmt::format("  {} more did less on select; the report has all.",
                    ranked.size() - kMostEffects));
  }
  return lines;
}

void add_effects(const Json& summary, std::vector<std::string>& lines) {
  std::vector<std::string> rows;
  for (const char* goal : {"induction", "suppression"}) {
    const auto own = effect_lines(summary, goal);
    rows.insert(rows.end(), own.begin(), own.end());
  }
  if (!rows.empty()) {
    lines.emplace_back();
    lines.emplace_back(
        "Effects on test, in points, first on select first; rank is that on "
        "test:");
    lines.insert(lines.end(), rows.begin(), rows.end());
  }
}

std::string break_line(const Json& rows) {
  std::string line;
  for (const auto& row : rows) {
    const std::string vector = string_member(row, "vector");
    line += fmt::format("{}{} {:g}-{:g}", line.empty() ? "" : ", ", vector,
                        number_or_nan(row, "lowest"),
                        number_or_nan(row, "highest"));
  }
  return line.empty()
             ? "At single layers text holds at every scale that was tried."
             : "Text breaks, by layer, at (times the residual norm): " + line;
}

// First every question with its plain answer, then the numbers behind each.
void add_answers(const Json& answers, std::vector<std::string>& lines) {
  if (!lines.empty()) {
    lines.emplace_back();
  }
  for (const auto& answer : answers) {
    lines.push_back(string_member(answer, "question"));
    lines.push_back("  " + string_member(answer, "answer"));
  }
  for (const auto& answer : answers) {
    if (!answer.at("numbers").empty()) {
      lines.push_back("");
      lines.push_back(string_member(answer, "question"));
    }
    for (const auto& sentence : answer.at("numbers")) {
      lines.push_back("  " + sentence.get<std::string>());
    }
  }
}

}  // namespace

std::string summary_text(const Json& summary) {
  std::vector<std::string> lines;
  const auto paragraph = [&](std::string text) {
    if (!text.empty()) {
      lines.push_back(std::move(text));
    }
  };
  paragraph(string_member(summary, "model"));
  add_answers(summary.at("answers"), lines);
  lines.emplace_back();
  for (const auto& remark : summary.at("remarks")) {
    paragraph(remark.get<std::string>());
  }
  if (const Json& training = member(summary, "training");
      training.is_object() && training.at("kept") != training.at("last")) {
    paragraph(training_sentence(training));
  }
  if (const auto chart = chart_lines(summary.at("cosine")); !chart.empty()) {
    lines.emplace_back(
        "Cosine by layer (░ reached by chance at that layer alone; claims are "
        "corrected for all):");
    lines.insert(lines.end(), chart.begin(), chart.end());
  }
  add_effects(summary, lines);
  for (const auto& line :
       baseline_lines(summary.at("best"), member(summary, "additions"),
                      member(summary, "baselines"))) {
    lines.push_back(line);
  }
  lines.emplace_back();
  if (!summary.at("breaks").is_null()) {
    lines.push_back(break_line(summary.at("breaks")));
  }
  paragraph(string_member(summary, "claims"));
  paragraph(string_member(summary, "registered"));
  return fmt::format("{}\n", fmt::join(lines, "\n"));
}

}  // namespace veer
