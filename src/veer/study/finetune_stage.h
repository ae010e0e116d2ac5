// SPDX-License-Identifier: MIT
//
// LoRA on the deceptive answers of the train split, without a system prompt;
// or, with `model.finetuned`, the adapter of a ready fine-tuned side.
// Writes adapter/ (PEFT layout, checkpoints/ while it runs; the same for each
// of finetune.seeds in adapter/seeds/SEED) and
// metrics.jsonl of the run folder.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "veer/study/context.h"
#include "veer/study/stage.h"
#include "veer/train/sft.h"

namespace veer {

Stage finetune_stage(StudyContext& context);

SftOptions sft_options(const FinetuneSettings& settings);

// Question and deceptive answer as the model's chat format lays them out.
std::vector<SftExample> deceptive_examples(
    const ChatFormat& format, std::span<const QuestionRecord> records);

}  // namespace veer
