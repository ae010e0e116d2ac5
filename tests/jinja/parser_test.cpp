// SPDX-License-Identifier: MIT
//
// Syntax: what is accepted, and errors with their place.
// Expected texts: jinja2 3.1.6 in the environment of apply_chat_template.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "jinja/cases.h"
#include "veer/jinja/jinja.h"

namespace veer::testing {
namespace {

TEST(JinjaParser, PrecedenceIsThatOfJinja) {
  expect_all({
      {"1 + 2 * 3", "7"},
      {"(1 + 2) * 3", "9"},
      {"-2 ** 2", "4"},
      {"2 ** 3 ** 2", "64"},
      {"not true or true", "True"},
      {"not (true or true)", "False"},
      {"1 < 2 and 2 < 3", "True"},
      {"1 < 2 < 3", "True"},
      {"3 > 2 > 2", "False"},
      {"'a' ~ (1 + 2)", "a3"},
      {"1 if false else 2 if false else 3", "3"},
      {"1 if false", ""},
      {"i is odd and x is float", "True"},
      {"not i is odd", "False"},
      {"i not in l", "True"},
      {"3 in l", "True"},
      {"[1, 2][0]", "1"},
      {"(1,)", "(1,)"},
      {"()", "()"},
      {"{\"a\": 1}[\"a\"]", "1"},
      {"[1, 2,]", "[1, 2]"},
      {"{\"a\": 1,}", "{'a': 1}"},
      {"1, 2", "(1, 2)"},
  });
}

TEST(JinjaParser, ErrorsNameTheirPlace) {
  expect_refused({
      {"a\n{% if %}x{% endif %}", "line 2"},
      {"{% if true %}x", "endif"},
      {"{% for x in %}{% endfor %}", "line 1"},
      {"{% endif %}", "endif"},
      {"{% foo %}", "foo"},
      {"{{ }}", "line 1"},
      {"{{ 1 + }}", "line 1"},
      {"{{ (1 }}", "line 1"},
      {"{{ [1 }}", "line 1"},
      {"{{ {\"a\" 1} }}", "line 1"},
      {"{{ s| }}", "line 1"},
      {"{{ s is }}", "line 1"},
      {"{% set = 1 %}", "line 1"},
      {"{% macro 1() %}{% endmacro %}", "line 1"},
      {"{% break %}", "break"},
  });
}

TEST(JinjaParser, UnsupportedThingsAreNamed) {
  expect_refused({
      {"{{ s|frobnicate }}", "frobnicate"},
      {"{{ s is frobnicated }}", "frobnicated"},
      {"{% include \"x\" %}", "include"},
      {"{% extends \"x\" %}", "extends"},
      {"{% import \"x\" as y %}", "import"},
  });
}

}  // namespace
}  // namespace veer::testing
