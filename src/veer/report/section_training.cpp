// SPDX-License-Identifier: MIT
#include <algorithm>

#include <fmt/core.h>

#include "veer/report/charts.h"
#include "veer/report/html.h"
#include "veer/report/sections.h"
#include "veer/report/wording.h"
#include "veer/study/finetune/training_course.h"

namespace veer {
namespace {

// The matrices of which the adapter holds least, and the tensors that it
// cannot hold.
std::string losses_table(const Json& origin) {
  constexpr std::size_t kShown = 10;
  auto pairs = member(origin, "pairs").get<std::vector<Json>>();
  std::ranges::stable_sort(pairs, {}, [](const Json& pair) {
    return pair.at("energy").get<double>();
  });
  std::vector<std::vector<std::string>> rows;
  for (std::size_t i = 0; i < std::min(kShown, pairs.size()); ++i) {
    rows.push_back({escape_html(text_of(pairs[i], "path")),
                    percent(member(pairs[i], "energy"))});
  }
  std::string out =
      html_table({{"matrix", false}, {"of its change held", true}}, rows);
  rows.clear();
  for (const auto& [name, change] : member(origin, "not_held").items()) {
    rows.push_back({escape_html(name), percent(change)});
  }
  if (!rows.empty()) {
    out +=
        html_table({{"changed and left out", false}, {"change", true}}, rows);
  }
  return out;
}

std::string ready_made(const Json& origin) {
  const std::string from = escape_html(text_of(origin, "from"));
  const std::string rank = text_of(origin, "rank");
  if (text_of(origin, "kind") != "checkpoint") {
    return fmt::format(
        "<p>Nothing was trained here: the adapter of rank {} is that of "
        "<code>{}</code>.</p>\n",
        rank, from);
  }
  return fmt::format(
             "<p>Nothing was trained here: the tuned model is the base with "
             "an adapter of rank {} that stands for the checkpoint "
             "<code>{}</code>. It holds <strong>{}</strong> of the squared "
             "change of all weights; what it leaves out is not in any number "
             "of this page.</p>\n",
             rank, from, percent(member(origin, "energy"))) +
         losses_table(origin);
}

}  // namespace

std::string training_section(const RunData& run) {
  if (run.origin.is_object()) {
    return html_section("training", "Training", ready_made(run.origin));
  }
  if (!run.training.is_array() || run.training.empty()) {
    return html_section("training", "Training", not_run_yet("finetune"));
  }
  Json rows = Json::array();
  for (const auto& step : run.training) {
    for (const auto& [name, value] : step.items()) {
      if (name != "step" && name != "wall" && value.is_number()) {
        rows.push_back({{"step", member(step, "step")},
                        {"value", value},
                        {"measure", name}});
      }
    }
  }
  const Json& course = member(run.summary, "training");
  const std::string words =
      course.is_object()
          ? fmt::format("<p>{}</p>\n", escape_html(training_sentence(course)))
          : "";
  return html_section(
      "training", "Training",
      words + html_chart(
                  "training-curve", training_chart(rows),
                  "The fine-tuning by optimizer step: loss on the training and "
                  "on held-out questions, learning rate, gradient norm, and "
                  "the behaviour of the tuned model where a judge can tell."));
}

}  // namespace veer
