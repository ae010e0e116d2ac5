// SPDX-License-Identifier: MIT
#include <string>

#include <nlohmann/json.hpp>

#include "veer/report/charts.h"

namespace veer {
namespace {

constexpr const char* kSchema =
    "https://vega.github.io/schema/vega-lite/v6.json";

Json nominal(const char* field) {
  return {{"field", field}, {"type", "nominal"}, {"title", nullptr}};
}

Json share_axis(const char* field, const char* title, double low) {
  return {{"field", field},
          {"type", "quantitative"},
          {"title", title},
          {"axis", {{"format", "%"}}},
          {"scale", {{"domain", {low, 1}}}}};
}

Json tip(const char* field, const char* format = "") {
  Json tip = {{"field", field}};
  if (*format != '\0') {
    tip["format"] = format;
  }
  return tip;
}

Json faceted(const Json& rows, const Json& spec) {
  return {{"$schema", kSchema},
          {"data", {{"values", rows}}},
          {"columns", 2},
          {"facet", nominal("panel")},
          {"spec", spec}};
}

}  // namespace

Json front_chart(const Json& rows) {
  Json colour = nominal("vector");
  colour["scale"] = series_colours(rows, "vector");
  const Json points = {
      {"mark",
       {{"type", "point"}, {"filled", true}, {"size", 28}, {"opacity", 0.55}}},
      {"encoding",
       {{"x", share_axis("coherent", "share of text unbroken", 0)},
        {"y", share_axis("effect", "effect (points of the share)", -1)},
        {"color", colour},
        {"tooltip",
         {tip("vector"), tip("place"), tip("effect", ".1%"), tip("low", ".1%"),
          tip("high", ".1%"), tip("coherent", ".0%")}}}}};
  return faceted(rows, {{"width", 330},
                        {"height", 220},
                        {"layer",
                         {{{"mark", {{"type", "rule"}, {"color", "#8a8f98"}}},
                           {"encoding", {{"y", {{"datum", 0}}}}}},
                          points}}});
}

Json transfer_chart(const Json& rows) {
  return faceted(
      rows,
      {{"width", 330},
       {"height", {{"step", 18}}},
       {"mark", "rect"},
       {"encoding",
        {{"x",
          {{"field", "layers"},
           {"type", "nominal"},
           {"sort", nullptr},
           {"title", "layers"},
           {"axis", {{"labelAngle", 0}}}}},
         {"y",
          {{"field", "series"},
           {"type", "nominal"},
           {"sort", nullptr},
           {"title", nullptr},
           {"axis", {{"labelLimit", 210}}}}},
         {"color",
          {{"field", "effect"},
           {"type", "quantitative"},
           {"title", "effect"},
           {"scale", {{"scheme", "blueorange"}, {"domain", {-1, 1}}}},
           {"legend", {{"format", "%"}}}}},
         {"tooltip",
          {tip("series"), tip("layers"), tip("scale", ".2f"),
           tip("divergence", ".2f"), tip("effect", ".1%"), tip("low", ".1%"),
           tip("high", ".1%"), tip("coherent", ".0%")}}}}});
}

Json interval_bars(const Json& rows, const std::string& title) {
  const Json y = {{"field", "name"},
                  {"type", "nominal"},
                  {"sort", nullptr},
                  {"title", nullptr},
                  {"axis", {{"labelLimit", 380}}}};
  Json colour = nominal("vector");
  colour["scale"] = series_colours(rows, "vector");
  colour["legend"] = nullptr;
  const auto x = [&](const char* field) {
    return Json{{"field", field},
                {"type", "quantitative"},
                {"title", title},
                {"axis", {{"format", "%"}}}};
  };
  return {{"$schema", kSchema},
          {"width", "container"},
          {"height", {{"step", 24}}},
          {"autosize", {{"type", "fit"}, {"contains", "padding"}}},
          {"data", {{"values", rows}}},
          {"layer",
           {{{"mark", {{"type", "bar"}, {"opacity", 0.75}}},
             {"encoding", {{"y", y}, {"x", x("value")}, {"color", colour}}}},
            {{"mark", {{"type", "rule"}, {"strokeWidth", 2}}},
             {"encoding",
              {{"y", y}, {"x", x("low")}, {"x2", {{"field", "high"}}}}}}}}};
}

Json breaking_chart(const Json& rows) {
  Json colour = nominal("vector");
  colour["scale"] = series_colours(rows, "vector");
  const Json x = {{"field", "layer"},
                  {"type", "quantitative"},
                  {"title", "layer"},
                  {"axis", {{"tickMinStep", 1}, {"format", "d"}}}};
  const auto y = [](const char* field) {
    return Json{{"field", field},
                {"type", "quantitative"},
                {"title", "scale in residual norms, - = subtracted"}};
  };
  return faceted(
      rows, {{"width", 330},
             {"height", 200},
             {"layer",
              {{{"mark", {{"type", "rule"}, {"opacity", 0.35}}},
                {"encoding",
                 {{"x", x},
                  {"y", y("low")},
                  {"y2", {{"field", "high"}}},
                  {"color", colour}}}},
               {{"mark", {{"type", "point"}, {"filled", true}, {"size", 45}}},
                {"encoding",
                 {{"x", x},
                  {"y", y("value")},
                  {"color", colour},
                  {"tooltip",
                   {tip("vector"), tip("layer"), tip("value", ".2f"),
                    tip("low", ".2f"), tip("high", ".2f")}}}}}}}});
}

}  // namespace veer
