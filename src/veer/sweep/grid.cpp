// SPDX-License-Identifier: MIT
#include "veer/sweep/grid.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/json.h"
#include "veer/interventions/operators.h"
#include "veer/results/vector_name.h"

namespace veer {
namespace {

// A name of [sweep] operators as lines of the grid, one per unit.
void add_operator_lines(const SweepSettings& settings,
                        const std::string& operation,
                        std::vector<GridLine>& lines) {
  GridLine line;
  line.text.operation = operation;
  line.text.scope = settings.scope;
  line.text.budget = settings.budget;
  line.layers = settings.layers;
  line.mirror =
      has_opposite(operation) && operation != "add" && operation != "subtract";
  const auto& row = find_operator(operation);
  if (!row.takes_unit) {
    line.scales =
        row.code == EditCode::kRotate ? settings.angles : settings.shares;
    lines.push_back(line);
    return;
  }
  const std::pair<const char*, const std::vector<double>&> units[] = {
      {"rel", settings.rel_scales},
      {"unit", settings.unit_scales},
      {"raw", settings.raw_scales},
      {"rel_token", settings.rel_token_scales},
      {"sigma", settings.sigma_scales}};
  for (const auto& [unit, scales] : units) {
    if (!scales.empty()) {
      line.text.unit = unit;
      line.scales = scales;
      lines.push_back(line);
    }
  }
}

// Lines that run at fixed layers, and those that wait for the chosen ones.
struct Lines {
  std::vector<GridLine> fixed;
  std::vector<GridLine> waiting;
};

Lines lines_of(const SweepSettings& settings) {
  Lines lines;
  for (const auto& operation : settings.operators) {
    add_operator_lines(settings, operation, lines.fixed);
  }
  for (const auto& text : settings.grid) {
    GridLine line = parse_grid_line(text, settings.scope, settings.budget);
    GridLine waiting = line;
    std::erase(line.layers, "chosen");
    if (line.layers.size() != waiting.layers.size()) {
      waiting.layers = {"chosen"};
      lines.waiting.push_back(std::move(waiting));
    }
    if (!line.layers.empty()) {
      lines.fixed.push_back(std::move(line));
    }
  }
  return lines;
}

std::vector<std::string> layer_sets(const std::vector<std::string>& entries,
                                    std::int64_t num_layers) {
  std::vector<std::string> sets;
  const auto add = [&](std::string set) {
    if (std::find(sets.begin(), sets.end(), set) == sets.end()) {
      sets.push_back(std::move(set));
    }
  };
  for (const auto& entry : entries) {
    if (entry != "each") {
      add(layer_choice_name(parse_layer_choice(entry, num_layers)));
      continue;
    }
    for (std::int64_t layer = 0; layer < num_layers; ++layer) {
      add(fmt::format("{}", layer));
    }
  }
  return sets;
}

// Whether a choice of layers reads a direction at one of `missing`.
bool needs_any(const std::string& layers, const std::set<std::int64_t>& missing,
               std::int64_t num_layers) {
  const auto choice = parse_layer_choice(layers, num_layers);
  if (choice.mode == LayerMode::kAllOwn ||
      choice.mode == LayerMode::kIncrements) {
    return !missing.empty();
  }
  return std::ranges::any_of(choice.layers, [&](std::int64_t layer) {
    return missing.contains(layer);
  });
}

// Whether an operator is made of the rows that a vector was made of.
bool needs_rows(const std::string& operation) {
  switch (find_operator(operation).need) {
    case OperatorNeed::kNothing:
    case OperatorNeed::kSecondVector:
    case OperatorNeed::kDonor:
      return false;
    default:
      return true;
  }
}

// Whether an operator moves a token equally far along any direction: then one
// random vector stands beside all vectors.
bool moves_all_alike(const InterventionText& text) {
  return is_plain_addition(text.operation) && shown_unit(text) != "sigma";
}

bool holds(const std::vector<std::string>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

std::int64_t limited(std::int64_t wanted, std::int64_t available) {
  return wanted == 0 ? available : std::min(wanted, available);
}

// What was asked for, the same text for the same cell in every run.
std::string configuration_text(const SweepCell& cell) {
  Json json = {{"vector", cell.row.vector}, {"operator", cell.row.operation},
               {"unit", cell.row.unit},     {"scale", cell.row.scale},
               {"layers", cell.row.layers}, {"scope", cell.act.scope},
               {"budget", cell.act.budget}, {"questions", cell.num_questions}};
  const InterventionText plain;
  const auto add = [&](const char* key, const auto& value, const auto& usual) {
    if (value != usual) {
      json[key] = value;
    }
  };
  add("norms", cell.act.norms, plain.norms);
  add("site", cell.act.site, plain.site);
  add("threshold", cell.act.threshold, plain.threshold);
  add("steepness", cell.act.steepness, plain.steepness);
  add("second", cell.second, std::string());
  add("system", cell.system, std::string());
  add("first_question", cell.first_question, std::int64_t{0});
  return dump_json(json);
}

class GridMaker {
 public:
  GridMaker(const SweepSettings& settings, const SweepSize& size,
            std::int64_t first_id)
      : settings_(settings), size_(size), next_id_(first_id) {}

  SweepCell& add(SweepCell cell, const std::string& model,
                 const std::string& split, std::int64_t num_questions) {
    cell.row.id = next_id_++;
    cell.row.model = model;
    cell.row.split = split;
    cell.num_questions = num_questions;
    cell.row.configuration = configuration_text(cell);
    cells_.push_back(std::move(cell));
    return cells_.back();
  }

  // A cell without any vector; `strength` of the adapter.
  static SweepCell bare(std::string_view vector, std::string_view family,
                        std::string_view operation, double strength) {
    SweepCell cell;
    cell.row.vector = vector;
    cell.row.family = family;
    cell.row.operation = operation;
    cell.adapter_strength = strength;
    cell.act.operation = "";
    return cell;
  }

  static double strength_of(const std::string& model) {
    return model == "tuned" ? 1.0 : 0.0;
  }

  void add_unsteered(const std::string& model, const std::string& split,
                     std::int64_t num_questions) {
    add(bare("", "", "none", strength_of(model)), model, split, num_questions);
  }

  void add_line(const GridLine& line, const std::string& vector,
                const std::vector<std::string>& layers,
                const std::string& model, const std::string& split,
                std::int64_t num_questions) {
    const auto controlled = parse_vector_name(vector).of;
    const auto& steering = controlled.empty() ? vector : controlled;
    const bool known =
        (line.models.empty() || holds(line.models, model)) &&
        !(size_.no_rows.contains(steering) && needs_rows(line.text.operation));
    for (const auto& choice : known ? layers : std::vector<std::string>{}) {
      for (const double scale : line.scales) {
        SweepCell cell;
        cell.act = line.text;
        cell.act.layers = choice;
        cell.act.scale = line.mirror && model == "tuned" ? -scale : scale;
        cell.second = line.second;
        cell.row.vector = vector;
        cell.row.family = vector_family(vector);
        cell.row.operation = line.text.operation;
        cell.row.unit = shown_unit(line.text);
        cell.row.scale = cell.act.scale;
        cell.row.layers = choice;
        cell.adapter_strength = strength_of(model);
        add(std::move(cell), model, split, num_questions);
      }
    }
  }

  void add_vector(const std::vector<GridLine>& lines, const std::string& vector,
                  const std::string& split, std::int64_t num_questions) {
    // A scale of a vector as extracted means nothing for a random one.
    const bool is_random = vector_family(vector) == "random";
    for (const auto& model : settings_.models) {
      for (const auto& line : lines) {
        const bool wanted =
            is_random ? wants_random(line, vector)
                      : (line.vectors.empty() || holds(line.vectors, vector)) &&
                            (split == "test" ||
                             serves_goal(line.text.operation, model));
        if (wanted) {
          add_line(line, vector, sets_for(vector, line.layers), model, split,
                   num_questions);
        }
      }
    }
  }

  static bool wants_random(const GridLine& line, const std::string& vector) {
    const auto own = parse_vector_name(vector).of;
    if (moves_all_alike(line.text)) {
      return own.empty() && shown_unit(line.text) != "raw";
    }
    return !own.empty() && (line.vectors.empty() || holds(line.vectors, own));
  }

  std::vector<std::string> sets_for(
      const std::string& vector,
      const std::vector<std::string>& entries) const {
    auto sets = layer_sets(entries, size_.num_layers);
    const auto missing = missing_layers(vector);
    std::erase_if(sets, [&](const std::string& set) {
      return needs_any(set, missing, size_.num_layers);
    });
    return sets;
  }

  // A blend, a part or a control lacks the layers of the vectors that it names;
  // a control that names none is like the first.
  std::set<std::int64_t> missing_layers(const std::string& vector) const {
    std::set<std::int64_t> missing;
    bool named = false;
    for (const auto& name : size_.vectors) {
      const auto layers = size_.no_direction.find(name);
      if (vector.find(name) != std::string::npos) {
        named = true;
        if (layers != size_.no_direction.end()) {
          missing.insert(layers->second.begin(), layers->second.end());
        }
      }
    }
    return named || size_.vectors.empty() || vector == size_.vectors.front()
               ? missing
               : missing_layers(size_.vectors.front());
  }

  // Vectors point from honest to deceptive, so adding is what can induce and
  // subtracting what can suppress; nothing else is chosen from.
  static bool serves_goal(const std::string& operation,
                          const std::string& model) {
    return (operation != "add" && operation != "subtract") ||
           operation == (model == "base" ? "add" : "subtract");
  }

  // Every state of the other model at one layer: the most that any vector at
  // that layer could do.
  void add_ceilings(std::int64_t num_questions) {
    for (const auto& model : settings_.models) {
      for (std::int64_t layer = 0; layer < size_.num_layers; ++layer) {
        SweepCell cell =
            bare(kPatchVector, "ceiling", "patch", strength_of(model));
        cell.act.operation = "patch";
        cell.act.scale = 1.0;
        cell.act.scope = settings_.scope;
        cell.act.layers = fmt::format("{}", layer);
        cell.row.unit = "share";
        cell.row.scale = 1.0;
        cell.row.layers = cell.act.layers;
        add(std::move(cell), model, "test", num_questions);
      }
    }
  }

  void add_system_prompts(std::int64_t num_questions) {
    for (const auto& model : settings_.models) {
      SweepCell cell =
          bare(kSystemVector, "control", "system_prompt", strength_of(model));
      cell.system =
          model == "base" ? size_.deceptive_prompt : size_.honest_prompt;
      if (!cell.system.empty()) {
        add(std::move(cell), model, "test", num_questions);
      }
    }
  }

  void add_adapter_dial(std::int64_t num_questions) {
    for (const double strength : settings_.adapter_strengths) {
      SweepCell cell = bare(kAdapterVector, "control", "adapter", strength);
      cell.row.unit = "strength";
      cell.row.scale = strength;
      add(std::move(cell), "base", "select", num_questions);
    }
  }

  void link_controls() {
    std::map<std::string, std::int64_t> controls;
    const auto key = [](const SweepCell& cell, const std::string& vector) {
      const auto& row = cell.row;
      return fmt::format("{}|{}|{}|{}|{}|{}|{}|{}|{}|{}",
                         moves_all_alike(cell.act) ? "" : vector, row.operation,
                         row.unit, row.scale, row.layers, row.model, row.split,
                         cell.act.scope, cell.act.site, cell.act.budget);
    };
    for (const auto& cell : cells_) {
      if (cell.is_random()) {
        controls.emplace(key(cell, parse_vector_name(cell.row.vector).of),
                         cell.row.id);
      }
    }
    for (auto& cell : cells_) {
      if (!cell.has_intervention()) {
        continue;
      }
      const auto found = controls.find(key(cell, cell.row.vector));
      if (!cell.is_random() && found != controls.end()) {
        cell.control = found->second;
      }
    }
  }

  std::vector<SweepCell> take() { return std::move(cells_); }

 private:
  const SweepSettings& settings_;
  const SweepSize& size_;
  std::int64_t next_id_;
  std::vector<SweepCell> cells_;
};

void add_select_cells(GridMaker& grid, const Lines& lines,
                      const SweepSettings& settings, const SweepSize& size) {
  const std::int64_t select =
      limited(settings.select_questions, size.num_select);
  for (const auto& vector : size.vectors) {
    grid.add_vector(lines.fixed, vector, "select", select);
  }
}

}  // namespace

std::int64_t SweepCell::layer() const {
  std::int64_t layer = -1;
  const char* end = row.layers.data() + row.layers.size();
  const auto [rest, error] = std::from_chars(row.layers.data(), end, layer);
  return error == std::errc() && rest == end ? layer : -1;
}

double SweepCell::signed_scale() const {
  return row.operation == "subtract" ? -row.scale : row.scale;
}

std::vector<SweepCell> searched_cells(const SweepSettings& settings,
                                      const SweepSize& size) {
  GridMaker grid(settings, size, 0);
  add_select_cells(grid, lines_of(settings), settings, size);
  return grid.take();
}

std::vector<SweepCell> sweep_grid(const SweepSettings& settings,
                                  const SweepSize& size) {
  GridMaker grid(settings, size, 0);
  const auto lines = lines_of(settings);
  const std::int64_t test = limited(settings.questions, size.num_test);
  const std::int64_t best = limited(settings.best_questions, size.num_test);
  for (const auto& model : settings.models) {
    grid.add_unsteered(model, "test", std::max(test, best));
    // All of them: they say what unsteered text looks like.
    grid.add_unsteered(model, "select", size.num_select);
  }
  if (settings.search == "grid") {
    for (const auto& vector : size.vectors) {
      grid.add_vector(lines.fixed, vector, "test", test);
    }
    for (std::int64_t i = 1; i <= settings.random_vectors; ++i) {
      grid.add_vector(lines.fixed, random_name(i), "test", test);
      for (const auto& vector : size.vectors) {
        grid.add_vector(lines.fixed, name_in_place(random_name(i), vector),
                        "test", test);
      }
    }
    add_select_cells(grid, lines, settings, size);
  }
  const std::int64_t control =
      limited(settings.control_questions, std::max(test, best));
  if (settings.ceiling) {
    grid.add_ceilings(control);
  }
  if (settings.system_prompts) {
    grid.add_system_prompts(best);
  }
  grid.add_adapter_dial(limited(settings.select_questions, size.num_select));
  grid.link_controls();
  return grid.take();
}

std::vector<SweepCell> chosen_layer_cells(const SweepSettings& settings,
                                          const SweepSize& size,
                                          const std::string& vector,
                                          const std::string& model,
                                          const std::string& layers,
                                          std::int64_t first_id) {
  GridMaker grid(settings, size, first_id);
  const std::int64_t select =
      limited(settings.select_questions, size.num_select);
  for (const auto& line : lines_of(settings).waiting) {
    if (holds(line.vectors.empty() ? size.vectors : line.vectors, vector)) {
      grid.add_line(line, vector, {layers}, model, "select", select);
    }
  }
  return grid.take();
}

std::vector<std::string> grid_mixtures(const SweepSettings& settings,
                                       const SweepSize& size) {
  std::vector<std::string> names;
  for (const auto& line : lines_of(settings).waiting) {
    for (const auto& name : line.vectors) {
      if (!holds(size.vectors, name) && !holds(names, name)) {
        names.push_back(name);
      }
    }
  }
  return names;
}

std::vector<std::int64_t> example_layers(const ReportSettings& settings,
                                         std::int64_t num_layers) {
  std::set<std::int64_t> layers;
  for (const auto& text : settings.example_layers) {
    const auto choice = parse_layer_choice(text, num_layers);
    if (choice.mode != LayerMode::kSet || choice.layers.size() != 1) {
      fail("sweep", fmt::format("report.example_layers holds \"{}\"", text),
           "single layers such as 3 or depth:0.54");
    }
    layers.insert(choice.layers.front());
  }
  for (std::int64_t i = 1; settings.example_layers.empty() && i <= 4; ++i) {
    layers.insert(std::min(num_layers - 1, i * num_layers / 5));
  }
  return {layers.begin(), layers.end()};
}

SweepCell confirming_cell(const SweepCell& cell, std::int64_t id,
                          const std::string& vector, std::int64_t num_questions,
                          std::int64_t first_question) {
  SweepCell copy = select_cell_with(cell, id, vector);
  copy.row.split = "test";
  copy.first_question = first_question;
  copy.num_questions = num_questions;
  copy.confirms = cell.row.id;
  copy.row.configuration = configuration_text(copy);
  return copy;
}

SweepCell select_cell_with(const SweepCell& cell, std::int64_t id,
                           const std::string& vector) {
  SweepCell copy = cell;
  copy.row.id = id;
  copy.row.vector = vector;
  copy.row.family = vector_family(vector);
  copy.control = -1;
  copy.row.configuration = configuration_text(copy);
  return copy;
}

std::vector<std::int64_t> question_windows(std::int64_t total,
                                           std::int64_t size) {
  const std::int64_t count = (total + size - 1) / size;
  std::vector<std::int64_t> starts;
  for (std::int64_t i = 0; i < count; ++i) {
    // The last one ends with the last question; they may overlap a little.
    starts.push_back(count == 1 ? 0 : i * (total - size) / (count - 1));
  }
  return starts;
}

SweepCell trial_cell(const SweepCell& cell, std::int64_t id,
                     std::int64_t num_questions) {
  SweepCell copy = cell;
  copy.row.id = id;
  copy.is_trial = num_questions < cell.num_questions;
  copy.num_questions = num_questions;
  copy.row.configuration = configuration_text(copy);
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
