// SPDX-License-Identifier: MIT
#include "veer/settings/grid_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"
#include "veer/settings/manifest.h"

namespace veer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

GridLine parse(std::string_view line) {
  return parse_grid_line(line, "generated", "per_layer");
}

TEST(GridLine, HoldsWhatWasWritten) {
  const auto line = parse(
      "soft_relu  scales=0.5/2 unit=sigma layers=each/chosen vectors=a@p/b@p "
      "models=tuned budget=full scope=first:4 norms=prompt_end site=resid_mid "
      "threshold=1.5 steepness=3 mirror=no");
  EXPECT_EQ(line.text.operation, "soft_relu");
  EXPECT_THAT(line.scales, ElementsAre(0.5, 2.0));
  EXPECT_THAT(line.layers, ElementsAre("each", "chosen"));
  EXPECT_THAT(line.vectors, ElementsAre("a@p", "b@p"));
  EXPECT_THAT(line.models, ElementsAre("tuned"));
  EXPECT_EQ(line.text.unit, "sigma");
  EXPECT_EQ(line.text.budget, "full");
  EXPECT_EQ(line.text.scope, "first:4");
  EXPECT_EQ(line.text.norms, "prompt_end");
  EXPECT_EQ(line.text.site, "resid_mid");
  EXPECT_EQ(line.text.threshold, 1.5);
  EXPECT_EQ(line.text.steepness, 3.0);
  EXPECT_FALSE(line.mirror);
}

TEST(GridLine, HasDefaults) {
  const auto line = parse("ablate");
  EXPECT_THAT(line.layers, ElementsAre("chosen"));
  EXPECT_THAT(line.scales, ElementsAre(1.0));
  EXPECT_EQ(line.text.scope, "generated");
  EXPECT_FALSE(line.mirror);  // removing has no opposite
  EXPECT_TRUE(parse("add").mirror);
  EXPECT_TRUE(parse("slerp").mirror);
}

TEST(GridLine, RefusesWhatItCannotMean) {
  for (const auto& [line, part] :
       {std::pair{"", "nothing"}, std::pair{"ad", "\"add\" was meant"},
        std::pair{"add scale=1", "key \"scale\""},
        std::pair{"add scales=", "key=value"},
        std::pair{"add scales=1/x", "\"x\""},
        std::pair{"add scales=1 scales=2", "\"scales\" twice"},
        std::pair{"add scales=nan", "nan"},
        std::pair{"add unit=metres", "metres"},
        std::pair{"add scope=prompt:3", "prompt:3"},
        std::pair{"add models=both", "both"},
        std::pair{"add budget=half", "half"},
        std::pair{"add site=middle", "middle"},
        std::pair{"add norms=all", "all"},
        std::pair{"add mirror=perhaps", "perhaps"}}) {
    try {
      parse(line);
      ADD_FAILURE() << line;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(part)) << line;
      EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
    }
  }
}

TEST(GridLine, EveryDefaultLineIsRight) {
  for (const auto& line : SweepSettings{}.grid) {
    EXPECT_NO_THROW(parse(line)) << line;
  }
}

TEST(LayerChoice, ReadsEveryForm) {
  const auto layers = [](std::string_view text) {
    return parse_layer_choice(text, 8).layers;
  };
  EXPECT_THAT(layers("3"), ElementsAre(3));
  EXPECT_THAT(layers("5,2"), ElementsAre(2, 5));
  EXPECT_THAT(layers("2+5+2"), ElementsAre(2, 5));
  EXPECT_THAT(layers("2-4"), ElementsAre(2, 3, 4));
  EXPECT_THAT(layers("depth:0.5"), ElementsAre(4));
  EXPECT_THAT(layers("depth:1"), ElementsAre(7));
  EXPECT_EQ(parse_layer_choice("depth:0.5357", 28).layers.front(), 15);
  EXPECT_EQ(parse_layers(std::vector<std::string>{"5", "1-2", "depth:0.25"}, 8,
                         "extract.layers"),
            (std::vector<std::int64_t>{1, 2, 5}));
  EXPECT_THROW(
      parse_layers(std::vector<std::string>{"all"}, 8, "extract.layers"),
      Error);
  EXPECT_EQ(parse_layer_choice("all", 8).mode, LayerMode::kAllOwn);
  EXPECT_EQ(parse_layer_choice("increments", 8).mode, LayerMode::kIncrements);
  EXPECT_EQ(parse_layer_choice("all_same:3", 8).mode, LayerMode::kAllSame);
  for (const char* bad : {"", "8", "-1", "x", "2-", "4-2", "1,,2", "all_same:",
                          "all_same:1-2", "depth:2", "depth:x", "3 "}) {
    EXPECT_THROW(parse_layer_choice(bad, 8), Error) << bad;
  }
}

TEST(LayerChoice, NamesReadBack) {
  for (const char* text : {"3", "2+5", "all", "increments", "all_same:3"}) {
    EXPECT_EQ(layer_choice_name(parse_layer_choice(text, 8)), text);
  }
  EXPECT_EQ(layer_choice_name(parse_layer_choice("2-4", 8)), "2+3+4");
}

}  // namespace
}  // namespace veer
