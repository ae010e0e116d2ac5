// SPDX-License-Identifier: MIT
#include "veer/report/charts.h"

#include <algorithm>
#include <iterator>

#include <nlohmann/json.hpp>

namespace veer {
namespace {

constexpr const char* kSchema =
    "https://vega.github.io/schema/vega-lite/v6.json";

// Okabe and Ito's palette; the controls are grey everywhere.
Json vector_scale() {
  return {
      {"domain", {"contrastive", "finetune", "random", "prompt", "adapter"}},
      {"range", {"#0072b2", "#d55e00", "#8a8f98", "#009e73", "#cc79a7"}}};
}

// Only the names that occur, so that a legend shows no absent vector.
Json vector_scale(const Json& rows) {
  const Json all = vector_scale();
  Json domain = Json::array();
  Json range = Json::array();
  const char* const spare[] = {"#56b4e9", "#e69f00", "#f0e442", "#000000"};
  std::size_t next_spare = 0;
  for (std::size_t i = 0; i < all["domain"].size(); ++i) {
    for (const auto& row : rows) {
      if (Json(row.value("vector", "")) == all["domain"][i]) {
        domain.push_back(all["domain"][i]);
        range.push_back(all["range"][i]);
        break;
      }
    }
  }
  for (const auto& row : rows) {
    const Json name = row.value("vector", "");
    if (std::find(domain.begin(), domain.end(), name) == domain.end()) {
      domain.push_back(name);
      range.push_back(spare[next_spare++ % std::size(spare)]);
    }
  }
  return {{"domain", domain}, {"range", range}};
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

Json by_layer_chart(const Json& rows, const std::string& title) {
  Json chart = base(rows);
  chart["mark"] = {{"type", "line"}, {"point", true}};
  chart["encoding"] = {{"x", layer_axis()},
                       {"y", quantitative("value", title)},
                       {"color",
                        {{"field", "vector"},
                         {"type", "nominal"},
                         {"title", nullptr},
                         {"scale", vector_scale(rows)}}}};
  return chart;
}

Json effect_chart(const Json& rows, const std::string& title,
                  const std::string& unit) {
  const Json x = quantitative("scale", "scale (" + unit + ")");
  const Json colour = {{"field", "vector"},
                       {"type", "nominal"},
                       {"title", nullptr},
                       {"scale", vector_scale(rows)}};
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
  return {
      {"$schema", kSchema},
      {"data", {{"values", rows}}},
      {"columns", 2},
      {"facet", {{"field", "panel"}, {"type", "nominal"}, {"title", nullptr}}},
      {"spec",
       {{"width", 330},
        {"height", 170},
        {"mark", "rect"},
        {"encoding",
         {{"x", {{"field", "scale"}, {"type", "ordinal"}, {"title", "scale"}}},
          {"y",
           {{"field", "layer"},
            {"type", "ordinal"},
            {"sort", "descending"},
            {"title", "layer"}}},
          {"color",
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
            {{"field", "high"}, {"format", ".1%"}}}}}}}}};
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
