// SPDX-License-Identifier: MIT
#include "veer/study/sweep/stage.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/files.h"
#include "veer/base/hash.h"
#include "veer/model/load.h"
#include "veer/run/tuned_model.h"
#include "veer/study/registration.h"
#include "veer/study/vectors/stages.h"
#include "veer/sweep/analysis/baselines.h"
#include "veer/sweep/analysis/document.h"
#include "veer/sweep/analysis/search.h"
#include "veer/sweep/choice.h"
#include "veer/sweep/proofs.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

// `answered`: there were answers to test questions, which may be gone by now.
StageResult run_sweep(StudyContext& context, bool answered) {
  const bool detects = context.manifest().extract.detection_questions > 0;
  register_claims(context, answered  ? TestRead::kAnswers
                           : detects ? TestRead::kDetection
                                     : TestRead::kNothing);
  const bool is_search = context.manifest().sweep.search == "halving";
  context.has_fit_judge();  // asked first: an unfit one is told of at once
  Sweep sweep{context, SweepRunner(context), {}, {}, {}, {}, {}, {}, {}};
  sweep.example_layers =
      example_layers(context.manifest().report, sweep.runner.size().num_layers);
  sweep.cells = sweep_grid(context.manifest().sweep, sweep.runner.size());
  sweep.proofs = prove_cells(context, sweep.runner, cells_to_prove(sweep));
  sweep.runner.run(sweep.cells);
  SweepResults results(context, sweep.cells);
  if (is_search) {
    search_cells(sweep, results,
                 searched_cells(context.manifest().sweep, sweep.runner.size()));
  }
  measure_prices(sweep);
  auto waiting = chosen_layer_cells(sweep, results);
  if (is_search) {
    search_cells(sweep, results, std::move(waiting));
  } else {
    add_cells(sweep, results, std::move(waiting));
  }
  add_cells(sweep, results, random_search_cells(sweep));
  measure_prices(sweep);
  const auto first = sweep.cells.size();
  choose_best(sweep, results);
  choose_baselines(sweep, results);
  run_from(sweep, first, results);
  write_file(context.file("sweep.json"),
             dump_json(sweep_document(sweep, results)) + "\n");
  std::int64_t answers = 0;
  for (const auto& cell : sweep.cells) {
    answers += cell.num_questions;
  }
  const std::string searched = is_search
                                   ? fmt::format(", {} configurations searched",
                                                 sweep.search.candidates.size())
                                   : "";
  const auto lost = results.not_finite();
  const std::string not_finite =
      lost > 0 ? fmt::format("; {} answers were not finite in {}", lost,
                             dtype_name(context.model().dtype()))
               : "";
  return {
      fmt::format("{} cells, {} answers{}; {} kinds of intervention proved{}",
                  sweep.cells.size(), answers, searched, sweep.proofs.size(),
                  not_finite),
      ""};
}

}  // namespace

Stage sweep_stage(StudyContext& context) {
  const auto& manifest = context.manifest();
  Json vectors = Json::array();
  for (const auto& name : manifest.extract.vectors) {
    vectors.push_back(fingerprint_file(vector_file(context, name).string()));
  }
  Json examples = manifest_section(manifest, "report");
  examples["title"] = "";  // no part of what the sweep does
  Json from = {
      {"sweep", manifest_section(manifest, "sweep")},
      {"examples", examples},
      {"judge", context.judge_text()},
      {"seed", manifest.run.seed},
      {"model", context.model_fingerprint()},
      {"machine", context.machine_text()},
      {"dataset",
       fingerprint_file(context.file("dataset/questions.jsonl").string())},
      {"vectors", vectors}};
  if (needs_tuned(manifest, "sweep")) {
    from["adapter"] = fingerprint_file(
        context.file("adapter/adapter_model.safetensors").string());
  }
  return {"sweep",
          dump_json(from),
          [&context] { return fs::exists(context.file("sweep.json")); },
          [&context, answered = has_test_answers(context)] {
            return run_sweep(context, answered);
          },
          [&context] {
            context.store().forget_sweep();
            fs::remove(context.file("judges.json"));  // of its answers
          },
          [&context] { return has_test_answers(context); },
          /*keeps_drafts=*/false,
          /*documents=*/{"sweep.json"}};
}

}  // namespace veer
