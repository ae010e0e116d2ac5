// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/core.h>

#include "veer/report/charts.h"
#include "veer/report/doubt_blocks.h"
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

// What the interval of one layer says, in a word. That two directions do not
// agree is said by an equivalence test alone; inside the band of chance nothing
// is told.
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
  return text_of(layer, "verdict") == "orthogonal"
             ? "no agreement (equivalence test)"
             : "not told from chance";
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

// Smallest and largest of a number over layers: "0.64 to 0.98".
std::string range_over(const Json& by_layer, const char* key, int digits) {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (const auto& at : by_layer) {
    if (member(at, key).is_number()) {
      low = std::min(low, at[key].get<double>());
      high = std::max(high, at[key].get<double>());
    }
  }
  return low > high
             ? "-"
             : fmt::format("{:.{}f} to {:.{}f}", low, digits, high, digits);
}

// What the intervals are over, and how alike the questions of a unit are; empty
// where every question stands alone.
std::string units_note(const Json& comparison) {
  std::vector<std::vector<std::string>> rows;
  bool has_units = false;
  for (const auto& vector : member(comparison, "vectors")) {
    const Json& layers = member(vector, "by_layer");
    has_units = has_units || (member(vector, "clusters").is_number() &&
                              vector["clusters"] != vector["n"]);
    rows.push_back({escape_html(text_of(vector, "name")), text_of(vector, "n"),
                    text_of(vector, "clusters"), range_over(layers, "icc", 2),
                    range_over(layers, "design_effect", 1)});
  }
  if (!has_units) {
    return "";
  }
  return "<p class=\"note\">Questions of one topic or cluster err together, so "
         "every interval here is over such units, and products of two "
         "questions of one unit are left out. Alike: the intra-cluster "
         "correlation of the questions' differences. Design effect: so many "
         "questions count for one. Both over layers.</p>\n" +
         html_table({{"vector", false},
                     {"questions", true},
                     {"units", true},
                     {"alike", true},
                     {"design effect", true}},
                    rows);
}

std::string primary_block(const Json& comparison, const Json& pair) {
  const std::string a = text_of(pair, "a");
  const std::string b = text_of(pair, "b");
  std::string body = fmt::format(
      "<p>The two directions: <code>{}</code> and <code>{}</code>.</p>\n",
      escape_html(a), escape_html(b));
  body +=
      html_chart(
          "cosine-by-layer", cosine_chart(member(pair, "by_layer")),
          "Cosine of the two directions at the output of each block, with "
          "its " +
              percent(member(comparison, "confidence")) +
              " interval. It is the cross-item estimate, which noise and "
              "shared "
              "questions do not bias; it may leave the range of a cosine when "
              "the "
              "directions are weak. Grey: where 95 % of the cosines of two "
              "random "
              "directions fall, both drawn with the covariance of the "
              "activations "
              "here; of three nulls it is the strictest (in the others one "
              "direction is held and one is drawn). Dashed: the most that the "
              "plain cosine could reach given the reliability of both. A value "
              "inside the grey band, which is that of one layer alone, is told "
              "neither from chance nor from "
              "agreement; one above it says that the directions share "
              "something, "
              "not that they do the same when they steer. The claims H1 and H8 "
              "correct for all layers.") +
      units_note(comparison);
  return body + "<details><summary>The numbers</summary>" + pair_table(pair) +
         "</details>\n";
}

// The layer that the maps and tables below start from: where the primary pair
// is told best apart from chance.
std::int64_t chosen_layer(const Json& pair) {
  std::int64_t chosen = 0;
  double most = -1.0;
  for (const auto& at : member(pair, "by_layer")) {
    const Json& cosine = member(at, "cosine");
    if (cosine.is_number() && std::abs(cosine.get<double>()) > most) {
      most = std::abs(cosine.get<double>());
      chosen = at.at("layer").get<std::int64_t>();
    }
  }
  return chosen;
}

Json map_rows(const Json& comparison) {
  Json rows = Json::array();
  const auto add = [&](const Json& layer, const Json& a, const Json& b,
                       const Json& cosine) {
    rows.push_back({{"layer", layer}, {"a", a}, {"b", b}, {"cosine", cosine}});
  };
  for (const auto& vector : member(comparison, "vectors")) {
    for (const auto& at : member(vector, "by_layer")) {
      add(member(at, "layer"), vector["name"], vector["name"], 1.0);
    }
  }
  for (const auto& pair : member(comparison, "pairs")) {
    for (const auto& at : member(pair, "by_layer")) {
      add(at["layer"], pair["a"], pair["b"], member(at, "raw_cosine"));
      add(at["layer"], pair["b"], pair["a"], member(at, "raw_cosine"));
    }
  }
  for (const auto& entry : member(comparison, "directions")) {
    for (const auto& at : member(entry, "by_layer")) {
      add(at["layer"], entry["direction"], entry["vector"],
          member(at, "raw_cosine"));
      add(at["layer"], entry["vector"], entry["direction"],
          member(at, "raw_cosine"));
    }
  }
  return rows;
}

std::string all_pairs_block(const Json& comparison, std::int64_t layer) {
  std::int64_t layers = 0;
  std::vector<std::vector<std::string>> rows;
  std::vector<Column> columns = {{"pair", false}};
  for (const auto& pair : member(comparison, "pairs")) {
    std::vector<std::string> row = {escape_html(text_of(pair, "a")) + " · " +
                                    escape_html(text_of(pair, "b"))};
    const Json& by_layer = member(pair, "by_layer");
    if (columns.size() == 1) {
      layers = static_cast<std::int64_t>(by_layer.size());
      for (const auto& at : by_layer) {
        columns.push_back({"layer " + text_of(at, "layer"), true});
      }
    }
    for (const auto& at : by_layer) {
      const Json& cosine = member(at, "cosine");
      row.push_back(cosine.is_number() ? decimal(cosine) : "–");
    }
    rows.push_back(row);
  }
  return "<h3>Every vector against every other</h3>\n" +
         html_chart("vector-map",
                    vector_map(map_rows(comparison), layer, layers),
                    "Plain cosine of every pair at one layer; move the layer "
                    "below the map. Blue against orange is opposite. Plain "
                    "cosines of noisy vectors are too small, and two vectors "
                    "that share a side (say, the base model on the same text) "
                    "are pulled together by that alone: the cross-item table "
                    "is free of both.") +
         "<details><summary>Cross-item cosines of every pair</summary>" +
         html_table(columns, rows) +
         "<p class=\"note\">By layer; a dash where one of the two directions "
         "is not established.</p></details>\n";
}

std::string angles_block(const Json& pair) {
  Json rows = Json::array();
  for (const auto& at : member(pair, "by_layer")) {
    int number = 0;
    for (const auto& cosine : member(at, "principal_cosines")) {
      ++number;
      rows.push_back({{"layer", at["layer"]},
                      {"vector", fmt::format("principal angle {}", number)},
                      {"value", cosine}});
    }
    for (const auto& [key, name] :
         {std::pair{"energy_of_b_in_a", "second vector inside first's space"},
          std::pair{"energy_of_a_in_b",
                    "first vector inside second's space"}}) {
      if (member(at, key).is_number()) {
        rows.push_back(
            {{"layer", at["layer"]}, {"vector", name}, {"value", at.at(key)}});
      }
    }
  }
  if (rows.empty()) {
    return "";
  }
  return "<h3>Beyond one direction</h3>\n" +
         html_chart(
             "subspace-angles",
             by_layer_chart(rows, "cosine, or share of energy"),
             "The questions' differences span several directions. Principal "
             "angles (as cosines, from different questions): 1 means that the "
             "two spans share that many directions. The two other lines: how "
             "much of one vector's squared length lies in the other's span. A "
             "high share with a low cosine says that the second vector is in "
             "reach of the first one's span without being its mean; neither "
             "says what steering does.");
}

std::string two_by_two_block(const Json& comparison) {
  Json rows = Json::array();
  for (const auto& entry : member(comparison, "two_by_two")) {
    for (const auto& at : member(entry, "by_layer")) {
      for (const char* effect : {"content", "model", "interaction"}) {
        const Json& share =
            member(at, (std::string(effect) + "_share").c_str());
        if (share.is_number()) {
          rows.push_back({{"layer", at["layer"]},
                          {"position", entry["position"]},
                          {"effect", effect},
                          {"share", share}});
        }
      }
    }
  }
  if (rows.empty()) {
    return "";
  }
  return "<h3>Text, model, or both together</h3>\n" +
         html_chart("two-by-two", shares_chart(rows),
                    "The same four texts in both models: base or tuned, honest "
                    "or deceptive answer, on identical tokens. How the energy "
                    "between these four cells divides: what the answer's "
                    "content changes in either model, what fine-tuning changes "
                    "on either answer, and what it changes on one kind of "
                    "answer only. Noise adds nothing on average; an effect "
                    "that is not above it has no bar. A large share is not an "
                    "effect on behaviour.");
}

Json relative_norms(const Json& comparison) {
  Json rows = Json::array();
  for (const auto& vector : member(comparison, "vectors")) {
    for (const auto& layer : member(vector, "by_layer")) {
      rows.push_back({{"layer", member(layer, "layer")},
                      {"vector", member(vector, "name")},
                      {"value", member(layer, "relative_norm")}});
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
  const auto layer = chosen_layer(pair);
  body += all_pairs_block(run.comparison, layer);
  body += two_by_two_block(run.comparison);
  body += angles_block(pair);
  body += html_chart(
      "norms",
      by_layer_chart(relative_norms(run.comparison),
                     "norm / norm of the residual stream"),
      "How long each vector is beside the residual stream that it lives in. A "
      "short vector must be scaled up to act, and then carries its noise "
      "along.");
  body += reliability_block(run.comparison);
  body += sample_size_block(run.comparison, layer);
  body += directions_block(run.comparison);
  body += vector_readings_blocks(run.comparison, pair, layer);
  return html_section("direction", "Same direction?", body);
}

}  // namespace veer
