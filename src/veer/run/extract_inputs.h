// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <string>
#include <vector>

#include "veer/run/context.h"
#include "veer/vectors/extract.h"

namespace veer {

// The vectors of [extract]: `vectors`, then each of them by each of
// `methods`. Fixed directions are not among them.
// Throws Error on a name that cannot be made.
std::vector<VectorSpec> manifest_specs(const ExtractSettings& settings);

// Names of all vectors of the manifest in order, fixed directions included.
std::vector<std::string> vector_names(const ExtractSettings& settings);

// A direction without rows of questions: "adapter", "adapter:o_proj",
// "adapter:down_proj" (what fine-tuning wrote), "bipo", "reft_r1"
// (trained).
bool is_fixed_direction(const std::string& name);

// Confound vectors at every position of `specs` at which they are not zero by
// construction.
std::vector<VectorSpec> confound_specs(std::span<const VectorSpec> specs);

// Questions of the extract split with what `specs` need: the tuned model's
// own answers and second honest ones are generated, unrelated texts added (to
// as many items as there are texts, each once).
std::vector<ExtractItem> extract_items(StudyContext& context,
                                       std::span<const VectorSpec> specs);

// Takes out the confounds that too few items have the texts for (a copy of the
// first honest answer is no second one), and returns their names: the study
// goes on without them.
std::vector<std::string> drop_unmakeable(std::vector<VectorSpec>& confounds,
                                         std::span<const ExtractItem> items);

ExtractOptions extract_options(const Manifest& manifest,
                               std::int64_t num_layers);
// The same for a run: rows that memory has no room for lie in its folder.
ExtractOptions extract_options(StudyContext& context);

}  // namespace veer
