// SPDX-License-Identifier: MIT
#include "veer/base/settings.h"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"

namespace veer {
namespace {

struct Inner {
  std::int64_t rank = 32;
  double alpha = 16.0;
  std::vector<std::string> modules = {"q", "k"};

  template <class Self, class Visitor>
  static void visit(Self& self, Visitor&& field) {
    field("rank", self.rank, "low-rank size");
    field("alpha", self.alpha, "scale");
    field("modules", self.modules, "names");
  }
};

struct Outer {
  bool quick = false;
  std::string name = "a \"b\"";
  Inner tune;
  std::vector<double> scales = {0.5, 2};

  template <class Self, class Visitor>
  static void visit(Self& self, Visitor&& field) {
    field("quick", self.quick, "less work");
    field("name", self.name, "of the run");
    field("tune", self.tune, "");
    field("scales", self.scales, "strengths");
  }
};

struct Two {
  Inner a, b;
  template <class Self, class Visitor>
  static void visit(Self& self, Visitor&& field) {
    field("a", self.a, "");
    field("b", self.b, "");
  }
};

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(Settings, AreListedWithDottedPaths) {
  Outer outer;
  std::vector<std::string> paths;
  for (const auto& field : setting_fields(outer)) {
    paths.push_back(field.path);
  }
  EXPECT_THAT(paths,
              testing::ElementsAre("quick", "name", "tune.rank", "tune.alpha",
                                   "tune.modules", "scales"));
}

TEST(Settings, TomlReadsBackToTheSameValues) {
  Outer outer;
  outer.tune.alpha = 3;
  outer.tune.rank = 7;
  Inner inner = outer.tune;
  const std::string toml = settings_to_toml(setting_fields(inner));
  EXPECT_EQ(toml,
            "# low-rank size\nrank = 7\n# scale\nalpha = 3.0\n"
            "# names\nmodules = [\"q\", \"k\"]\n");
  Inner read;
  apply_settings(setting_fields(read), parse_toml(toml, "t"), "t");
  EXPECT_EQ(settings_to_json(setting_fields(read)),
            settings_to_json(setting_fields(inner)));
}

TEST(Settings, SectionsBecomeTables) {
  Two two;
  const std::string toml = settings_to_toml(setting_fields(two));
  EXPECT_TRUE(toml.starts_with("[a]\n# low-rank size\nrank = 32\n"));
  EXPECT_NE(toml.find("\n[b]\n"), std::string::npos);
}

TEST(Settings, SetOnlyWhatTheDocumentNames) {
  Outer outer;
  apply_settings(setting_fields(outer),
                 parse_json(R"({"tune": {"alpha": 2}, "quick": true})", "j"),
                 "j");
  EXPECT_TRUE(outer.quick);
  EXPECT_EQ(outer.tune.alpha, 2.0);
  EXPECT_EQ(outer.tune.rank, 32);
}

TEST(Settings, UnknownKeyNamesTheNearest) {
  Outer outer;
  const auto fields = setting_fields(outer);
  const auto apply = [&](const char* json) {
    return message_of(
        [&] { apply_settings(fields, parse_json(json, "j"), "m.toml"); });
  };
  EXPECT_THAT(apply(R"({"tune": {"rnk": 2}})"),
              testing::AllOf(testing::HasSubstr("unknown key \"tune.rnk\""),
                             testing::HasSubstr("\"tune.rank\""),
                             testing::HasSubstr("m.toml")));
  // A right key in the wrong place.
  EXPECT_THAT(apply(R"({"rank": 2})"), testing::HasSubstr("\"tune.rank\""));
  EXPECT_THAT(apply(R"({"tnue": {"rank": 2}})"),
              testing::HasSubstr("\"tune\""));
}

TEST(Settings, WrongTypeSaysWhatIsExpected) {
  Outer outer;
  const auto fields = setting_fields(outer);
  const auto apply = [&](const char* json) {
    return message_of(
        [&] { apply_settings(fields, parse_json(json, "j"), "j"); });
  };
  EXPECT_THAT(apply(R"({"tune": {"rank": 2.5}})"),
              testing::HasSubstr("tune.rank is 2.5; expected a whole number"));
  EXPECT_THAT(apply(R"({"tune": 3})"), testing::HasSubstr("a section [tune]"));
  EXPECT_THAT(apply(R"({"quick": 1})"), testing::HasSubstr("true or false"));
  EXPECT_THAT(apply(R"({"scales": [1, "x"]})"),
              testing::HasSubstr("a list of items, each a number"));
  EXPECT_THAT(apply("[]"), testing::HasSubstr("no table"));
}

TEST(Settings, FlagsSetOneFieldFromText) {
  Outer outer;
  const auto fields = setting_fields(outer);
  apply_setting(fields, "tune.rank", "4");
  apply_setting(fields, "scales", "1,2.5");
  apply_setting(fields, "tune.modules", "q,v_proj");
  apply_setting(fields, "name", "12");
  EXPECT_EQ(outer.tune.rank, 4);
  EXPECT_THAT(outer.scales, testing::ElementsAre(1.0, 2.5));
  EXPECT_THAT(outer.tune.modules, testing::ElementsAre("q", "v_proj"));
  EXPECT_EQ(outer.name, "12");
  EXPECT_THROW(apply_setting(fields, "tune.rank", "4x"), Error);
  EXPECT_THROW(apply_setting(fields, "tune.rnk", "4"), Error);
}

TEST(Settings, CanonicalJsonSortsKeys) {
  EXPECT_EQ(
      canonical_json(parse_json(R"({"b": [1, {"z":0,"y":1}], "a": 2})", "j")),
      R"({"a":2,"b":[1,{"y":1,"z":0}]})");
}

}  // namespace
}  // namespace veer
