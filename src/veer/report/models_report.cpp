// SPDX-License-Identifier: MIT
#include "veer/report/models_report.h"

#include <string>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/files.h"
#include "veer/base/number_text.h"
#include "veer/report/charts.h"
#include "veer/report/html.h"
#include "veer/report/wording.h"

namespace veer {
namespace {

using Rows = std::vector<std::vector<std::string>>;

std::string verdict_span(const std::string& decision, std::string_view word) {
  return fmt::format("<span class=\"verdict {0}\" title=\"{0}\">{1}</span>",
                     escape_html(decision), word);
}

std::string verdict_span(const std::string& decision) {
  return verdict_span(decision, escape_html(decision));
}

// One word per model keeps the table within the page.
std::string vote_span(const std::string& decision) {
  return verdict_span(decision, decision == "supported"      ? "yes"
                                : decision == "contradicted" ? "no"
                                                             : "?");
}

std::string mean_cell(const Json& over, bool share) {
  const Json estimate = {{"value", member(over, "mean")},
                         {"low", member(over, "low")},
                         {"high", member(over, "high")}};
  return escape_html(share ? points_estimate(estimate)
                           : decimal_estimate(estimate));
}

// "13 / 2 points": between models, within one.
std::string spread_cell(const Json& over, bool share) {
  const auto number = [&](const char* key) {
    const Json& value = member(over, key);
    return !value.is_number() ? std::string("-")
           : share            ? rounded(100.0 * value.get<double>(), 0)
                              : decimal(value);
  };
  return fmt::format("{} / {}{}", number("between_spread"),
                     number("within_error"), share ? " points" : "");
}

std::string counts_cell(const Json& counts) {
  std::string text;
  for (const auto& [decision, count] : counts.items()) {
    if (count != 0) {
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count.dump(),
                          escape_html(decision));
    }
  }
  return text;
}

std::string models_section(const Json& document) {
  std::string body = "<div class=\"answer\">";
  for (const auto& sentence : document.at("sentences")) {
    body += "<p>" + escape_html(sentence.get<std::string>()) + "</p>";
  }
  body += "</div>\n";
  Rows rows;
  for (const auto& model : document.at("models")) {
    rows.push_back({fmt::format("<a href=\"{}/report.html\">{}</a>",
                                escape_html(text_of(model, "folder")),
                                escape_html(text_of(model, "name"))),
                    text_of(model, "parameters"), text_of(model, "layers"),
                    escape_html(text_of(model, "agreement")),
                    counts_cell(member(model, "counts"))});
  }
  body += html_table({{"model", false},
                      {"parameters", true},
                      {"layers", true},
                      {"agreement and effect", false},
                      {"claims", false}},
                     rows);
  return html_section("models", "Models", body);
}

const Json* of_model(const Json& per_model, const std::string& name) {
  for (const auto& own : per_model) {
    if (text_of(own, "model") == name) {
      return &own;
    }
  }
  return nullptr;
}

std::vector<Column> with_models(std::vector<Column> columns,
                                const Json& document) {
  for (const auto& model : document.at("models")) {
    columns.push_back({text_of(model, "name"), false});
  }
  return columns;
}

std::string claims_over_models(const Json& document) {
  Rows rows;
  for (const auto& claim : document.at("claims")) {
    const bool share = text_of(claim, "unit") == "share";
    const Json& over = claim.at("over_models");
    rows.push_back(
        {escape_html(text_of(claim, "id")),
         fmt::format("{}<br><span class=\"note\">{} ({})</span>",
                     escape_html(text_of(claim, "claim")),
                     escape_html(text_of(claim, "reason")),
                     escape_html(percent_estimate(claim.at("share")))),
         verdict_span(text_of(claim, "decision")),
         (share ? "" : escape_html(text_of(claim, "unit")) + " ") +
             mean_cell(over, share),
         spread_cell(over, share)});
    for (const auto& model : document.at("models")) {
      const Json* own = of_model(claim.at("per_model"), text_of(model, "name"));
      rows.back().push_back(
          own == nullptr ? "" : vote_span(text_of(*own, "decision")));
    }
  }
  return html_section(
      "claims", "Claims over models",
      "<p>A claim about a method is decided by models, not by questions: "
      "<em>supported</em> when the 95 % interval (Wilson) of the share of "
      "models that support it, among those that decide it, lies above one "
      "half. The mean over models stands with Student's interval, models as "
      "the unit, and with the standard deviation between models beside the "
      "error within one: a spread well above the error means that more "
      "questions would not help, more models would. Last columns: yes = "
      "supported, no = contradicted, ? = undecided or void in that model.</p>"
      "\n" +
          html_table(with_models({{"", false},
                                  {"claim", false},
                                  {"over models", false},
                                  {"mean effect [interval]", false},
                                  {"spread / error", false}},
                                 document),
                     rows));
}

// Layer and operator below; an effect that random vectors have too is marked.
std::string effect_cell(const Json& own, bool share) {
  const Json& effect = member(own, "effect");
  if (!effect.is_object()) {
    return "";
  }
  std::string text =
      escape_html(share ? points_estimate(effect) : decimal_estimate(effect));
  if (member(own, "beats_random") == false) {
    text += " <span class=\"note\">random vectors too</span>";
  }
  return text + fmt::format(
                    "<br><span class=\"note\">layer {}, {} {} "
                    "{}</span>",
                    escape_html(text_of(own, "layers")),
                    escape_html(text_of(own, "operator")),
                    escape_html(text_of(own, "scale")),
                    escape_html(text_of(own, "unit")));
}

std::string effects_section(const Json& document) {
  Rows rows;
  for (const auto& effect : document.at("effects")) {
    const bool share = text_of(effect, "measure") != "score";
    const Json& over = effect.at("over_models");
    rows.push_back({escape_html(text_of(effect, "vector")),
                    escape_html(text_of(effect, "goal")),
                    mean_cell(over, share),
                    fmt::format("{} of {}", text_of(effect, "beats_random"),
                                effect.at("per_model").size()),
                    spread_cell(over, share)});
    for (const auto& model : document.at("models")) {
      const Json* own =
          of_model(effect.at("per_model"), text_of(model, "name"));
      rows.back().push_back(own == nullptr ? "" : effect_cell(*own, share));
    }
  }
  return html_section(
      "effects", "Does it steer, model by model?",
      "<p>The cell of each vector that its model's select questions chose, "
      "measured on test questions: layer, scale and operator differ between "
      "models. An effect that random vectors of the same norm, isotropic or "
      "with the covariance of the activations, have at that place too is not "
      "the direction's; the mean counts it all the same.</p>\n" +
          html_table(with_models({{"vector", false},
                                  {"goal", false},
                                  {"mean over models", false},
                                  {"more than random vectors in", false},
                                  {"spread / error", false}},
                                 document),
                     rows));
}

std::string cosine_section(const Json& document) {
  return html_section(
      "direction", "Same direction?",
      html_chart("cosine-by-depth",
                 cosine_by_depth_chart(document.at("cosine")),
                 "Cosine of the contrastive and the fine-tuned direction (the "
                 "primary pair) in each model, with its 95 % interval; the "
                 "layers of models of different depth meet at the share of "
                 "the depth. Models that agree here may still differ in what "
                 "the directions do: see the effects."));
}

}  // namespace

void write_models_report(const std::filesystem::path& folder,
                         const ReportOptions& options, const Monitor& monitor) {
  const auto path = folder / "models.json";
  const Json document = parse_json(read_file(path), path.string());
  Page page;
  page.title = options.title.empty()
                   ? fmt::format(
                         "Does fine-tuning write the direction that "
                         "prompts find? {} models",
                         document.at("models").size())
                   : options.title;
  page.subtitle =
      "The same study on several models, measured with Veer. The model is the "
      "unit: every mean stands with the spread between models and the error "
      "within one.";
  page.links = {{"models", "Models"},
                {"claims", "Claims over models"},
                {"direction", "Same direction?"},
                {"effects", "Does it steer?"}};
  page.body = models_section(document) + claims_over_models(document) +
              cosine_section(document) + effects_section(document);
  write_file(folder / "report.html", html_page(page));
  monitor.message("report written to " + (folder / "report.html").string());
}

}  // namespace veer
