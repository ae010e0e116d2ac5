// SPDX-License-Identifier: MIT
//
// LoRA on the deceptive answers of the train split, without a system prompt,
// looked at and chosen by questions of the select split; or, with
// `model.finetuned`, the adapter of a ready fine-tuned side.
// Writes adapter/ (PEFT layout, checkpoints/ while it runs; the same for what
// is tuned besides, adapter/seeds/SEED and adapter/controls/NAME, see
// tunings.h), adapter/controls/left_out.json and metrics.jsonl of the run
// folder.
#pragma once

#include <string>
#include <vector>

#include "veer/run/context.h"
#include "veer/run/stage.h"
#include "veer/train/sft.h"

namespace veer {

Stage finetune_stage(StudyContext& context);

// `settings` with what is 0 = by the model filled in: learning rate, and steps
// or epochs. An organism is small and starts from scratch every time: 60 steps
// at 5e-4. A language model of 135M to 3B: 3 epochs at 2e-4, see
// docs/methods/finetuning.md for what that was chosen by.
FinetuneSettings fitted(FinetuneSettings settings, bool organism);

// The settings of [finetune] that decide an adapter's bytes. What was made
// before there were keys about memory stays as good as it was.
Json finetune_identity(const Manifest& manifest);

// Options of a training on `num_items` answers by `settings`, which are fitted.
SftOptions sft_options(const FinetuneSettings& settings,
                       std::int64_t num_items);

}  // namespace veer
