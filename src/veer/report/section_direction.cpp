// SPDX-License-Identifier: MIT
#include <fmt/core.h>

#include "veer/report/charts.h"
#include "veer/report/html.h"
#include "veer/report/sections.h"
#include "veer/report/wording.h"

namespace veer {
namespace {

const Json& primary_pair(const Json& comparison) {
  for (const auto& pair : member(comparison, "pairs")) {
    if (member(pair, "primary").is_boolean() && pair["primary"].get<bool>()) {
      return pair;
    }
  }
  return member(comparison, "no such pair");
}

// What the interval of one layer says, in a word.
std::string relation(const Json& layer) {
  const Json& low = member(layer, "low");
  const Json& high = member(layer, "high");
  if (!low.is_number() || !high.is_number()) {
    return "not established";
  }
  const double null_high = member(layer, "null_high").is_number()
                               ? layer["null_high"].get<double>()
                               : 0.0;
  if (low.get<double>() > null_high) {
    return "agree beyond chance";
  }
  if (high.get<double>() < -null_high) {
    return "opposed beyond chance";
  }
  return "within the band of chance";
}

std::string pair_table(const Json& pair) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& layer : member(pair, "by_layer")) {
    rows.push_back({text_of(layer, "layer"), decimal_estimate([&] {
                      return Json{{"value", member(layer, "cosine")},
                                  {"low", member(layer, "low")},
                                  {"high", member(layer, "high")}};
                    }()),
                    decimal(member(layer, "raw_cosine")),
                    fmt::format("{} to {}", decimal(member(layer, "null_low")),
                                decimal(member(layer, "null_high"))),
                    decimal(member(layer, "ceiling")), relation(layer)});
  }
  return html_table({{"layer", true},
                     {"cosine, cross-item", true},
                     {"plain cosine", true},
                     {"band of chance", true},
                     {"ceiling", true},
                     {"reading", false}},
                    rows);
}

std::string primary_block(const Json& comparison, const Json& pair) {
  const std::string a = text_of(pair, "a");
  const std::string b = text_of(pair, "b");
  std::string body = fmt::format(
      "<p>The two directions: <code>{}</code> and <code>{}</code>.</p>\n",
      escape_html(a), escape_html(b));
  body += html_chart(
      "cosine-by-layer", cosine_chart(member(pair, "by_layer")),
      "Cosine of the two directions at the output of each block, with its " +
          percent(member(comparison, "confidence")) +
          " interval. It is the cross-item estimate, which noise and shared "
          "questions do not bias; it may leave the range of a cosine when the "
          "directions are weak. Grey: where the cosine of the first direction "
          "with random activations' directions falls. Dashed: the most that "
          "the plain cosine could reach given the reliability of both. A value "
          "inside the grey band is not evidence of agreement; a value above "
          "it says that the directions share something, not that they do the "
          "same when they steer.");
  return body + "<details><summary>The numbers</summary>" + pair_table(pair) +
         "</details>\n";
}

std::string all_pairs_block(const Json& comparison) {
  std::vector<std::vector<std::string>> rows;
  std::vector<Column> columns = {{"pair", false}};
  for (const auto& pair : member(comparison, "pairs")) {
    std::vector<std::string> row = {escape_html(text_of(pair, "a")) + " · " +
                                    escape_html(text_of(pair, "b"))};
    const Json& layers = member(pair, "by_layer");
    if (columns.size() == 1) {
      for (const auto& layer : layers) {
        columns.push_back({"layer " + text_of(layer, "layer"), true});
      }
    }
    for (const auto& layer : layers) {
      const Json& cosine = member(layer, "cosine");
      row.push_back(cosine.is_number() ? decimal(cosine) : "–");
    }
    rows.push_back(row);
  }
  return "<h3>Every pair of vectors</h3>\n" + html_table(columns, rows) +
         "<p class=\"note\">Cross-item cosine by layer; a dash where one of "
         "the two directions is not established.</p>\n";
}

Json vector_rows(const Json& comparison, const char* field) {
  Json rows = Json::array();
  for (const auto& vector : member(comparison, "vectors")) {
    for (const auto& layer : member(vector, "by_layer")) {
      rows.push_back({{"layer", member(layer, "layer")},
                      {"vector", member(vector, "name")},
                      {"value", member(layer, field)}});
    }
  }
  return rows;
}

}  // namespace

std::string direction_section(const RunData& run) {
  const Json& pair = primary_pair(run.comparison);
  if (pair.is_null()) {
    return html_section("direction", "Same direction?", not_run_yet("compare"));
  }
  std::string body = primary_block(run.comparison, pair);
  body += all_pairs_block(run.comparison);
  body += html_chart(
      "norms",
      by_layer_chart(vector_rows(run.comparison, "relative_norm"),
                     "norm / norm of the residual stream"),
      "How long each vector is beside the residual stream that it lives in. A "
      "short vector must be scaled up to act, and then carries its noise "
      "along.");
  body += html_chart(
      "reliability",
      by_layer_chart(vector_rows(run.comparison, "reliability"),
                     "reliability (split halves)"),
      "How much of each vector returns when it is made from other questions. "
      "Near 0 the direction is noise and no cosine with it means anything.");
  return html_section("direction", "Same direction?", body);
}

}  // namespace veer
