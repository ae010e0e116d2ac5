// SPDX-License-Identifier: MIT
//
// `model.finetuned`: a fine-tuned side that somebody else has trained, and
// `model.finetuned_honest`, its twin on honest answers. A
// PEFT adapter is taken as it is. Of a full checkpoint the best adapter of
// `finetune.rank` is taken (truncated singular value decomposition of the
// change), so that base and tuned model stay one object; how much of the
// change that holds is reported, never assumed.
#pragma once

#include <filesystem>
#include <string>

#include "veer/run/context.h"
#include "veer/run/stage.h"

namespace veer {

enum class FinetunedKind { kAdapter, kCheckpoint };

// The folders of this page may be org/name in the Hugging Face cache.
// Throws Error{kBadInput} if the folder is neither.
FinetunedKind finetuned_kind(const std::filesystem::path& folder);

// Of the folder's weights and configuration, for the stage's fingerprint.
std::string finetuned_fingerprint(const std::filesystem::path& folder);

// Writes adapter/ and adapter/origin.json of the run folder, and the same in
// adapter/controls/honest where there is a twin that a vector asks for (layout:
// docs/formats/run_folder.md). Throws Error{kBadInput} if the folder does not
// fit the study's model or does not differ from it.
StageResult import_finetuned(StudyContext& context);

}  // namespace veer
