// SPDX-License-Identifier: MIT
#include "veer/sweep/lean_cells.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace veer {
namespace {

Json estimate(double value, int n, const char* method) {
  return {{"value", value},
          {"low", value - 0.1},
          {"high", value + 0.1},
          {"n", n},
          {"method", method}};
}

Json undefined() {
  return {{"value", nullptr},
          {"low", nullptr},
          {"high", nullptr},
          {"n", 0},
          {"method", ""}};
}

TEST(LeanCells, SayOnceWhatAllOfThemSay) {
  Json cells = {
      {{"id", 0},
       {"layer", nullptr},
       {"random", nullptr},
       {"n", 4},
       {"deceptive", estimate(0.5, 4, "wilson 95%")},
       {"score", undefined()},
       {"kl", nullptr}},
      {{"id", 1},
       {"layer", 3},
       {"random", 7},
       {"n", 4},
       {"deceptive", estimate(0.25, 3, "wilson 95%")},
       {"induction", estimate(-0.25, 4, "newcombe 95%")},
       {"kl", {{"mean", 0.1}, {"p95", 0.2}}}},
      {{"id", 2}, {"n", 8}, {"deceptive", estimate(0.0, 8, "exact 95%")}}};
  const Json methods = make_lean(cells);
  const Json wanted_methods = {{"deceptive", "wilson 95%"},
                               {"induction", "newcombe 95%"}};
  EXPECT_EQ(methods, wanted_methods);
  const Json first = {
      {"id", 0},
      {"layer", nullptr},
      {"random", nullptr},
      {"n", 4},
      {"deceptive", {{"value", 0.5}, {"low", 0.4}, {"high", 0.6}}}};
  EXPECT_EQ(cells[0], first);
  // Another number of questions, another method: said where they are.
  EXPECT_EQ(cells[1]["deceptive"]["n"], 3);
  EXPECT_FALSE(cells[1]["deceptive"].contains("method"));
  EXPECT_FALSE(cells[1]["induction"].contains("n"));
  EXPECT_EQ(cells[1]["kl"]["p95"], 0.2);
  EXPECT_EQ(cells[2]["deceptive"]["method"], "exact 95%");
  EXPECT_FALSE(cells[2]["deceptive"].contains("n"));
}

TEST(LeanCells, NoneHaveNoMethods) {
  Json cells = Json::array();
  EXPECT_EQ(make_lean(cells), Json::object());
  EXPECT_EQ(cells, Json::array());
}

}  // namespace
}  // namespace veer
