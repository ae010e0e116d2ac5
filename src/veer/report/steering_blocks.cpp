// SPDX-License-Identifier: MIT
#include "veer/report/steering_blocks.h"

#include <algorithm>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/report/charts.h"
#include "veer/report/html.h"
#include "veer/report/wording.h"

namespace veer {
namespace {

std::string effect_text(const Json& entry, const char* key) {
  const Json& estimate = member(entry, key);
  if (member(estimate, "value").is_null()) {
    return "";
  }
  return escape_html(text_of(entry, "measure") == "score"
                         ? decimal_estimate(estimate)
                         : points_estimate(estimate));
}

std::string ceiling_text(const Json& entry) {
  const Json& share = member(entry, "of_ceiling");
  return member(share, "value").is_null()
             ? ""
             : escape_html(percent_estimate(share));
}

const char* layer_word(const std::string& layers) {
  return layers.find_first_not_of("0123456789") == std::string::npos
             ? "layer "
             : "layers ";
}

std::string scientific(const Json& value) {
  return value.is_number() ? fmt::format("{:.1e}", value.get<double>()) : "";
}

Json ceiling_rows(const Json& sweep) {
  Json rows = Json::array();
  for (const auto& control : member(sweep, "controls")) {
    if (text_of(control, "control") != "patch") {
      continue;
    }
    const Json& effect = member(control, "effect");
    rows.push_back({{"layer", member(control, "layer")},
                    {"vector", text_of(control, "goal")},
                    {"value", member(effect, "value")}});
  }
  return rows;
}

// A plain number in runs of before kappa had an interval.
std::string kappa_of(const Json& pair) {
  const Json& kappa = member(pair, "kappa");
  return kappa.is_object() ? decimal_estimate(kappa) : decimal(kappa);
}

}  // namespace

std::string place_text(const Json& entry) {
  const std::string layers = text_of(entry, "layers");
  return fmt::format("{} {} {}, {}{}", text_of(entry, "operator"),
                     text_of(entry, "scale"), text_of(entry, "unit"),
                     layer_word(layers), layers);
}

std::string proof_block(const Json& sweep) {
  const Json& proof = member(sweep, "proof");
  const Json& kinds = member(proof, "kinds");
  if (!kinds.is_array() || kinds.empty()) {
    return "";
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& kind : kinds) {
    const Json& ways = member(kind, "ways");
    rows.push_back(
        {escape_html(place_text(kind)), escape_html(text_of(kind, "model")),
         escape_html(text_of(kind, "scope")),
         text_of(member(ways, "cached"), "tokens_meant"),
         text_of(member(ways, "cached"), "tokens_moved"),
         text_of(kind, "strays"), scientific(member(kind, "largest_error")),
         scientific(member(kind, "mean_displacement"))});
  }
  return fmt::format(
             "<h3>Did the model do what the operators say?</h3>\n<p>Before the "
             "sweep a probe text ran under {} kinds of intervention, whole, "
             "token by token through the cache, and beside other rows. Largest "
             "deviation of a hidden state from the formula: {} of its norm "
             "(allowed: {}); tokens changed that were not meant: {}.</p>\n",
             kinds.size(), scientific(member(proof, "largest_error")),
             scientific(member(proof, "tolerance")), text_of(proof, "strays")) +
         "<details><summary>Every kind</summary>" +
         html_table({{"intervention", false},
                     {"model", false},
                     {"tokens", false},
                     {"meant", true},
                     {"moved", true},
                     {"others", true},
                     {"deviation", true},
                     {"moved by, of |h|", true}},
                    rows) +
         "</details>\n";
}

std::string search_block(const Json& sweep) {
  const Json& search = member(sweep, "search");
  if (!member(search, "rounds").is_array()) {
    return "";
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& round : member(search, "rounds")) {
    const bool is_screen = text_of(round, "kind") == "screen";
    rows.push_back({is_screen ? "screen by log-probability"
                              : text_of(round, "questions") + " questions",
                    text_of(round, "cells"),
                    is_screen ? "0" : text_of(round, "answers")});
  }
  return fmt::format(
             "<h3>How the configurations were searched</h3>\n<p>By successive "
             "halving over layer, scale and operator, apart for each vector "
             "and model: {} configurations were screened by the "
             "log-probability of the reference answers ({} questions scored), "
             "and the better part of each round was asked more. {} answers "
             "were generated where the grid generates {} on the select "
             "questions, and {} more in {} cells on test, for maps over layers "
             "and scales that this page then lacks. This is less work, not "
             "faster work, and a configuration that looked bad early was never "
             "asked again.</p>\n",
             text_of(search, "candidates"), text_of(search, "scored"),
             text_of(search, "generated"), text_of(search, "grid_answers"),
             text_of(search, "map_answers"), text_of(search, "map_cells")) +
         html_table({{"round", false},
                     {"configurations", true},
                     {"answers generated", true}},
                    rows);
}

std::string judge_note(const Json& sweep) {
  const Json& judge = member(sweep, "judge");
  const Json& probes = member(judge, "probes");
  if (!probes.is_object()) {
    return "";  // one that knows the truth, or a score
  }
  const Json& references = member(judge, "references");
  const std::string verdict =
      member(judge, "fit") == Json(true)
          ? ""
          : " <strong>It is not fit: no claim rests on its labels, and the "
            "shares below mean nothing.</strong>";
  return fmt::format(
      "<p class=\"note\">Every answer was judged by <code>{}</code>, and one "
      "that repeats itself is broken whatever the judge says. Before the "
      "sweep it was asked about answers whose label is known: it called {} of "
      "{} probes (garbage, empty, off topic) none of honest, deceptive and a "
      "refusal, and of the reference answers to {} questions {} honest ones "
      "honest and {} "
      "deceptive ones deceptive.{}</p>\n",
      escape_html(text_of(judge, "name")), text_of(probes, "passed"),
      text_of(probes, "of"), text_of(references, "of"),
      text_of(references, "honest"), text_of(references, "deceptive"), verdict);
}

std::string judges_block(const Json& judges) {
  if (!member(judges, "judges").is_array()) {
    return "";
  }
  std::vector<std::vector<std::string>> said;
  for (const auto& judge : member(judges, "judges")) {
    const Json& probes = member(judge, "probes");
    const bool probed = probes.is_object();
    const Json& labels = member(judge, "labels");
    said.push_back(
        {escape_html(text_of(judge, "name")),
         probed ? text_of(probes, "passed") + " of " + text_of(probes, "of") +
                      (member(judge, "fit") == Json(true) ? "" : ", unfit")
                : "",
         text_of(labels, "unjudged"),
         member(judge, "option_mass").is_number()
             ? decimal(member(judge, "option_mass"))
             : "",
         text_of(labels, "honest"), text_of(labels, "deceptive")});
  }
  std::vector<std::vector<std::string>> pairs;
  for (const auto& pair : member(judges, "agreement")) {
    pairs.push_back(
        {escape_html(text_of(pair, "a")), escape_html(text_of(pair, "b")),
         decimal(member(pair, "same")), kappa_of(pair), text_of(pair, "n")});
  }
  return fmt::format(
             "<h3>Do other judges see the same?</h3>\n<p class=\"note\">A "
             "sample of {} answers. Probes: garbage, empty and off-topic "
             "answers; a judge that takes more than a quarter of them for "
             "honest, deceptive or a refusal is unfit, as is one that leaves "
             "more than half of the sample unjudged. On the options: "
             "probability that a "
             "judge that is a model gives to the letters it may answer with. "
             "Kappa, with its 95 % interval: agreement beyond what the "
             "judges' own frequencies give; 0 = none, 1 = all.</p>\n",
             text_of(judges, "answers")) +
         html_table({{"judge", false},
                     {"probes passed", true},
                     {"unjudged", true},
                     {"on the options", true},
                     {"honest", true},
                     {"deceptive", true}},
                    said) +
         html_table({{"judge", false},
                     {"and", false},
                     {"same label", true},
                     {"kappa", true},
                     {"n", true}},
                    pairs);
}

std::string groups_block(const Json& sweep) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& entry : member(sweep, "groups")) {
    rows.push_back(
        {escape_html(text_of(entry, "vector")),
         escape_html(text_of(entry, "goal")),
         escape_html(text_of(entry, "group")), escape_html(place_text(entry)),
         effect_text(entry, "effect_minus_control"),
         effect_text(entry, "effect"), ceiling_text(entry),
         escape_html(percent_estimate(member(entry, "coherent"))),
         text_of(entry, "candidates"), n_of(member(entry, "effect"))});
  }
  if (rows.empty()) {
    return "";
  }
  return "<h3>Kinds of operators, and mixtures of the two vectors</h3>\n"
         "<p class=\"note\">Of each kind the configuration that the select "
         "questions chose, on test questions; beyond random: minus random "
         "vectors that move the states as far, where they were run. Linear: "
         "adding. Projection: what removes or sets the coordinate along the "
         "vector. Nonlinear: norm-keeping, rotating, gated, soft. Learned: "
         "what is fitted on the rows besides, such as a low-rank map. Blend: a "
         "weighted "
         "sum of both vectors; part: what one shares with the other (common) "
         "or has alone (private).</p>\n" +
         html_table({{"vector", false},
                     {"goal", false},
                     {"kind", false},
                     {"chosen on select", false},
                     {"beyond random", true},
                     {"effect on test", true},
                     {"of copied states", true},
                     {"text unbroken", true},
                     {"tried", true},
                     {"n", true}},
                    rows);
}

std::string controls_block(const Json& sweep) {
  const Json rows = ceiling_rows(sweep);
  if (rows.empty()) {
    return "";
  }
  return "<h3>What is there to reach</h3>\n" +
         html_chart(
             "ceiling", by_layer_chart(rows, "change of the share of answers"),
             "Every hidden state at one layer copied from the other model, "
             "token by token, on the tokens that the sweep steers: what a "
             "vector at that layer has to bring about. At zero the difference "
             "between the models is not in those states yet; a vector may "
             "still push further than they go, so this is a yardstick and no "
             "strict bound.");
}

}  // namespace veer
