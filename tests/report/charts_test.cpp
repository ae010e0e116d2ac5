// SPDX-License-Identifier: MIT
#include "veer/report/charts.h"

#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace veer {
namespace {

Json colours_of(const std::vector<std::string>& names) {
  Json rows = Json::array();
  for (const auto& name : names) {
    rows.push_back({{"series", name}, {"value", 1.0}});
    rows.push_back({{"series", name}, {"value", 2.0}});
  }
  return series_colours(rows, "series");
}

TEST(SeriesColours, NamesAreInOrderAndOnce) {
  const std::vector<std::string> names = {"finetuned@a", "contrastive@a"};
  EXPECT_EQ(colours_of(names).at("domain").get<std::vector<std::string>>(),
            names);
}

TEST(SeriesColours, NoTwoSeriesOfAFigureLookAlike) {
  for (const std::vector<std::string>& names :
       {std::vector<std::string>{
            "contrastive@answer_mean", "finetuned@answer_mean",
            "contrastive@prompt_end", "finetuned@prompt_end"},
        {"principal angle 1", "principal angle 2", "principal angle 3",
         "principal angle 4", "second vector inside first's space",
         "first vector inside second's space"},
        {"honest", "deceptive", "broken", "off topic"}}) {
    const auto range =
        colours_of(names).at("range").get<std::vector<std::string>>();
    EXPECT_EQ(std::set<std::string>(range.begin(), range.end()).size(),
              names.size())
        << names.front();
  }
}

TEST(SeriesColours, AVectorKeepsItsColourFromFigureToFigure) {
  const auto alone = colours_of({"contrastive@a"}).at("range").at(0);
  EXPECT_EQ(colours_of({"random", "contrastive@a"}).at("range").at(1), alone);
}

}  // namespace
}  // namespace veer
