// SPDX-License-Identifier: MIT
#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/report/html.h"
#include "veer/report/steering_blocks.h"
#include "veer/report/wording.h"
#include "veer/study/summary/baselines.h"

namespace veer {
namespace {

std::string in_measure(const Json& entry, const Json& estimate) {
  return escape_html(text_of(entry, "measure") == "score"
                         ? decimal_estimate(estimate)
                         : points_estimate(estimate));
}

// An estimate above its interval, as in the rows of vectors.
std::string stacked(std::string text) {
  const auto interval = text.find(" [");
  return interval == std::string::npos ? text
                                       : text.replace(interval, 1, "<br>");
}

std::string effect_cell(const Json& sweep, const Json& baseline) {
  std::string text = stacked(in_measure(baseline, member(baseline, "effect")));
  const Json* rival =
      baseline_rival(member(sweep, "best"), member(sweep, "groups"), baseline);
  if (rival == nullptr) {
    return text;
  }
  const Json& lead = lead_over(baseline, *rival);
  if (member(lead, "value").is_number()) {
    text += fmt::format("<br><small>{} minus it: {}</small>",
                        escape_html(text_of(*rival, "vector")),
                        in_measure(baseline, lead));
  }
  return text;
}

std::string chosen_cell(const Json& baseline) {
  return text_of(baseline, "name") == "adapter"
             ? fmt::format("strength {}, of {}", text_of(baseline, "strength"),
                           member(baseline, "tried").size())
             : "nothing to choose";
}

}  // namespace

std::string elsewhere_text(const Json& entry) {
  const Json& measured = member(entry, "specificity");
  const Json& divergence = member(measured, "divergence");
  if (!member(member(divergence, "mean"), "value").is_number()) {
    return "";
  }
  std::string text =
      stacked(escape_html(decimal_estimate(member(divergence, "mean"))));
  const Json& random =
      member(member(member(measured, "random"), "divergence"), "mean");
  if (member(random, "value").is_number()) {
    text +=
        "<br><small>random: " + escape_html(decimal(member(random, "value"))) +
        "</small>";
  }
  return text;
}

std::string against_goal_text(const Json& entry) {
  const Json& share = member(member(entry, "anti_steerable"), "share");
  return member(share, "value").is_number()
             ? stacked(escape_html(percent_estimate(share)))
             : "";
}

std::vector<std::vector<std::string>> baseline_rows(const Json& sweep) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& baseline : member(sweep, "baselines")) {
    rows.push_back(
        {"<strong>" + escape_html(baseline_name(baseline)) + "</strong><br>" +
             escape_html(text_of(baseline, "goal")),
         chosen_cell(baseline), effect_cell(sweep, baseline), "", "", "",
         against_goal_text(baseline), elsewhere_text(baseline),
         stacked(escape_html(percent_estimate(member(baseline, "coherent")))),
         n_of(member(baseline, "effect"))});
  }
  return rows;
}

std::string dial_block(const Json& sweep) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& baseline : member(sweep, "baselines")) {
    for (const auto& tried : member(baseline, "tried")) {
      rows.push_back({escape_html(text_of(baseline, "goal")),
                      text_of(tried, "strength"),
                      in_measure(baseline, member(tried, "effect")),
                      escape_html(percent_estimate(member(tried, "coherent"))),
                      n_of(member(tried, "effect"))});
    }
  }
  return rows.empty() ? ""
                      : "<details><summary>Strengths of the adapter on the "
                        "select questions</summary>" +
                            html_table({{"goal", false},
                                        {"strength", true},
                                        {"effect on select", true},
                                        {"unbroken", true},
                                        {"n", true}},
                                       rows) +
                            "</details>\n";
}

std::string specificity_note(const Json& sweep) {
  std::string text;
  for (const char* goal : {"induction", "suppression"}) {
    const std::string sentence = specificity_sentence(sweep, goal);
    text += sentence.empty() ? "" : "<p>" + escape_html(sentence) + "</p>\n";
  }
  return text;
}

}  // namespace veer
