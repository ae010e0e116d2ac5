// SPDX-License-Identifier: MIT
#include "veer/report/charts.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace veer {
namespace {

constexpr const char* kSchema =
    "https://vega.github.io/schema/vega-lite/v6.json";

// Okabe and Ito's palette. A series keeps its colour in every figure: shades of
// blue for what comes from prompts, of orange for what fine-tuning wrote, grey
// for controls; purple and brown, beside the palette, for what has no role.
struct SeriesColours {
  std::string_view prefix;
  std::vector<const char*> shades;
};

const std::vector<SeriesColours>& palette() {
  static const std::vector<SeriesColours> colours = {
      {"contrastive", {"#0072b2", "#56b4e9", "#004d7a"}},
      {"finetune", {"#d55e00", "#e69f00", "#8c3e00"}},
      {"random", {"#8a8f98"}},
      {"honest", {"#009e73"}},
      {"deceptive", {"#d55e00"}},
      {"broken", {"#cc79a7"}},
      {"principal", {"#33383f", "#626973", "#939aa4", "#c0c5cc"}},  // by rank
      {"", {"#7b4fa3", "#8c564b", "#f0e442", "#5b636e"}}};
  return colours;
}

Json base(const Json& rows) {
  return {{"$schema", kSchema},
          {"width", "container"},
          {"height", 260},
          {"autosize", {{"type", "fit"}, {"contains", "padding"}}},
          {"data", {{"values", rows}}}};
}

Json quantitative(const char* field, const std::string& title) {
  return {{"field", field}, {"type", "quantitative"}, {"title", title}};
}

Json layer_axis() {
  return {{"field", "layer"},
          {"type", "quantitative"},
          {"title", "layer (output of block)"},
          {"axis", {{"tickMinStep", 1}, {"format", "d"}}}};
}

Json constant_colour(const char* name, const char* value) {
  return {{"datum", name},
          {"scale",
           {{"domain", {"measured cosine", "ceiling of reliability"}},
            {"range", {"#0072b2", "#e69f00"}}}},
          {"title", value}};
}

}  // namespace

Json series_colours(const Json& rows, const char* field) {
  std::vector<std::string> names;
  for (const auto& row : rows) {
    const auto name = row.value(field, std::string());
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      names.push_back(name);
    }
  }
  std::vector<std::size_t> used(palette().size(), 0);
  Json range = Json::array();
  for (const auto& name : names) {
    const auto entry =
        std::find_if(palette().begin(), palette().end(), [&](const auto& c) {
          return std::string_view(name).starts_with(c.prefix);
        });
    const auto index =
        static_cast<std::size_t>(std::distance(palette().begin(), entry));
    range.push_back(entry->shades[used[index]++ % entry->shades.size()]);
  }
  return {{"domain", names}, {"range", range}};
}

Json cosine_chart(const Json& rows) {
  Json chart = base(rows);
  Json y = quantitative("null_low", "cosine");
  y["scale"] = {{"zero", true}, {"nice", true}};
  const Json band = {
      {"mark", {{"type", "area"}, {"color", "#8a8f98"}, {"opacity", 0.25}}},
      {"encoding",
       {{"x", layer_axis()}, {"y", y}, {"y2", {{"field", "null_high"}}}}}};
  const Json ceiling = {
      {"mark", {{"type", "line"}, {"strokeDash", {5, 4}}}},
      {"encoding",
       {{"x", layer_axis()},
        {"y", quantitative("ceiling", "cosine")},
        {"color", constant_colour("ceiling of reliability", "")}}}};
  const Json interval = {
      {"mark", {{"type", "rule"}, {"strokeWidth", 2}, {"opacity", 0.7}}},
      {"encoding",
       {{"x", layer_axis()},
        {"y", quantitative("low", "cosine")},
        {"y2", {{"field", "high"}}},
        {"color", constant_colour("measured cosine", "")}}}};
  const Json line = {
      {"mark", {{"type", "line"}, {"point", {{"filled", true}, {"size", 60}}}}},
      {"encoding",
       {{"x", layer_axis()},
        {"y", quantitative("cosine", "cosine")},
        {"color", constant_colour("measured cosine", "")},
        {"tooltip",
         {{{"field", "layer"}},
          {{"field", "cosine"}, {"format", ".3f"}},
          {{"field", "low"}, {"format", ".3f"}},
          {{"field", "high"}, {"format", ".3f"}}}}}}};
  const Json zero = {{"mark", {{"type", "rule"}, {"color", "#8a8f98"}}},
                     {"encoding", {{"y", {{"datum", 0}}}}}};
  chart["layer"] = {band, zero, ceiling, interval, line};
  return chart;
}

Json cosine_by_depth_chart(const Json& rows) {
  Json chart = base(rows);
  const Json colour = {{"field", "model"},
                       {"type", "nominal"},
                       {"title", nullptr},
                       {"scale", series_colours(rows, "model")}};
  Json x = quantitative("depth", "depth (share of the layers)");
  x["axis"] = {{"format", "%"}};
  const Json line = {
      {"mark", {{"type", "line"}, {"point", true}}},
      {"encoding",
       {{"x", x}, {"y", quantitative("cosine", "cosine")}, {"color", colour}}}};
  const Json interval = {{"mark", {{"type", "rule"}, {"opacity", 0.6}}},
                         {"encoding",
                          {{"x", x},
                           {"y", quantitative("low", "cosine")},
                           {"y2", {{"field", "high"}}},
                           {"color", colour}}}};
  chart["layer"] = {interval, line};
  return chart;
}

Json by_layer_chart(const Json& rows, const std::string& title) {
  Json chart = base(rows);
  chart["mark"] = {{"type", "line"}, {"point", true}};
  chart["encoding"] = {{"x", layer_axis()},
                       {"y", quantitative("value", title)},
                       {"color",
                        {{"field", "vector"},
                         {"type", "nominal"},
                         {"title", nullptr},
                         {"scale", series_colours(rows, "vector")}}}};
  return chart;
}

Json effect_chart(const Json& rows, const std::string& title,
                  const std::string& unit) {
  const Json x = quantitative("scale", "scale (" + unit + ")");
  const Json colour = {{"field", "vector"},
                       {"type", "nominal"},
                       {"title", nullptr},
                       {"scale", series_colours(rows, "vector")}};
  Json y = quantitative("share", title);
  y["scale"] = {{"domain", {0, 1}}};
  y["axis"] = {{"format", "%"}};
  const Json interval = {{"mark", {{"type", "area"}, {"opacity", 0.18}}},
                         {"encoding",
                          {{"x", x},
                           {"y", quantitative("low", title)},
                           {"y2", {{"field", "high"}}},
                           {"color", colour}}}};
  const Json line = {{"mark", {{"type", "line"}, {"point", {{"size", 30}}}}},
                     {"encoding",
                      {{"x", x},
                       {"y", y},
                       {"color", colour},
                       {"tooltip",
                        {{{"field", "vector"}},
                         {{"field", "scale"}},
                         {{"field", "share"}, {"format", ".1%"}},
                         {{"field", "low"}, {"format", ".1%"}},
                         {{"field", "high"}, {"format", ".1%"}}}}}}};
  return {
      {"$schema", kSchema},
      {"data", {{"values", rows}}},
      {"columns", 2},
      {"facet", {{"field", "panel"}, {"type", "nominal"}, {"title", nullptr}}},
      {"spec", {{"width", 330}, {"height", 170}, {"layer", {interval, line}}}}};
}

Json layer_scale_map(const Json& rows) {
  const Json field = {
      {"mark", "rect"},
      {"encoding",
       {{"color",
         {{"field", "effect"},
          {"type", "quantitative"},
          {"title", "change of the share"},
          {"scale", {{"scheme", "blueorange"}, {"domain", {-1, 1}}}},
          {"legend", {{"format", "%"}}}}},
        {"tooltip",
         {{{"field", "layer"}},
          {{"field", "scale"}},
          {{"field", "effect"}, {"format", ".1%"}},
          {{"field", "low"}, {"format", ".1%"}},
          {{"field", "high"}, {"format", ".1%"}}}}}}};
  const Json cross = {
      {"transform", Json::array({{{"filter", "datum.invalid"}}})},
      {"mark", {{"type", "text"}, {"text", "\u00d7"}, {"fontSize", 13}}}};
  return {
      {"$schema", kSchema},
      {"data", {{"values", rows}}},
      {"columns", 2},
      {"facet", {{"field", "panel"}, {"type", "nominal"}, {"title", nullptr}}},
      {"spec",
       {{"width", 330},
        {"height", 170},
        {"encoding",
         {{"x", {{"field", "scale"}, {"type", "ordinal"}, {"title", "scale"}}},
          {"y",
           {{"field", "layer"},
            {"type", "ordinal"},
            {"sort", "descending"},
            {"title", "layer"}}}}},
        {"layer", {field, cross}}}}};
}

Json vector_map(const Json& rows, std::int64_t layer, std::int64_t num_layers) {
  Json chart = base(rows);
  chart["height"] = {{"step", 30}};
  chart["params"] = {{{"name", "layer"},
                      {"value", layer},
                      {"bind",
                       {{"input", "range"},
                        {"min", 0},
                        {"max", std::max<std::int64_t>(1, num_layers - 1)},
                        {"step", 1},
                        {"name", "layer "}}}}};
  chart["transform"] = {{{"filter", "datum.layer == layer"}}};
  const Json axis = {{"labelLimit", 230}, {"title", nullptr}};
  Json x = {{"field", "a"}, {"type", "nominal"}, {"axis", axis}};
  x["axis"]["labelAngle"] = -40;
  x["sort"] = nullptr;
  const Json y = {
      {"field", "b"}, {"type", "nominal"}, {"axis", axis}, {"sort", nullptr}};
  const Json cell = {
      {"mark", "rect"},
      {"encoding",
       {{"color",
         {{"field", "cosine"},
          {"type", "quantitative"},
          {"title", "cosine"},
          {"scale", {{"scheme", "blueorange"}, {"domain", {-1, 1}}}}}},
        {"tooltip",
         {{{"field", "a"}},
          {{"field", "b"}},
          {{"field", "cosine"}, {"format", ".3f"}}}}}}};
  const Json text = {
      {"mark", {{"type", "text"}, {"fontSize", 11}}},
      {"encoding",
       {{"text", {{"field", "cosine"}, {"format", ".2f"}}},
        {"color",
         {{"condition",
           {{"test", "abs(datum.cosine) > 0.6"}, {"value", "white"}}},
          {"value", "#1c1f24"}}}}}};
  chart["encoding"] = {{"x", x}, {"y", y}};
  chart["layer"] = {cell, text};
  return chart;
}

Json shares_chart(const Json& rows) {
  return {
      {"$schema", kSchema},
      {"data", {{"values", rows}}},
      {"columns", 2},
      {"facet",
       {{"field", "position"}, {"type", "nominal"}, {"title", nullptr}}},
      {"spec",
       {{"width", 330},
        {"height", 170},
        {"mark", "bar"},
        {"encoding",
         {{"x", {{"field", "layer"}, {"type", "ordinal"}, {"title", "layer"}}},
          {"y",
           {{"field", "share"},
            {"type", "quantitative"},
            {"title", "share of the energy"},
            {"axis", {{"format", "%"}}},
            {"scale", {{"domain", {0, 1}}}}}},
          {"color",
           {{"field", "effect"},
            {"type", "nominal"},
            {"title", nullptr},
            {"scale",
             {{"domain", {"content", "model", "interaction"}},
              {"range", {"#56b4e9", "#d55e00", "#009e73"}}}}}},
          {"tooltip",
           {{{"field", "layer"}},
            {{"field", "effect"}},
            {{"field", "share"}, {"format", ".1%"}}}}}}}}};
}

Json series_panels(const Json& rows, const std::string& x_title,
                   const std::string& y_title) {
  const Json x = quantitative("x", x_title);
  const Json colour = {{"field", "series"},
                       {"type", "nominal"},
                       {"title", nullptr},
                       {"scale", series_colours(rows, "series")}};
  const Json interval = {{"mark", {{"type", "rule"}, {"opacity", 0.45}}},
                         {"encoding",
                          {{"x", x},
                           {"y", quantitative("low", y_title)},
                           {"y2", {{"field", "high"}}},
                           {"color", colour}}}};
  const Json line = {{"mark", {{"type", "line"}, {"point", true}}},
                     {"encoding",
                      {{"x", x},
                       {"y", quantitative("value", y_title)},
                       {"color", colour},
                       {"tooltip",
                        {{{"field", "series"}},
                         {{"field", "x"}},
                         {{"field", "value"}, {"format", ".3f"}}}}}}};
  const bool has_intervals = !rows.empty() && rows.front().contains("low");
  return {
      {"$schema", kSchema},
      {"data", {{"values", rows}}},
      {"columns", 2},
      {"facet", {{"field", "panel"}, {"type", "nominal"}, {"title", nullptr}}},
      {"spec",
       {{"width", 330},
        {"height", 170},
        {"layer",
         has_intervals ? Json::array({interval, line}) : Json::array({line})}}},
      {"resolve", {{"scale", {{"x", "independent"}}}}}};
}

Json sample_size_chart(const Json& rows) {
  Json x = quantitative("questions", "questions");
  x["scale"] = {{"type", "log"}, {"nice", false}};
  Json sizes = Json::array();
  for (const auto& row : rows) {
    sizes.push_back(row.at("questions"));
  }
  x["axis"] = {{"values", sizes}, {"format", "d"}, {"labelOverlap", "greedy"}};
  const Json colour = {{"field", "series"},
                       {"type", "nominal"},
                       {"title", nullptr},
                       {"scale", series_colours(rows, "series")}};
  Json y = quantitative("value", "reliability, or cosine");
  y["scale"] = {{"zero", false}};
  Json low = quantitative("low", "reliability, or cosine");
  low["scale"] = {{"zero", false}};
  const Json spread = {
      {"mark", {{"type", "area"}, {"opacity", 0.18}}},
      {"encoding",
       {{"x", x}, {"y", low}, {"y2", {{"field", "high"}}}, {"color", colour}}}};
  const Json line = {{"mark", {{"type", "line"}, {"point", true}}},
                     {"encoding",
                      {{"x", x},
                       {"y", y},
                       {"color", colour},
                       {"tooltip",
                        {{{"field", "series"}},
                         {{"field", "questions"}},
                         {{"field", "value"}, {"format", ".3f"}},
                         {{"field", "low"}, {"format", ".3f"}},
                         {{"field", "high"}, {"format", ".3f"}}}}}}};
  return {
      {"$schema", kSchema},
      {"data", {{"values", rows}}},
      {"columns", 2},
      {"facet", {{"field", "panel"}, {"type", "nominal"}, {"title", nullptr}}},
      {"spec", {{"width", 330}, {"height", 170}, {"layer", {spread, line}}}},
      {"resolve", {{"scale", {{"y", "independent"}}}}}};
}

Json training_chart(const Json& rows) {
  return {{"$schema", kSchema},
          {"data", {{"values", rows}}},
          {"columns", 2},
          {"facet",
           {{"field", "measure"}, {"type", "nominal"}, {"title", nullptr}}},
          {"spec",
           {{"width", 330},
            {"height", 150},
            {"mark", {{"type", "line"}, {"color", "#0072b2"}}},
            {"encoding",
             {{"x", quantitative("step", "optimizer step")},
              {"y",
               {{"field", "value"},
                {"type", "quantitative"},
                {"title", nullptr}}}}}}},
          {"resolve", {{"scale", {{"y", "independent"}}}}}};
}

Json label_chart(const Json& rows) {
  Json chart = base(rows);
  chart["height"] = {{"step", 22}};
  chart["mark"] = "bar";
  chart["encoding"] = {
      {"y",
       {{"field", "cell"},
        {"type", "nominal"},
        {"sort", nullptr},
        {"title", nullptr},
        {"axis", {{"labelLimit", 320}}}}},
      {"x",
       {{"field", "share"},
        {"type", "quantitative"},
        {"title", "share of answers"},
        {"axis", {{"format", "%"}}},
        {"scale", {{"domain", {0, 1}}}}}},
      {"color",
       {{"field", "label"},
        {"type", "nominal"},
        {"title", nullptr},
        {"scale",
         {{"domain", {"honest", "deceptive", "mixed", "off_topic", "broken"}},
          {"range",
           {"#009e73", "#d55e00", "#e69f00", "#56b4e9", "#8a8f98"}}}}}}};
  return chart;
}

}  // namespace veer
