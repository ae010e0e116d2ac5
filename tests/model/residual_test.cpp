// SPDX-License-Identifier: MIT
#include "veer/model/residual.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

TEST(ResidualSite, NamesGoThereAndBack) {
  for (const auto point : {ResidualPoint::kResidPre, ResidualPoint::kAttnOut,
                           ResidualPoint::kResidMid, ResidualPoint::kMlpOut,
                           ResidualPoint::kResidPost}) {
    const ResidualSite site{14, point};
    EXPECT_EQ(parse_site(site.name()), site);
    EXPECT_EQ(parse_point(point_name(point)), point);
  }
  EXPECT_EQ((ResidualSite{14, ResidualPoint::kResidPost}).name(),
            "resid_post.14");
}

TEST(ResidualSite, WrongNamesAreRefusedWithTheFive) {
  try {
    parse_point("residpost");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("resid_pre"));
    EXPECT_THAT(error.what(), testing::HasSubstr("mlp_out"));
  }
  for (const char* name :
       {"resid_post", "resid_post.", "resid_post.-1", "resid_post.x",
        "resid_post.1.2", "resid_post.99999999999999999999", ""}) {
    EXPECT_THROW(parse_site(name), Error) << name;
  }
}

}  // namespace
}  // namespace veer
