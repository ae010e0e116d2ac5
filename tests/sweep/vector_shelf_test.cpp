// SPDX-License-Identifier: MIT
#include "veer/sweep/vector_shelf.h"

#include <cmath>
#include <filesystem>
#include <functional>
#include <string>

#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/tiny_models.h"
#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/interventions/table.h"
#include "veer/sweep/intervention_of.h"

namespace veer {
namespace {

namespace fs = std::filesystem;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::Pointwise;

const std::string kContrastive = "contrastive@prompt_end";
const std::string kFinetuned = "finetune@prompt_end";
const std::string kProbe = "probe@prompt_end";
constexpr std::int64_t kItems = 6;

std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kBadInput);
    return e.what();
  }
  return "";
}

at::Tensor unit(const at::Tensor& v_LD) {
  return v_LD / v_LD.norm(2, 1, /*keepdim=*/true);
}

// A run of a tiny model: the study's two vectors with the rows that they are
// the means of, and a third without rows.
class Shelf : public ::testing::Test {
 protected:
  Shelf() : folder_(fs::path(::testing::TempDir()) / "veer_shelf") {
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "vectors/items");
    write(kContrastive, 1, /*with_rows=*/true);
    write(kFinetuned, 2, /*with_rows=*/true);
    write(kProbe, 3, /*with_rows=*/false);
  }

  void write(const std::string& name, std::uint64_t seed, bool with_rows) {
    const auto& config = model_.config();
    Random random(seed);
    VectorRows rows;
    rows.name = name;
    rows.model_fingerprint = model_.fingerprint();
    rows.site = "resid_post";
    std::vector<at::Tensor> means;
    for (std::int64_t l = 0; l < config.num_layers; ++l) {
      rows.positive.push_back(random_tensor({kItems, config.width}, random));
      rows.negative.push_back(random_tensor({kItems, config.width}, random));
      means.push_back(rows.differences(l).mean(0).to(at::kFloat));
    }
    for (std::int64_t i = 0; i < kItems; ++i) {
      rows.ids.push_back(fmt::format("q{}", i));
    }
    if (with_rows) {
      write_vector_rows(folder_ / "vectors/items" / (name + ".safetensors"),
                        rows);
    }
    SteeringVector vector;
    vector.name = name;
    vector.method = with_rows ? "mean_diff" : "logistic";
    vector.point =
        with_rows ? ResidualPoint::kResidPost : ResidualPoint::kResidMid;
    vector.model_fingerprint = model_.fingerprint();
    vector.directions_LD = at::stack(means);
    vector.residual_norms["base.generated"] = {1.0, 2.0, 3.0};
    vector.residual_norms["tuned.generated"] = {4.0, 5.0, 6.0};
    vector.num_items = kItems;
    write_steering_vector(folder_ / "vectors" / (name + ".safetensors"),
                          vector);
  }

  VectorShelf shelf(std::uint64_t seed = 7) const {
    return {folder_, model_, {kContrastive, kFinetuned, kProbe}, seed};
  }
  static at::Tensor directions(VectorShelf& shelf, const std::string& name) {
    return shelf.input(name, "base", {}).directions_LD;
  }

  const Transformer model_ = tiny_model();
  fs::path folder_;
};

TEST_F(Shelf, HoldsTheVectorsOfTheRun) {
  auto shelf = this->shelf();
  EXPECT_THAT(shelf.names(), ElementsAre(kContrastive, kFinetuned, kProbe));
  EXPECT_THAT(shelf.pair(), Pair(kContrastive, kFinetuned));
  EXPECT_EQ(shelf.vector(kProbe).method, "logistic");
  EXPECT_TRUE(
      at::equal(directions(shelf, kProbe), shelf.vector(kProbe).directions_LD));
  EXPECT_TRUE(shelf.has_rows(kContrastive));
  EXPECT_FALSE(shelf.has_rows(kProbe));
  EXPECT_EQ(shelf.mean_of(kContrastive), kItems);
  EXPECT_EQ(shelf.mean_of(kProbe), 0);
  EXPECT_EQ(shelf.point(kContrastive), ResidualPoint::kResidPost);
  EXPECT_EQ(shelf.point(kProbe), ResidualPoint::kResidMid);
  EXPECT_THAT(shelf.norms("base").generated_L, ElementsAre(1.0, 2.0, 3.0));
  EXPECT_THAT(shelf.norms("tuned").generated_L, ElementsAre(4.0, 5.0, 6.0));
}

// What a question may be steered with when it is among those behind a vector:
// nothing of the shelf may know its rows.
TEST_F(Shelf, LeavesQuestionsOutOfAllThatItHolds) {
  auto whole = this->shelf();
  auto shelf = this->shelf();
  shelf.leave_out({"q1", "q4"});
  const auto rows = read_vector_rows(folder_ / "vectors/items" /
                                     (kContrastive + ".safetensors"));
  const auto kept = at::tensor(std::vector<std::int64_t>{0, 2, 3, 5});
  for (std::int64_t l = 0; l < rows.num_layers(); ++l) {
    const auto mean = rows.differences(l).index_select(0, kept).mean(0);
    EXPECT_TRUE(at::allclose(directions(shelf, kContrastive).select(0, l),
                             mean.to(at::kFloat)));
  }
  EXPECT_FALSE(at::allclose(directions(shelf, kContrastive),
                            directions(whole, kContrastive)));
  EXPECT_EQ(shelf.mean_of(kContrastive), kItems - 2);
  for (const std::string name : {"blend:0.5", "private:contrastive"}) {
    EXPECT_FALSE(at::allclose(directions(shelf, name), directions(whole, name)))
        << name;
  }
  // Without rows behind it, a direction did not come from the questions.
  EXPECT_TRUE(at::equal(directions(shelf, kProbe), directions(whole, kProbe)));
}

TEST_F(Shelf, RefusesFilesThatAreNoVectorOfTheModel) {
  const auto other = tiny_model("", /*seed=*/2);
  EXPECT_THAT(refusal([&] { VectorShelf(folder_, other, {kProbe}, 0); }),
              HasSubstr("another checkpoint"));
  EXPECT_THAT(refusal([&] { VectorShelf(folder_, model_, {"none"}, 0); }),
              HasSubstr("none.safetensors"));
  const auto rows =
      (folder_ / "vectors/items" / (kProbe + ".safetensors")).string();
  write(kProbe, 3, /*with_rows=*/true);
  auto shelf = this->shelf();
  EXPECT_THAT(refusal([&] { shelf.add_file(rows); }),
              HasSubstr("read steering vector"));
  VectorShelf of_other("", other, {}, 0);
  EXPECT_THAT(
      refusal([&] {
        of_other.add_file(folder_ / "vectors" / (kProbe + ".safetensors"));
      }),
      HasSubstr("another checkpoint"));
}

TEST_F(Shelf, TakesAFileUnderItsPath) {
  VectorShelf bare("", model_, {}, 0);
  const std::string path = folder_ / "vectors" / (kProbe + ".safetensors");
  bare.add_file(path);
  EXPECT_EQ(bare.vector(path).name, kProbe);
  EXPECT_EQ(bare.point(path), ResidualPoint::kResidMid);
  EXPECT_EQ(bare.input(path, "tuned", {}).norms.generated_L[0], 4.0);
  EXPECT_THAT(bare.names(), ElementsAre());
}

TEST_F(Shelf, AnUnknownNameIsAnErrorThatNamesTheNearest) {
  auto shelf = this->shelf();
  EXPECT_THAT(refusal([&] { shelf.input("finetune@promptend", "base", {}); }),
              HasSubstr("\"finetune@prompt_end\" was meant"));
  EXPECT_THAT(refusal([&] { shelf.input(kProbe, "both", {}); }),
              HasSubstr("base or tuned"));
  // A failed one leaves nothing behind.
  EXPECT_THAT(refusal([&] { shelf.input(kProbe, "both", {}); }),
              HasSubstr("base or tuned"));
}

TEST_F(Shelf, WithoutVectorsNothingCanBeNamed) {
  VectorShelf bare("", model_, {}, 0);
  for (const char* name : {"random-1", "random-cov-1", "subset-2-1", "blend:1",
                           "contrastive@prompt_end"}) {
    EXPECT_NE(refusal([&] { bare.input(name, "base", {}); }), "") << name;
    EXPECT_NE(refusal([&] { bare.point(name); }), "") << name;
  }
  EXPECT_NE(refusal([&] { bare.norms("base"); }), "");
}

TEST_F(Shelf, BlendsAreWeightedSumsOfUnitVectors) {
  auto shelf = this->shelf();
  const auto a_LD = shelf.vector(kContrastive).directions_LD;
  const auto b_LD = shelf.vector(kFinetuned).directions_LD;
  const auto c_LD = shelf.vector(kProbe).directions_LD;
  const auto close = [](const at::Tensor& got, const at::Tensor& wanted) {
    return at::allclose(unit(got), unit(wanted), 1e-5, 1e-6);
  };
  EXPECT_TRUE(close(directions(shelf, "blend:0.25"),
                    0.25 * unit(a_LD) + 0.75 * unit(b_LD)));
  EXPECT_TRUE(close(directions(shelf, "blend:0.25:finetuned:" + kProbe),
                    0.25 * unit(b_LD) + 0.75 * unit(c_LD)));
  EXPECT_TRUE(close(directions(shelf, "blend:1"), a_LD));
  for (const char* name : {"blend", "blend:", "blend:half",
                           "blend:0.5:finetuned", "blend:0.5:a:b:c", "common",
                           "common:a:b:c", "blend:0.5:finetuned:nothing"}) {
    EXPECT_NE(refusal([&] { shelf.input(name, "base", {}); }), "") << name;
  }
}

TEST_F(Shelf, CommonAndPrivatePartsMakeTheVector) {
  auto shelf = this->shelf();
  const auto a_LD = shelf.vector(kContrastive).directions_LD;
  const auto b_LD = shelf.vector(kFinetuned).directions_LD;
  const auto c_LD = shelf.vector(kProbe).directions_LD;
  struct Case {
    std::string of;
    at::Tensor vector_LD;
    at::Tensor other_LD;
  };
  for (const auto& [of, vector_LD, other_LD] :
       {Case{"contrastive", a_LD, b_LD}, Case{"finetuned", b_LD, a_LD},
        Case{kProbe, c_LD, a_LD}, Case{"contrastive:" + kProbe, a_LD, c_LD}}) {
    const auto common_LD = directions(shelf, "common:" + of);
    const auto private_LD = directions(shelf, "private:" + of);
    EXPECT_TRUE(at::allclose(common_LD + private_LD, vector_LD, 1e-5, 1e-6))
        << of;
    EXPECT_LT((private_LD * unit(other_LD)).sum(1).abs().max().item<double>(),
              1e-6)
        << of;
    EXPECT_TRUE(at::allclose((common_LD * unit(other_LD)).sum(1).abs(),
                             common_LD.norm(2, 1), 1e-5, 1e-6))
        << of;
  }
  EXPECT_EQ(shelf.point("common:" + kProbe), ResidualPoint::kResidMid);
  EXPECT_EQ(shelf.point("blend:0.5"), ResidualPoint::kResidPost);
}

TEST_F(Shelf, RandomVectorsHaveTheNormOfTheirVectorAndTheirOwnSeed) {
  auto shelf = this->shelf();
  for (const std::string& kind :
       {std::string("random-1"), std::string("random-cov-1")}) {
    const auto first_LD = directions(shelf, kind);
    EXPECT_TRUE(at::allclose(
        first_LD.norm(2, 1),
        shelf.vector(kContrastive).directions_LD.norm(2, 1), 1e-5, 1e-6));
    const auto of_probe_LD = directions(shelf, kind + "|" + kProbe);
    EXPECT_TRUE(at::allclose(of_probe_LD.norm(2, 1),
                             shelf.vector(kProbe).directions_LD.norm(2, 1),
                             1e-5, 1e-6));
    auto again = this->shelf();
    EXPECT_TRUE(at::equal(directions(again, kind), first_LD));
    auto other = this->shelf(/*seed=*/8);
    EXPECT_FALSE(at::equal(directions(other, kind), first_LD));
    std::string next = kind;
    next.back() = '2';
    EXPECT_FALSE(at::equal(directions(shelf, next), first_LD));
  }
  EXPECT_EQ(shelf.point("random-1|" + kProbe), ResidualPoint::kResidMid);
}

// Lengths of the changes of a few states under an edit at layer 1.
std::vector<double> moved(VectorShelf& shelf, const std::string& name,
                          const InterventionText& text) {
  InterventionTable table(3, 16);
  table.add(compile(intervention_of(text, 3, ResidualPoint::kResidPost),
                    shelf.input(name, "base", text), 3));
  const RowBinding rows[] = {{.configuration = 0, .donor = 1}, {}};
  table.bind(rows);
  std::vector<TokenMove> moves;
  table.record_moves(&moves);
  Random random(5);
  PackedBatch batch;
  batch.offsets = {0, 12, 24};
  batch.starts = {0, 0};
  table.visit({1, ResidualPoint::kResidPost}, random_tensor({24, 16}, random),
              batch);
  std::vector<double> lengths;
  for (const auto& move : moves) {
    lengths.push_back(move.length);
  }
  return lengths;
}

// An operator refitted along random directions moves states less far, so that
// beating it would say nothing.
TEST_F(Shelf, RandomVectorsMoveStatesAsFarUnderEveryOperator) {
  auto shelf = this->shelf();
  for (const auto& row : operator_table()) {
    if (row.name == "patch") {
      continue;
    }
    InterventionText text{.operation = std::string(row.name),
                          .scale = 0.8,
                          .unit = "raw",
                          .layers = "1",
                          .scope = "all"};
    const auto real = moved(shelf, kContrastive, text);
    ASSERT_EQ(real.size(), 12u) << row.name;
    for (const char* kind : {"random-1|", "random-cov-2|"}) {
      const auto control = moved(shelf, kind + kContrastive, text);
      EXPECT_THAT(control, Pointwise(DoubleNear(2e-5), real))
          << row.name << " " << kind;
    }
  }
}

TEST_F(Shelf, AClassGapIsTheNormOfTheMeanDifference) {
  auto shelf = this->shelf();
  EXPECT_NEAR(shelf.class_gap(kContrastive, 1),
              shelf.vector(kContrastive).directions_LD[1].norm().item<double>(),
              1e-5);
  EXPECT_TRUE(std::isnan(shelf.class_gap(kProbe, 1)));
}

TEST_F(Shelf, SubsetsAreMeansOfFewerQuestions) {
  auto shelf = this->shelf();
  EXPECT_TRUE(at::allclose(
      directions(shelf, fmt::format("subset-{}-1|{}", kItems, kContrastive)),
      shelf.vector(kContrastive).directions_LD, 1e-5, 1e-6));
  // Three of six can be drawn in twenty ways: five draws are not all one.
  const auto draw = [&](int i) {
    return directions(shelf, fmt::format("subset-3-{}|{}", i, kContrastive));
  };
  bool all_alike = true;
  for (int i = 2; i <= 5; ++i) {
    all_alike = all_alike && at::allclose(draw(i), draw(1));
  }
  EXPECT_FALSE(all_alike);
  for (const std::string& name :
       {"subset-7-1|" + kContrastive, "subset-2-1|" + kProbe,
        std::string("subset-2-1"), "subset-0-1|" + kContrastive,
        "subset-|" + kContrastive}) {
    EXPECT_NE(refusal([&] { shelf.input(name, "base", {}); }), "") << name;
  }
}

TEST_F(Shelf, AnOperatorGetsTheStatisticsThatItNeeds) {
  auto shelf = this->shelf();
  const auto input = [&](const std::string& name, const char* operation,
                         const std::string& second = "") -> auto& {
    return shelf.input(name, "base", {.operation = operation}, second);
  };
  const auto path = folder_ / "vectors/items" / (kContrastive + ".safetensors");
  const auto rows = read_vector_rows(path);
  EXPECT_FALSE(input(kContrastive, "add").negative_mean_LD.defined());
  EXPECT_TRUE(at::allclose(
      input(kContrastive, "set_honest").negative_mean_LD[1].to(at::kDouble),
      rows.negative[1].to(at::kDouble).mean(0), 1e-5, 1e-6));
  EXPECT_TRUE(at::allclose(
      input(kContrastive, "set_deceptive").positive_mean_LD[2].to(at::kDouble),
      rows.positive[2].to(at::kDouble).mean(0), 1e-5, 1e-6));
  EXPECT_THAT(refusal([&] { input(kProbe, "set_honest"); }),
              HasSubstr("rows that the vector was made of"));
  EXPECT_NO_THROW(input("random-1", "ablate_subspace"));
  EXPECT_EQ(input("random-1", "ablate_subspace").basis_LKD.dim(), 3);
}

TEST_F(Shelf, APlaneIsOfTheVectorAndASecondOne) {
  auto shelf = this->shelf();
  const auto second = [&](const std::string& name, const std::string& other) {
    return shelf.input(name, "base", {.operation = "rotate"}, other).second_LD;
  };
  const auto a_LD = shelf.vector(kContrastive).directions_LD;
  const auto b_LD = shelf.vector(kFinetuned).directions_LD;
  EXPECT_TRUE(at::equal(second(kContrastive, ""), b_LD));
  EXPECT_TRUE(at::equal(second(kFinetuned, ""), a_LD));
  EXPECT_TRUE(at::equal(second(kContrastive, kProbe),
                        shelf.vector(kProbe).directions_LD));
  EXPECT_TRUE(at::equal(second(kContrastive, ""), b_LD));
  EXPECT_THAT(refusal([&] { second(kContrastive, "nothing"); }),
              HasSubstr("\"nothing\""));
  VectorShelf alone(folder_, model_, {kProbe}, 0);
  EXPECT_THAT(
      refusal([&] { alone.input(kProbe, "base", {.operation = "rotate"}); }),
      HasSubstr("the plane's other vector"));
}

TEST_F(Shelf, MeasuresSigmaOverTheReferenceTextsWhenItIsNeeded) {
  auto shelf = this->shelf();
  EXPECT_THAT(shelf.input(kContrastive, "base", {.unit = "sigma"}).sigma_L,
              ElementsAre());
  int read = 0;
  shelf.set_reference_texts([&] {
    ++read;
    std::vector<EncodedChat> texts;
    for (const auto& ids :
         random_rows({5, 9, 4}, model_.config().vocab_size, 3)) {
      EncodedChat text;
      text.ids = ids;
      text.roles.assign(ids.size(), TokenRole::kQuestion);
      text.prompt_length = std::ssize(ids);
      text.answer_begin = text.answer_end = text.prompt_length;
      texts.push_back(std::move(text));
    }
    return texts;
  });
  EXPECT_EQ(shelf.input(kContrastive, "base", {}).sigma_L.size(), 0U);
  EXPECT_EQ(read, 0);
  const auto sigma =
      shelf.input(kContrastive, "base", {.unit = "sigma"}).sigma_L;
  ASSERT_EQ(std::ssize(sigma), model_.config().num_layers);
  EXPECT_THAT(sigma, ::testing::Each(::testing::Gt(0.0)));
  EXPECT_EQ(read, 1);
  shelf.input(kContrastive, "base", {.unit = "sigma"});
  EXPECT_EQ(read, 1);
  // Forgotten, it is measured anew and is the same.
  shelf.forget(kContrastive);
  EXPECT_THAT(shelf.input(kContrastive, "base", {.unit = "sigma"}).sigma_L,
              Pointwise(DoubleNear(1e-12), sigma));
  EXPECT_EQ(read, 2);
}

}  // namespace
}  // namespace veer
