// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"
#include "veer/base/number_text.h"
#include "veer/study/summary.h"
#include "veer/study/summary_baselines.h"
#include "veer/study/summary_numbers.h"
#include "veer/study/training_course.h"

namespace veer {
namespace {

constexpr std::size_t kMostLayers = 8;
constexpr std::size_t kMostEffects = 5;
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

std::string effect_line(const Json& entry) {
  const std::string head =
      fmt::format("  {:<24} {:<11}", string_member(entry, "vector"),
                  string_member(entry, "goal"));
  if (!entry.contains("effect")) {
    return fmt::format("{} {}", head, string_member(entry, "reason"));
  }
  const bool share = string_member(entry, "measure") != "score";
  if (!has_random_control(entry)) {
    return fmt::format("{} {}  {}  random not tried", head,
                       amount(entry.at("effect"), share), place_of(entry));
  }
  const auto control = random_control(entry);
  const Json& beyond = member(entry, "effect_minus_control");
  return fmt::format(
      "{} {}{}  {}  {}random {}{}{}", head, amount(entry.at("effect"), share),
      std::isnan(number_or_nan(beyond, "low"))
          ? ""
          : fmt::format(", {} beyond random", amount(beyond, share)),
      place_of(entry), control.kind, amount(control.effect, share),
      std::isnan(control.bar) ? "" : ", 95 % below " + bar_text(control, share),
      entry.value("valid_site", true) ? "" : ": no valid place");
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

}  // namespace

std::string summary_text(const Json& summary) {
  std::string text;
  if (const auto note = string_member(summary, "model"); !note.empty()) {
    text += note + "\n";
  }
  for (const auto& sentence : summary.at("verdict")) {
    text += sentence.get<std::string>() + "\n";
  }
  if (const Json& training = member(summary, "training");
      training.is_object() && training.at("kept") != training.at("last")) {
    text += training_sentence(training) + "\n";
  }
  const auto chart = chart_lines(summary.at("cosine"));
  if (!chart.empty()) {
    text += "Cosine by layer (░ reached by chance):\n";
    for (const auto& line : chart) {
      text += line + "\n";
    }
  }
  const bool plain = !member(summary, "additions").empty();
  const Json& effects = summary.at(plain ? "additions" : "best");
  std::size_t shown = 0;
  for (const auto& entry : effects) {
    if (shown == 0) {
      text += fmt::format(
          "Best {}, chosen on select, measured on test questions{}:\n",
          plain ? "plain additions" : "effects",
          effects.size() > kMostEffects
              ? fmt::format(" ({} of {}, all in the report)", kMostEffects,
                            effects.size())
              : "");
    }
    if (shown++ < kMostEffects) {
      text += effect_line(entry) + "\n";
    }
  }
  for (const auto& line :
       baseline_lines(summary.at("best"), member(summary, "baselines"))) {
    text += line + "\n";
  }
  if (!summary.at("breaks").is_null()) {
    text += break_line(summary.at("breaks")) + "\n";
  }
  for (const char* line : {"claims", "registered"}) {
    if (const auto own = string_member(summary, line); !own.empty()) {
      text += own + "\n";
    }
  }
  return text;
}

}  // namespace veer
