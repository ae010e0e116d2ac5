// SPDX-License-Identifier: MIT
#include "veer/sweep/grid.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"
#include "veer/interventions/operators.h"
#include "veer/results/vector_name.h"

namespace veer {
namespace {

SweepSettings small() {
  SweepSettings settings;
  settings.operators = {"add", "subtract", "ablate"};
  settings.rel_scales = {0.5, 1.0};
  settings.unit_scales = {4.0};
  settings.raw_scales = {2.0};
  settings.layers = {"each", "all"};
  settings.questions = 5;
  settings.select_questions = 3;
  settings.best_questions = 7;
  settings.random_vectors = 1;
  settings.grid = {};
  settings.ceiling = false;
  settings.system_prompts = false;
  settings.adapter_strengths = {};
  return settings;
}

SweepSize size() {
  return {{"contrastive@prompt_end"}, 2, 9, 4, "", "", {}, {}};
}

TEST(SweepGrid, HoldsEveryCombinationOnce) {
  const auto cells = sweep_grid(small(), size());
  // Unsteered: 2 models x 2 splits. Vector: 2 models x 3 layer sets x
  // (2 operators x 4 scales + ablate) on test, one operator less on
  // select; random: without raw.
  EXPECT_EQ(cells.size(), 4u + 2 * 3 * 9 + 2 * 3 * 5 + 2 * 3 * 7);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    EXPECT_EQ(cells[i].row.id, static_cast<std::int64_t>(i));
  }
}

TEST(SweepGrid, LeavesOutLayersWhereAVectorHasNoDirection) {
  auto some = size();
  some.vectors = {"contrastive@prompt_end", "bipo"};
  some.no_direction["bipo"] = {0};
  std::set<std::string> layers;
  for (const auto& cell : sweep_grid(small(), some)) {
    if (cell.row.vector == "bipo") {
      layers.insert(cell.row.layers);
    }
  }
  EXPECT_THAT(layers, testing::ElementsAre("1"));
}

TEST(SweepGrid, RandomVectorsLackTheLayersOfTheVectorThatTheyStandBeside) {
  auto some = size();
  some.no_direction["contrastive@prompt_end"] = {0};
  std::set<std::string> layers;
  bool random = false;
  for (const auto& cell : sweep_grid(small(), some)) {
    if (!cell.row.layers.empty()) {
      layers.insert(cell.row.layers);
      random = random || cell.row.vector.starts_with("random");
    }
  }
  EXPECT_TRUE(random);
  EXPECT_THAT(layers, testing::ElementsAre("1"));
}

TEST(SweepGrid, LeavesOutOperatorsThatAVectorWithoutRowsCannotHave) {
  auto settings = small();
  settings.operators = {"add", "affine", "rotate"};
  settings.shares = {1.0};
  settings.angles = {30.0};
  auto some = size();
  some.vectors = {"contrastive@prompt_end", "bipo"};
  some.no_rows = {"bipo"};
  std::set<std::string> own;
  std::set<std::string> other;
  for (const auto& cell : sweep_grid(settings, some)) {
    if (cell.row.vector == "bipo") {
      own.insert(cell.row.operation);
    } else if (cell.row.vector == "contrastive@prompt_end") {
      other.insert(cell.row.operation);
    }
  }
  EXPECT_THAT(own, testing::ElementsAre("add", "rotate"));
  EXPECT_THAT(other, testing::ElementsAre("add", "affine", "rotate"));
}

TEST(SweepGrid, UnsteeredCellsCoverWhatAnyCellAsks) {
  const auto cells = sweep_grid(small(), size());
  EXPECT_EQ(cells[unsteered_cell(cells, "tuned", "test")].num_questions, 7);
  // All of select: they say what unsteered text looks like.
  EXPECT_EQ(cells[unsteered_cell(cells, "base", "select")].num_questions, 4);
}

// Single layers of the steered cells, and the layers of the example table.
std::pair<std::set<std::string>, std::vector<std::int64_t>> layers_of(
    const Manifest& manifest, std::int64_t num_layers) {
  auto wanted = size();
  wanted.vectors = manifest.extract.vectors;
  wanted.num_layers = num_layers;
  std::set<std::string> steered;
  for (const auto& cell : sweep_grid(manifest.sweep, wanted)) {
    if (cell.layer() >= 0 && vector_family(cell.row.vector) != "patch") {
      steered.insert(cell.row.layers);
    }
  }
  return {steered, example_layers(manifest.report, num_layers)};
}

TEST(SweepGrid, OriginalStudySteersItsLayersOrThoseAtTheSameDepth) {
  using testing::ElementsAre;
  using testing::IsSupersetOf;
  const auto depths = load_manifest("studies/original.toml", {});
  EXPECT_THAT(depths.extract.vectors,
              ElementsAre("original_contrastive", "original_finetuned"));
  const auto [own, own_examples] = layers_of(depths, 28);
  EXPECT_THAT(own, ElementsAre("15", "18"));
  EXPECT_THAT(own_examples, ElementsAre(15, 18));
  const auto [eight, eight_examples] = layers_of(depths, 8);
  EXPECT_THAT(eight, ElementsAre("4", "5"));
  EXPECT_THAT(eight_examples, ElementsAre(4, 5));
  const auto preset =
      load_manifest("studies/deception-llama-3.2-3b.toml", {}, "original");
  const auto [all, all_examples] = layers_of(preset, 28);
  EXPECT_THAT(all, IsSupersetOf({"15", "18"}));
  EXPECT_THAT(all_examples, IsSupersetOf({15, 18}));
}

TEST(SweepGrid, ExampleLayersAreNumbersOrSharesOfTheDepth) {
  ReportSettings settings;
  EXPECT_THAT(example_layers(settings, 8), testing::ElementsAre(1, 3, 4, 6));
  // Layers 15 and 18 of 28, there and in a model of eight layers.
  settings.example_layers = {"depth:0.5357", "depth:0.6429"};
  EXPECT_THAT(example_layers(settings, 28), testing::ElementsAre(15, 18));
  EXPECT_THAT(example_layers(settings, 8), testing::ElementsAre(4, 5));
  settings.example_layers = {"9"};
  EXPECT_THROW(example_layers(settings, 8), Error);
  settings.example_layers = {"all"};
  EXPECT_THROW(example_layers(settings, 8), Error);
}

TEST(SweepGrid, ASearchStartsFromTheSelectCellsAlone) {
  auto settings = small();
  const auto grid = sweep_grid(settings, size());
  settings.search = "halving";
  const auto rest = sweep_grid(settings, size());
  EXPECT_EQ(rest.size(), 4u);
  const auto candidates = searched_cells(settings, size());
  std::size_t compared = 0;
  for (const auto& cell : grid) {
    if (cell.row.split == "select" && !cell.is_unsteered()) {
      ASSERT_LT(compared, candidates.size());
      EXPECT_EQ(candidates[compared].row.configuration, cell.row.configuration);
      ++compared;
    }
  }
  EXPECT_EQ(compared, candidates.size());
}

TEST(SweepGrid, ATrialIsAskedLessThanItsCandidate) {
  const auto candidate = searched_cells(small(), size()).front();
  const auto trial = trial_cell(candidate, 70, candidate.num_questions - 1);
  EXPECT_TRUE(trial.is_trial);
  EXPECT_EQ(trial.row.id, 70);
  EXPECT_NE(trial.row.configuration, candidate.row.configuration);
  const auto last = trial_cell(candidate, 71, candidate.num_questions);
  EXPECT_FALSE(last.is_trial);
  EXPECT_EQ(last.row.configuration, candidate.row.configuration);
}

TEST(SweepGrid, ControlsHaveTheSameDisplacement) {
  const auto cells = sweep_grid(small(), size());
  std::size_t linked = 0;
  for (const auto& cell : cells) {
    if (cell.control < 0) {
      continue;
    }
    ++linked;
    const auto& control = cells[static_cast<std::size_t>(cell.control)];
    EXPECT_TRUE(control.is_random());
    EXPECT_EQ(control.row.scale, cell.row.scale);
    EXPECT_EQ(control.row.unit, cell.row.unit);
    EXPECT_EQ(control.row.operation, cell.row.operation);
    EXPECT_EQ(control.row.layers, cell.row.layers);
    EXPECT_EQ(control.row.model, cell.row.model);
    EXPECT_EQ(control.row.split, cell.row.split);
    // Additions in residual norms move every vector's tokens alike.
    EXPECT_EQ(control.row.vector, cell.row.operation == "ablate"
                                      ? "random-1|" + cell.row.vector
                                      : "random-1");
  }
  EXPECT_EQ(linked, 2u * 3 * 7);
}

TEST(SweepGrid, ManyRandomVectorsShareTheQuestionsOut) {
  using ::testing::ElementsAre;
  EXPECT_THAT(question_windows(160, 16),
              ElementsAre(0, 16, 32, 48, 64, 80, 96, 112, 128, 144));
  EXPECT_THAT(question_windows(20, 16), ElementsAre(0, 4));
  EXPECT_THAT(question_windows(16, 16), ElementsAre(0));
  for (const std::int64_t total : {1, 7, 33, 188}) {
    std::set<std::int64_t> asked;
    for (const auto start :
         question_windows(total, std::min<std::int64_t>(total, 6))) {
      for (std::int64_t q = 0; q < std::min<std::int64_t>(total, 6); ++q) {
        asked.insert(start + q);
      }
    }
    EXPECT_EQ(std::ssize(asked), total);
    EXPECT_EQ(*asked.rbegin(), total - 1);
  }
}

TEST(SweepGrid, EveryOperatorWithAVectorCanBeSwept) {
  for (const auto& row : operator_table()) {
    if (row.need == OperatorNeed::kDonor) {
      continue;
    }
    SweepSettings settings = small();
    settings.operators = {std::string(row.name)};
    const auto cells = sweep_grid(settings, size());
    EXPECT_GT(cells.size(), 4U) << row.name;
    for (const auto& cell : cells) {
      if (!cell.is_unsteered()) {
        EXPECT_TRUE(cell.has_intervention());
        EXPECT_EQ(cell.act.operation, row.name);
      }
    }
  }
}

TEST(SweepGrid, ALineHasScalesAndLayersOfItsOwn) {
  SweepSettings settings = small();
  settings.operators = {};
  settings.grid = {"slerp scales=0.1/0.2 layers=1/increments",
                   "set_honest models=tuned layers=each"};
  const auto cells = sweep_grid(settings, size());
  std::size_t slerp = 0;
  for (const auto& cell : cells) {
    if (cell.row.operation == "slerp") {
      ++slerp;
      // Towards honesty on the tuned model.
      EXPECT_EQ(cell.row.scale < 0.0, cell.row.model == "tuned");
      EXPECT_TRUE(cell.row.layers == "1" || cell.row.layers == "increments");
      EXPECT_EQ(cell.row.unit, "share");
    } else if (!cell.is_unsteered()) {
      EXPECT_EQ(cell.row.model, "tuned");
    }
  }
  EXPECT_EQ(slerp, 3u * 2 * 2 * 2);  // test, random, select; models x 2 x 2
}

TEST(SweepGrid, LinesWaitForTheChosenLayer) {
  SweepSettings settings = small();
  settings.grid = {"slerp scales=0.1/0.2", "add vectors=blend:0.5"};
  EXPECT_EQ(sweep_grid(settings, size()).size(),
            sweep_grid(small(), size()).size());
  const auto own = chosen_layer_cells(settings, size(), size().vectors.front(),
                                      "tuned", "1", 700);
  ASSERT_EQ(own.size(), 2u);
  EXPECT_EQ(own[1].row.id, 701);
  EXPECT_EQ(own[1].row.scale, -0.2);
  EXPECT_EQ(own[1].row.layers, "1");
  EXPECT_EQ(own[1].row.split, "select");
  EXPECT_EQ(grid_mixtures(settings, size()),
            std::vector<std::string>{"blend:0.5"});
  EXPECT_EQ(
      chosen_layer_cells(settings, size(), "blend:0.5", "base", "1", 0).size(),
      1u);
}

TEST(SweepGrid, ControlsWithoutAVectorComeLast) {
  SweepSettings settings = small();
  settings.ceiling = true;
  settings.system_prompts = true;
  settings.adapter_strengths = {-1.0, 2.0};
  SweepSize with_prompts = size();
  with_prompts.deceptive_prompt = "Lie.";
  const auto cells = sweep_grid(settings, with_prompts);
  const auto first = sweep_grid(small(), size()).size();
  // 2 models x 2 layers patched, one system prompt, two strengths.
  ASSERT_EQ(cells.size(), first + 4 + 1 + 2);
  EXPECT_EQ(cells[first].act.operation, "patch");
  EXPECT_EQ(cells[first + 2].adapter_strength, 1.0);
  EXPECT_EQ(cells[first + 4].system, "Lie.");
  // A prompt is asked what the chosen cells are; a strength is chosen first.
  EXPECT_EQ(cells[first + 4].num_questions, 7);
  EXPECT_EQ(cells[first + 4].row.split, "test");
  EXPECT_FALSE(cells[first + 4].has_intervention());
  EXPECT_EQ(cells.back().adapter_strength, 2.0);
  EXPECT_EQ(cells.back().num_questions, 3);
  EXPECT_EQ(cells.back().row.split, "select");
}

TEST(SweepGrid, SubtractIsTheNegativeScale) {
  for (const auto& cell : sweep_grid(small(), size())) {
    EXPECT_EQ(cell.signed_scale() < 0, cell.row.operation == "subtract");
    EXPECT_EQ(cell.layer(), cell.row.layers == "0"   ? 0
                            : cell.row.layers == "1" ? 1
                                                     : -1);
  }
}

TEST(SweepGrid, NeverAsksMoreThanThereIs) {
  SweepSettings settings = small();
  settings.questions = 0;  // all
  settings.select_questions = 100;
  for (const auto& cell : sweep_grid(settings, size())) {
    EXPECT_EQ(cell.num_questions, cell.row.split == "test" ? 9 : 4);
  }
}

TEST(SweepGrid, LayersAreHeldToTheModel) {
  SweepSettings settings = small();
  settings.layers = {"1", "each"};
  EXPECT_EQ(sweep_grid(settings, size()).size(),
            4u + 2 * 2 * 9 + 2 * 2 * 5 + 2 * 2 * 7);  // layer 1 counts once
  for (const char* bad : {"2", "-1", "x", ""}) {
    settings.layers = {bad};
    EXPECT_THROW(sweep_grid(settings, size()), Error) << bad;
  }
}

TEST(SweepGrid, AConfirmingCellKeepsWhatActs) {
  const auto cells = sweep_grid(small(), size());
  const auto& chosen = cells.back();
  const auto copy = confirming_cell(chosen, 500, "random-1|v@p", 9);
  EXPECT_EQ(copy.row.id, 500);
  EXPECT_EQ(copy.row.split, "test");
  EXPECT_EQ(copy.row.scale, chosen.row.scale);
  EXPECT_EQ(copy.row.layers, chosen.row.layers);
  EXPECT_TRUE(copy.is_random());
  EXPECT_EQ(copy.confirms, chosen.row.id);
  EXPECT_EQ(copy.first_question, 0);
  EXPECT_NE(copy.row.configuration, chosen.row.configuration);
  const auto later = confirming_cell(chosen, 501, "random-1|v@p", 9, 9);
  EXPECT_EQ(later.first_question, 9);
  EXPECT_NE(later.row.configuration, copy.row.configuration);
}

}  // namespace
}  // namespace veer
