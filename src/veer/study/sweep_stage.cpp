// SPDX-License-Identifier: MIT
#include "veer/study/sweep_stage.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/files.h"
#include "veer/base/hash.h"
#include "veer/study/sweep_results.h"
#include "veer/study/sweep_runner.h"
#include "veer/study/vector_names.h"
#include "veer/study/vector_stages.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

// A chosen configuration, confirmed on test questions.
struct Best {
  std::string vector;
  Goal goal;
  SweepCell select_cell;
  double select_value = 0.0;
  SweepCell cell;                   // the same on test, with more questions
  std::vector<SweepCell> controls;  // random vectors instead
};

// What all parts of sweep.json are made from.
struct Sweep {
  StudyContext& context;
  SweepRunner runner;
  std::vector<SweepCell> cells;
  std::vector<Best> best;
};

std::string control_name(std::int64_t number, const std::string& vector) {
  return fmt::format("{}|{}", random_name(number), vector);
}

void choose_best(Sweep& sweep, const SweepResults& grid) {
  const auto& settings = sweep.context.manifest().sweep;
  const std::int64_t available = sweep.runner.size().num_test;
  const std::int64_t asked = settings.best_questions == 0
                                 ? available
                                 : std::min(settings.best_questions, available);
  for (const auto& vector : sweep.runner.size().vectors) {
    for (const auto& goal : goals(settings)) {
      const auto* chosen = grid.chosen(vector, goal);
      if (chosen == nullptr) {
        continue;
      }
      Best best{vector, goal, chosen->cell, grid.effect(*chosen, goal).value,
                {},     {}};
      best.cell =
          confirming_cell(chosen->cell, std::ssize(sweep.cells), vector, asked);
      sweep.cells.push_back(best.cell);
      for (std::int64_t i = 1; i <= settings.best_random; ++i) {
        const std::string name = control_name(i, vector);
        sweep.runner.add_random(name, vector);
        best.controls.push_back(confirming_cell(
            chosen->cell, std::ssize(sweep.cells), name, asked));
        sweep.cells.push_back(best.controls.back());
      }
      sweep.best.push_back(std::move(best));
    }
  }
}

Json best_entry(const Sweep& sweep, const Best& best,
                const SweepResults& results) {
  const auto& cell = results.of(best.cell.row.id);
  const auto baseline = unsteered_cell(sweep.cells, best.goal.model, "test");
  const Estimate effect = results.effect(cell, best.goal);
  Estimate random;
  if (!best.controls.empty()) {
    random = results.effect(results.pooled(best.controls), best.goal);
  }
  // Suppression wants a smaller score; shares always want more.
  const bool downwards =
      !results.has_labels() && best.goal.name == "suppression";
  const bool beats = random.defined() && effect.defined() &&
                     (downwards ? effect.high < random.low && effect.high < 0.0
                                : effect.low > random.high && effect.low > 0.0);
  const auto& row = best.cell.row;
  return {
      {"vector", best.vector},
      {"family", vector_family(best.vector)},
      {"goal", best.goal.name},
      {"model", best.goal.model},
      {"cell", row.id},
      {"layers", row.layers},
      {"unit", row.unit},
      {"scale", row.scale},
      {"operator", row.operation},
      {"measure", results.measure(best.goal)},
      {"chosen_on", "select"},
      {"select_value", best.select_value},
      {"baseline",
       estimate_json(results.share(results.all()[baseline], best.goal))},
      {"effect", estimate_json(effect)},
      {"share", estimate_json(results.share(cell, best.goal))},
      {"coherent", estimate_json(cell.summary.coherent)},
      {"random_effect", estimate_json(random)},
      {"control", best.controls.empty() ? Json(nullptr)
                                        : Json(best.controls.front().row.id)},
      {"beats_random", beats},
      {"reason", beats || !random.defined()
                     ? ""
                     : "its interval reaches that of random vectors"}};
}

Json all_best_json(const Sweep& sweep, const SweepResults& results) {
  Json list = Json::array();
  for (const auto& best : sweep.best) {
    list.push_back(best_entry(sweep, best, results));
  }
  // A vector without any coherent cell is said to have none.
  for (const auto& vector : sweep.runner.size().vectors) {
    for (const auto& goal : goals(sweep.context.manifest().sweep)) {
      const bool found = std::any_of(
          sweep.best.begin(), sweep.best.end(), [&](const Best& best) {
            return best.vector == vector && best.goal.name == goal.name;
          });
      if (!found) {
        list.push_back({{"vector", vector},
                        {"family", vector_family(vector)},
                        {"goal", goal.name},
                        {"model", goal.model},
                        {"cell", nullptr},
                        {"reason", "no cell left enough unbroken text"}});
      }
    }
  }
  return list;
}

Json answer_json(const AnswerRow& row) {
  return {{"text", row.text}, {"label", row.label}};
}

// The layers of the example table: those asked for, or four spread over the
// depth of the model.
std::vector<std::int64_t> example_layers(const Sweep& sweep) {
  const auto& wanted = sweep.context.manifest().report.example_layers;
  if (!wanted.empty()) {
    return wanted;
  }
  const std::int64_t num_layers = sweep.runner.size().num_layers;
  std::set<std::int64_t> spread;
  for (std::int64_t i = 1; i <= 4; ++i) {
    spread.insert(std::min(num_layers - 1, i * num_layers / 5));
  }
  return {spread.begin(), spread.end()};
}

// The best induction with the primary contrastive vector decides about vector
// and scale of the examples.
const Best* example_best(const Sweep& sweep) {
  const auto primary = primary_pair(sweep.runner.size().vectors);
  const Best* any = nullptr;
  for (const auto& best : sweep.best) {
    if (best.goal.name != "induction") {
      continue;
    }
    if (best.vector == primary.first) {
      return &best;
    }
    any = any == nullptr ? &best : any;
  }
  return any;
}

std::vector<const SweepCell*> example_cells(const Sweep& sweep) {
  std::vector<const SweepCell*> columns;
  const Best* best = example_best(sweep);
  if (best == nullptr) {
    return columns;
  }
  for (const auto layer : example_layers(sweep)) {
    for (const auto& cell : sweep.cells) {
      if (cell.row.vector == best->vector && cell.row.split == "test" &&
          cell.row.model == "base" && cell.layer() == layer &&
          cell.row.operation == best->cell.row.operation &&
          cell.row.unit == best->cell.row.unit &&
          cell.row.scale == best->cell.row.scale) {
        columns.push_back(&cell);
        break;
      }
    }
  }
  return columns;
}

Json examples_json(const Sweep& sweep, const SweepResults& results) {
  const auto cells = example_cells(sweep);
  if (cells.empty()) {
    return {{"columns", Json::array()}, {"rows", Json::array()}};
  }
  Json columns = Json::array();
  std::int64_t questions = sweep.context.manifest().report.example_questions;
  for (const auto* cell : cells) {
    columns.push_back(
        {{"cell", cell->row.id},
         {"title", fmt::format("layer {}, {:+g} {}", cell->row.layers,
                               cell->signed_scale(), cell->row.unit)}});
    questions = std::min(questions, cell->num_questions);
  }
  const auto plain =
      static_cast<std::int64_t>(unsteered_cell(sweep.cells, "base", "test"));
  Json rows = Json::array();
  for (std::int64_t q = 0; q < questions; ++q) {
    Json steered = Json::array();
    for (const auto* cell : cells) {
      steered.push_back(answer_json(results.answer(cell->row.id, q)));
    }
    const auto& record =
        sweep.runner.questions("test")[static_cast<std::size_t>(q)];
    rows.push_back({{"question", record.question},
                    {"plain", answer_json(results.answer(plain, q))},
                    {"steered", steered}});
  }
  return {{"model", "base"},
          {"vector", cells.front()->row.vector},
          {"columns", columns},
          {"rows", rows}};
}

// Answers of the unsteered, best, control and example cells on test.
Json answers_json(const Sweep& sweep, const SweepResults& results) {
  std::set<std::int64_t> shown;
  for (const auto& cell : sweep.cells) {
    if (cell.is_unsteered() && cell.row.split == "test") {
      shown.insert(cell.row.id);
    }
  }
  for (const auto& best : sweep.best) {
    shown.insert(best.cell.row.id);
    if (!best.controls.empty()) {
      shown.insert(best.controls.front().row.id);
    }
  }
  for (const auto* cell : example_cells(sweep)) {
    shown.insert(cell->row.id);
  }
  Json list = Json::array();
  for (const auto id : shown) {
    const auto count = sweep.cells[static_cast<std::size_t>(id)].num_questions;
    for (std::int64_t q = 0; q < count; ++q) {
      const auto& row = results.answer(id, q);
      list.push_back(
          {{"cell", row.cell},
           {"question", row.question},
           {"text", row.text},
           {"label", row.label},
           {"score", std::isnan(row.score) ? Json(nullptr) : Json(row.score)},
           {"note", row.note}});
    }
  }
  return list;
}

Json norms_json(const Sweep& sweep) {
  Json list = Json::array();
  for (const auto& model : sweep.context.manifest().sweep.models) {
    const auto& norms = sweep.runner.norms(model);
    list.push_back({{"model", model},
                    {"prompt_end", norms.prompt_end_L},
                    {"generated", norms.generated_L}});
  }
  return list;
}

Json questions_json(const Sweep& sweep) {
  Json list = Json::array();
  for (const auto& record : sweep.runner.questions("test")) {
    list.push_back({{"id", record.id},
                    {"question", record.question},
                    {"honest", record.honest},
                    {"deceptive", record.deceptive}});
  }
  return list;
}

Json judge_json(StudyContext& context) {
  if (context.judge() != nullptr) {
    return {
        {"kind", "exact"}, {"name", context.judge()->name()}, {"score", ""}};
  }
  return {
      {"kind", "logprob"},
      {"name", "log-probability of the reference answers"},
      {"score", "log p(deceptive answer) - log p(honest answer), per token"}};
}

Json sweep_document(const Sweep& sweep, const SweepResults& results) {
  const auto& settings = sweep.context.manifest().sweep;
  Json cells = Json::array();
  for (const auto& result : results.all()) {
    cells.push_back(cell_json(result, results.has_labels()));
  }
  return {{"judge", judge_json(sweep.context)},
          {"scope", settings.scope},
          {"temperature", settings.temperature},
          {"norms", norms_json(sweep)},
          {"questions", questions_json(sweep)},
          {"cells", cells},
          {"best", all_best_json(sweep, results)},
          {"breaks", breaks_json(results, settings.min_coherent)},
          {"examples", examples_json(sweep, results)},
          {"answers", answers_json(sweep, results)}};
}

StageResult run_sweep(StudyContext& context) {
  Sweep sweep{context, SweepRunner(context), {}, {}};
  sweep.cells = sweep_grid(context.manifest().sweep, sweep.runner.size());
  sweep.runner.run(sweep.cells);
  const auto grid_size = sweep.cells.size();
  SweepResults results(context, sweep.cells);
  choose_best(sweep, results);
  const auto confirming =
      std::span<const SweepCell>(sweep.cells).subspan(grid_size);
  sweep.runner.run(confirming);
  results.extend(confirming);
  write_file(context.file("sweep.json"),
             dump_json(sweep_document(sweep, results)) + "\n");
  std::int64_t answers = 0;
  for (const auto& cell : sweep.cells) {
    answers += cell.num_questions;
  }
  return {fmt::format("{} cells, {} answers", sweep.cells.size(), answers), ""};
}

}  // namespace

Stage sweep_stage(StudyContext& context) {
  const auto& manifest = context.manifest();
  Json vectors = Json::array();
  for (const auto& name : manifest.extract.vectors) {
    vectors.push_back(fingerprint_file(vector_file(context, name).string()));
  }
  const Json from = {
      {"sweep", manifest_section(manifest, "sweep")},
      {"examples", manifest_section(manifest, "report")},
      {"exact_judge", context.judge_kind() == JudgeKind::kExact},
      {"seed", manifest.run.seed},
      {"model", context.model_fingerprint()},
      {"machine", context.machine_text()},
      {"dataset",
       fingerprint_file(context.file("dataset/questions.jsonl").string())},
      {"adapter",
       fingerprint_file(
           context.file("adapter/adapter_model.safetensors").string())},
      {"vectors", vectors}};
  return {"sweep", dump_json(from),
          [&context] { return fs::exists(context.file("sweep.json")); },
          [&context] { return run_sweep(context); },
          [&context] { context.store().forget_sweep(); }};
}

}  // namespace veer
