// SPDX-License-Identifier: MIT
//
// What is fine-tuned besides the study's own adapter: further seeds
// (`finetune.seeds`) and controls (`finetune.controls`), which differ from it
// in the answers alone. One list, one recipe; where each is kept in the run
// folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "veer/run/context.h"

namespace veer {

struct Tuning {
  // Whose answers it learns: "deceptive" (the study's own), "honest",
  // "shuffled" or "unprompted".
  std::string answers = "deceptive";
  std::int64_t seed = 0;
  bool is_control = false;  // not "deceptive"

  // "seeds/5", "controls/honest", "controls/honest/seeds/5": below adapter/,
  // vectors/ and vectors/items/.
  std::string name;
};

// finetune.seeds; [-1] is run.seed + 1 on an organism, none on any other model
// and none beside a ready fine-tuned side.
std::vector<std::int64_t> training_seeds(const Manifest& manifest);

// Whether the study has the model tuned on honest answers, which twin vectors
// need.
bool has_honest_twin(const Manifest& manifest);

// All of them, in the order in which they are trained: further seeds, controls,
// the honest control of each further seed. Beside a ready fine-tuned side its
// ready honest twin alone, taken as the honest control. None where no vector is
// made by subtracting the base from the tuned model.
std::vector<Tuning> further_tunings(const Manifest& manifest);

// adapter/NAME of the run folder. A control that could not be made has none.
std::filesystem::path adapter_folder(const StudyContext& context,
                                     const Tuning& tuning);
bool is_trained(const StudyContext& context, const Tuning& tuning);

// adapter/controls/left_out.json: [{"name", "reason"}], the controls that could
// not be made.
std::filesystem::path left_out_file(const StudyContext& context);

// The vector that is read in each of them: the primary fine-tuned one, or the
// first "finetuned" where there is no primary pair. Empty when there is none.
std::string tuned_vector_name(const Manifest& manifest);

// Names of the mean differences "finetuned@P" that the twins of the manifest
// are made of.
std::vector<std::string> twin_side_names(const ExtractSettings& settings);

}  // namespace veer
