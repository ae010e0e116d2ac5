// SPDX-License-Identifier: MIT
#include "veer/results/vector_name.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include <fmt/core.h>

namespace veer {
namespace {

constexpr std::string_view kRandom = "random-";
constexpr std::string_view kCovariance = "random-cov-";
constexpr std::string_view kSubset = "subset-";
constexpr std::array<std::string_view, 3> kMixtures = {"blend", "common",
                                                       "private"};
constexpr std::array<std::string_view, 3> kFixed = {"adapter", "bipo",
                                                    "reft_r1"};

bool holds(std::span<const std::string_view> list, std::string_view name) {
  return std::ranges::find(list, name) != list.end();
}

// Takes what stands before the first of `ends` off the text, and that end.
std::string take_until(std::string_view& text, std::string_view ends) {
  const auto end = text.find_first_of(ends);
  std::string taken(text.substr(0, end));
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return taken;
}

std::int64_t questions_of(std::string_view head) {
  const auto rest = head.substr(kSubset.size());
  const auto dash = rest.find('-');
  std::int64_t count = 0;
  if (dash != std::string_view::npos) {
    std::from_chars(rest.data(), rest.data() + dash, count);
  }
  return count;
}

}  // namespace

VectorName parse_vector_name(std::string_view text) {
  using Kind = VectorName::Kind;
  VectorName name;
  name.text = text;
  if (text.empty()) {
    return name;
  }
  if (text.starts_with(kRandom) || text.starts_with(kSubset)) {
    name.head = take_until(text, "|");
    name.of = text;
    name.has_covariance = name.head.starts_with(kCovariance);
    const bool is_random = name.head.starts_with(kRandom);
    name.kind = is_random ? Kind::kRandom : Kind::kSubset;
    name.count = is_random ? 0 : questions_of(name.head);
    return name;
  }
  const auto what = text.substr(0, text.find('@'));
  auto rest = text;
  name.head = take_until(rest, ":@");
  if (holds(kMixtures, name.head) || holds(kFixed, name.head)) {
    name.kind = holds(kMixtures, name.head) ? Kind::kMixture : Kind::kFixed;
    while (!rest.empty()) {
      name.parts.push_back(take_until(rest, ":"));
    }
    return name;
  }
  name.kind = Kind::kExtracted;
  if (what.size() > name.head.size()) {
    name.method = what.substr(name.head.size() + 1);
  }
  if (what.size() < text.size()) {
    auto where = text.substr(what.size() + 1);
    name.position = take_until(where, "@");
  }
  return name;
}

std::string random_name(std::int64_t number, bool covariance) {
  return fmt::format("{}{}", covariance ? kCovariance : kRandom, number);
}

std::string name_in_place(std::string_view name, std::string_view of) {
  return fmt::format("{}|{}", name, of);
}

std::string vector_family(const std::string& name) {
  const auto head = parse_vector_name(name).head;
  // First: a random vector may stand in the place of a contrastive one.
  for (const char* family : {"random", "subset", "contrastive", "finetune"}) {
    if (head.find(family) != std::string::npos) {
      return family;
    }
  }
  return head;
}

std::string vector_position(const std::string& name) {
  return parse_vector_name(name).position;
}

std::pair<std::string, std::string> primary_pair(
    const std::vector<std::string>& names) {
  std::pair<std::string, std::string> any;
  for (const auto& a : names) {
    for (const auto& b : names) {
      if (vector_family(a) != "contrastive" || vector_family(b) != "finetune") {
        continue;
      }
      if (vector_position(a) == vector_position(b)) {
        return {a, b};
      }
      if (any.first.empty()) {
        any = {a, b};
      }
    }
  }
  return any;
}

}  // namespace veer
