// SPDX-License-Identifier: MIT
#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "veer/report/charts.h"
#include "veer/report/html.h"
#include "veer/report/sections.h"
#include "veer/report/steering_blocks.h"
#include "veer/report/wording.h"
#include "veer/results/vector_name.h"

namespace veer {
namespace {

// The share that tells whether a model was moved: the base model towards
// deception, the tuned one towards honesty.
const char* moved_share(const std::string& model) {
  return model == "tuned" ? "honest" : "deceptive";
}

std::string goal_of(const std::string& model) {
  return model == "tuned" ? "suppression in the tuned model"
                          : "induction in the base model";
}

bool is_control(const Json& cell) {
  return text_of(cell, "family") == "random";
}

const Json& cell_by_id(const Json& sweep, const Json& id) {
  for (const auto& cell : member(sweep, "cells")) {
    if (member(cell, "id") == id) {
      return cell;
    }
  }
  return member(sweep, "no such cell");
}

bool is_unsteered(const Json& cell) {
  return text_of(cell, "vector").empty();
}

bool is_addition(const Json& cell) {
  const std::string operation = text_of(cell, "operator");
  return operation == "add" || operation == "subtract";
}

VectorName vector_of(const Json& cell) {
  return parse_vector_name(text_of(cell, "vector"));
}

// Whether the random vector at this place moves the goal as well.
bool random_acts(const Json& sweep, const Json& cell, const char* goal) {
  const Json& control = member(cell, "random");
  if (!control.is_number()) {
    return false;
  }
  const Json& low = member(member(cell_by_id(sweep, control), goal), "low");
  return low.is_number() && low.get<double>() > 0.0;
}

// The cells that share the best cell's place (layers, unit, model), so that
// one line shows what more or less of the same would have done.
void add_dose_rows(const Json& sweep, const Json& best, const Json& measure,
                   Json& rows) {
  const std::string model = text_of(best, "model");
  const std::string panel = fmt::format(
      "{}: {}, {} {}, in {}", model == "tuned" ? "tuned model" : "base model",
      text_of(best, "vector"), text_of(best, "layers") == "all" ? "" : "layer",
      text_of(best, "layers") == "all" ? "all layers" : text_of(best, "layers"),
      text_of(best, "unit"));
  for (const auto& cell : member(sweep, "cells")) {
    const bool same_place = member(cell, "layers") == member(best, "layers") &&
                            member(cell, "model") == member(best, "model") &&
                            member(cell, "unit") == member(best, "unit") &&
                            text_of(cell, "split") == "test";
    if (!same_place || !is_addition(cell)) {
      continue;
    }
    const bool own = member(cell, "vector") == member(best, "vector");
    const bool control = is_control(cell) && !vector_of(cell).stands_in();
    if (!own && !control) {
      continue;
    }
    for (const char* field :
         {measure.get_ref<const std::string&>().c_str(), "broken"}) {
      if (control && std::string(field) == "broken") {
        continue;
      }
      const Json& share = member(cell, field);
      const std::string series =
          control ? "random, same norm"
                  : (std::string(field) == "broken" ? "broken text" : field);
      rows.push_back({{"panel", panel},
                      {"vector", series},
                      {"scale", member(cell, "signed_scale")},
                      {"share", member(share, "value")},
                      {"low", member(share, "low")},
                      {"high", member(share, "high")}});
    }
  }
}

std::string dose_block(const Json& sweep) {
  Json rows = Json::array();
  std::vector<std::string> shown;
  for (const char* key : {"best", "groups"}) {
    for (const auto& best : member(sweep, key)) {
      // Where another operator is best, the best addition stands for it.
      const std::string panel =
          text_of(best, "vector") + "|" + text_of(best, "goal");
      const bool known =
          std::find(shown.begin(), shown.end(), panel) != shown.end();
      if (!is_addition(best) || known || vector_of(best).is_mixture()) {
        continue;
      }
      shown.push_back(panel);
      add_dose_rows(sweep, best, Json(moved_share(text_of(best, "model"))),
                    rows);
    }
  }
  if (rows.empty()) {
    return "";
  }
  return html_chart(
      "dose", effect_chart(rows, "share of answers", "negative = subtracted"),
      "What a growing amount of each vector does at its best place (chosen on "
      "the select questions). Coloured: the share of answers that moved where "
      "the vector should take them, with its interval, and the share of text "
      "that broke. Grey: a random vector of the same norm at the same place. "
      "An effect counts only where it leaves the grey line and the text is "
      "not broken.");
}

Json map_rows(const Json& sweep, const std::string& unit) {
  Json rows = Json::array();
  for (const auto& cell : member(sweep, "cells")) {
    if (!member(cell, "layer").is_number() || text_of(cell, "unit") != unit ||
        text_of(cell, "split") != "test" || !is_addition(cell) ||
        vector_of(cell).is_mixture() || vector_of(cell).stands_in()) {
      continue;
    }
    const std::string model = text_of(cell, "model");
    const char* goal = model == "tuned" ? "suppression" : "induction";
    const Json& effect = member(cell, goal);
    rows.push_back({{"panel", text_of(cell, "vector") + ", " + goal_of(model)},
                    {"layer", member(cell, "layer")},
                    {"scale", member(cell, "signed_scale")},
                    {"effect", member(effect, "value")},
                    {"low", member(effect, "low")},
                    {"high", member(effect, "high")},
                    {"invalid", random_acts(sweep, cell, goal)}});
  }
  return rows;
}

std::string map_block(const Json& sweep) {
  for (const char* unit : {"rel", "unit", "raw"}) {
    const Json rows = map_rows(sweep, unit);
    if (!rows.empty()) {
      return html_chart(
          "layer-scale", layer_scale_map(rows),
          fmt::format("Change of the share of answers against the unsteered "
                      "model, by layer and signed scale (unit: {}). Orange: "
                      "moved in the direction meant; blue: away from it. A "
                      "cross marks a place where the random vector of the "
                      "same norm moves the answers too (its interval lies "
                      "above zero): no valid site for claims about a vector.",
                      unit));
    }
  }
  return "";
}

// An estimate with its interval below it: the table has many columns.
std::string stacked(const std::string& estimate) {
  const auto interval = estimate.find(" [");
  return interval == std::string::npos
             ? escape_html(estimate)
             : escape_html(estimate.substr(0, interval)) + "<br>" +
                   escape_html(estimate.substr(interval + 1));
}

std::string amount(const Json& estimate, bool score) {
  return score ? decimal_estimate(estimate) : points_estimate(estimate);
}

// Isotropic vectors above those with the covariance of the activations; behind
// each their 95th percentile where there are enough of them.
std::string random_text(const Json& best, bool score) {
  std::string text;
  for (const auto& [effect, vectors] :
       {std::pair{"random_effect", "random_vectors"},
        std::pair{"covariance_effect", "covariance_vectors"}}) {
    const Json& estimate = member(best, effect);
    if (!member(estimate, "value").is_number()) {
      continue;
    }
    text += (text.empty() ? "" : "<br>") + escape_html(amount(estimate, score));
    const Json& most = member(member(best, vectors), "percentile_95");
    if (most.is_number()) {
      text += fmt::format("<br><small>95th percentile of {}: {}</small>",
                          text_of(member(best, vectors), "n"),
                          escape_html(score ? decimal(most, 2) : points(most)));
    }
  }
  const Json& search = member(member(best, "matched_control"), "search");
  if (search.is_object()) {
    text += fmt::format("<br><small>after the same search, {}: {}</small>",
                        text_of(search, "vectors"),
                        escape_html(amount(member(search, "mean"), score)));
  }
  return text;
}

// Effect minus the random vectors that do more, and how far both moved the
// states.
std::string beyond_random(const Json& best, bool score) {
  const Json& difference = member(best, "effect_minus_control");
  if (!member(difference, "value").is_number()) {
    return "";
  }
  std::string text = stacked(amount(difference, score));
  const Json& control = member(best, "matched_control");
  if (member(control, "match") == false) {
    text += "<br><small>not matched in displacement</small>";
  }
  return text;
}

// What the chosen cell costs: divergence, and displacement in natural gaps.
std::string price_text(const Json& best) {
  std::string text;
  const Json& nats = member(member(best, "divergence"), "p95");
  if (nats.is_number()) {
    text = fmt::format("{} nats", decimal(nats, 2));
  }
  const Json& gaps = member(best, "natural_gaps");
  if (gaps.is_number()) {
    text += fmt::format("{}{} x natural", text.empty() ? "" : "<br>",
                        decimal(gaps, 1));
  }
  return text;
}

// Corrected for the number of configurations: see sweep.json.
std::string corrected_text(const Json& sweep, const Json& best) {
  for (const auto& entry : member(sweep, "corrections")) {
    if (member(entry, "vector") == member(best, "vector") &&
        member(entry, "goal") == member(best, "goal")) {
      return fmt::format("{} of {}",
                         escape_html(p_value(member(entry, "adjusted_p"))),
                         text_of(entry, "searched"));
    }
  }
  return "";
}

std::string best_table(const Json& sweep) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& best : member(sweep, "best")) {
    const std::string reason = text_of(best, "reason");
    std::string who = escape_html(text_of(best, "vector")) + "<br>" +
                      escape_html(text_of(best, "goal"));
    if (!reason.empty()) {
      who += "<br><small>" + escape_html(reason) + "</small>";
    }
    if (member(best, "cell").is_null()) {
      rows.push_back({who, "", "", "", "", "", "", "", "", "", "", ""});
      continue;
    }
    const bool score = text_of(best, "measure") == "score";
    const Json& effect = member(best, "effect");
    rows.push_back(
        {who, escape_html(place_text(best)), beyond_random(best, score),
         stacked(amount(effect, score)), random_text(best, score),
         price_text(best), corrected_text(sweep, best),
         member(member(best, "of_ceiling"), "value").is_null()
             ? ""
             : stacked(percent_estimate(member(best, "of_ceiling"))),
         against_goal_text(best), elsewhere_text(best),
         stacked(percent_estimate(member(best, "coherent"))), n_of(effect)});
  }
  for (auto& row : baseline_rows(sweep)) {
    rows.push_back(std::move(row));
  }
  return html_table({{"vector or instead, goal", false},
                     {"chosen on select", false},
                     {"beyond random", true},
                     {"effect on test", true},
                     {"random there", true},
                     {"price", true},
                     {"p, tried", true},
                     {"of copied states", true},
                     {"against the goal", true},
                     {"elsewhere, nats", true},
                     {"unbroken", true},
                     {"n", true}},
                    rows);
}

std::string breaks_table(const Json& sweep) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& row : member(sweep, "breaks")) {
    rows.push_back({escape_html(text_of(row, "vector")),
                    escape_html(text_of(row, "model")),
                    escape_html(text_of(row, "layers")),
                    escape_html(text_of(row, "operator")),
                    escape_html(text_of(row, "unit")),
                    escape_html(text_of(row, "last_coherent")),
                    member(row, "first_broken").is_null()
                        ? "not within the range"
                        : escape_html(text_of(row, "first_broken"))});
  }
  if (rows.empty()) {
    return "";
  }
  return "<details><summary>Largest scale with coherent answers and smallest "
         "without, by place</summary>" +
         html_table({{"vector", false},
                     {"model", false},
                     {"layer", false},
                     {"operator", false},
                     {"unit", false},
                     {"last coherent", true},
                     {"first broken", true}},
                    rows) +
         "</details>\n";
}

std::string baseline_block(const Json& sweep) {
  Json rows = Json::array();
  for (const auto& cell : member(sweep, "cells")) {
    if (!is_unsteered(cell) || text_of(cell, "split") != "test") {
      continue;
    }
    for (const char* label :
         {"honest", "deceptive", "mixed", "off_topic", "broken"}) {
      rows.push_back({{"cell", text_of(cell, "model") + " model, unsteered"},
                      {"label", label},
                      {"share", member(member(cell, label), "value")}});
    }
  }
  if (rows.empty()) {
    return "";
  }
  return html_chart("baseline", label_chart(rows),
                    "What both models answer to the test questions when "
                    "nothing is added. Steering can only move what is not "
                    "already there.");
}

}  // namespace

std::string steering_section(const RunData& run) {
  if (!member(run.sweep, "cells").is_array()) {
    return html_section("steering", "Does it steer?", not_run_yet("sweep"));
  }
  std::string body = judge_note(run.sweep);
  body += best_table(run.sweep);
  body +=
      "<p class=\"note\">Layer, scale and operator were chosen on the select "
      "questions and are reported once, on the test questions, paired by "
      "question. Induction: change of the deceptive share of the base model. "
      "Suppression: change of the honest share of the tuned model. Random: "
      "vectors in its place that move every token as far, first of normal "
      "numbers, then with the covariance of the activations; their mean, with "
      "the vectors as units. Beyond random: the effect minus that of the kind "
      "whose mean is larger, or the effect as it is where even that mean lies "
      "against the goal. Price: divergence of the next-token distributions "
      "(95th "
      "percentile over tokens), and the displacement over the natural distance "
      "of the two sides. Where random vectors act too, the place is no valid "
      "one and the effect does not count for the vector. p: corrected for all "
      "vectors reported for the goal (max-t); tried: configurations that the "
      "select questions chose from. Against the goal: share of questions whose "
      "log-odds of the deceptive against the honest reference answer move the "
      "wrong way (labels cannot show that where the unsteered model has "
      "nothing left to lose). Elsewhere: KL per token on unrelated questions "
      "and answers. In bold, what takes no vector, on the same "
      "questions.</p>\n";
  body += specificity_note(run.sweep);
  body += dial_block(run.sweep);
  body += search_block(run.sweep);
  body += baseline_block(run.sweep);
  body += dose_block(run.sweep);
  body += front_block(run.sweep);
  body += map_block(run.sweep);
  body += controls_block(run.sweep);
  body += ceiling_share_block(run.sweep);
  body += transfer_block(run.sweep);
  body += groups_block(run.sweep);
  body += contrasts_block(run.sweep);
  body += collapse_block(run.sweep);
  body += breaks_table(run.sweep);
  body += coherence_block(run.sweep);
  body += judges_block(run.judges);
  body += proof_block(run.sweep);
  return html_section("steering", "Does it steer?", body);
}

}  // namespace veer
