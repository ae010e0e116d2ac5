// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

namespace veer {

// How the learning rate moves over a run of `total` steps.
struct ScheduleOptions {
  // "constant", "linear" or "cosine", after the warm-up.
  std::string kind = "linear";
  // Steps over which the rate rises from 0; step s (from 0) has the share
  // (s + 1) / warmup_steps, so no step is wasted at rate 0.
  std::int64_t warmup_steps = 5;
  // Share of the learning rate at the end (linear, cosine).
  double final_share = 0.0;

  template <class Self, class Visitor>
  static void visit(Self& self, Visitor&& field) {
    field("kind", self.kind, "constant, linear or cosine");
    field("warmup_steps", self.warmup_steps, "steps of rising rate");
    field("final_share", self.final_share, "share of the rate at the end");
  }
};

// The share of the learning rate at step s in [0, total). After the warm-up of
// W steps, with t = (s - W) / (total - W):
//   linear   1 - (1 - final) t
//   cosine   final + (1 - final) (1 + cos(pi t)) / 2
// Throws Error on an unknown kind or a negative number.
double schedule_share(const ScheduleOptions& options, std::int64_t step,
                      std::int64_t total);

}  // namespace veer
