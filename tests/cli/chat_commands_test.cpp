// SPDX-License-Identifier: MIT
#include "cli/chat_commands.h"

#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer::cli {
namespace {

const std::vector<std::string> kSettings = {"scale", "layers", "unit"};

std::string refusal(std::string_view line) {
  try {
    parse_chat_command(line, kSettings);
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kBadInput);
    return e.what();
  }
  return "";
}

TEST(ChatCommands, AreANameAndWhatStandsBehindIt) {
  const auto scale = parse_chat_command("/scale  -2.5 ", kSettings);
  EXPECT_EQ(scale.name, "scale");
  EXPECT_EQ(scale.text, "-2.5");
  const auto tokens = parse_chat_command("/tokens", kSettings);
  EXPECT_EQ(tokens.name, "tokens");
  EXPECT_EQ(tokens.text, "");
  EXPECT_EQ(parse_chat_command("/exit", kSettings).name, "quit");
}

TEST(ChatCommands, AnUnknownOneNamesTheNearestAndTheHelp) {
  using ::testing::AllOf;
  using ::testing::HasSubstr;
  using ::testing::Not;
  EXPECT_THAT(refusal("/layer 3"),
              AllOf(HasSubstr("\"/layer\""), HasSubstr("\"/layers\""),
                    HasSubstr("/help"), Not(HasSubstr("--"))));
  EXPECT_THAT(refusal("/vectrs"), HasSubstr("\"/vectors\""));
  EXPECT_THAT(refusal("/frobnicate"), HasSubstr("/help"));
  EXPECT_THAT(refusal("/"), HasSubstr("/help"));
  EXPECT_THAT(refusal("/\x1b[2J"), Not(HasSubstr("\x1b")));
}

TEST(ChatCommands, TheHelpHasThemIn80Columns) {
  std::vector<std::string> names = kSettings;
  names.insert(names.end(), 20, "a_setting_more");
  const auto help = chat_help(names);
  for (const char* name :
       {"scale", "layers", "a_setting_more", "tokens", "show", "vectors",
        "operators", "clear", "help", "quit"}) {
    EXPECT_THAT(help, ::testing::HasSubstr("/" + std::string(name)));
  }
  std::istringstream lines(help);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(line.size(), 80U) << line;
  }
}

}  // namespace
}  // namespace veer::cli
