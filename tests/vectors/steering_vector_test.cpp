// SPDX-License-Identifier: MIT
#include "veer/vectors/steering_vector.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "model/tiny_models.h"
#include "vectors/planted.h"
#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/tensors/safetensors.h"
#include "veer/vectors/vector_rows.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

class SteeringVectorFile : public testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        fs::temp_directory_path() /
        ("veer_vectors_" +
         std::string(
             testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path folder_;
};

SteeringVector example() {
  SteeringVector v;
  v.directions_LD = matrix(3, 2, {3, 4, 0, 0, 1, -1}).to(at::kFloat);
  v.name = "contrastive@prompt_end";
  v.contrast = "contrastive";
  v.method = "mean_diff";
  v.position = "prompt_end";
  v.point = ResidualPoint::kResidMid;
  v.sign = "honest -> deceptive";
  v.model_fingerprint = "abc";
  v.num_items = 12;
  v.residual_norms["base.prompt_end"] = {1.5, 2.5, 3.5};
  v.positive = {{1, 2, 3}, {0.1, 0.2, 0.3}};
  v.facts["why"] = "a test";
  return v;
}

TEST_F(SteeringVectorFile, SurvivesTheFile) {
  const auto v = example();
  write_steering_vector(folder_ / "v.safetensors", v);
  const auto back = read_steering_vector(folder_ / "v.safetensors");
  EXPECT_TRUE(back.directions_LD.equal(v.directions_LD));
  EXPECT_EQ(back.fingerprint(), v.fingerprint());
  EXPECT_EQ(back.point, ResidualPoint::kResidMid);
  EXPECT_EQ(back.residual_norms, v.residual_norms);
  EXPECT_EQ(back.facts.at("why"), "a test");
  EXPECT_DOUBLE_EQ(back.norms()[0], 5.0);
}

TEST_F(SteeringVectorFile, AnyChangeChangesTheFingerprint) {
  const auto v = example();
  auto other = example();
  other.directions_LD[0][0] += 1e-6;
  EXPECT_NE(other.fingerprint(), v.fingerprint());
  other = example();
  other.position = "answer_mean";
  EXPECT_NE(other.fingerprint(), v.fingerprint());
}

TEST_F(SteeringVectorFile, OtherFilesAreRefused) {
  write_safetensors(folder_ / "plain.safetensors",
                    {{"directions", example().directions_LD}});
  EXPECT_THROW(read_steering_vector(folder_ / "plain.safetensors"), Error);
  EXPECT_THROW(read_steering_vector(folder_ / "none.safetensors"), Error);
  write_file(folder_ / "bad.safetensors", "not a tensor");
  EXPECT_THROW(read_steering_vector(folder_ / "bad.safetensors"), Error);
  auto v = example();
  v.residual_norms["base.prompt_end"] = {1.0};
  write_steering_vector(folder_ / "short.safetensors", v);
  EXPECT_THROW(read_steering_vector(folder_ / "short.safetensors"), Error);
  v = example();
  v.directions_LD[0][0] = NAN;
  EXPECT_THROW(write_steering_vector(folder_ / "nan.safetensors", v), Error);
}

TEST_F(SteeringVectorFile, RowsSurviveTheFile) {
  VectorRows rows;
  rows.name = "x";
  rows.site = "resid_post";
  rows.ids = item_ids(2);
  rows.positive = {matrix(2, 2, {1, 2, 3, 4}).to(at::kFloat)};
  rows.negative = {matrix(2, 2, {1, 0, 0, 1}).to(at::kFloat)};
  write_vector_rows(folder_ / "rows.safetensors", rows);
  const auto back = read_vector_rows(folder_ / "rows.safetensors");
  EXPECT_EQ(back.ids, rows.ids);
  EXPECT_TRUE(back.differences(0).equal(matrix(2, 2, {0, 2, 3, 3})));
  EXPECT_THROW(read_steering_vector(folder_ / "rows.safetensors"), Error);
  write_steering_vector(folder_ / "v.safetensors", example());
  EXPECT_THROW(read_vector_rows(folder_ / "v.safetensors"), Error);
}

TEST(RequireFits, HoldsShapeAndFingerprint) {
  const auto model = tiny_model();
  SteeringVector v = example();
  EXPECT_THROW(require_fits(v, model), Error);  // width
  v.directions_LD = matrix(3, 16, std::vector<double>(48, 1.0)).to(at::kFloat);
  EXPECT_THROW(require_fits(v, model), Error);  // fingerprint
  EXPECT_NO_THROW(require_fits(v, model, /*any_fingerprint=*/true));
  v.model_fingerprint = model.fingerprint();
  EXPECT_NO_THROW(require_fits(v, model));
  EXPECT_THROW(require_fits(v, tiny_model("", 2)), Error);
  v.model_fingerprint.clear();
  EXPECT_NO_THROW(require_fits(v, model));
}

}  // namespace
}  // namespace veer
