// SPDX-License-Identifier: MIT
#include <fmt/core.h>

#include "veer/report/html.h"
#include "veer/report/sections.h"
#include "veer/report/wording.h"

namespace veer {
namespace {

bool is_measured(const Json& claim) {
  return text_of(member(claim, "effect"), "reason") != "not measured";
}

std::string effect_text(const Json& claim) {
  const Json& effect = member(claim, "effect");
  if (!member(effect, "value").is_number()) {
    return escape_html(text_of(effect, "reason"));
  }
  const std::string unit = text_of(claim, "unit");
  return escape_html(unit == "share" ? points_estimate(effect)
                                     : unit + " " + decimal_estimate(effect));
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
    const std::string n = text_of(member(claim, "effect"), "n");
    rows.push_back({fmt::format("<span id=\"claim-{0}\">{0}</span>",
                                escape_html(text_of(claim, "id"))),
                    fmt::format("{}<br><span class=\"note\">{}</span>",
                                escape_html(text_of(claim, "claim")),
                                escape_html(text_of(claim, "statistic"))),
                    decision_cell(claim), effect_text(claim), n == "0" ? "" : n,
                    escape_html(text_of(claim, "reason")),
                    fmt::format("<code>{}</code>",
                                escape_html(text_of(claim, "sharpen")))});
  }
  return html_table({{"", false},
                     {"claim and test", false},
                     {"decision", false},
                     {"effect [interval]", false},
                     {"n", true},
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
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count.dump(),
                        decision);
  }
  return text;
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
          escape_html(counts_text(member(run.hypotheses, "counts"))) +
          ". <em>Undecided</em> means that the data do not settle it, not that "
          "the claim is false; <em>void</em> that a claim it rests on (G1, "
          "G2, H23) failed. One model is one draw: a verdict about a method "
          "needs several.</p>\n" +
          measured_table(claims) + open_table(claims));
}

}  // namespace veer
