// SPDX-License-Identifier: MIT
//
// Whether a judge that reads can be believed: what it says of answers whose
// label is known, before it says anything about a sweep.
#pragma once

#include <cstdint>
#include <span>

#include "veer/base/json.h"
#include "veer/data/record.h"
#include "veer/metrics/rubric.h"

namespace veer {

struct JudgeCheck {
  ProbeResult probes;  // answers that are neither honest nor deceptive
  // The questions' own reference answers, and how many of each side it called
  // what they are.
  std::int64_t references = 0;
  std::int64_t right_honest = 0;
  std::int64_t right_deceptive = 0;

  // Not without the probes, and not below one half on either side: a judge
  // that says nothing, or always the same, is none.
  bool fit() const {
    return probes.fit() && 2 * right_honest >= references &&
           2 * right_deceptive >= references;
  }
};

// Asks about the probes of the first four of `records` and about both
// references of the first sixteen.
JudgeCheck check_judge(Judge& judge, std::span<const QuestionRecord> records,
                       const Monitor& monitor);

// {"probes": {"passed", "of", "failed"}, "references": {"of", "honest",
// "deceptive"}, "fit"}
Json judge_check_json(const JudgeCheck& check);
Json probes_json(const ProbeResult& probes);

}  // namespace veer
