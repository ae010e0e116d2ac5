// SPDX-License-Identifier: MIT
//
// Does training move the end of the prompt along the contrastive direction as
// the answers turn deceptive? One number per kept training step (H21).
#pragma once

#include <cstdint>
#include <map>
#include <span>

#include "veer/base/json.h"
#include "veer/run/context.h"
#include "veer/vectors/steering_vector.h"

namespace veer {

// Share of deceptive answers on select questions by training step, as the
// fine-tuning wrote it to metrics.jsonl; empty where the judge gives no labels
// or the adapter came ready made.
std::map<std::int64_t, double> deceptive_by_step(const StudyContext& context);

// {"step", "deceptive", "along": {NAME: number}}: u.m / |resid|, u the unit
// direction of each of `directions`, m the tuned minus base displacement
// `moved` and |resid| the base model's norm at the end of the prompt, mean over
// the layers where u exists.
Json tendency_point(std::int64_t step, double deceptive,
                    const SteeringVector& moved,
                    std::span<const SteeringVector> directions);

}  // namespace veer
