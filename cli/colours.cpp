// SPDX-License-Identifier: MIT
#include "cli/colours.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/core.h>

namespace veer::cli {
namespace {

using Rgb = std::array<int, 3>;

constexpr Rgb kPlain = {40, 40, 40};
constexpr Rgb kAlong = {230, 120, 40};
constexpr Rgb kAgainst = {40, 120, 230};
constexpr double kFullZ = 2.5;
// The colours 16 to 231 are a cube of these steps, the same on every terminal;
// the first sixteen are the person's own.
constexpr std::array<int, 6> kCubeSteps = {0, 95, 135, 175, 215, 255};

Rgb background_of(double z) {
  const double size = std::min(std::abs(z) / kFullZ, 1.0);
  const Rgb& full = z > 0.0 ? kAlong : kAgainst;
  Rgb mixed{};
  for (std::size_t i = 0; i < mixed.size(); ++i) {
    mixed[i] =
        static_cast<int>(std::lround(kPlain[i] + size * (full[i] - kPlain[i])));
  }
  return mixed;
}

int nearest_step(int value) {
  const auto* const near = std::ranges::min_element(
      kCubeSteps, {}, [value](int step) { return std::abs(step - value); });
  return static_cast<int>(near - kCubeSteps.begin());
}

// Relative luminance of WCAG 2.
double luminance(const Rgb& colour) {
  constexpr std::array<double, 3> kWeights = {0.2126, 0.7152, 0.0722};
  double sum = 0.0;
  for (std::size_t i = 0; i < colour.size(); ++i) {
    const double share = colour[i] / 255.0;
    sum += kWeights[i] * (share <= 0.04045
                              ? share / 12.92
                              : std::pow((share + 0.055) / 1.055, 2.4));
  }
  return sum;
}

// Contrast is (lighter + 0.05) / (darker + 0.05).
bool needs_black(const Rgb& background) {
  const double light = luminance(background) + 0.05;
  return light / 0.05 > 1.05 / light;
}

std::string in_true_colour(std::string_view text, const Rgb& back) {
  const int front = needs_black(back) ? 0 : 255;
  return fmt::format("\x1b[38;2;{0};{0};{0};48;2;{1};{2};{3}m{4}\x1b[0m", front,
                     back[0], back[1], back[2], text);
}

std::string in_256_colours(std::string_view text, const Rgb& wanted) {
  int code = 16;
  Rgb shown{};
  int place = 36;
  for (std::size_t i = 0; i < shown.size(); ++i, place /= 6) {
    const int step = nearest_step(wanted[i]);
    shown[i] = kCubeSteps[step];
    code += place * step;
  }
  return fmt::format("\x1b[38;5;{};48;5;{}m{}\x1b[0m",
                     needs_black(shown) ? 16 : 231, code, text);
}

std::string_view view_of(const char* variable) {
  return variable == nullptr ? std::string_view() : variable;
}

}  // namespace

ColourDepth colour_depth(bool is_terminal, const char* no_color,
                         const char* colorterm, const char* term) {
  if (!is_terminal || !view_of(no_color).empty() || view_of(term) == "dumb") {
    return ColourDepth::kNone;
  }
  const auto has = [](const char* variable, std::string_view word) {
    return view_of(variable).find(word) != std::string_view::npos;
  };
  if (has(colorterm, "truecolor") || has(colorterm, "24bit") ||
      has(term, "direct")) {
    return ColourDepth::kTrue;
  }
  return has(term, "256color") ? ColourDepth::k256 : ColourDepth::kNone;
}

std::string coloured(std::string_view text, double z, ColourDepth depth) {
  switch (depth) {
    case ColourDepth::kTrue:
      return in_true_colour(text, background_of(z));
    case ColourDepth::k256:
      return in_256_colours(text, background_of(z));
    default:
      return fmt::format("{}[{:+.1f}]", text, z);
  }
}

}  // namespace veer::cli
