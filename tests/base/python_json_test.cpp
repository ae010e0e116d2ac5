// SPDX-License-Identifier: MIT
#include "veer/base/python_json.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"

namespace veer {
namespace {

TEST(PythonJson, ReadsWhatPythonWritesBesidesJson) {
  const Json value = parse_python_json(
      R"({"a": [Infinity, -Infinity, NaN, 1.5], "b": "NaN \" -Infinity"})",
      "t");
  EXPECT_EQ(value["a"], Json({"Infinity", "-Infinity", "NaN", 1.5}));
  EXPECT_EQ(value["b"], "NaN \" -Infinity");
}

TEST(PythonJson, IsStrictInAllElse) {
  for (const char* text : {"", "{", "[nan]", "[+Infinity]", "[Infinity1]",
                           "[NaNNaN]", "{\"a\": undefined}", "\"", "\"\\"}) {
    EXPECT_THROW(parse_python_json(text, "t"), Error) << text;
  }
}

}  // namespace
}  // namespace veer
