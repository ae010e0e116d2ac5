// SPDX-License-Identifier: MIT
#include "veer/study/early_checks.h"

#include <algorithm>
#include <string>
#include <system_error>

#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/gguf/model_text.h"
#include "veer/model/config.h"
#include "veer/run/finetuned_source.h"
#include "veer/settings/intervention_text.h"
#include "veer/study/study.h"
#include "veer/sweep/grid.h"

namespace veer {

namespace fs = std::filesystem;

void require_store(const fs::path& folder, bool redo) {
  std::error_code ec;
  const auto store = folder / "run.sqlite";
  if (redo || (fs::exists(store, ec) && fs::file_size(store, ec) > 0)) {
    return;
  }
  for (const char* name : {"dataset/questions.jsonl", "comparison.json",
                           "sweep.json", "hypotheses.json"}) {
    if (fs::exists(folder / name, ec)) {
      fail("open run folder",
           fmt::format("{} is there and {} is {}", (folder / name).string(),
                       store.string(), fs::exists(store, ec) ? "empty" : "not"),
           "the whole run folder, another --out, or --redo to make the study "
           "anew over these results",
           "a copy of some of the files of a run");
    }
  }
}

void require_two_models(const ModelSettings& model) {
  if (!model.finetuned_honest.empty() &&
      finetuned_fingerprint(model.finetuned) ==
          finetuned_fingerprint(model.finetuned_honest)) {
    fail("check settings",
         fmt::format("model.finetuned {} and model.finetuned_honest {} hold "
                     "the same weights",
                     model.finetuned, model.finetuned_honest),
         "the model that was tuned on honest answers",
         "one folder named twice");
  }
}

void require_layers(const Manifest& manifest, const fs::path& folder,
                    const std::string& last_stage) {
  const ModelText config = read_config_text(folder);
  SweepSize size;
  size.num_layers = parse_model_config(config.text, config.origin).num_layers;
  size.num_test = 1;
  size.num_select = 1;
  size.vectors = manifest.sweep.vectors.empty() ? manifest.extract.vectors
                                                : manifest.sweep.vectors;
  parse_layers(manifest.extract.layers, size.num_layers, "extract.layers");
  const auto& stages = stage_names();
  const bool sweeps = std::ranges::find(stages, last_stage) >=
                      std::ranges::find(stages, "sweep");
  if (!sweeps) {
    return;
  }
  example_layers(manifest.report, size.num_layers);
  if (!size.vectors.empty()) {
    // Made as the sweep will make it, and thrown away.
    sweep_grid(manifest.sweep, size);
  }
}

}  // namespace veer
