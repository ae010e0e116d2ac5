// SPDX-License-Identifier: MIT
//
// What the engine promises as a whole: where text comes from, generation
// spans, refusals, and bounds that no template can leave.
#include "veer/jinja/jinja.h"

#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "veer/base/json.h"

namespace veer {
namespace {

JinjaRender render(const std::string& source, const Json& messages,
                   const JinjaLimits& limits = {}) {
  return JinjaTemplate::parse(source, "case", limits)
      .render({{"messages", messages}});
}

Json two_messages() {
  return Json::array({{{"role", "user"}, {"content", " Hi there "}},
                      {{"role", "assistant"}, {"content", "Yes.\nNo."}}});
}

// The bytes that come from message k, in order.
std::string text_of(const JinjaRender& made, std::int32_t k) {
  std::string out;
  std::size_t at = 0;
  for (const auto& run : made.runs) {
    out += run.origin == k ? made.text.substr(at, run.length) : "";
    at += run.length;
  }
  EXPECT_EQ(at, made.text.size());
  return out;
}

TEST(JinjaOrigins, SurviveWhatTemplatesDoToContent) {
  const std::pair<const char*, const char*> cases[] = {
      {"{{ m.content }}", "Yes.\nNo."},
      {"{{ '<' + m.content + '>' }}", "Yes.\nNo."},
      {"{{ m.content|trim|upper }}", "YES.\nNO."},
      {"{{ m['content'][1:-1] }}", "es.\nNo"},
      {"{{ m.content.split('\\n')[-1] }}", "No."},
      {"{{ m.content|replace('e', '') }}", "Ys.\nNo."},
      {"{{ m.content ~ '!' ~ 1 }}", "Yes.\nNo."},
      {"{% set x %}[{{ m.content }}]{% endset %}{{ x }}", "Yes.\nNo."},
      {"{% macro f(a) %}({{ a }}){% endmacro %}{{ f(m.content) }}",
       "Yes.\nNo."},
      {"{{ m.role }}", ""},
      {"{{ m.content|length }}", ""}};
  for (const auto& [body, expected] : cases) {
    const auto made = render("{% set m = messages[1] %}A" + std::string(body) +
                                 "{{ messages[0].content }}B",
                             two_messages());
    EXPECT_EQ(text_of(made, 1), expected) << body;
    EXPECT_EQ(text_of(made, 0), " Hi there ") << body;
  }
}

TEST(JinjaOrigins, GivenRunsMarkPartsOfAContent) {
  const auto made =
      JinjaTemplate::parse("{{ messages[0].content }}", "case")
          .render({{"messages", Json::array({{{"content", "abcdef"}}})}},
                  std::vector<std::vector<OriginRun>>{{{2, 5}, {4, 7}}});
  EXPECT_EQ(made.runs, (std::vector<OriginRun>{{2, 5}, {4, 7}}));
}

TEST(JinjaGeneration, SpansAreByteRangesInOrder) {
  const auto made = render(
      "{% for m in messages %}<{{ m.role }}>{% generation %}{{ m.content|trim "
      "}}{% endgeneration %};{% endfor %}",
      two_messages());
  ASSERT_EQ(made.generation_spans.size(), 2U);
  const auto span = [&](std::size_t i) {
    const auto [begin, end] = made.generation_spans[i];
    return made.text.substr(begin, end - begin);
  };
  EXPECT_EQ(span(0), "Hi there");
  EXPECT_EQ(span(1), "Yes.\nNo.");
}

TEST(JinjaRefusal, IsToldApartFromMistakes) {
  EXPECT_THROW(render("{{ raise_exception('no') }}", two_messages()),
               TemplateRefusal);
  try {
    render("{{ 1 + 'a' }}", two_messages());
    ADD_FAILURE();
  } catch (const TemplateRefusal&) {
    ADD_FAILURE() << "a mistake is no refusal";
  } catch (const Error&) {
  }
}

// Each ends with an Error, soon and in bounded memory.
TEST(JinjaLimit, NoTemplateRunsAway) {
  std::string deep = "{{ ";
  std::string nested;
  for (int i = 0; i < 20'000; ++i) {
    deep += "(";
    nested += "{% if true %}";
  }
  std::string chain = "{{ 'a'";
  for (int i = 0; i < 50'000; ++i) {
    chain += "|upper";
  }
  const std::string doubled =
      "{% set ns = namespace(x='aaaaaaaaaaaaaaaa') %}{% for i in range(99) %}"
      "{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x }}";
  const std::string loops = [] {
    std::string out;
    for (int i = 0; i < 9; ++i) {
      out += "{% for a in range(9999) %}";
    }
    out += "x";
    for (int i = 0; i < 9; ++i) {
      out += "{% endfor %}";
    }
    return out;
  }();
  const std::string cases[] = {
      "{% for a in range(1000000000) %}x{% endfor %}",
      "{{ range(9223372036854775807)|list }}",
      "{{ range(99999)|list|string * 100000 }}",
      "{{ 'a' * 9999999999 }}",
      "{{ [1] * 9999999999 }}",
      "{{ 'a'.center(9999999999) }}",
      "{{ 'a'|center(9999999999) }}",
      "{{ '%9999999999d' % 1 }}",
      "{{ '{:9999999999}'.format(1) }}",
      "{{ 2 ** 999999999 }}",
      "{{ 'a'.zfill(9999999999) }}",
      "{{ ('a' * 100000)|indent(100000, true) * 1000 }}",
      "{{ ('\\n' * 99999)|indent(99999, blank=true) }}",
      "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
      "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}",
      "{% set ns = namespace() %}{% set ns.a = ns %}{{ ns.a.a.a }}"
      "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
      loops,
      doubled,
      deep,
      nested,
      chain};
  for (const auto& source : cases) {
    const auto began = std::chrono::steady_clock::now();
    EXPECT_THROW(render(source, two_messages()), Error)
        << source.substr(0, 100);
    // Far above what is needed; a hang would be minutes.
    EXPECT_LT(std::chrono::steady_clock::now() - began,
              std::chrono::seconds(60))
        << source.substr(0, 100);
  }
}

TEST(JinjaLimit, EachIsNamed) {
  const auto message = [](const std::string& source, JinjaLimits limits) {
    try {
      render(source, two_messages(), limits);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  using ::testing::HasSubstr;
  EXPECT_THAT(message(std::string(100, 'x'), {.max_template_bytes = 99}),
              HasSubstr("99"));
  EXPECT_THAT(
      message("{% for a in range(99) %}x{% endfor %}", {.max_steps = 50}),
      HasSubstr("50"));
  EXPECT_THAT(
      message("{{ messages[0].content * 20 }}", {.max_output_bytes = 64}),
      HasSubstr("64"));
  EXPECT_THAT(message("{{ ('x' * 99)|length }}", {.max_string_bytes = 64}),
              HasSubstr("64"));
}

TEST(JinjaTemplate, IsSharedByCopies) {
  const auto one = JinjaTemplate::parse("{{ a }}", "case");
  const auto other = one;
  EXPECT_EQ(other.render({{"a", 1}}).text, "1");
  EXPECT_EQ(one.render({{"a", 2}}).text, "2");
}

}  // namespace
}  // namespace veer
