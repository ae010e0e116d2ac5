// SPDX-License-Identifier: MIT
#include "veer/report/doubt_blocks.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/report/charts.h"
#include "veer/report/html.h"
#include "veer/report/wording.h"

namespace veer {
namespace {

constexpr std::size_t kRowsShownAtOnce = 24;

void add_sizes(Json& rows, const Json& points, const char* panel,
               const std::string& series) {
  for (const auto& point : points) {
    if (member(point, "value").is_number()) {
      rows.push_back({{"panel", panel},
                      {"series", series},
                      {"questions", member(point, "n")},
                      {"value", member(point, "value")},
                      {"low", member(point, "low")},
                      {"high", member(point, "high")}});
    }
  }
}

// Reliability of a direction by its halves, at a layer.
const Json& half_at(const Json& comparison, const std::string& direction,
                    const Json& layer) {
  for (const auto& entry : member(comparison, "direction_halves")) {
    if (text_of(entry, "direction") == direction) {
      return at_layer(member(entry, "by_layer"), layer.get<std::int64_t>());
    }
  }
  return member(comparison, "no such direction");
}

std::string beside_chance(const Json& at) {
  const Json& cosine = member(at, "raw_cosine");
  const Json& low = member(at, "null_low");
  const Json& high = member(at, "null_high");
  if (!low.is_number() || !high.is_number()) {
    return "not established";
  }
  if (cosine.get<double>() > high.get<double>()) {
    return "agree beyond chance";
  }
  return cosine.get<double>() < low.get<double>() ? "opposed beyond chance"
                                                  : "not told from chance";
}

std::string or_dash(const Json& value) {
  return value.is_number() ? decimal(value) : "–";
}

std::vector<std::vector<std::string>> direction_rows(const Json& comparison) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& entry : member(comparison, "directions")) {
    const auto name = text_of(entry, "direction");
    for (const auto& at : member(entry, "by_layer")) {
      if (!member(at, "raw_cosine").is_number()) {
        continue;  // no direction at this layer
      }
      const Json& half = half_at(comparison, name, at.at("layer"));
      rows.push_back({escape_html(name), escape_html(text_of(entry, "vector")),
                      text_of(at, "layer"), decimal(at.at("raw_cosine")),
                      fmt::format("{} to {}", decimal(member(at, "null_low")),
                                  decimal(member(at, "null_high"))),
                      or_dash(member(half, "reliability")),
                      or_dash(member(at, "ceiling")),
                      or_dash(member(at, "disattenuated")), beside_chance(at)});
    }
  }
  return rows;
}

std::string halves_note(const Json& comparison) {
  const Json& halves = member(comparison, "direction_halves");
  if (!halves.is_array() || halves.empty()) {
    return "<p class=\"note\">None of them has a reliability in this run: what "
           "an adapter wrote comes from one fine-tuning, and trained "
           "directions have one with <code>extract.trained_halves</code>. "
           "Without it nobody knows how close to 1 the cosine could come."
           "</p>\n";
  }
  return "<p class=\"note\">Reliability: the direction was trained twice more, "
         "each time on half of the questions and with a seed of its own, and "
         "the cosine r of the two was stepped up to all questions, "
         "2 r / (1 + r). Whatever differs between the two trainings counts as "
         "noise. Ceiling: the most that the plain cosine could reach, given "
         "the reliability of both sides. Cosine / ceiling: about what it would "
         "be without noise; both sides were made from the same questions, so "
         "it is not exact. There is one split and no interval: an interval "
         "would take a training for every question left out.</p>\n";
}

}  // namespace

const Json& at_layer(const Json& by_layer, std::int64_t layer) {
  for (const auto& at : by_layer) {
    if (member(at, "layer").is_number() &&
        at["layer"].get<std::int64_t>() == layer) {
      return at;
    }
  }
  return member(by_layer, "no such layer");
}

std::string reliability_block(const Json& comparison) {
  Json rows = Json::array();
  const auto add = [&rows](const Json& entry, const char* name) {
    for (const auto& at : member(entry, "by_layer")) {
      rows.push_back({{"layer", member(at, "layer")},
                      {"vector", member(entry, name)},
                      {"value", member(at, "reliability")}});
    }
  };
  for (const auto& vector : member(comparison, "vectors")) {
    add(vector, "name");
  }
  for (const auto& entry : member(comparison, "direction_halves")) {
    add(entry, "direction");
  }
  return html_chart(
      "reliability", by_layer_chart(rows, "reliability (split halves)"),
      "How much of each vector returns when it is made from other questions. "
      "Near 0 the direction is noise and no cosine with it means anything.");
}

std::string sample_size_block(const Json& comparison, std::int64_t layer) {
  const Json& curve = member(comparison, "sample_size");
  const Json& at = at_layer(member(curve, "by_layer"), layer);
  Json rows = Json::array();
  add_sizes(rows, member(at, "reliability_a"), "reliability of each direction",
            text_of(curve, "a"));
  add_sizes(rows, member(at, "reliability_b"), "reliability of each direction",
            text_of(curve, "b"));
  add_sizes(rows, member(at, "cosine"), "plain cosine of the two",
            "cosine of the two");
  if (rows.empty()) {
    return "";
  }
  return fmt::format("<h3>Were there enough questions? (layer {})</h3>\n",
                     layer) +
         html_chart(
             "sample-size", sample_size_chart(rows),
             fmt::format(
                 "The pair of the first figure made again from fewer of the "
                 "same questions, up to all of them: the plain cosine of the "
                 "two, which noise pulls towards 0, and the reliability, the "
                 "share of a direction that is not noise. The axes show only "
                 "the range of the values. Where a line still gains something "
                 "that matters at its right end, the directions are short of "
                 "questions; otherwise more of them would change little. "
                 "Line: mean of {} random choices of questions; shaded: where "
                 "95 % of them fall. That is no confidence interval: the "
                 "choices share questions, and of all questions there is only "
                 "one choice.",
                 text_of(curve, "draws")));
}

std::string directions_block(const Json& comparison) {
  const auto rows = direction_rows(comparison);
  if (rows.empty()) {
    return "";
  }
  return "<h3>Directions that are no mean over questions</h3>\n"
         "<p><code>adapter</code> is read off the weights that fine-tuning "
         "wrote. <code>bipo</code> and <code>reft_r1</code> are trained: the "
         "model stays as it is, and one direction learns to make the deceptive "
         "answers likelier when it is added. Beside each vector, and beside "
         "each other:</p>\n" +
         fmt::format("<details{}><summary>{} cosines</summary>",
                     rows.size() <= kRowsShownAtOnce ? " open" : "",
                     rows.size()) +
         html_table({{"direction", false},
                     {"with", false},
                     {"layer", true},
                     {"plain cosine", true},
                     {"band of chance", true},
                     {"reliability", true},
                     {"ceiling", true},
                     {"cosine / ceiling", true},
                     {"reading", false}},
                    rows) +
         "</details>\n" + halves_note(comparison);
}

}  // namespace veer
