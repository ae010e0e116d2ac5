// SPDX-License-Identifier: MIT
//
// Continuous batched decoding. Any mixture of prompts, interventions, adapter
// strengths and sampling settings runs as rows of one batch; a finished row's
// slot is refilled by the next request, identical prompts that no
// intervention touches are prefilled once and forked. A text does not depend
// on the batch it ran in (on a card but for rounding, see docs/devices.md).
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "veer/base/progress.h"
#include "veer/generation/request.h"
#include "veer/interventions/table.h"
#include "veer/model/transformer.h"

namespace veer {

// Called with finished texts in the order in which they finished. What was
// handed over counts as done: an interrupted run need only repeat the rest.
using CompletionSink = std::function<void(std::vector<Completion>)>;

// Continues every request. `table` may be null when no request names a
// configuration.
// Throws Error on an empty prompt, a token outside the vocabulary, a
// configuration out of range, a prompt longer than the model's positions, and
// non-finite logits of a request without a configuration (naming the request
// and the step). A steered one whose logits are not finite ends there, with
// StopReason::kNotFinite; no other text is touched.
GenerationReport generate(const Transformer& model, InterventionTable* table,
                          std::span<const GenerationRequest> requests,
                          const GenerationOptions& options,
                          const CompletionSink& sink,
                          const Monitor& monitor = {});

// The same, returning all completions in the order of the requests.
std::vector<Completion> generate_all(
    const Transformer& model, InterventionTable* table,
    std::span<const GenerationRequest> requests,
    const GenerationOptions& options, const Monitor& monitor = {});

}  // namespace veer
