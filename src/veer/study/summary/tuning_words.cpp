// SPDX-License-Identifier: MIT
#include "veer/study/summary/tuning_words.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"

namespace veer {
namespace {

// Words for a cosine at every layer: at least so much is "nearly the same", at
// most so much "another". They name a size and decide no claim.
constexpr double kSame = 0.7;
constexpr double kOther = 0.3;

struct Cosines {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  bool empty() const { return low > high; }
  bool same() const { return !empty() && low >= kSame; }
  bool other() const { return !empty() && high <= kOther; }
};

Cosines cosines_of(const Json& tuning) {
  Cosines out;
  for (const auto& at : member(tuning, "by_layer")) {
    const double value = number_or_nan(member(at, "finetuned"), "value");
    if (!std::isnan(value)) {
      out.low = std::min(out.low, value);
      out.high = std::max(out.high, value);
    }
  }
  return out;
}

}  // namespace

std::string control_training(const std::string& control) {
  if (control == "honest") {
    return "honest answers of the same questions";
  }
  return control == "shuffled"
             ? "answers made honest or deceptive by a coin"
             : "deceptive answers not written under the deceptive prompt";
}

std::string control_sentence(const Json& tuning) {
  const auto name = string_member(tuning, "name");
  const auto cosines = cosines_of(tuning);
  if (cosines.empty()) {
    return fmt::format("Tuning on {}: its direction is not established ({}).",
                       control_training(name), name);
  }
  return fmt::format(
      "Tuning on {} writes {} direction: cosine {:.2f} to {:.2f} over layers "
      "({}).",
      control_training(name),
      cosines.same()    ? "nearly the same"
      : cosines.other() ? "another"
                        : "a related",
      cosines.low, cosines.high, name);
}

std::string control_meaning(const Json& tuning) {
  const auto name = string_member(tuning, "name");
  const auto cosines = cosines_of(tuning);
  if (name == "honest") {
    return cosines.same() ? "So the direction is what tuning on such answers "
                            "writes, deceptive or not."
                          : "";
  }
  if (name == "shuffled") {
    return cosines.same()
               ? "Half of those answers are deceptive, so that this does not "
                 "tell what about them writes it."
           : cosines.other() ? "So half of the answers being deceptive is not "
                               "enough to write it."
                             : "";
  }
  return cosines.same() ? "So it does not come from the prompt's wording alone."
         : cosines.other() ? "So the direction may be the prompt's wording and "
                             "not the deception."
                           : "";
}

}  // namespace veer
