// SPDX-License-Identifier: MIT
//
// Arithmetic, comparison, access and calls.
// Expected texts: jinja2 3.1.6 in the environment of apply_chat_template.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "jinja/cases.h"
#include "veer/jinja/jinja.h"

namespace veer::testing {
namespace {

TEST(JinjaExpressions, ArithmeticIsPythons) {
  expect_all({
      {"7 // 2", "3"},
      {"-7 // 2", "-4"},
      {"-7 % 3", "2"},
      {"7 % -3", "-2"},
      {"7 / 2", "3.5"},
      {"4 / 2", "2.0"},
      {"10 ** 2", "100"},
      {"2 ** -1", "0.5"},
      {"2.0 + 1", "3.0"},
      {"1e20 * 10", "1e+21"},
      {"0.1 + 0.2", "0.30000000000000004"},
      {"\"ab\" * 2", "abab"},
      {"[1] * 3", "[1, 1, 1]"},
      {"[1] + [2]", "[1, 2]"},
      {"\"a\" + \"b\"", "ab"},
      {"-x", "-2.5"},
      {"+i", "7"},
      {"7.5 // 2", "3.0"},
      {"5.5 % 2", "1.5"},
      {"true + 1", "2"},
  });
}

TEST(JinjaExpressions, ComparisonIsPythons) {
  expect_all({
      {"1 == 1.0", "True"},
      {"true == 1", "True"},
      {"\"a\" < \"b\"", "True"},
      {"[1, 2] < [1, 3]", "True"},
      {"none == none", "True"},
      {"1 != \"1\"", "True"},
      {"(1, 2) == (1, 2)", "True"},
      {"missing == none", "False"},
      {"{\"a\": 1} == {\"a\": 1.0}", "True"},
  });
}

TEST(JinjaExpressions, AndOrGiveTheirOperands) {
  expect_all({
      {"0 or \"x\"", "x"},
      {"\"\" or none", "None"},
      {"1 and \"y\"", "y"},
      {"[] and 1", "[]"},
      {"missing or \"d\"", "d"},
      {"not []", "True"},
  });
}

TEST(JinjaExpressions, DotTriesMethodsAndBracketsTryKeysFirst) {
  expect_all({
      {"d.b", "1"},
      {"d[\"items\"]", "5"},
      {"d.items()|list|length", "3"},
      {"d.missing is defined", "False"},
      {"ld[0].k", "2"},
      {"l[-1]", "2"},
      {"l[5] is defined", "False"},
      {"s[0]", "H"},
      {"s[99] is defined", "False"},
      {"s.foo is defined", "False"},
      {"n.foo is defined", "False"},
      {"d[\"A\"][1]", "x"},
      {"\"x\".upper()", "X"},
  });
}

TEST(JinjaExpressions, SlicesAreThoseOfPython) {
  expect_all({
      {"l[1:]", "[1, 2]"},
      {"l[:-1]", "[3, 1]"},
      {"l[::-1]", "[2, 1, 3]"},
      {"s[::2]", "HloWrd"},
      {"s[-5:]", "World"},
      {"l[10:]", "[]"},
      {"u[1:3]", "él"},
      {"l[2:0:-1]", "[2, 1]"},
      {"(1, 2, 3)[:2]", "(1, 2)"},
  });
}

TEST(JinjaExpressions, TildeAndPercentMakeText) {
  expect_all({
      {"1 ~ none ~ true", "1NoneTrue"},
      {"\"%s-%d\" % (\"a\", 3)", "a-3"},
      {"\"%.2f\" % x", "2.50"},
      {"\"%5s|\" % \"a\"", "    a|"},
      {"\"%(k)s\" % {\"k\": 1}", "1"},
      {"\"{} {a}\".format(1, a=2)", "1 2"},
  });
}

TEST(JinjaExpressions, RefusesWhatPythonRaises) {
  expect_refused({
      {"none + \"a\"", "line 1"},
      {"\"a\" + 1", "line 1"},
      {"1 < \"a\"", "line 1"},
      {"1 / 0", "zero"},
      {"1 // 0", "zero"},
      {"missing.x", "missing"},
      {"missing()", "missing"},
      {"d.x.y", "line 1"},
      {"i()", "line 1"},
      {"l + 1", "line 1"},
      {"-s", "line 1"},
  });
}

TEST(JinjaExpressions, TheSandboxHolds) {
  expect_refused({
      {"s.__class__.x", "__class__"},
      {"l.append(1)", "append"},
      {"d.update({})", "update"},
      {"l.pop()", "pop"},
      {"\"\".__len__()", "__len__"},
  });
}

}  // namespace
}  // namespace veer::testing
