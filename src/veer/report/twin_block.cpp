// SPDX-License-Identifier: MIT
#include "veer/report/twin_block.h"

#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/claims/twin_claim.h"
#include "veer/report/charts.h"
#include "veer/report/doubt_blocks.h"
#include "veer/report/html.h"
#include "veer/report/wording.h"
#include "veer/study/summary/tuning_words.h"

namespace veer {
namespace {

std::string measure_text(const Json& measure, bool is_share) {
  if (!member(measure, "value").is_number()) {
    const auto reason = text_of(measure, "reason");
    return "not established" +
           (reason.empty() ? "" : " (" + escape_html(reason) + ")");
  }
  return is_share ? percent_estimate(measure) : decimal_estimate(measure);
}

// What the interval of the share is over.
std::string over_text(const Json& twin) {
  const Json& seeds = member(twin, "seeds");
  const auto count = seeds.is_number() ? seeds.get<std::int64_t>() : 1;
  return count > 1
             ? fmt::format("over questions and {} training seeds", count)
             : "over questions; one training seed, whose chance is not in it";
}

std::string headline(const Json& comparison, const Json& twin) {
  const Json& share = member(twin, "share_outside");
  const Json& random = member(twin, "share_random");
  const auto beside =
      member(random, "value").is_number()
          ? fmt::format(
                " Of random directions with the activations' covariance {} "
                "lies outside it (what 95 of 100 have).",
                percent_estimate(random))
          : "";
  return fmt::format(
      "<p><strong>{}</strong> The same fine-tuning was done once more on the "
      "<em>honest</em> "
      "answers of the same questions (the honest twin). It writes a direction "
      "too. Of the squared length of <code>{}</code>, {} {} outside the "
      "honest twin's direction: mean over {} layers, interval {}, n = {} "
      "questions.{} What lies along it is written by any such fine-tuning and "
      "says nothing about the behaviour; what the rest is about, the share "
      "does not say.</p>\n",
      escape_html(twin_conclusion(comparison, text_of(twin, "finetuned"))),
      escape_html(text_of(twin, "finetuned")),
      measure_text(share, /*is_share=*/true),
      member(share, "value").is_number() ? "lie" : "lies",
      text_of(twin, "layers"), over_text(twin), text_of(share, "n"), beside);
}

std::string layers_table(const Json& twin) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& at : member(twin, "by_layer")) {
    const Json& left = member(at, "share_twin");
    rows.push_back(
        {text_of(at, "layer"), measure_text(member(at, "cosine_honest"), false),
         measure_text(member(at, "share_outside"), true),
         left.is_number() ? percent(left) : "not established",
         measure_text(member(at, "cosine_contrastive_twin"), false)});
  }
  return html_table({{"layer", true},
                     {"cosine with the honest twin", true},
                     {"outside its direction", true},
                     {"left when it is subtracted", true},
                     {"cosine of that with the contrastive vector", true}},
                    rows);
}

Json layer_rows(const Json& twin) {
  Json rows = Json::array();
  for (const auto& at : member(twin, "by_layer")) {
    for (const auto& [value, name] :
         {std::pair{member(member(at, "share_outside"), "value"),
                    "outside the honest twin's direction (share)"},
          std::pair{member(member(at, "cosine_honest"), "value"),
                    "cosine with the honest twin"},
          std::pair{member(member(at, "cosine_contrastive_twin"), "value"),
                    "cosine of what is left with the contrastive"}}) {
      rows.push_back(
          {{"layer", member(at, "layer")}, {"vector", name}, {"value", value}});
    }
  }
  return rows;
}

std::string controls_table(const Json& comparison, std::int64_t layer) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& control : member(comparison, "control_tunings")) {
    const Json& at = at_layer(member(control, "by_layer"), layer);
    const auto name = text_of(control, "name");
    if (!at.is_null()) {
      rows.push_back({escape_html(name), control_training(name),
                      measure_text(member(at, "finetuned"), false),
                      measure_text(member(at, "contrastive"), false),
                      decimal(member(at, "norm_ratio"))});
    }
  }
  std::string out;
  for (const auto& control : member(comparison, "control_tunings")) {
    if (const auto meaning = control_meaning(control); !meaning.empty()) {
      out += "<p>" + escape_html(control_sentence(control) + " " + meaning) +
             "</p>\n";
    }
  }
  if (!rows.empty()) {
    out += fmt::format(
               "<p>Fine-tunes that differ from the study's own in nothing but "
               "the answers, at layer {}: the cosine of what each writes with "
               "the study's fine-tuned vector and with the contrastive one. "
               "The study's own answers were written under the prompt that "
               "makes the contrastive vector, unless they came with the data; "
               "<em>unprompted</em> is the tuning without that tie.</p>\n",
               layer) +
           html_table({{"control", false},
                       {"trained on", false},
                       {"cosine with the fine-tuned", true},
                       {"with the contrastive", true},
                       {"length", true}},
                      rows);
  }
  for (const auto& entry : member(comparison, "control_tunings_left_out")) {
    out +=
        fmt::format("<p class=\"note\">The control {} is left out: {}.</p>\n",
                    escape_html(text_of(entry, "name")),
                    escape_html(text_of(entry, "reason")));
  }
  return out;
}

}  // namespace

std::string twin_block(const Json& comparison, std::int64_t layer) {
  const Json& twin = member(comparison, "twin");
  std::string out;
  if (twin.is_object()) {
    out += headline(comparison, twin) +
           html_chart("honest-twin",
                      by_layer_chart(layer_rows(twin), "share, or cosine"),
                      "The fine-tuned direction beside that of the honest twin "
                      "by layer. Cosines are cross-item, so that noise of the "
                      "questions does not count as a difference. What is left "
                      "when the honest twin is subtracted is the vector "
                      "twin.") +
           layers_table(twin);
  } else if (const auto reason = text_of(comparison, "twin_reason");
             !reason.empty()) {
    out += fmt::format(
        "<p class=\"note\">How much of the fine-tuned direction any "
        "fine-tuning would write is not measured: {}.</p>\n",
        escape_html(reason));
  }
  out += controls_table(comparison, layer);
  return out.empty() ? "" : "<h3>What does any fine-tuning write?</h3>\n" + out;
}

}  // namespace veer
