// SPDX-License-Identifier: MIT
#include "veer/settings/grid_line.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "veer/base/error.h"
#include "veer/interventions/operators.h"

namespace veer {
namespace {

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const auto end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) {
      return parts;
    }
    text.remove_prefix(end + 1);
  }
}

class LineParser {
 public:
  explicit LineParser(std::string_view line) : line_(line) {}

  GridLine parse(const std::string& scope, const std::string& budget) {
    auto words = split(line_, ' ');
    std::erase(words, "");
    if (words.empty()) {
      refuse("nothing", "an operator");
    }
    result_.text.operation = words.front();
    result_.text.scope = scope;
    result_.text.budget = budget;
    result_.mirror = has_opposite(words.front());
    for (std::size_t i = 1; i < words.size(); ++i) {
      take(words[i]);
    }
    result_.text.layers = result_.layers.front();
    for (const double scale : result_.scales) {
      result_.text.scale = scale;
      check(result_.text);
    }
    result_.text.scale = result_.scales.front();
    return result_;
  }

 private:
  [[noreturn]] void refuse(std::string_view found,
                           std::string_view expected) const {
    fail(fmt::format("sweep.grid \"{}\"", line_), found, expected);
  }

  double number(std::string_view text) const {
    double value = NAN;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || rest != end || !std::isfinite(value)) {
      refuse(fmt::format("\"{}\"", text), "a number");
    }
    return value;
  }

  std::vector<double> numbers(std::string_view text) const {
    std::vector<double> values;
    for (const auto& part : split(text, '/')) {
      values.push_back(number(part));
    }
    return values;
  }

  void take(const std::string& word) {
    const auto sign = word.find('=');
    if (sign == std::string::npos || sign + 1 == word.size()) {
      refuse(fmt::format("\"{}\"", word), "key=value");
    }
    const std::string key = word.substr(0, sign);
    const std::string value = word.substr(sign + 1);
    if (!seen_.insert(key).second) {
      refuse(fmt::format("key \"{}\" twice", key), "each key once");
    }
    auto& text = result_.text;
    if (key == "scales") {
      result_.scales = numbers(value);
    } else if (key == "layers") {
      result_.layers = split(value, '/');
    } else if (key == "vectors") {
      result_.vectors = split(value, '/');
    } else if (key == "models") {
      take_models(value);
    } else if (key == "mirror") {
      result_.mirror = flag(value);
    } else if (key == "threshold") {
      text.threshold = number(value);
    } else if (key == "steepness") {
      text.steepness = number(value);
    } else {
      word_of(key) = value;
    }
  }

  std::string& word_of(const std::string& key) {
    auto& text = result_.text;
    const std::pair<std::string_view, std::string*> words[] = {
        {"unit", &text.unit},   {"budget", &text.budget},
        {"scope", &text.scope}, {"norms", &text.norms},
        {"site", &text.site},   {"second", &result_.second}};
    for (const auto& [name, target] : words) {
      if (name == key) {
        return *target;
      }
    }
    refuse(fmt::format("key \"{}\"", key),
           "scales, unit, layers, vectors, models, budget, scope, norms, "
           "site, threshold, steepness, second or mirror");
  }

  void take_models(const std::string& value) {
    result_.models = split(value, '/');
    for (const auto& model : result_.models) {
      if (model != "base" && model != "tuned") {
        refuse(fmt::format("model \"{}\"", model), "base or tuned");
      }
    }
  }

  bool flag(const std::string& value) const {
    if (value != "yes" && value != "no") {
      refuse(fmt::format("\"{}\"", value), "yes or no");
    }
    return value == "yes";
  }

  std::string_view line_;
  std::set<std::string> seen_;
  GridLine result_;
};

}  // namespace

GridLine parse_grid_line(std::string_view line, const std::string& scope,
                         const std::string& budget) {
  return LineParser(line).parse(scope, budget);
}

std::string shown_unit(const InterventionText& text) {
  const auto& row = find_operator(text.operation);
  if (row.takes_unit) {
    return text.unit;
  }
  return row.code == EditCode::kRotate ? "degrees" : "share";
}

bool has_opposite(const std::string& operation) {
  const auto& row = find_operator(operation);
  return row.takes_unit || row.code == EditCode::kSlerp ||
         row.code == EditCode::kLowRank;
}

}  // namespace veer
