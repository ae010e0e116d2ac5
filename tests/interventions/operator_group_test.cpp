// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/interventions/operators.h"

namespace veer {
namespace {

// Class means, covariances, subspaces and maps are fitted on the rows: what
// such an edit does is no evidence for the direction.
TEST(OperatorGroup, WhatIsFittedOnTheClassesIsLearned) {
  for (const char* name : {"low_rank", "ablate_subspace", "affine", "leace",
                           "set_honest", "set_deceptive", "patch_subspace"}) {
    EXPECT_EQ(operator_group(name), "learned") << name;
  }
  for (const char* name : {"ablate", "set", "cap", "floor"}) {
    EXPECT_EQ(operator_group(name), "projection") << name;
  }
  EXPECT_EQ(operator_group("add"), "linear");
  EXPECT_EQ(operator_group("subtract"), "linear");
  EXPECT_EQ(operator_group("slerp"), "nonlinear");
}

TEST(OperatorGroup, EveryOperatorHasOneOfThem) {
  for (const auto& row : operator_table()) {
    EXPECT_THAT(kOperatorGroups,
                testing::Contains(operator_group(std::string(row.name))))
        << row.name;
  }
}

}  // namespace
}  // namespace veer
