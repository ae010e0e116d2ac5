// SPDX-License-Identifier: MIT
//
// Tables of templates for the tests of the engine. A case without braces is
// an expression. Variables are those of kVariables.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "veer/base/json.h"
#include "veer/jinja/jinja.h"

namespace veer::testing {

using Cases = std::vector<std::pair<std::string, std::string>>;

inline const Json& variables() {
  static const Json values = parse_json(R"({
    "n": null, "i": 7, "x": 2.5, "s": "Hello World", "u": "h\u00e9llo \u00df",
    "l": [3, 1, 2], "m": ["b", "A", "c"],
    "d": {"b": 1, "A": [1, "x", null], "items": 5},
    "ld": [{"k": 2, "v": "x"}, {"k": 1, "v": "Y"}, {"k": 2}],
    "q": "it's", "multi": "one\ntwo\n\nthree",
    "html": "<a href='x'>&\"</a>"})",
                                        "variables");
  return values;
}

inline std::string rendered(const std::string& text) {
  const bool is_template = text.find("{{") != std::string::npos ||
                           text.find("{%") != std::string::npos ||
                           text.find("{#") != std::string::npos;
  return JinjaTemplate::parse(is_template ? text : "{{ " + text + " }}", "case")
      .render(variables())
      .text;
}

// Each template gives its text.
inline void expect_all(const Cases& cases) {
  for (const auto& [source, expected] : cases) {
    try {
      EXPECT_EQ(rendered(source), expected) << source;
    } catch (const Error& e) {
      ADD_FAILURE() << source << "\n" << e.what();
    }
  }
}

// Each template is refused with a message that holds the words.
inline void expect_refused(const Cases& cases) {
  for (const auto& [source, words] : cases) {
    try {
      ADD_FAILURE() << source << " gives " << rendered(source);
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::kBadInput) << source;
      EXPECT_THAT(e.what(), ::testing::HasSubstr(words)) << source;
    }
  }
}

}  // namespace veer::testing
