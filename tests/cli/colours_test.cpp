// SPDX-License-Identifier: MIT
#include "cli/colours.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string>

#include <gtest/gtest.h>

namespace veer::cli {
namespace {

using Rgb = std::array<int, 3>;

struct Shown {
  Rgb front{}, back{};
  std::string text;
};

// The colours 16 to 231 of xterm and all that follow it.
Rgb of_256(int code) {
  EXPECT_GE(code, 16);
  EXPECT_LE(code, 231);
  const auto step = [](int i) { return i == 0 ? 0 : 55 + 40 * i; };
  code -= 16;
  return {step(code / 36), step(code / 6 % 6), step(code % 6)};
}

Shown read_shown(const std::string& line, ColourDepth depth) {
  Shown shown;
  auto& f = shown.front;
  auto& b = shown.back;
  int used = 0;
  if (depth == ColourDepth::kTrue) {
    EXPECT_EQ(std::sscanf(line.c_str(), "\x1b[38;2;%d;%d;%d;48;2;%d;%d;%dm%n",
                          &f[0], &f[1], &f[2], &b[0], &b[1], &b[2], &used),
              6);
  } else {
    int front = 0;
    int back = 0;
    EXPECT_EQ(std::sscanf(line.c_str(), "\x1b[38;5;%d;48;5;%dm%n", &front,
                          &back, &used),
              2);
    f = of_256(front);
    b = of_256(back);
  }
  const std::string end = "\x1b[0m";
  EXPECT_TRUE(line.ends_with(end));
  shown.text = line.substr(used, line.size() - used - end.size());
  return shown;
}

// WCAG 2: contrast of two colours, 1 to 21.
double contrast(const Rgb& one, const Rgb& other) {
  const auto light = [](const Rgb& colour) {
    const auto linear = [](int value) {
      const double c = value / 255.0;
      return c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
    };
    return 0.05 + 0.2126 * linear(colour[0]) + 0.7152 * linear(colour[1]) +
           0.0722 * linear(colour[2]);
  };
  return std::max(light(one), light(other)) /
         std::min(light(one), light(other));
}

TEST(Colours, TheTextCanBeReadAtEveryStrength) {
  for (const auto depth : {ColourDepth::k256, ColourDepth::kTrue}) {
    for (int tenth = -40; tenth <= 40; ++tenth) {
      const auto shown =
          read_shown(coloured("word", tenth / 10.0, depth), depth);
      EXPECT_EQ(shown.text, "word");
      EXPECT_GE(contrast(shown.front, shown.back), 4.5) << tenth;
    }
  }
}

TEST(Colours, SignsDifferAndStrengthGrows) {
  for (const auto depth : {ColourDepth::k256, ColourDepth::kTrue}) {
    const auto at = [depth](double z) {
      return read_shown(coloured("word", z, depth), depth).back;
    };
    EXPECT_GT(at(2.5)[0], at(2.5)[2]);    // orange
    EXPECT_GT(at(-2.5)[2], at(-2.5)[0]);  // blue
    EXPECT_GT(at(2.5)[0], at(1.0)[0]);
    EXPECT_GT(at(-2.5)[2], at(-1.0)[2]);
    EXPECT_EQ(at(9.0), at(2.5));
  }
}

TEST(Colours, WithoutThemTheNumberIsWritten) {
  EXPECT_EQ(coloured("word", -1.25, ColourDepth::kNone), "word[-1.2]");
}

TEST(Colours, AreWhatTheTerminalSays) {
  const auto depth = [](const char* no_color, const char* colorterm,
                        const char* term) {
    return colour_depth(/*is_terminal=*/true, no_color, colorterm, term);
  };
  EXPECT_EQ(depth(nullptr, "truecolor", "xterm"), ColourDepth::kTrue);
  EXPECT_EQ(depth(nullptr, "24bit", "screen-256color"), ColourDepth::kTrue);
  EXPECT_EQ(depth(nullptr, nullptr, "xterm-direct"), ColourDepth::kTrue);
  EXPECT_EQ(depth(nullptr, nullptr, "screen-256color"), ColourDepth::k256);
  EXPECT_EQ(depth(nullptr, "", "xterm"), ColourDepth::kNone);
  EXPECT_EQ(depth(nullptr, nullptr, nullptr), ColourDepth::kNone);
  EXPECT_EQ(depth(nullptr, "truecolor", "dumb"), ColourDepth::kNone);
  EXPECT_EQ(depth("1", "truecolor", "xterm-256color"), ColourDepth::kNone);
  EXPECT_EQ(depth("", "truecolor", "xterm-256color"), ColourDepth::kTrue);
  EXPECT_EQ(colour_depth(/*is_terminal=*/false, nullptr, "truecolor", "xterm"),
            ColourDepth::kNone);
}

}  // namespace
}  // namespace veer::cli
