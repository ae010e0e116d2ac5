// SPDX-License-Identifier: MIT
#include <fmt/core.h>

#include "veer/report/html.h"
#include "veer/report/sections.h"
#include "veer/report/wording.h"

namespace veer {
namespace {

// Every question of the study with its plain answer.
std::string answer_list(const Json& answers) {
  std::string list;
  for (const auto& answer : answers) {
    list += fmt::format("<dt>{}</dt><dd>{}</dd>\n",
                        escape_html(text_of(answer, "question")),
                        escape_html(text_of(answer, "answer")));
  }
  return "<dl class=\"answers\">\n" + list + "</dl>\n";
}

// The numbers behind each answer.
std::string number_lists(const Json& answers) {
  std::string out;
  for (const auto& answer : answers) {
    std::string items;
    for (const auto& sentence : member(answer, "numbers")) {
      items += "<li>" + escape_html(sentence.get<std::string>()) + "</li>\n";
    }
    if (!items.empty()) {
      out += fmt::format("<h3>{}</h3>\n<ul>{}</ul>\n",
                         escape_html(text_of(answer, "question")), items);
    }
  }
  return out;
}

}  // namespace

std::string answer_section(const RunData& run) {
  const Json& answers = member(run.summary, "answers");
  if (!answers.is_array() || answers.empty()) {
    return html_section("answer", "Answer", not_run_yet("study"));
  }
  std::string body;
  if (const auto note = text_of(run.summary, "model"); !note.empty()) {
    body +=
        "<p class=\"answer\"><strong>" + escape_html(note) + "</strong></p>";
  }
  body += answer_list(answers) + "<div class=\"answer\">";
  const auto paragraph = [&](const std::string& text) {
    body += text.empty() ? "" : "<p>" + escape_html(text) + "</p>";
  };
  for (const auto& remark : member(run.summary, "remarks")) {
    paragraph(remark.get<std::string>());
  }
  paragraph(text_of(run.summary, "claims"));
  body += number_lists(answers);
  paragraph(text_of(run.summary, "registered"));
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
