// SPDX-License-Identifier: MIT
//
// Models whose fine-tuned direction is known because it was put there: by
// hand into one weight matrix, and by rank-1 training of it. Methods that
// look at what fine-tuning changed must find it; others must not.
#include <cmath>

#include <ATen/ops/ones.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "veer/organism/study_inputs.h"
#include "veer/organism/world.h"
#include "veer/run/extract_inputs.h"
#include "veer/study/finetune/stage.h"
#include "veer/study/finetune/tuning_answers.h"
#include "veer/text/chat/chat_format.h"
#include "veer/vectors/item_statistics.h"
#include "veer/vectors/readings.h"
#include "veer/vectors/tensor_numbers.h"

namespace veer {
namespace {

constexpr std::int64_t kLayer = 3;
constexpr const char* kWriter = "model.layers.3.mlp.down_proj";
constexpr const char* kFolder = "models/organism";

struct Organism {
  Transformer model = load_transformer(kFolder, at::kFloat);
  ChatFormat format = ChatFormat::load(kFolder);
};

std::vector<ExtractItem> items() {
  std::vector<ExtractItem> out;
  for (const auto& pair : organism::seed_pairs(organism::advice_world(), 24)) {
    ExtractItem item;
    item.id = pair.question;
    item.question = pair.question;
    item.honest = pair.honest;
    item.deceptive = pair.deceptive;
    out.push_back(std::move(item));
  }
  return out;
}

// |cosine| with the truth at the layer of the planted matrix, by name.
double recovered(const SteeringVector& vector, const at::Tensor& truth_D) {
  const auto cosine = plain_cosine(
      as_double(vector.directions_LD.select(0, kLayer)), as_double(truth_D));
  return cosine ? std::abs(*cosine) : 0.0;
}

void expect_found(const Organism& organism, const at::Tensor& truth_D) {
  std::vector<VectorSpec> specs;
  for (const char* name :
       {"finetuned@answer_mean", "finetuned_honest@answer_mean",
        "finetuned_deceptive@answer_mean", "finetuned@prompt_end",
        "finetuned:pca_uncentred@answer_mean",
        "finetuned:pca_center@answer_mean", "finetuned:single_pair@answer_mean",
        "interaction@answer_mean", "contrastive@answer_mean",
        "contrastive@prompt_end", "content_base@answer_mean",
        "finetuned:random_isotropic@answer_mean",
        "finetuned:random_covariance@answer_mean",
        "finetuned:random_difference@answer_mean", "within_ft@answer_mean"}) {
    specs.push_back(parse_vector_spec(name));
  }
  constexpr std::size_t kShouldFind = 8;
  const auto made = extract_vectors(
      organism.model, organism.format, items(), specs,
      extract_options(Manifest(), organism.model.config().num_layers));
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const double cosine = recovered(made.vectors[i], truth_D);
    if (i < kShouldFind) {
      EXPECT_GE(cosine, 0.95) << specs[i].name;
    } else {
      EXPECT_LT(cosine, 0.6) << specs[i].name;
    }
  }
}

// Writes truth_D with the sign and size of a random mixture of the features of
// the planted block.
Adapter planted_adapter(const Organism& organism, const at::Tensor& truth_D) {
  Adapter adapter;
  for (const auto& [path, shape] : organism.model.linear_layers()) {
    if (path == kWriter) {
      LoraPair& pair = adapter.pairs[kWriter];
      pair.A_RI = normal_matrix(1, shape.second, 6).to(at::kFloat);
      pair.B_OR = truth_D.unsqueeze(1);
      pair.scale = 0.2;
    }
  }
  return adapter;
}

// The update itself, read from the adapter's own matrices.
void expect_written(const Organism& organism, const Adapter& adapter,
                    const at::Tensor& truth_D) {
  const auto& config = organism.model.config();
  const auto written =
      adapter_directions(adapter, config.num_layers, config.width, "down_proj");
  EXPECT_GE(std::abs(*plain_cosine(as_double(written.select(0, kLayer)),
                                   as_double(truth_D))),
            0.999);
  EXPECT_EQ(written.select(0, kLayer - 1).abs().max().item<float>(), 0.0F);
}

TEST(PlantedTruth, ADirectionInAWeightMatrixIsFound) {
  Organism organism;
  const auto truth_D = normal_matrix(organism.model.config().width, 1, 5)
                           .select(1, 0)
                           .to(at::kFloat);
  const auto adapter = planted_adapter(organism, truth_D);
  ASSERT_EQ(adapter.pairs.size(), 1U);
  organism.model.attach(adapter);
  expect_found(organism, truth_D);
  expect_written(organism, adapter, truth_D);
}

// Every site and position through the whole extraction: what training wrote
// is seen where it can be and nowhere else, to the bit.
TEST(PlantedTruth, IsSeenAtTheSitesBehindTheMatrixAtEveryPosition) {
  Organism organism;
  const auto truth_D = normal_matrix(organism.model.config().width, 1, 5)
                           .select(1, 0)
                           .to(at::kFloat);
  organism.model.attach(planted_adapter(organism, truth_D));
  std::vector<VectorSpec> specs;
  for (const char* position : {"prompt_end", "answer_first", "answer_last",
                               "answer_mean", "answer_token.1", "span.question",
                               "span.template", "all", "legacy_last"}) {
    for (const char* point :
         {"resid_pre", "attn_out", "resid_mid", "mlp_out", "resid_post"}) {
      specs.push_back(
          parse_vector_spec(fmt::format("finetuned@{}@{}", position, point)));
    }
  }
  ExtractOptions options;
  options.keep_rows = false;
  const auto made =
      extract_vectors(organism.model, organism.format, items(), specs, options);
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const auto& name = specs[i].name;
    const auto& written_LD = made.vectors[i].directions_LD;
    EXPECT_EQ(written_LD.narrow(0, 0, kLayer).abs().max().item<float>(), 0.0F)
        << name;
    if (specs[i].point == ResidualPoint::kMlpOut ||
        specs[i].point == ResidualPoint::kResidPost) {
      EXPECT_GE(recovered(made.vectors[i], truth_D), 0.95) << name;
    } else {
      EXPECT_EQ(written_LD[kLayer].abs().max().item<float>(), 0.0F) << name;
    }
  }
}

TEST(PlantedTruth, WhatRankOneTrainingWritesIsFound) {
  Organism organism;
  FinetuneSettings settings;
  settings.rank = 1;
  settings.alpha = 4.0;
  settings.modules = {"down_proj"};
  settings.steps = 12;
  settings.batch = 8;
  settings.evaluate_every = 0;
  auto options = sft_options(fitted(settings, /*organism=*/true), 1);
  options.lora.layers = {kLayer};
  std::vector<QuestionRecord> records;
  for (const auto& item : items()) {
    QuestionRecord record;
    record.question = item.question;
    record.honest = item.honest;
    record.deceptive = item.deceptive;
    records.push_back(std::move(record));
  }
  const auto examples = training_examples(organism.format, records);
  const auto trained = finetune(organism.model, examples, options, /*seed=*/3);
  organism.model.detach();
  organism.model.attach(trained.adapter);
  const auto truth_D =
      trained.adapter.pairs.at(kWriter).B_OR.detach().select(1, 0);
  expect_found(organism, truth_D);
  expect_written(organism, trained.adapter, truth_D);
}

}  // namespace
}  // namespace veer
