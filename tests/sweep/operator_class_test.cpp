// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/interventions/operators.h"
#include "veer/sweep/choice.h"

namespace veer {
namespace {

// Class means, covariances, subspaces and maps are fitted on the rows: what
// such an edit does is no evidence for the direction.
TEST(OperatorClass, WhatIsFittedOnTheClassesIsLearned) {
  for (const char* name : {"low_rank", "ablate_subspace", "affine", "leace",
                           "set_honest", "set_deceptive", "patch_subspace"}) {
    EXPECT_EQ(operator_class(name), "learned") << name;
  }
  for (const char* name : {"ablate", "set", "cap", "floor"}) {
    EXPECT_EQ(operator_class(name), "projection") << name;
  }
  EXPECT_EQ(operator_class("add"), "linear");
  EXPECT_EQ(operator_class("subtract"), "linear");
  EXPECT_EQ(operator_class("slerp"), "nonlinear");
}

TEST(OperatorClass, EveryOperatorHasOneOfThem) {
  for (const auto& row : operator_table()) {
    EXPECT_THAT(kOperatorClasses,
                testing::Contains(operator_class(std::string(row.name))))
        << row.name;
  }
}

}  // namespace
}  // namespace veer
