// SPDX-License-Identifier: MIT
#include <map>

#include <fmt/core.h>

#include "veer/report/html.h"
#include "veer/report/sections.h"
#include "veer/report/wording.h"

namespace veer {
namespace {

std::string with_label(const Json& answer) {
  const std::string label = text_of(answer, "label");
  std::string out = escape_html(text_of(answer, "text"));
  if (!label.empty()) {
    out += fmt::format(" <span class=\"label {0}\">{0}</span>",
                       escape_html(label));
  }
  return out;
}

// The seed study's example table: one question a row, one layer a column.
std::string example_table(const Json& examples) {
  if (!member(examples, "rows").is_array()) {
    return "";
  }
  std::vector<Column> columns = {{"question", false}, {"unsteered", false}};
  for (const auto& column : member(examples, "columns")) {
    columns.push_back({text_of(column, "title"), false});
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& example : member(examples, "rows")) {
    std::vector<std::string> row = {escape_html(text_of(example, "question")),
                                    with_label(member(example, "plain"))};
    for (const auto& answer : member(example, "steered")) {
      row.push_back(with_label(answer));
    }
    rows.push_back(row);
  }
  const std::string vector = text_of(examples, "vector");
  const char* original =
      vector.starts_with("original_")
          ? " The question of the original study's own example is not in its "
            "published material."
          : "";
  return fmt::format(
             "<h3>The same questions, steered at several layers</h3>\n<p>"
             "Vector <code>{}</code>, {} model, the first {} of the test "
             "questions.{}</p>\n",
             escape_html(vector), escape_html(text_of(examples, "model")),
             rows.size(), original) +
         html_table(columns, rows);
}

// Rows as arrays and names as indices: a tenth of the bytes of objects.
Json browser_data(const Json& sweep) {
  std::map<std::string, int> configuration_of;
  std::map<std::string, int> label_of;
  Json data = {{"questions", Json::array()},
               {"configurations", Json::array()},
               {"labels", Json::array()},
               {"rows", Json::array()}};
  for (const auto& question : member(sweep, "questions")) {
    data["questions"].push_back(
        {{"text", text_of(question, "question")}, {"plain", Json::object()}});
  }
  std::map<std::string, const Json*> cells;
  for (const auto& cell : member(sweep, "cells")) {
    cells[text_of(cell, "id")] = &cell;
  }
  const auto label_index = [&](const std::string& label) {
    const auto [entry, is_new] =
        label_of.try_emplace(label, static_cast<int>(data["labels"].size()));
    if (is_new) {
      data["labels"].push_back(label);
    }
    return entry->second;
  };
  for (const auto& answer : member(sweep, "answers")) {
    const auto found = cells.find(text_of(answer, "cell"));
    if (found == cells.end() || !member(answer, "question").is_number()) {
      continue;
    }
    const Json& cell = *found->second;
    const auto question = answer["question"].get<std::size_t>();
    if (question >= data["questions"].size()) {
      continue;
    }
    const std::string label = text_of(answer, "label");
    if (text_of(cell, "vector").empty()) {
      data["questions"][question]["plain"][text_of(cell, "model")] = {
          {"text", text_of(answer, "text")}, {"label", label}};
      continue;
    }
    const auto [entry, is_new] = configuration_of.try_emplace(
        found->first, static_cast<int>(data["configurations"].size()));
    if (is_new) {
      data["configurations"].push_back({{"model", text_of(cell, "model")},
                                        {"vector", text_of(cell, "vector")},
                                        {"operator", text_of(cell, "operator")},
                                        {"layer", text_of(cell, "layers")},
                                        {"unit", text_of(cell, "unit")},
                                        {"scale", text_of(cell, "scale")}});
    }
    data["rows"].push_back(
        {question, entry->second, text_of(answer, "text"), label_index(label)});
  }
  return data;
}

}  // namespace

std::string answers_section(const RunData& run) {
  if (!member(run.sweep, "answers").is_array()) {
    return html_section("look", "Look", not_run_yet("sweep"));
  }
  std::string body = example_table(member(run.sweep, "examples"));
  body +=
      "<h3>Browse the answers</h3>\n<p class=\"note\">Unsteered, best, control "
      "and example cells; every answer of the run is in <code>run.sqlite"
      "</code>.</p>\n<div id=\"answers\"></div>\n"
      "<script type=\"application/json\" id=\"answers-data\">" +
      json_for_script(browser_data(run.sweep)) + "</script>\n";
  return html_section("look", "Look", body);
}

}  // namespace veer
