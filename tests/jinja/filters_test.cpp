// SPDX-License-Identifier: MIT
//
// Filters on text and on sequences.
// Expected texts: jinja2 3.1.6 in the environment of apply_chat_template.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "jinja/cases.h"
#include "veer/jinja/jinja.h"

namespace veer::testing {
namespace {

TEST(JinjaFilters, OnText) {
  expect_all({
      {"s|upper", "HELLO WORLD"},
      {"s|lower", "hello world"},
      {"u|capitalize", "Héllo ß"},
      {"\"hello world-foo\"|title", "Hello World-Foo"},
      {"'  a '|trim", "a"},
      {"'xxaxx'|trim('x')", "a"},
      {"s|replace(\"l\", \"L\")", "HeLLo WorLd"},
      {"s|replace(\"l\", \"L\", 1)", "HeLlo World"},
      {"html|e", "&lt;a href=&#39;x&#39;&gt;&amp;&#34;&lt;/a&gt;"},
      {"multi|indent", "one\n    two\n\n    three"},
      {"multi|indent(2, true)", "  one\n  two\n\n  three"},
      {"multi|indent(1, blank=true)", "one\n two\n \n three"},
      {"s|truncate(8)", "Hello World"},
      {"\"foo bar baz qux\"|truncate(9)", "foo..."},
      {"\"ab\"|center(6)", "  ab  "},
      {"s|wordcount", "2"},
      {"i|string + \"a\"", "7a"},
      {"\"42\"|int + 1", "43"},
      {"\"4.2\"|float", "4.2"},
      {"\"x\"|int", "0"},
      {"\"x\"|int(3)", "3"},
      {"\"0x1f\"|int(0, 16)", "31"},
      {"7.9|int", "7"},
      {"s|length", "11"},
      {"u|length", "7"},
      {"s|first", "H"},
      {"s|last", "d"},
      {"[\"<\"|e|last, \"<\"|e|first]", "[Markup(';'), '&']"},
      {"s|list|length", "11"},
      {"s|reverse", "dlroW olleH"},
      {"\"%s=%s\"|format(\"a\", 1)", "a=1"},
  });
}

TEST(JinjaFilters, OnSequences) {
  expect_all({
      {"l|sort", "[1, 2, 3]"},
      {"m|sort", "['A', 'b', 'c']"},
      {"m|sort(case_sensitive=true)", "['A', 'b', 'c']"},
      {"l|sort(reverse=true)", "[3, 2, 1]"},
      {"ld|sort(attribute=\"k\")|map(attribute=\"k\")|list", "[1, 2, 2]"},
      {"l|join(\", \")", "3, 1, 2"},
      {"ld|join(\"|\", attribute=\"k\")", "2|1|2"},
      {"l|sum", "6"},
      {"ld|sum(attribute=\"k\")", "5"},
      {"l|min", "1"},
      {"m|max", "c"},
      {"l|first", "3"},
      {"l|last", "2"},
      {"[]|first is defined", "False"},
      {"l|reverse|list", "[2, 1, 3]"},
      {"[1, 2, 1, \"a\", \"A\"]|unique|list", "[1, 2, 'a']"},
      {"m|map(\"upper\")|list", "['B', 'A', 'C']"},
      {"ld|map(attribute=\"v\", default=\"-\")|list", "['x', 'Y', '-']"},
      {"l|select(\"odd\")|list", "[3, 1]"},
      {"l|reject(\"odd\")|list", "[2]"},
      {"ld|selectattr(\"v\")|list|length", "2"},
      {"ld|selectattr(\"k\", \"equalto\", 2)|list|length", "2"},
      {"ld|rejectattr(\"v\", \"defined\")|list", "[{'k': 2}]"},
      {"l|batch(2)|list", "[[3, 1], [2]]"},
      {"l|batch(2, 0)|list", "[[3, 1], [2, 0]]"},
      {"l|slice(2)|list", "[[3, 1], [2]]"},
      {"d|dictsort", "[('A', [1, 'x', None]), ('b', 1), ('items', 5)]"},
      {"d|dictsort(by=\"value\") if false else 1", "1"},
      {"{\"b\": 2, \"a\": 1}|dictsort(reverse=true)", "[('b', 2), ('a', 1)]"},
      {"d|items|list|length", "3"},
      {"d|list", "['b', 'A', 'items']"},
      {"d|length", "3"},
  });
}

TEST(JinjaFilters, OnNumbersAndMissingValues) {
  expect_all({
      {"-5|abs", "5"},
      {"2.567|round(1)", "2.6"},
      {"2.5|round", "2.0"},
      {"3.2|round(0, \"ceil\")", "4.0"},
      {"3.7|round(method=\"floor\")", "3.0"},
      {"missing|default(\"x\")", "x"},
      {"n|default(\"x\")", "None"},
      {"n|default(\"x\", true)", "x"},
      {"\"\"|d(\"e\", true)", "e"},
      {"l|attr(\"x\") is defined", "False"},
  });
}

TEST(JinjaFilters, RefusesWrongArguments) {
  expect_refused({
      {"s|capitalize(x=1)", "capitalize() has no"},
      {"s|upper(1)", "upper() takes at most 0"},
      {"i|length", "len()"},
      {"l|join(1, 2, 3, 4)", "join"},
      {"s|replace(\"a\")", "replace"},
      {"l|map(\"nofilter\")|list", "nofilter"},
      {"l|select(\"notest\")|list", "notest"},
      {"[1, \"a\"]|sort", "line 1"},
      {"i|list", "line 1"},
  });
}

}  // namespace
}  // namespace veer::testing
