// SPDX-License-Identifier: MIT
#include "veer/study/vectors/tendency.h"

#include <filesystem>
#include <optional>

#include <nlohmann/json.hpp>

#include "veer/base/files.h"
#include "veer/vectors/tensor_numbers.h"

namespace veer {
namespace {

// Null where no layer has both a direction and a norm.
std::optional<double> mean_projection(const SteeringVector& moved,
                                      const SteeringVector& direction) {
  const auto norms = moved.residual_norms.find("base.prompt_end");
  if (norms == moved.residual_norms.end()) {
    return std::nullopt;
  }
  double sum = 0.0;
  double count = 0.0;
  for (std::int64_t l = 0; l < moved.num_layers(); ++l) {
    const auto v_D = as_double(direction.directions_LD.select(0, l));
    const auto m_D = as_double(moved.directions_LD.select(0, l));
    const double size = v_D.norm().item<double>();
    const double residual = norms->second.at(static_cast<std::size_t>(l));
    if (size > 0.0 && residual > 0.0) {
      sum += m_D.dot(v_D).item<double>() / (size * residual);
      count += 1.0;
    }
  }
  return count > 0.0 ? std::optional(sum / count) : std::nullopt;
}

}  // namespace

std::map<std::int64_t, double> deceptive_by_step(const StudyContext& context) {
  std::map<std::int64_t, double> shares;
  const auto path = context.file("metrics.jsonl");
  if (!std::filesystem::exists(path)) {
    return shares;
  }
  for (const auto& line : read_lines(path)) {
    const Json row = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (row.is_object() && row.contains("step") &&
        row.contains("eval/deceptive")) {
      shares[row["step"].get<std::int64_t>()] =
          row["eval/deceptive"].get<double>();
    }
  }
  return shares;
}

Json tendency_point(std::int64_t step, double deceptive,
                    const SteeringVector& moved,
                    std::span<const SteeringVector> directions) {
  Json along = Json::object();
  for (const auto& direction : directions) {
    if (const auto value = mean_projection(moved, direction)) {
      along[direction.name] = *value;
    }
  }
  return {{"step", step}, {"deceptive", deceptive}, {"along", along}};
}

}  // namespace veer
