// SPDX-License-Identifier: MIT
//
// Functions that every template has.
// Expected texts: jinja2 3.1.6 in the environment of apply_chat_template.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "jinja/cases.h"
#include "veer/jinja/jinja.h"

namespace veer::testing {
namespace {

TEST(JinjaGlobals, RangeDictCyclerJoiner) {
  expect_all({
      {"range(3)|list", "[0, 1, 2]"},
      {"range(1, 6, 2)|list", "[1, 3, 5]"},
      {"range(3, 0, -1)|list", "[3, 2, 1]"},
      {"range(3).count(2)", "1"},
      {"range(3).count(\"l\")", "0"},
      {"range(4, 9, 2).index(6)", "1"},
      {"range(4, 9, 2).stop", "9"},
      {"range(10)[0:5:2]", "range(0, 5, 2)"},
      {"range(5)[::-1]", "range(4, -1, -1)"},
      {"dict(a=1, b=\"x\")", "{'a': 1, 'b': 'x'}"},
      {"{% set c = cycler(\"a\", \"b\") %}{{ c.next() }}{{ c.next() }}{{ "
       "c.next() }}{{ c.current }}",
       "abab"},
      {"{% set j = joiner(\"|\") %}{% for v in l %}{{ j() }}{{ v }}{% endfor "
       "%}",
       "3|1|2"},
      {"{% set ns = namespace(a=1) %}{{ ns.a }}{{ ns.b is defined }}",
       "1False"},
  });
}

TEST(JinjaGlobals, StrftimeNowShowsTheGivenDay) {
  expect_all({
      {"strftime_now(\"%d %b %Y\")", "01 Jan 1970"},
      {"strftime_now(\"%Y-%m-%d %H:%M:%S\")", "1970-01-01 00:00:00"},
      {"strftime_now(\"%A %B %j\")", "Thursday January 001"},
  });
}

TEST(JinjaGlobals, RaiseExceptionAndWrongCalls) {
  expect_refused({
      {"raise_exception(\"no system turn\")", "no system turn"},
      {"range(\"a\")", "line 1"},
      {"range(1, 2, 0)", "line 1"},
      {"range(3).index(5)", "not in the range"},
      {"namespace(1)", "line 1"},
      {"range(100000000)|list", "range"},
  });
}

}  // namespace
}  // namespace veer::testing
