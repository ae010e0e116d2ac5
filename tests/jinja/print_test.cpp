// SPDX-License-Identifier: MIT
//
// Values as text, and tojson.
// Expected texts: jinja2 3.1.6 in the environment of apply_chat_template.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "jinja/cases.h"
#include "veer/jinja/jinja.h"

namespace veer::testing {
namespace {

TEST(JinjaPrint, ValuesPrintAsPythonPrintsThem) {
  expect_all({
      {"n", "None"},
      {"true", "True"},
      {"1.0", "1.0"},
      {"1e20", "1e+20"},
      {"1e-7", "1e-07"},
      {"123456789.0", "123456789.0"},
      {"1e16", "1e+16"},
      {"0.1", "0.1"},
      {"-0.0", "-0.0"},
      {"missing", ""},
      {"d", "{'b': 1, 'A': [1, 'x', None], 'items': 5}"},
      {"[\"it's\", 'a\"b', 'a\"\\'b']", "[\"it's\", 'a\"b', 'a\"\\'b']"},
      {"(1, 2)", "(1, 2)"},
      {"(1,)", "(1,)"},
      {"range(3)", "range(0, 3)"},
      {"[1.0, none, true]", "[1.0, None, True]"},
      {"\"a\\nb\"", "a\nb"},
      {"[\"a\\nb\", \"\\u00e9\", \"\\u200b\"]", "['a\\nb', 'é', '\\u200b']"},
      {"{1: 2}", "{1: 2}"},
      {"2 ** 62", "4611686018427387904"},
  });
}

TEST(JinjaPrint, TojsonIsJsonDumps) {
  expect_all({
      {"d|tojson", "{\"b\": 1, \"A\": [1, \"x\", null], \"items\": 5}"},
      {"l|tojson(indent=2)", "[\n  3,\n  1,\n  2\n]"},
      {"u|tojson", "\"héllo ß\""},
      {"u|tojson(ensure_ascii=true)", "\"h\\u00e9llo \\u00df\""},
      {"html|tojson", "\"<a href='x'>&\\\"</a>\""},
      {"{\"b\": 1, \"a\": [1.5, none, true]}|tojson(sort_keys=true)",
       "{\"a\": [1.5, null, true], \"b\": 1}"},
      {"{\"a\": {\"b\": [1, {}], \"c\": []}}|tojson(indent=4)",
       "{\n    \"a\": {\n        \"b\": [\n            1,\n            {}\n    "
       "    ],\n        \"c\": []\n    }\n}"},
      {"[1, {\"a\": 2}]|tojson(separators=(\",\", \":\"))", "[1,{\"a\":2}]"},
      {"\"a\\tb\\u0001\"|tojson", "\"a\\tb\\u0001\""},
      {"1e20|tojson", "1e+20"},
      {"(1, 2)|tojson", "[1, 2]"},
      {"\"a\"|tojson|length", "3"},
  });
}

TEST(JinjaPrint, TojsonRefusesWhatJsonCannotSay) {
  expect_refused({
      {"missing|tojson", "line 1"},
      {"range|tojson", "line 1"},
  });
}

}  // namespace
}  // namespace veer::testing
