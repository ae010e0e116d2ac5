// SPDX-License-Identifier: MIT
#include <fmt/core.h>

#include "veer/report/html.h"
#include "veer/report/sections.h"
#include "veer/report/wording.h"

namespace veer {
std::string answer_section(const RunData& run) {
  const Json& verdict = member(run.summary, "verdict");
  if (!verdict.is_array() || verdict.empty()) {
    return html_section("answer", "Answer", not_run_yet("study"));
  }
  std::string body;
  if (const auto note = text_of(run.summary, "model"); !note.empty()) {
    body +=
        "<p class=\"answer\"><strong>" + escape_html(note) + "</strong></p>";
  }
  body += "<div class=\"answer\">";
  for (const auto& sentence : verdict) {
    body += "<p>" + escape_html(sentence.get<std::string>()) + "</p>";
  }
  for (const char* line : {"claims", "registered"}) {
    if (const auto own = text_of(run.summary, line); !own.empty()) {
      body += "<p>" + escape_html(own) + "</p>";
    }
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

}  // namespace veer
