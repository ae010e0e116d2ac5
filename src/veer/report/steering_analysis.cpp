// SPDX-License-Identifier: MIT
#include <cmath>
#include <cstdlib>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/report/charts.h"
#include "veer/report/html.h"
#include "veer/report/steering_blocks.h"
#include "veer/report/wording.h"
#include "veer/results/vector_name.h"

namespace veer {
namespace {

// The goal that a cell of the grid serves; empty for one that serves none.
std::string goal_of_cell(const Json& cell) {
  const std::string model = text_of(cell, "model");
  const std::string operation = text_of(cell, "operator");
  if (model == "base") {
    return operation == "subtract" ? "" : "induction";
  }
  return operation == "add" ? "" : "suppression";
}

bool is_mixture(const Json& cell) {
  return parse_vector_name(text_of(cell, "vector")).is_mixture();
}

std::string panel_of(const std::string& goal) {
  return goal == "induction" ? "induction in the base model"
                             : "suppression in the tuned model";
}

bool is_whole_number(const std::string& text) {
  return !text.empty() &&
         text.find_first_not_of("0123456789") == std::string::npos;
}

}  // namespace

std::string front_block(const Json& sweep) {
  Json rows = Json::array();
  for (const auto& cell : member(sweep, "cells")) {
    const std::string goal = goal_of_cell(cell);
    const std::string family = text_of(cell, "family");
    const Json& effect = member(cell, goal.c_str());
    if (text_of(cell, "split") != "test" || goal.empty() ||
        text_of(cell, "vector").empty() || family == "control" ||
        family == "ceiling" || family == "subset" || is_mixture(cell) ||
        !member(effect, "value").is_number()) {
      continue;
    }
    rows.push_back(
        {{"panel", panel_of(goal)},
         {"vector", family == "random" ? "random" : text_of(cell, "vector")},
         {"place", place_text(cell)},
         {"effect", member(effect, "value")},
         {"low", member(effect, "low")},
         {"high", member(effect, "high")},
         {"coherent", member(member(cell, "coherent"), "value")}});
  }
  if (rows.empty()) {
    return "";
  }
  return html_chart(
      "front", front_chart(rows),
      "Every configuration on test questions: what it does against how much "
      "text it leaves unbroken. Good is up and right. A vector is of use only "
      "where its points stand above the grey ones at the same share of "
      "unbroken text; many points were tried, so the highest one is high "
      "partly by chance (the table above was chosen on other questions).");
}

std::string transfer_block(const Json& sweep) {
  const Json& transfer = member(sweep, "transfer");
  if (!member(transfer, "entries").is_array()) {
    return "";
  }
  const std::string titles[][2] = {
      {"displacement",
       "at " + text_of(transfer, "displacement") + " of the residual norm"},
      {"divergence",
       "at " + text_of(transfer, "divergence") + " nats (95th percentile)"},
      {"as it is", "no unit"}};
  Json rows = Json::array();
  for (const auto& title : titles) {
    for (const auto& entry : member(transfer, "entries")) {
      const Json& effect = member(entry, "effect");
      if (text_of(entry, "at") != title[0] ||
          !member(effect, "value").is_number()) {
        continue;
      }
      rows.push_back({{"panel", text_of(entry, "goal") + ", " + title[1]},
                      {"series", text_of(entry, "vector") + ", " +
                                     text_of(entry, "operator")},
                      {"layers", text_of(entry, "layers")},
                      {"scale", member(entry, "scale")},
                      {"divergence", member(entry, "divergence")},
                      {"coherent", member(entry, "coherent")},
                      {"effect", member(effect, "value")},
                      {"low", member(effect, "low")},
                      {"high", member(effect, "high")}});
    }
  }
  if (rows.empty()) {
    return "";
  }
  return "<h3>Every vector, operator and layer on both models</h3>\n" +
         html_chart(
             "transfer", transfer_chart(rows),
             "Induction and suppression apart, at the same displacement and "
             "at the same price (divergence of the next-token distributions "
             "from the unsteered model, interpolated between the scales of "
             "the grid). A field is empty where the scales do not reach the "
             "price. Colour says how far, not whether it is certain: the "
             "intervals stand in the tooltips, n is the number of test "
             "questions of the grid.");
}

std::string collapse_block(const Json& sweep) {
  Json rows = Json::array();
  for (const auto& ladder : member(sweep, "ladders")) {
    const Json& s75 = member(ladder, "s75");
    const bool censored = member(ladder, "censored").is_boolean() &&
                          member(ladder, "censored").get<bool>();
    const Json& shown =
        censored ? member(ladder, "last_scale") : member(s75, "value");
    if (!is_whole_number(text_of(ladder, "layers")) || !shown.is_number()) {
      continue;
    }
    const double sign = text_of(ladder, "operator") == "subtract" ? -1.0 : 1.0;
    const auto end = [&](const char* key) {
      const Json& value = member(s75, key);
      return sign *
             (value.is_number() ? value.get<double>() : shown.get<double>());
    };
    rows.push_back({{"panel", text_of(ladder, "model") + " model"},
                    {"vector", text_of(ladder, "family") == "random"
                                   ? "random"
                                   : text_of(ladder, "vector")},
                    {"layer", std::atoi(text_of(ladder, "layers").c_str())},
                    {"value", sign * shown.get<double>()},
                    {"low", end("low")},
                    {"high", end("high")}});
  }
  if (rows.empty()) {
    return "";
  }
  return "<h3>Where the text breaks</h3>\n" +
         html_chart(
             "collapse", breaking_chart(rows),
             "Largest scale at which 75 % of the answers are unbroken (s_75), "
             "by layer, above zero for adding and below for subtracting; lines "
             "are 95 % intervals over questions. Points at the edge of the "
             "grid did not break within it. Unequal distances from zero show "
             "that the two signs collapse at different strengths.");
}

std::string coherence_block(const Json& sweep) {
  const Json& coherence = member(sweep, "coherence");
  std::vector<std::vector<std::string>> rows;
  for (const auto& entry : member(coherence, "entries")) {
    const Json& distinct = member(entry, "distinct");
    std::vector<std::string> row = {
        escape_html(text_of(entry, "vector").empty()
                        ? text_of(entry, "model") + " model, unsteered"
                        : text_of(entry, "vector") + ", " +
                              text_of(entry, "goal")),
        escape_html(text_of(entry, "vector").empty() ? "" : place_text(entry)),
        text_of(entry, "n"), decimal(member(entry, "tokens"), 1)};
    for (const auto& share : distinct) {
      row.push_back(decimal(share));
    }
    for (const char* key : {"repetition", "compression"}) {
      row.push_back(decimal(member(entry, key)));
    }
    const Json& recovered = member(entry, "recovered");
    const bool known = member(recovered, "value").is_number();
    row.push_back(known ? escape_html(percent_estimate(recovered)) : "");
    row.push_back(known ? escape_html(p_value(member(entry, "recovered_p")))
                        : "");
    rows.push_back(std::move(row));
  }
  if (rows.empty()) {
    return "";
  }
  return fmt::format(
             "<h3>Does the text still answer its question?</h3>\n<p "
             "class=\"note\">Told without a judge. Question found: among {} "
             "questions the unsteered base model, which expects true answers, "
             "or the unsteered tuned one, which expects false ones, finds the "
             "answer likeliest under the one that was asked (by chance at most "
             "{}; p: of so many by chance). Text that is fluent but the same "
             "for every question finds one with each. Questions that share "
             "their right answer cannot be told apart: compare with the "
             "unsteered models, not with 100 %. Distinct-n: different "
             "n-grams among all; rep4: repeated 4-grams within an answer; "
             "bytes: compressed over raw.</p>\n",
             text_of(coherence, "questions"),
             percent(member(coherence, "chance"))) +
         html_table({{"texts of", false},
                     {"chosen on select", false},
                     {"n", true},
                     {"tokens", true},
                     {"distinct-1", true},
                     {"distinct-2", true},
                     {"distinct-3", true},
                     {"rep4", true},
                     {"bytes", true},
                     {"question found", true},
                     {"p", true}},
                    rows);
}

std::string ceiling_share_block(const Json& sweep) {
  Json rows = Json::array();
  for (const auto& best : member(sweep, "best")) {
    const Json& share = member(best, "of_ceiling");
    if (member(share, "value").is_number()) {
      rows.push_back(
          {{"name", text_of(best, "vector") + ", " + text_of(best, "goal")},
           {"vector", text_of(best, "vector")},
           {"value", member(share, "value")},
           {"low", member(share, "low")},
           {"high", member(share, "high")}});
    }
  }
  return rows.empty()
             ? ""
             : html_chart(
                   "ceiling-share",
                   interval_bars(rows, "of the effect of copied states"),
                   "What the best configuration of each vector does, as a "
                   "share of what copying the other model's states at "
                   "the same layer does, on the same test questions. "
                   "More than 100 % is possible: a vector may push "
                   "further than those states go.");
}

std::string contrasts_block(const Json& sweep) {
  std::vector<std::vector<std::string>> rows;
  const auto nats = [](const Json& value) {
    return value.is_number() ? decimal(value) : "";
  };
  for (const auto& entry : member(sweep, "contrasts")) {
    const Json& difference = member(entry, "difference");
    rows.push_back({escape_html(text_of(entry, "claim")),
                    escape_html(text_of(entry, "what")),
                    escape_html(text_of(entry, "goal")),
                    escape_html(text_of(entry, "at")),
                    escape_html(points_estimate(difference)),
                    nats(member(entry, "divergence_a")),
                    nats(member(entry, "divergence_b")), n_of(difference)});
  }
  if (rows.empty()) {
    return "";
  }
  return "<h3>One against the other</h3>\n<p class=\"note\">Differences of two "
         "configurations on the same test questions, paired. \"Best of "
         "select\" compares what each side can do at its own best strength, "
         "which may differ in price: the divergences stand beside it.</p>\n" +
         html_table({{"claim", false},
                     {"difference of", false},
                     {"goal", false},
                     {"at", false},
                     {"difference", true},
                     {"nats, first", true},
                     {"nats, second", true},
                     {"n", true}},
                    rows);
}

}  // namespace veer
