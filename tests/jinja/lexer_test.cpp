// SPDX-License-Identifier: MIT
//
// White space around tags, comments and raw text.
// Expected texts: jinja2 3.1.6 in the environment of apply_chat_template.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "jinja/cases.h"
#include "veer/jinja/jinja.h"

namespace veer::testing {
namespace {

TEST(JinjaLexer, TrimsAndStripsAsTrimBlocksAndLstripBlocksSay) {
  expect_all({
      {"a\n{% if true %}\nb\n{% endif %}\nc", "a\nb\nc"},
      {"a {% if true %} b {% endif %} c", "a  b  c"},
      {"  {% if true %}x{% endif %}  \n", "x  "},
      {"x {%- if true -%} y {%- endif -%} z", "xyz"},
      {"x\n  {%+ if true %}y{% endif +%}\nz", "x\n  y\nz"},
      {"{{ s }}\n{{ i }}", "Hello World\n7"},
      {"{{- s -}}\n x", "Hello Worldx"},
      {"a {# no #} b", "a  b"},
      {"a\n{# no #}\nb", "a\nb"},
      {"a {#- no -#} b", "ab"},
      {"x\n", "2.5"},
      {"x\n\n", "2.5"},
      {"\t{% set a = 1 %}\n\t{{ a }}\n", "\t1"},
      {"a\r\n{% if true %}\r\nb{% endif %}\r\n", "a\nb"},
  });
}

TEST(JinjaLexer, RawTextIsNotRead) {
  expect_all({
      {"{% raw %}{{ x }}{% y %}{% endraw %}", "{{ x }}{% y %}"},
      {"a {%- raw -%} {{ x }} {%- endraw -%} b", "a{{ x }}b"},
  });
}

TEST(JinjaLexer, LiteralsAreReadAsPythonDoes) {
  expect_all({
      {"\"a\\n\\t\\\"b\\\\\"", "a\n\t\"b\\"},
      {"'it\\'s'", "it's"},
      {"\"a\" \"b\"", "ab"},
      {"1_000", "1000"},
      {"1.5e3", "1500.0"},
      {"0x1f", "31"},
      {"1e2", "100.0"},
      {"'\\u00e9\\x41'", "éA"},
  });
}

TEST(JinjaLexer, NamesWhatIsNotClosed) {
  expect_refused({
      {"{{ 'abc }}", "line 1"},
      {"a\nb {{ 1", "line 2"},
      {"{% raw %}x", "raw"},
      {"{# x", "line 1"},
      {"{{ 1 $ 2 }}", "line 1"},
  });
}

}  // namespace
}  // namespace veer::testing
