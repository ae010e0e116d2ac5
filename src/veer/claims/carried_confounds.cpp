// SPDX-License-Identifier: MIT
#include "veer/claims/carried_confounds.h"

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"
#include "veer/results/vector_name.h"
#include "veer/vectors/distributions.h"

namespace veer {
namespace {

constexpr double kLevel = 0.05;

const Json* at_layer(const Json& by_layer, std::int64_t layer) {
  for (const auto& at : by_layer) {
    if (member(at, "layer") == layer) {
      return &at;
    }
  }
  return nullptr;
}

struct Cosine {
  std::string vector, confound;
  std::int64_t layer = 0;
  double value = 0.0, low = 0.0, high = 0.0;
};

std::vector<Cosine> neutral_cosines(const Json& comparison,
                                    const std::vector<ChosenEffect>& effects,
                                    const std::vector<std::string>& vectors) {
  std::vector<Cosine> list;
  const auto carriers =
      behaviour_carriers(member(comparison, "confound_behaviour"));
  for (const auto& entry :
       member(member(comparison, "confounds"), "overlaps")) {
    const auto vector = string_member(entry, "vector");
    const auto confound = string_member(entry, "confound");
    const auto* added = find_effect(effects, vector, "induction", "linear");
    if (std::ranges::find(vectors, vector) == vectors.end() ||
        added == nullptr || !added->layer ||
        carriers.contains(parse_vector_name(confound).head)) {
      continue;
    }
    const Json* at = at_layer(member(entry, "by_layer"), *added->layer);
    if (at == nullptr || !number_member(*at, "cosine") ||
        !number_member(*at, "low") || !number_member(*at, "high")) {
      continue;
    }
    list.push_back({vector, confound, *added->layer,
                    *number_member(*at, "cosine"), *number_member(*at, "low"),
                    *number_member(*at, "high")});
  }
  return list;
}

// Squares of an interval of a cosine; it reaches 0 where the cosine's does.
Measure share_of(const Cosine& cosine, double wider) {
  const double low = cosine.value - wider * (cosine.value - cosine.low);
  const double high = cosine.value + wider * (cosine.high - cosine.value);
  Measure share;
  share.value = cosine.value * cosine.value;
  share.low = low * high > 0.0 ? std::min(low * low, high * high) : 0.0;
  share.high = std::min(1.0, std::max(low * low, high * high));
  return share;
}

std::optional<double> chance_of(const Json& comparison,
                                const std::string& vector, std::int64_t layer) {
  for (const auto& own : member(member(comparison, "confounds"), "by_chance")) {
    if (string_member(own, "vector") == vector) {
      const Json* at = at_layer(member(own, "by_layer"), layer);
      return at == nullptr ? std::nullopt : number_member(*at, "largest_share");
    }
  }
  return std::nullopt;
}

std::optional<double> span_of(const Json& comparison, const std::string& vector,
                              std::int64_t layer) {
  for (const auto& pair : member(member(comparison, "confounds"), "pairs")) {
    const bool is_a = string_member(pair, "a") == vector;
    if (!is_a && string_member(pair, "b") != vector) {
      continue;
    }
    if (const Json* at = at_layer(member(pair, "by_layer"), layer)) {
      return number_member(*at, is_a ? "removed_a" : "removed_b");
    }
  }
  return std::nullopt;
}

// How many questions, of how many units, the vector's rows are of.
void add_counts(const Json& comparison, const std::string& vector,
                Measure& measure) {
  for (const auto& own : member(comparison, "vectors")) {
    if (string_member(own, "name") == vector) {
      measure.n = own.value("n", std::int64_t{0});
      measure.clusters = own.value("clusters", std::int64_t{0});
    }
  }
}

}  // namespace

std::set<std::string> behaviour_carriers(const Json& behaviour) {
  std::set<std::string> out;
  for (const auto& entry : behaviour) {
    if (member(entry, "carries") == true) {
      out.insert(string_member(entry, "confound"));
    }
  }
  return out;
}

std::vector<CarriedConfound> carried_confounds(
    const Json& comparison, const std::vector<ChosenEffect>& effects,
    const std::vector<std::string>& vectors) {
  const auto cosines = neutral_cosines(comparison, effects, vectors);
  if (cosines.empty()) {
    return {};
  }
  const double wider =
      normal_quantile(1.0 -
                      kLevel / (2.0 * static_cast<double>(cosines.size()))) /
      normal_quantile(1.0 - kLevel / 2.0);
  std::vector<CarriedConfound> out;
  for (const auto& cosine : cosines) {
    CarriedConfound own{cosine.vector,
                        cosine.confound,
                        cosine.layer,
                        share_of(cosine, wider),
                        chance_of(comparison, cosine.vector, cosine.layer),
                        std::nullopt};
    add_counts(comparison, cosine.vector, own.share);
    const auto known =
        std::ranges::find(out, cosine.vector, &CarriedConfound::vector);
    if (known == out.end()) {
      own.span = span_of(comparison, own.vector, own.layer);
      out.push_back(std::move(own));
    } else if (*own.share.value > *known->share.value) {
      own.span = known->span;
      *known = std::move(own);
    }
  }
  return out;
}

}  // namespace veer
