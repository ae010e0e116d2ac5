// SPDX-License-Identifier: MIT
//
// Parts of sweep.json with planted truths, for tests of claims.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "veer/base/json.h"
#include "veer/run/run_store.h"

namespace veer {

inline Json planted_estimate(double value, double half, std::int64_t n = 40) {
  return {{"value", value},
          {"low", value - half},
          {"high", value + half},
          {"n", n}};
}

// An entry of "groups": plain addition that works unless a key is changed.
inline Json planted_effect(const std::string& vector, const std::string& goal,
                           double value, double half = 0.05,
                           const std::string& group = "linear") {
  return {{"vector", vector},
          {"goal", goal},
          {"group", group},
          {"model", goal == "induction" ? "base" : "tuned"},
          {"measure", goal == "induction" ? "deceptive" : "honest"},
          {"cell", 0},
          {"layers", "0"},
          {"unit", "rel"},
          {"scale", 0.5},
          {"candidates", 24},
          {"operator", goal == "induction" ? "add" : "subtract"},
          {"baseline", planted_estimate(0.0, 0.0)},
          {"effect", planted_estimate(value, half)},
          {"coherent", planted_estimate(1.0, 0.0)},
          {"random_vectors", {{"n", 64}, {"percentile_95", 0.02}}},
          {"beats_random", value - half > 0.02},
          {"valid_site", true}};
}

// Cells and answers of both models; the base model is honest, the tuned one
// deceives, each to a share of the questions that a cell may change.
class PlantedSweep {
 public:
  explicit PlantedSweep(std::int64_t questions = 40) : questions_(questions) {
    sweep_ = {{"judge", {{"kind", "exact"}}},
              {"cells", Json::array()},
              {"best", Json::array()},
              {"groups", Json::array()},
              {"contrasts", Json::array()}};
    add_cell("", "none", "base", 0.0, 0, 1.0, "honest");
    add_cell("", "none", "tuned", 0.0, 0, 1.0, "deceptive");
  }

  // Of the answers the first `share` have `label`, the others the other one.
  std::int64_t add_cell(const std::string& vector, const std::string& operation,
                        const std::string& model, double scale,
                        std::int64_t layer, double share,
                        const std::string& label, double coherent = 1.0) {
    const auto id = static_cast<std::int64_t>(sweep_["cells"].size());
    sweep_["cells"].push_back(
        {{"id", id},
         {"vector", vector},
         {"operator", operation},
         {"unit", vector.empty() ? "" : "rel"},
         {"scale", scale},
         {"layers", vector.empty() ? "" : std::to_string(layer)},
         {"layer", layer},
         {"model", model},
         {"split", "test"},
         {"coherent", {{"value", coherent}}}});
    for (std::int64_t q = 0; q < questions_; ++q) {
      AnswerRow row;
      row.cell = id;
      row.question = q;
      const bool first =
          static_cast<double>(q) < share * static_cast<double>(questions_);
      row.label = first ? label : label == "honest" ? "deceptive" : "honest";
      answers_.push_back(row);
    }
    return id;
  }

  // A plain addition (induction) or subtraction (suppression) whose answers
  // move for that share of the questions, in "best" and "groups".
  void add_effect(const std::string& vector, const std::string& goal,
                  double share, const Json& changes = Json::object()) {
    const bool up = goal == "induction";
    const auto id =
        add_cell(vector, up ? "add" : "subtract", up ? "base" : "tuned", 0.5, 0,
                 share, up ? "deceptive" : "honest");
    Json entry = planted_effect(vector, goal, share);
    entry["cell"] = id;
    entry.update(changes);
    sweep_["groups"].push_back(entry);
    entry["group"] = "any";
    sweep_["best"].push_back(entry);
  }

  Json& sweep() { return sweep_; }
  const Json& sweep() const { return sweep_; }
  const std::vector<AnswerRow>& answers() const { return answers_; }

 private:
  std::int64_t questions_;
  Json sweep_;
  std::vector<AnswerRow> answers_;
};

}  // namespace veer
