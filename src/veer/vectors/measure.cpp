// SPDX-License-Identifier: MIT
#include "veer/vectors/measure.h"

#include <cmath>

#include <nlohmann/json.hpp>

namespace veer {

Json optional_json(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? Json(*value) : Json(nullptr);
}

Json measure_json(const Measure& measure) {
  Json out = {{"value", optional_json(measure.value)},
              {"low", optional_json(measure.low)},
              {"high", optional_json(measure.high)},
              {"n", measure.n},
              {"reason", measure.reason}};
  if (measure.clusters > 0) {
    out["clusters"] = measure.clusters;
  }
  return out;
}

}  // namespace veer
