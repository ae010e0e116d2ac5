// SPDX-License-Identifier: MIT
#include <fmt/core.h>

#include "veer/base/number_text.h"
#include "veer/report/html.h"
#include "veer/report/sections.h"
#include "veer/report/wording.h"

namespace veer {
namespace {

bool is_measured(const Json& claim) {
  return text_of(member(claim, "effect"), "reason") != "not measured";
}

bool is_share(const Json& claim) {
  return text_of(claim, "unit") == "share";
}

std::string effect_text(const Json& claim) {
  const Json& effect = member(claim, "effect");
  if (!member(effect, "value").is_number()) {
    return escape_html(text_of(effect, "reason"));
  }
  const std::string unit = text_of(claim, "unit");
  return escape_html(is_share(claim) ? points_estimate(effect)
                                     : unit + " " + decimal_estimate(effect));
}

// A bound in the claim's unit: "10 points", "0.50".
std::string bound_text(const Json& claim, const char* key) {
  const Json& value = member(claim, key);
  if (!value.is_number()) {
    return "";
  }
  return is_share(claim) ? rounded(100.0 * value.get<double>(), 0) + " points"
                         : decimal(value);
}

// "160 questions"
std::string count_text(const Json& claim) {
  const std::string n = n_of(member(claim, "effect"));
  return n.empty() || n == "0" ? "" : n + " " + text_of(claim, "counts");
}

// "<0.001; corrected 0.004"
std::string p_text_of(const Json& claim) {
  if (!member(claim, "p").is_number()) {
    return "";
  }
  const Json& holm = member(claim, "holm_p");
  return p_value(claim.at("p")) +
         (holm.is_number() ? "; corrected " + p_value(holm) : "");
}

std::string decision_cell(const Json& claim) {
  return fmt::format("<span class=\"verdict {0}\">{0}</span>",
                     escape_html(text_of(claim, "decision")));
}

std::string measured_table(const Json& claims) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& claim : claims) {
    if (!is_measured(claim)) {
      continue;
    }
    const std::string operators = text_of(claim, "operators");
    const std::string role = text_of(claim, "role");
    rows.push_back(
        {fmt::format("<span id=\"claim-{0}\">{0}</span>",
                     escape_html(text_of(claim, "id"))),
         fmt::format(
             "{}{}<br><span class=\"note\">{}</span><details><summary>rule"
             "</summary><span class=\"note\">{}</span></details>",
             escape_html(text_of(claim, "claim")),
             role.empty() || role == "finding"
                 ? ""
                 : " <span class=\"note\">(" + escape_html(role) + ")</span>",
             escape_html((operators.empty() ? "" : operators + ": ") +
                         text_of(claim, "statistic")),
             escape_html(text_of(claim, "rule"))),
         decision_cell(claim), effect_text(claim),
         escape_html(count_text(claim)), escape_html(p_text_of(claim)),
         escape_html(bound_text(claim, "margin")),
         escape_html(bound_text(claim, "room")),
         escape_html(text_of(claim, "reason")),
         fmt::format("<code>{}</code>",
                     escape_html(text_of(claim, "sharpen")))});
  }
  return html_table({{"", false},
                     {"claim and test", false},
                     {"decision", false},
                     {"effect [interval]", false},
                     {"n", false},
                     {"p", false},
                     {"margin", false},
                     {"room", false},
                     {"reason", false},
                     {"sharpen with", false}},
                    rows);
}

std::string open_table(const Json& claims) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& claim : claims) {
    if (!is_measured(claim)) {
      rows.push_back({escape_html(text_of(claim, "id")),
                      escape_html(text_of(claim, "claim")),
                      escape_html(text_of(claim, "statistic")),
                      escape_html(text_of(claim, "reason"))});
    }
  }
  if (rows.empty()) {
    return "";
  }
  return fmt::format(
             "<details><summary>{} claims that this run does not "
             "measure</summary>",
             rows.size()) +
         html_table({{"", false},
                     {"claim", false},
                     {"test", false},
                     {"what is missing", false}},
                    rows) +
         "</details>\n";
}

std::string counts_text(const Json& counts) {
  std::string text;
  for (const auto& [decision, count] : counts.items()) {
    if (count != 0) {
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count.dump(),
                          decision);
    }
  }
  return text;
}

// Gates and what stands after correction; empty in files without them.
std::string beside_counts(const Json& hypotheses) {
  const Json& gates = member(hypotheses, "gates");
  const Json& corrected = member(hypotheses, "corrected");
  if (!gates.is_object() || !corrected.is_object()) {
    return "";
  }
  return fmt::format(
      " Corrected over all findings (Holm), {} supported and {} contradicted "
      "stand; {} have a rule without p. Not counted: gates, on which the "
      "others "
      "rest ({}), and rows that follow from others.",
      text_of(corrected, "supported"), text_of(corrected, "contradicted"),
      text_of(corrected, "without p"), counts_text(gates));
}

}  // namespace

std::string claims_section(const RunData& run) {
  const Json& claims = member(run.hypotheses, "claims");
  if (!claims.is_array() || claims.empty()) {
    return html_section("claims", "Claims", not_run_yet("compare"));
  }
  return html_section(
      "claims", "Claims",
      "<p>The study's findings and hypotheses, restated as tests and decided "
      "from this run's own numbers: " +
          escape_html(counts_text(member(run.hypotheses, "counts")) + "." +
                      beside_counts(run.hypotheses) + " " +
                      text_of(run.summary, "registered")) +
          "</p>\n<p><em>Undecided</em> means that the data do not settle it, "
          "not that the claim is false, and <em>no room</em> that they could "
          "not have: room is the most that the effect could still have been. "
          "<em>Void</em>: a claim it rests on (G1, G2, H23) failed, or random "
          "vectors act at the place. The margin is what counts as no effect. "
          "One model is one draw: a verdict about a method needs "
          "several.</p>\n" +
          measured_table(claims) + open_table(claims));
}

}  // namespace veer
