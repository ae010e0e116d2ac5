// SPDX-License-Identifier: MIT
//
// Loops, conditions, assignment, macros and blocks.
// Expected texts: jinja2 3.1.6 in the environment of apply_chat_template.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "jinja/cases.h"
#include "veer/jinja/jinja.h"

namespace veer::testing {
namespace {

TEST(JinjaStatements, ForWithFilterElseAndUnpacking) {
  expect_all({
      {"{% for v in l %}{{ v }},{% endfor %}", "3,1,2,"},
      {"{% for v in l if v > 1 %}{{ loop.index }}{{ v }} {% endfor %}",
       "13 22 "},
      {"{% for v in [] %}x{% else %}none{% endfor %}", "none"},
      {"{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}",
       "b=1;A=[1, 'x', None];items=5;"},
      {"{% for v in \"abc\" %}{{ loop.index0 }}{{ v }}{% endfor %}", "0a1b2c"},
      {"{% for v in missing %}x{% else %}e{% endfor %}", "e"},
      {"{% for (a, b) in [(1, 2), (3, 4)] %}{{ a + b }} {% endfor %}", "3 7 "},
      {"{% for k in d %}{{ k }}{% endfor %}", "bAitems"},
  });
}

TEST(JinjaStatements, LoopKnowsWhereItIs) {
  expect_all({
      {"{% for v in l %}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ "
       "loop.revindex }} {% endfor %}",
       "TrueFalse33 FalseFalse32 FalseTrue31 "},
      {"{% for v in l %}{{ loop.previtem }}|{{ loop.nextitem }} {% endfor %}",
       "|1 3|2 1| "},
      {"{% for v in l %}{{ loop.cycle(\"a\", \"b\") }}{% endfor %}", "aba"},
      {"{% for v in [1, 1, 2] %}{{ loop.changed(v) }} {% endfor %}",
       "True False True "},
      {"{% for v in [[1, [2]], [3]] recursive %}{{ loop.depth }}{% if v is "
       "iterable %}{{ loop(v) }}{% endif %}{% endfor %}",
       "122312"},
  });
}

TEST(JinjaStatements, BreakAndContinue) {
  expect_all({
      {"{% for v in l %}{% if v == 1 %}{% continue %}{% endif %}{{ v }}{% "
       "endfor %}",
       "32"},
      {"{% for v in l %}{% if v == 1 %}{% break %}{% endif %}{{ v }}{% endfor "
       "%}",
       "3"},
  });
}

TEST(JinjaStatements, SetStaysInItsScope) {
  expect_all({
      {"{% set a = 1 %}{% for v in l %}{% set a = v %}{% endfor %}{{ a }}",
       "1"},
      {"{% set a = 1 %}{% if true %}{% set a = 2 %}{% endif %}{{ a }}", "2"},
      {"{% set ns = namespace(a=0) %}{% for v in l %}{% set ns.a = ns.a + v "
       "%}{% endfor %}{{ ns.a }}",
       "6"},
      {"{% set a, b = 1, 2 %}{{ a }}{{ b }}", "12"},
      {"{% set a %} x {% endset %}[{{ a }}]", "[ x ]"},
      {"{% set a | upper %}x{% endset %}{{ a }}", "X"},
      {"{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ a }}", "3"},
  });
}

TEST(JinjaStatements, MacrosAndCalls) {
  expect_all({
      {"{% macro m(a, b=2) %}{{ a }}-{{ b }}{% endmacro %}{{ m(1) }} {{ m(1, "
       "b=3) }} {{ m(b=1, a=0) }}",
       "1-2 1-3 0-1"},
      {"{% macro m(a) %}[{{ a }}]{% endmacro %}{{ m() }}", "[]"},
      {"{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, k=2) }}",
       "(1,){'k': 2}"},
      {"{% macro m() %}<{{ caller() }}>{% endmacro %}{% call m() %}x{% endcall "
       "%}",
       "<x>"},
      {"{% macro m() %}{{ caller(1) }}{% endmacro %}{% call(a) m() %}{{ a "
       "}}!{% endcall %}",
       "1!"},
      {"{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% "
       "endmacro %}{{ f(3) }}",
       "3210"},
  });
}

TEST(JinjaStatements, IfElifElse) {
  expect_all({
      {"{% if n %}a{% elif i %}b{% else %}c{% endif %}", "b"},
      {"{% if missing %}a{% else %}b{% endif %}", "b"},
      {"{% if l and not n %}a{% endif %}", "a"},
  });
}

TEST(JinjaStatements, FilterBlocksAndGeneration) {
  expect_all({
      {"{% filter upper %}ab{{ i }}{% endfilter %}", "AB7"},
      {"{% generation %}x{% endgeneration %}y", "xy"},
  });
}

TEST(JinjaStatements, RefusesWrongCalls) {
  expect_refused({
      {"{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", "m"},
      {"{% macro m(a) %}{% endmacro %}{{ m(b=1) }}", "line 1"},
      {"{% for a, b in l %}{% endfor %}", "line 1"},
      {"{% for a in 5 %}{% endfor %}", "line 1"},
      {"{% set a, b = 1 %}", "line 1"},
      {"{% set d.x = 1 %}", "line 1"},
  });
}

}  // namespace
}  // namespace veer::testing
