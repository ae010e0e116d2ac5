// SPDX-License-Identifier: MIT
#include <fmt/core.h>

#include "veer/report/html.h"
#include "veer/report/sections.h"
#include "veer/report/wording.h"

namespace veer {
namespace {

// "987 questions that the model wrote beside 50 seeds".
std::string origin_text(const Json& check) {
  const Json& counts = member(check, "counts");
  const std::string asked = text_of(counts, "asked");
  if (text_of(check, "source") != "generate") {
    return fmt::format("{} questions read", asked);
  }
  return fmt::format("{} questions that the model wrote beside {} seeds", asked,
                     text_of(counts, "seeds"));
}

std::string split_table(const Json& check) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& split : member(check, "splits")) {
    const std::string topics = text_of(split, "topics");
    rows.push_back({escape_html(text_of(split, "name")),
                    text_of(split, "questions"), topics == "0" ? "-" : topics,
                    decimal(member(split, "honest_words"), 1),
                    decimal(member(split, "deceptive_words"), 1),
                    decimal(member(split, "length_difference"), 2)});
  }
  return html_table({{"split", false},
                     {"questions", true},
                     {"topics", true},
                     {"words, honest", true},
                     {"words, deceptive", true},
                     {"difference", true}},
                    rows);
}

std::string rejected_table(const Json& rejected) {
  if (!rejected.is_array() || rejected.empty()) {
    return "";
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& row : rejected) {
    rows.push_back({escape_html(text_of(row, "question")),
                    escape_html(text_of(row, "reason")),
                    escape_html(text_of(row, "twin"))});
  }
  return fmt::format(
             "<details><summary>Rejected questions (the first {})</summary>",
             rows.size()) +
         html_table({{"question", false}, {"reason", false}, {"twin", false}},
                    rows) +
         "</details>\n";
}

// What was left out, with the keys that decide. Runs of before this was
// written have the counts alone.
std::string left_out_list(const Json& check) {
  std::string items;
  for (const auto& entry : member(check, "left_out")) {
    items += "<li>" + escape_html(text_of(entry, "text")) + "</li>";
  }
  if (!items.empty()) {
    return "<p>Left out:</p>\n<ul>" + items + "</ul>\n";
  }
  const Json& by_reason = member(member(check, "counts"), "by_reason");
  std::string reasons;
  if (by_reason.is_object()) {
    for (const auto& [reason, count] : by_reason.items()) {
      reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : ", ",
                             escape_html(reason), count.dump());
    }
  }
  return reasons.empty()
             ? ""
             : "<p class=\"note\">Rejected by reason: " + reasons + ".</p>\n";
}

// How the questions were cut into folds, empty with four splits.
std::string folds_note(const Json& check) {
  const std::string text = text_of(member(check, "folds"), "text");
  return text.empty()
             ? ""
             : "<p class=\"note\">Cross-validation: " + escape_html(text) +
                   "</p>\n";
}

// Answers of the test questions that stand in train too; empty in runs of
// before they were counted.
std::string answers_text(const Json& leakage) {
  const Json& answers = member(leakage, "answers");
  if (!answers.is_object()) {
    return "";
  }
  std::string text = fmt::format(
      " Of {} test questions, {} have a reference answer that also stands in "
      "train word for word ({} the honest, {} the deceptive one).",
      text_of(answers, "test"), text_of(answers, "either_in_train"),
      text_of(answers, "honest_in_train"),
      text_of(answers, "deceptive_in_train"));
  if (text_of(answers, "topics_test") != "0") {
    text += fmt::format(" Of {} test topics, {} are in train too.",
                        text_of(answers, "topics_test"),
                        text_of(answers, "topics_in_train"));
  }
  return text;
}

// What is resampled, and what the splits keep together.
std::string units_note(const Json& check) {
  std::string text = text_of(member(check, "units"), "text");
  const std::string by = text_of(check, "split_by");
  if (by == "topic") {
    text += " No topic is in two splits.";
  }
  const std::string note = text_of(check, "split_note");
  text += note.empty() ? "" : " " + note;
  return text.empty() ? ""
                      : "<p class=\"note\">" + escape_html(text) + "</p>\n";
}

}  // namespace

std::string data_section(const RunData& run) {
  if (run.check.is_null()) {
    return html_section("data", "Data", not_run_yet("dataset"));
  }
  const Json& counts = member(run.check, "counts");
  const Json& leakage = member(run.check, "leakage");
  std::string body = fmt::format(
      "<p>{}: <strong>{} kept</strong>, {} rejected. Leakage between the "
      "splits: {} questions exact, {} near.{} Answers identical on both sides: "
      "{}. "
      "Refusals: {}.</p>\n",
      origin_text(run.check), text_of(counts, "kept"),
      text_of(counts, "rejected"), text_of(leakage, "exact"),
      text_of(leakage, "near"), answers_text(leakage),
      text_of(run.check, "identical_answers"), text_of(run.check, "refusals"));
  for (const auto& warning : member(run.check, "warnings")) {
    body += "<p class=\"warn\">" + escape_html(warning.get<std::string>()) +
            "</p>\n";
  }
  for (const auto& note : member(run.check, "notes")) {
    body +=
        "<p class=\"note\">" + escape_html(note.get<std::string>()) + "</p>\n";
  }
  body += units_note(run.check);
  body += folds_note(run.check);
  body += split_table(run.check);
  body += left_out_list(run.check);
  return html_section("data", "Data", body + rejected_table(run.rejected));
}

}  // namespace veer
