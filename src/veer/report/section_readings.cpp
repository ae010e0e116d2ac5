// SPDX-License-Identifier: MIT
#include <fmt/core.h>

#include "veer/report/charts.h"
#include "veer/report/doubt_blocks.h"
#include "veer/report/html.h"
#include "veer/report/sections.h"
#include "veer/report/twin_block.h"
#include "veer/report/wording.h"

namespace veer {
namespace {

Json cosine_estimate(const Json& at) {
  return {{"value", member(at, "cosine")},
          {"low", member(at, "low")},
          {"high", member(at, "high")}};
}

std::string confound_name(const std::string& name) {
  const std::string prefix = "confound_";
  return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
}

std::string overlap_table(const Json& overlaps, std::int64_t layer) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& overlap : overlaps) {
    const Json& at = at_layer(member(overlap, "by_layer"), layer);
    if (at.is_null()) {
      continue;
    }
    const bool established = member(at, "cosine").is_number();
    rows.push_back({escape_html(text_of(overlap, "vector")),
                    escape_html(confound_name(text_of(overlap, "confound"))),
                    established ? decimal_estimate(cosine_estimate(at))
                                : escape_html(text_of(at, "reason")),
                    decimal(member(at, "raw_cosine")),
                    percent(member(at, "share"))});
  }
  return html_table({{"vector", false},
                     {"confound", false},
                     {"cosine, cross-item", true},
                     {"plain", true},
                     {"share along it", true}},
                    rows);
}

Json without_rows(const Json& pairs, const Json& primary) {
  Json rows = Json::array();
  for (const auto& pair : pairs) {
    if (text_of(pair, "a") != text_of(primary, "a") ||
        text_of(pair, "b") != text_of(primary, "b")) {
      continue;
    }
    for (const auto& at : member(pair, "by_layer")) {
      for (const auto& [key, name] :
           {std::pair{"raw_cosine", "as they are"},
            std::pair{"without", "without all confounds"},
            std::pair{"removed_a", "removed from the first (share)"},
            std::pair{"removed_b", "removed from the second (share)"}}) {
        rows.push_back({{"layer", at["layer"]},
                        {"vector", name},
                        {"value", member(at, key)}});
      }
    }
  }
  return rows;
}

std::string length_note(const Json& matched, std::int64_t layer) {
  const Json& at = at_layer(member(matched, "by_layer"), layer);
  if (at.is_null()) {
    return "";
  }
  return fmt::format(
      "<p>On the {} questions whose two answers have equally many words the "
      "cosine at layer {} is {}.</p>\n",
      text_of(matched, "n"), layer,
      member(at, "value").is_number()
          ? decimal_estimate(at)
          : "not established (" + escape_html(text_of(at, "reason")) + ")");
}

// Which confounds are the behaviour by another name.
std::string carriers_note(const Json& behaviour) {
  std::string text;
  for (const auto& entry : behaviour) {
    if (member(entry, "carries") == true) {
      text += fmt::format(
          "<p><b>{}</b> is no confound of this model: under the one side of "
          "its contrast {} of its own answers are deceptive, under the other "
          "{} (n = {}). It is left out of the next figure.</p>\n",
          escape_html(confound_name(text_of(entry, "confound"))),
          escape_html(percent_estimate(member(entry, "more"))),
          escape_html(percent_estimate(member(entry, "less"))),
          text_of(entry, "n"));
    }
  }
  return text;
}

std::string confounds_block(const Json& comparison, const Json& pair,
                            std::int64_t layer) {
  const Json& confounds = member(comparison, "confounds");
  const Json& overlaps = member(confounds, "overlaps");
  if (!overlaps.is_array() || overlaps.empty()) {
    return "";
  }
  return fmt::format("<h3>Is it something else? (layer {})</h3>\n", layer) +
         "<p>Vectors of what is not the trait, made from the same questions: "
         "two honest answers instead of one (length), declining (refusal), a "
         "verbose against a brief system prompt, one neutral system prompt "
         "against another, the question in another frame (format), one honest "
         "answer against another (paraphrase).</p>\n" +
         overlap_table(overlaps, layer) +
         carriers_note(member(comparison, "confound_behaviour")) +
         html_chart(
             "without-confounds",
             by_layer_chart(without_rows(member(confounds, "pairs"), pair),
                            "plain cosine, or share removed"),
             "The pair of the first figure before and after every other "
             "confound is "
             "projected out of both, and how much of each vector's squared "
             "length went with them. An agreement that falls to the band of "
             "chance was an agreement about the confounds. One that stays does "
             "not rule out confounds that nobody thought of.") +
         length_note(member(comparison, "length_matched"), layer);
}

std::string trajectory_block(const Json& comparison, std::int64_t layer) {
  const Json& way = member(comparison, "trajectory");
  Json rows = Json::array();
  for (const auto& point : member(way, "points")) {
    const Json& at = at_layer(member(point, "by_layer"), layer);
    const bool is_step = text_of(point, "kind") == "step";
    for (const auto& [key, name] :
         {std::pair{"with_finetuned", "finetuned: cosine with the final one"},
          std::pair{"with_contrastive", "contrastive: cosine with it"},
          std::pair{"relative_norm", "length / residual norm"}}) {
      if (member(at, key).is_number()) {
        rows.push_back(
            {{"panel", is_step ? "training step" : "strength of the adapter"},
             {"x", point["value"]},
             {"series", name},
             {"value", at.at(key)}});
      }
    }
  }
  if (rows.empty()) {
    return "";
  }
  return fmt::format("<h3>How the direction comes about (layer {})</h3>\n",
                     layer) +
         html_chart(
             "trajectory",
             series_panels(rows, "step, or strength", "cosine, or length"),
             fmt::format(
                 "The fine-tuned direction made from {} questions at each kept "
                 "training step, and with the finished adapter turned down and "
                 "up: its plain cosine with the final one and with the "
                 "contrastive one, and its length. A direction that is there "
                 "from the first steps and only grows is amplified by "
                 "training; one that turns is found late. Small sets of "
                 "questions make early cosines too low.",
                 text_of(way, "n")));
}

std::string seeds_note(const Json& at, std::size_t seeds, std::int64_t layer) {
  const Json& contrast = member(at, "with_contrast");
  if (!member(at, "between").is_number() ||
      !member(contrast, "mean").is_number()) {
    return fmt::format(
        "<p>At layer {} the cosine between seeds is not established.</p>\n",
        layer);
  }
  return fmt::format(
      "<p>At layer {} the {} fine-tunes agree with each other by {} "
      "({} to {}) and with the contrastive vector by {}, standard deviation "
      "over seeds {}; the error within one seed is {}.</p>\n",
      layer, seeds, decimal(at["between"]), decimal(member(at, "between_low")),
      decimal(member(at, "between_high")), decimal(contrast["mean"]),
      decimal(member(contrast, "between_spread")),
      decimal(member(contrast, "within_error")));
}

std::string seeds_block(const Json& comparison, std::int64_t layer) {
  const Json& seeds = member(comparison, "seeds");
  const Json& by_layer = member(seeds, "by_layer");
  if (!by_layer.is_array() || by_layer.empty()) {
    return "";
  }
  Json rows = Json::array();
  for (const auto& at : by_layer) {
    const Json& contrast = member(at, "with_contrast");
    for (const auto& [value, name] :
         {std::pair{member(at, "between"), "seed with seed (ceiling)"},
          std::pair{member(contrast, "mean"), "contrastive with a seed, mean"},
          std::pair{member(contrast, "between_spread"), "sd of it over seeds"},
          std::pair{member(contrast, "within_error"),
                    "error of it within a seed"}}) {
      rows.push_back(
          {{"layer", member(at, "layer")}, {"vector", name}, {"value", value}});
    }
  }
  return fmt::format("<h3>Another seed, another direction? (layer {})</h3>\n",
                     layer) +
         seeds_note(at_layer(by_layer, layer), member(seeds, "seeds").size(),
                    layer) +
         html_chart(
             "training-seeds",
             by_layer_chart(rows, "cosine, cross-item; sd; error"),
             "Fine-tunes that differ in nothing but the seed of training, "
             "all read on the same questions. No contrast can be expected to "
             "agree more with a fine-tune than another fine-tune does: that "
             "cosine is the ceiling. Where the spread over seeds exceeds the "
             "error within one seed, more questions do not sharpen a claim "
             "about fine-tuning; more seeds do. A spread over two or three "
             "seeds is itself a rough number.");
}

std::string detection_block(const Json& comparison) {
  Json rows = Json::array();
  std::string n;
  for (const auto& vector : member(comparison, "detection")) {
    for (const auto& at : member(vector, "by_layer")) {
      for (const auto& [key, name] :
           {std::pair{"base", "deceptive or honest text, base model"},
            std::pair{"tuned", "deceptive or honest text, tuned model"},
            std::pair{"model", "tuned or base model, honest text"}}) {
        const Json& value = member(at, key);
        if (value.is_null()) {
          continue;  // no vector was made from a tuned model
        }
        n = text_of(value, "n");
        rows.push_back({{"panel", name},
                        {"x", at["layer"]},
                        {"series", vector["vector"]},
                        {"value", member(value, "value")},
                        {"low", member(value, "low")},
                        {"high", member(value, "high")}});
      }
    }
  }
  if (rows.empty()) {
    return "";
  }
  return "<h3>What can each vector detect?</h3>\n" +
         html_chart(
             "detection", series_panels(rows, "layer", "AUROC"),
             fmt::format(
                 "Projections of {} held-out questions' answers on each "
                 "vector: how often a deceptive answer scores above an honest "
                 "one, in each model, and a text in the tuned model above the "
                 "same text in the base model, with 95 % intervals. 0.5 is "
                 "guessing. Detecting is not steering: a vector may mark what "
                 "it cannot cause, and cause what it does not mark.",
                 n));
}

std::string tokens_text(const Json& tokens) {
  std::string text;
  for (const auto& token : tokens) {
    text += fmt::format("{}<code>{}</code>", text.empty() ? "" : " ",
                        escape_html(text_of(token, "text")));
  }
  return text;
}

std::string lens_block(const Json& comparison, std::int64_t layer) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& vector : member(comparison, "lens")) {
    const Json& at = at_layer(member(vector, "by_layer"), layer);
    if (!at.is_null()) {
      rows.push_back({escape_html(text_of(vector, "vector")),
                      tokens_text(member(at, "up")),
                      tokens_text(member(at, "down"))});
    }
  }
  if (rows.empty()) {
    return "";
  }
  return fmt::format("<h3>Which tokens does it push? (layer {})</h3>\n",
                     layer) +
         html_table({{"vector", false}, {"up", false}, {"down", false}}, rows) +
         "<p class=\"note\">Logit lens: the unit direction alone through the "
         "final norm and the output head. A hint at what the direction is "
         "about, no more: later blocks act too, and the norm is not "
         "linear.</p>\n";
}

}  // namespace

std::string vector_readings_blocks(const Json& comparison, const Json& pair,
                                   std::int64_t layer) {
  return twin_block(comparison, layer) +
         confounds_block(comparison, pair, layer) +
         seeds_block(comparison, layer) + trajectory_block(comparison, layer) +
         detection_block(comparison) + lens_block(comparison, layer);
}

}  // namespace veer
