// SPDX-License-Identifier: MIT
//
// Methods of text, dicts and lists.
// Expected texts: jinja2 3.1.6 in the environment of apply_chat_template.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "jinja/cases.h"
#include "veer/jinja/jinja.h"

namespace veer::testing {
namespace {

TEST(JinjaMethods, OfText) {
  expect_all({
      {"'  a b '.strip()", "a b"},
      {"'xaxx'.strip('x')", "a"},
      {"'aab'.lstrip('a')", "b"},
      {"'abb'.rstrip('b')", "a"},
      {"s.split()", "['Hello', 'World']"},
      {"s.split(\"o\")", "['Hell', ' W', 'rld']"},
      {"s.split(\"o\", 1)", "['Hell', ' World']"},
      {"\"a,b,,c\".split(\",\")", "['a', 'b', '', 'c']"},
      {"\"a b c\".rsplit(\" \", 1)", "['a b', 'c']"},
      {"s.startswith(\"He\")", "True"},
      {"s.endswith((\"x\", \"ld\"))", "True"},
      {"s.upper()", "HELLO WORLD"},
      {"u.capitalize()", "Héllo ß"},
      {"s.title()", "Hello World"},
      {"s.replace(\"o\", \"0\")", "Hell0 W0rld"},
      {"s.replace(\"o\", \"0\", 1)", "Hell0 World"},
      {"s.find(\"o\")", "4"},
      {"s.rfind(\"o\")", "7"},
      {"s.find(\"z\")", "-1"},
      {"s.count(\"l\")", "3"},
      {"\", \".join(m)", "b, A, c"},
      {"\"42\".isdigit()", "True"},
      {"\"\".isdigit()", "False"},
      {"\"ab\".isalpha()", "True"},
      {"\"a1\".isalnum()", "True"},
      {"\" \".isspace()", "True"},
      {"\"42\".zfill(5)", "00042"},
      {"\"a\".ljust(3) ~ \"|\"", "a  |"},
      {"\"a\".rjust(3, \"-\")", "--a"},
      {"\"a-b-c\".partition(\"-\")", "('a', '-', 'b-c')"},
      {"\"a-b-c\".rpartition(\"-\")", "('a-b', '-', 'c')"},
      {"(\"a b\"|safe).partition(\" \")",
       "(Markup('a'), Markup(' '), Markup('b'))"},
      {"(\"ab\"|safe).rpartition(\" \")",
       "(Markup(''), Markup(''), Markup('ab'))"},
      {"\"prefix\".removeprefix(\"pre\")", "fix"},
      {"\"suffix\".removesuffix(\"fix\")", "suf"},
      {"multi.splitlines()", "['one', 'two', '', 'three']"},
      {"\"aB\".swapcase()", "Ab"},
      {"u.upper()", "HÉLLO SS"},
      {"s.index(\"W\")", "6"},
  });
}

TEST(JinjaMethods, OfDictsAndLists) {
  expect_all({
      {"d.get(\"b\")", "1"},
      {"d.get(\"zz\")", "None"},
      {"d.get(\"zz\", 3)", "3"},
      {"d.keys()|list", "['b', 'A', 'items']"},
      {"d.values()|list", "[1, [1, 'x', None], 5]"},
      {"l.index(1)", "1"},
      {"l.count(3)", "1"},
      {"d.copy()[\"b\"]", "1"},
  });
}

TEST(JinjaMethods, WhatPythonHashesByIdentityIsInNoDict) {
  expect_all({
      {"s[\"upper\"] not in d", "True"},
      {"range in d", "False"},
      {"(l|map(\"string\")) in d", "False"},
      {"d.values() in d", "False"},
      {"namespace() in d", "False"},
      {"(1, s.upper) in d", "False"},
      {"d.get(s.upper, 5)", "5"},
  });
  expect_refused({
      {"d.keys() in d", "unhashable"},
      {"(l,) in d", "unhashable"},
      {"d.get(l)", "unhashable"},
  });
}

TEST(JinjaMethods, RefusesWhatPythonRaises) {
  expect_refused({
      {"s.index(\"z\")", "line 1"},
      {"l.index(9)", "line 1"},
      {"s.split(\"\")", "line 1"},
      {"\", \".join(l)", "line 1"},
      {"s.nomethod()", "nomethod"},
      {"s.upper(1)", "at most 0"},
  });
}

}  // namespace
}  // namespace veer::testing
