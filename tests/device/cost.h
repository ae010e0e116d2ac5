// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <ostream>

#include <gtest/gtest.h>

#include "device/fake/counts.h"
#include "device/fake/memory.h"

namespace veer::testing {

// What the device was asked for.
struct Cost {
  std::int64_t launches = 0;
  std::int64_t waits = 0;
  std::int64_t peak_kb = 0;  // above what lay there before
};

inline std::ostream& operator<<(std::ostream& out, const Cost& cost) {
  return out << "{" << cost.launches << ", " << cost.waits << ", "
             << cost.peak_kb << "}";
}

inline Cost cost_of(const std::function<void()>& work) {
  const auto before = static_cast<std::int64_t>(fake::memory().used());
  fake::reset_counts();
  work();
  const auto counts = fake::counts();
  return {counts.launches, counts.waits, (counts.peak_bytes - before) >> 10};
}

// What `more` steps cost beyond those of `fewer`; the peak is that of `more`.
inline Cost between(const Cost& fewer, const Cost& more) {
  return {more.launches - fewer.launches, more.waits - fewer.waits,
          more.peak_kb};
}

inline void expect_within(const Cost& cost, const Cost& budget) {
  EXPECT_LE(cost.launches, budget.launches);
  EXPECT_LE(cost.waits, budget.waits);
  EXPECT_LE(cost.peak_kb, budget.peak_kb);
  // A budget that is not used up holds nothing.
  EXPECT_GE(cost.launches * 10, budget.launches * 9) << cost;
  EXPECT_GE(cost.waits * 10, budget.waits * 9) << cost;
  EXPECT_GE(cost.peak_kb * 10, budget.peak_kb * 9) << cost;
}

}  // namespace veer::testing
