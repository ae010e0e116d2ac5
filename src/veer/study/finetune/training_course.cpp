// SPDX-License-Identifier: MIT
#include "veer/study/finetune/training_course.h"

#include <optional>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/files.h"
#include "veer/train/sft.h"

namespace veer {
namespace {

constexpr double kOverfits = 1.05;

// Step and held-out loss of an evaluation.
std::optional<Json> evaluation(const Json& row) {
  if (!row.is_object() || !row.contains("step") ||
      !row.contains(kHeldOutLoss) || !row[kHeldOutLoss].is_number()) {
    return std::nullopt;
  }
  return Json{{"step", row["step"]}, {"loss", row[kHeldOutLoss]}};
}

}  // namespace

Json training_course(const std::filesystem::path& metrics) {
  if (!std::filesystem::exists(metrics)) {
    return nullptr;
  }
  Json best;
  Json kept;
  Json last;
  for (const auto& line : read_lines(metrics)) {
    const Json row = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    const auto at = evaluation(row);
    if (!at) {
      continue;
    }
    last = *at;
    if (best.is_null() || last["loss"] < best["loss"]) {
      best = last;
    }
    if (row.value("kept", false)) {
      kept = last;
    }
  }
  if (kept.is_null()) {
    return nullptr;
  }
  const bool overfits =
      best["step"] != last["step"] &&
      last["loss"].get<double>() > kOverfits * best["loss"].get<double>();
  return {{"steps", last["step"]},
          {"kept", kept},
          {"best", best},
          {"last", last},
          {"overfits", overfits}};
}

std::string training_sentence(const Json& course) {
  const auto loss = [&](const char* which) {
    return course.at(which).at("loss").get<double>();
  };
  const auto step = [&](const char* which) {
    return course.at(which).at("step").get<std::int64_t>();
  };
  const auto steps = course.at("steps").get<std::int64_t>();
  if (!course.value("overfits", false)) {
    return fmt::format(
        "The adapter after step {} of {} is kept: loss on held-out questions "
        "{:.2f}, at the end {:.2f}.",
        step("kept"), steps, loss("kept"), loss("last"));
  }
  return fmt::format(
      "The training overfits: the loss on held-out questions was lowest after "
      "step {} of {} ({:.2f}) and is {:.2f} at the end. The adapter after step "
      "{} is kept (finetune.keep). Fewer finetune.epochs or steps, a lower "
      "finetune.learning_rate or more questions help.",
      step("best"), steps, loss("best"), loss("last"), step("kept"));
}

}  // namespace veer
