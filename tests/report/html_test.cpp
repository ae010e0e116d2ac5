// SPDX-License-Identifier: MIT
#include "veer/report/html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "veer/report/assets.h"

namespace veer {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(EscapeHtml, NeutralisesMarkupAndControlCharacters) {
  EXPECT_EQ(escape_html("<b a=\"1\">'&'</b>"),
            "&lt;b a=&quot;1&quot;&gt;&#39;&amp;&#39;&lt;/b&gt;");
  EXPECT_EQ(escape_html(std::string_view("a\0b", 3)),
            "a\xEF\xBF\xBD"
            "b");
}

TEST(JsonForScript, CannotEndTheScriptBlock) {
  const Json value = {{"answer", "</script><script>alert(1)</script>"},
                      {"separator", "\xE2\x80\xA8"}};
  const std::string text = json_for_script(value);
  EXPECT_THAT(text, Not(HasSubstr("<")));
  EXPECT_EQ(parse_json(text, "test"), value);
}

TEST(JsonForScript, SurvivesBytesThatAreNotUtf8) {
  EXPECT_NO_THROW(json_for_script(Json{{"answer", "\xff\xfe"}}));
}

TEST(HtmlPage, LoadsNothingFromOutside) {
  const std::string page =
      html_page({.title = "a <title>", .subtitle = "s", .body = "<p>x</p>"});
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_THAT(page, HasSubstr("a &lt;title&gt;"));
  EXPECT_THAT(page, Not(HasSubstr("<script src")));
  EXPECT_THAT(page, Not(HasSubstr("<link rel=\"stylesheet\"")));
  EXPECT_THAT(page, HasSubstr(vega_bundle()));
}

TEST(HtmlTable, AlignsNumbersByColumn) {
  const std::string table =
      html_table({{"name"}, {"share", /*number=*/true}}, {{"a", "1"}});
  EXPECT_THAT(table, HasSubstr("<td>a</td><td class=\"number\">1</td>"));
}

}  // namespace
}  // namespace veer
