// SPDX-License-Identifier: MIT
//
// What stands behind "is".
// Expected texts: jinja2 3.1.6 in the environment of apply_chat_template.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "jinja/cases.h"
#include "veer/jinja/jinja.h"

namespace veer::testing {
namespace {

TEST(JinjaTests, OfKind) {
  expect_all({
      {"missing is defined", "False"},
      {"n is none", "True"},
      {"n is defined", "True"},
      {"i is number", "True"},
      {"true is number", "True"},
      {"x is float", "True"},
      {"i is integer", "True"},
      {"true is integer", "False"},
      {"s is string", "True"},
      {"d is mapping", "True"},
      {"l is sequence", "True"},
      {"s is sequence", "True"},
      {"d is sequence", "True"},
      {"l is iterable", "True"},
      {"i is iterable", "False"},
      {"true is boolean", "True"},
      {"1 is true", "False"},
      {"true is true", "True"},
      {"namespace is callable", "True"},
      {"s is callable", "False"},
  });
}

TEST(JinjaTests, OfValue) {
  expect_all({
      {"i is odd", "True"},
      {"i is even", "False"},
      {"i is divisibleby 7", "True"},
      {"i is divisibleby(2)", "False"},
      {"i is eq 7", "True"},
      {"i is equalto 7.0", "True"},
      {"i is ne 7", "False"},
      {"i is gt 6", "True"},
      {"i is lessthan 7", "False"},
      {"i is ge(7)", "True"},
      {"2 is in l", "True"},
      {"\"a\" is lower", "True"},
      {"\"A\" is upper", "True"},
      {"n is sameas none", "True"},
      {"i is not odd", "False"},
  });
}

TEST(JinjaTests, RefusesWrongOperands) {
  expect_refused({
      {"s is odd", "line 1"},
      {"i is divisibleby(0)", "line 1"},
      {"i is gt \"a\"", "line 1"},
  });
}

}  // namespace
}  // namespace veer::testing
