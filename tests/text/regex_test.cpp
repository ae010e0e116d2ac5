// SPDX-License-Identifier: MIT
#include "veer/text/regex.h"

#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

std::vector<std::string> matches(const std::string& pattern,
                                 const std::string& text) {
  const Regex regex = Regex::compile(pattern, "test");
  Regex::Scratch scratch;
  std::vector<std::string> out;
  regex.for_each(text, scratch, [&](Regex::Match match) {
    out.push_back(text.substr(match.begin, match.end - match.begin));
  });
  return out;
}

using Found = std::vector<std::string>;

TEST(Regex, RewritesWhereTheEnginesDisagree) {
  EXPECT_EQ(to_pcre2("\\s[^\\S]", "t"), "\\p{White_Space}[^\\P{White_Space}]");
  EXPECT_EQ(to_pcre2("\\p{L}{2,3}\\x{41}", "t"), "\\p{L}{2,3}\\x{41}");
  EXPECT_EQ(to_pcre2("a{,3}", "t"), "a{0,3}");
  EXPECT_EQ(to_pcre2("(?i:'s)(?m:.)(?<!a)(?>b)", "t"),
            "(?i:'s)(?s:.)(?<!a)(?>b)");
  EXPECT_EQ(to_pcre2("\\u0041\\h\\v", "t"), "\\x{0041}[0-9A-Fa-f]\\x0B");
}

TEST(Regex, FollowsOnigurumasClasses) {
  EXPECT_EQ(matches("\\s", "a\xE1\xA0\x8E\xC2\xA0"), (Found{"\xC2\xA0"}));
  // A mark and a fraction of Latin-1 are word characters; another number not.
  EXPECT_EQ(matches("\\w+", "e\xCC\x81\xC2\xBD_\xE2\x85\x93"),
            (Found{"e\xCC\x81\xC2\xBD_"}));
  EXPECT_EQ(matches("\\bx\\w*", "ax x1 \xC3\xA9x"), (Found{"x1"}));
  EXPECT_EQ(matches("^.", "ab\ncd"), (Found{"a", "c"}));
  EXPECT_EQ(matches("(?m:a.b)", "a\nb"), (Found{"a\nb"}));
}

TEST(Regex, EmptyMatches) {
  EXPECT_EQ(matches("a*", "baac"), (Found{"", "aa", ""}));
  EXPECT_EQ(matches("x", ""), Found{});
  EXPECT_EQ(matches("", "\xC3\xA9"), (Found{"", ""}));
}

TEST(Regex, EscapeMatchesItself) {
  const std::string odd = "a.b*[c](d)\\|^$ {1}#-";
  EXPECT_EQ(matches(Regex::escape(odd), "x" + odd), (Found{odd}));
}

TEST(Regex, RefusesWhatMeansAnotherThing) {
  for (const char* pattern :
       {"[a[b]]", "[a&&b]", "a{2,3}+", "a{2}?", "(*UTF)a", "(?C1)", "\\C",
        "[\\W]", "(?#x)", "[]", "\\Qa", "(?P<n>a)", "(", "a{2,1}", "\\u12"}) {
    EXPECT_THROW(Regex::compile(pattern, "test"), Error) << pattern;
  }
  EXPECT_THROW(Regex::compile(std::string(70'000, 'a'), "test"), Error);
}

TEST(Regex, GivesUpWithAnError) {
  const Regex regex = Regex::compile("(a|aa)+$", "test");
  Regex::Scratch scratch;
  Regex::Match match;
  EXPECT_THROW(regex.search(std::string(60, 'a') + "c", 0, scratch, match),
               Error);
  // A long run alone is no reason.
  EXPECT_TRUE(
      Regex::compile("\\s+(?!\\S)", "test")
          .search(std::string(1'000'000, ' ') + "a", 0, scratch, match));
  EXPECT_EQ(match.end, 999'999U);
}

}  // namespace
}  // namespace veer
