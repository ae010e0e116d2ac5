// SPDX-License-Identifier: MIT
#include "veer/study/sweep_grid.h"

#include <algorithm>
#include <charconv>
#include <map>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/json.h"
#include "veer/study/vector_names.h"

namespace veer {
namespace {

// One strength of one operator.
struct Strength {
  std::string operation;
  std::string unit;
  double scale = 0.0;
};

std::vector<Strength> strengths_of(const SweepSettings& settings) {
  const std::pair<const char*, const std::vector<double>&> units[] = {
      {"rel", settings.rel_scales},
      {"unit", settings.unit_scales},
      {"raw", settings.raw_scales}};
  std::vector<Strength> strengths;
  for (const auto& operation : settings.operators) {
    if (operation == "ablate") {
      strengths.push_back({operation, "share", 1.0});
      continue;
    }
    for (const auto& [unit, scales] : units) {
      for (const double scale : scales) {
        strengths.push_back({operation, unit, scale});
      }
    }
  }
  return strengths;
}

std::int64_t parse_layer(const std::string& text, std::int64_t num_layers) {
  std::int64_t layer = -1;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, layer);
  if (error != std::errc() || rest != end || layer < 0 || layer >= num_layers) {
    fail("sweep", fmt::format("sweep.layers holds \"{}\"", text),
         fmt::format("each, all, or a layer from 0 to {}", num_layers - 1),
         "a model with fewer layers than the manifest was written for");
  }
  return layer;
}

std::vector<std::string> layer_sets(const SweepSettings& settings,
                                    std::int64_t num_layers) {
  std::vector<std::string> sets;
  for (const auto& entry : settings.layers) {
    if (entry == "each") {
      for (std::int64_t layer = 0; layer < num_layers; ++layer) {
        sets.push_back(fmt::format("{}", layer));
      }
    } else {
      sets.push_back(entry == "all"
                         ? entry
                         : fmt::format("{}", parse_layer(entry, num_layers)));
    }
  }
  std::vector<std::string> distinct;
  for (auto& set : sets) {
    if (std::find(distinct.begin(), distinct.end(), set) == distinct.end()) {
      distinct.push_back(std::move(set));
    }
  }
  return distinct;
}

std::int64_t limited(std::int64_t wanted, std::int64_t available) {
  return wanted == 0 ? available : std::min(wanted, available);
}

class GridMaker {
 public:
  GridMaker(const SweepSettings& settings, const SweepSize& size)
      : settings_(settings),
        strengths_(strengths_of(settings)),
        layers_(layer_sets(settings, size.num_layers)) {}

  void add(const std::string& vector, const Strength& strength,
           const std::string& layers, const std::string& model,
           const std::string& split, std::int64_t num_questions) {
    SweepCell cell;
    cell.row.id = std::ssize(cells_);
    cell.row.vector = vector;
    cell.row.family = vector.empty() ? "" : vector_family(vector);
    cell.row.operation = strength.operation;
    cell.row.unit = strength.unit;
    cell.row.scale = strength.scale;
    cell.row.layers = layers;
    cell.row.model = model;
    cell.row.split = split;
    cell.num_questions = num_questions;
    cell.row.configuration = dump_json({{"vector", vector},
                                        {"operator", strength.operation},
                                        {"unit", strength.unit},
                                        {"scale", strength.scale},
                                        {"layers", layers},
                                        {"scope", settings_.scope},
                                        {"questions", num_questions}});
    cells_.push_back(std::move(cell));
  }

  void add_vector(const std::string& vector, const std::string& split,
                  std::int64_t num_questions) {
    for (const auto& model : settings_.models) {
      for (const auto& layers : layers_) {
        for (const auto& strength : strengths_) {
          // A scale of a vector as extracted means nothing for a random one.
          const bool is_random = vector_family(vector) == "random";
          const bool wanted = split == "test"
                                  ? !is_random || strength.unit != "raw"
                                  : serves_goal(strength, model);
          if (wanted) {
            add(vector, strength, layers, model, split, num_questions);
          }
        }
      }
    }
  }

  // Vectors point from honest to deceptive, so adding is what can induce and
  // subtracting what can suppress; nothing else is chosen from.
  static bool serves_goal(const Strength& strength, const std::string& model) {
    return strength.operation == "ablate" ||
           strength.operation == (model == "base" ? "add" : "subtract");
  }

  void link_controls() {
    std::map<std::string, std::int64_t> controls;
    const auto key = [](const CellRow& row) {
      return fmt::format("{}|{}|{}|{}|{}|{}", row.operation, row.unit,
                         row.scale, row.layers, row.model, row.split);
    };
    for (const auto& cell : cells_) {
      if (cell.is_random()) {
        controls.emplace(key(cell.row), cell.row.id);
      }
    }
    for (auto& cell : cells_) {
      const auto found = controls.find(key(cell.row));
      if (!cell.is_random() && found != controls.end()) {
        cell.control = found->second;
      }
    }
  }

  std::vector<SweepCell> take() { return std::move(cells_); }

 private:
  const SweepSettings& settings_;
  std::vector<Strength> strengths_;
  std::vector<std::string> layers_;
  std::vector<SweepCell> cells_;
};

}  // namespace

std::int64_t SweepCell::layer() const {
  std::int64_t layer = -1;
  const auto& text = row.layers;
  std::from_chars(text.data(), text.data() + text.size(), layer);
  return layer;
}

double SweepCell::signed_scale() const {
  return row.operation == "subtract" ? -row.scale : row.scale;
}

std::string random_name(std::int64_t number) {
  return fmt::format("random-{}", number);
}

std::vector<SweepCell> sweep_grid(const SweepSettings& settings,
                                  const SweepSize& size) {
  GridMaker grid(settings, size);
  const Strength none{"none", "", 0.0};
  const std::int64_t test = limited(settings.questions, size.num_test);
  const std::int64_t select =
      limited(settings.select_questions, size.num_select);
  const std::int64_t best = limited(settings.best_questions, size.num_test);
  for (const auto& model : settings.models) {
    grid.add("", none, "", model, "test", std::max(test, best));
    // All of them: they say what unsteered text looks like.
    grid.add("", none, "", model, "select", size.num_select);
  }
  for (const auto& vector : size.vectors) {
    grid.add_vector(vector, "test", test);
  }
  for (std::int64_t i = 1; i <= settings.random_vectors; ++i) {
    grid.add_vector(random_name(i), "test", test);
  }
  for (const auto& vector : size.vectors) {
    grid.add_vector(vector, "select", select);
  }
  grid.link_controls();
  return grid.take();
}

SweepCell confirming_cell(const SweepCell& cell, std::int64_t id,
                          const std::string& vector,
                          std::int64_t num_questions) {
  SweepCell copy = cell;
  copy.row.id = id;
  copy.row.vector = vector;
  copy.row.family = vector_family(vector);
  copy.row.split = "test";
  copy.num_questions = num_questions;
  copy.control = -1;
  Json configuration = parse_json(cell.row.configuration, "cell");
  configuration["vector"] = vector;
  configuration["questions"] = num_questions;
  copy.row.configuration = dump_json(configuration);
  return copy;
}

std::size_t unsteered_cell(std::span<const SweepCell> cells,
                           std::string_view model, std::string_view split) {
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (cells[i].is_unsteered() && cells[i].row.model == model &&
        cells[i].row.split == split) {
      return i;
    }
  }
  fail_run("sweep", fmt::format("no unsteered cell of {} on {}", model, split));
}

}  // namespace veer
