// SPDX-License-Identifier: MIT
#include <fmt/core.h>

#include "veer/report/html.h"
#include "veer/report/sections.h"
#include "veer/report/wording.h"

namespace veer {
namespace {

std::string decision_cell(const std::string& decision) {
  return fmt::format("<span class=\"verdict {0}\">{0}</span>",
                     escape_html(decision));
}

// comparison.json and sweep.json each may bring rows of the table.
Json all_claims(const RunData& run) {
  Json rows = Json::array();
  for (const Json* source : {&run.summary, &run.comparison, &run.sweep}) {
    for (const auto& row : member(*source, "hypotheses")) {
      rows.push_back(row);
    }
  }
  return rows;
}

}  // namespace

std::string answer_section(const RunData& run) {
  const Json& verdict = member(run.summary, "verdict");
  if (!verdict.is_array() || verdict.empty()) {
    return html_section("answer", "Answer", not_run_yet("study"));
  }
  std::string body = "<div class=\"answer\">";
  for (const auto& sentence : verdict) {
    body += "<p>" + escape_html(sentence.get<std::string>()) + "</p>";
  }
  body += "</div>";
  const Json& facts = member(run.summary, "run");
  body += fmt::format(
      "<p class=\"note\">Model: {}. Seed {}. Veer {}, torch {}, {}, {} "
      "threads. {}</p>\n",
      escape_html(text_of(member(run.manifest, "model"), "path")),
      escape_html(text_of(member(run.manifest, "run"), "seed")),
      escape_html(text_of(facts, "veer")), escape_html(text_of(facts, "torch")),
      escape_html(text_of(facts, "machine")),
      escape_html(text_of(facts, "threads")),
      escape_html(text_of(facts, "date")));
  return html_section("answer", "Answer", body);
}

std::string claims_section(const RunData& run) {
  const Json claims = all_claims(run);
  if (claims.empty()) {
    return html_section(
        "claims", "Claims",
        "<p class=\"note\">This run holds no table of hypotheses.</p>\n");
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& claim : claims) {
    rows.push_back({escape_html(text_of(claim, "id")),
                    escape_html(text_of(claim, "statement")),
                    decision_cell(text_of(claim, "decision")),
                    escape_html(text_of(claim, "statistic")) + " " +
                        escape_html(decimal_estimate(member(claim, "effect"))),
                    escape_html(text_of(member(claim, "effect"), "n")),
                    escape_html(text_of(claim, "reason"))});
  }
  return html_section(
      "claims", "Claims",
      "<p>The study's findings and hypotheses, restated as tests and decided "
      "from this run's own numbers. Undecided means that the data do not "
      "settle it, not that the claim is false.</p>\n" +
          html_table({{"", false},
                      {"claim", false},
                      {"decision", false},
                      {"effect and interval", false},
                      {"n", true},
                      {"reason", false}},
                     rows));
}

}  // namespace veer
