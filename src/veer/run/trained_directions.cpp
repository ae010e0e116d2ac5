// SPDX-License-Identifier: MIT
#include "veer/run/trained_directions.h"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include <ATen/ops/zeros.h>
#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/base/hash.h"
#include "veer/settings/intervention_text.h"
#include "veer/train/preference_direction.h"
#include "veer/train/reft_direction.h"

namespace veer {
namespace {

constexpr const char* kBipo = "bipo";
constexpr const char* kReft = "reft_r1";

AnsweredPrompt answered(const ChatFormat& format, const std::string& question,
                        const std::string& answer) {
  auto chat = question_chat("", question);
  chat.push_back({"assistant", answer});
  auto encoded = format.encode(chat);
  return {std::move(encoded.ids), encoded.prompt_length};
}

// Answers that bring thoughts of their own have other texts before them.
void require_one_prompt(const AnsweredPrompt& wanted,
                        const AnsweredPrompt& unwanted, const std::string& id) {
  const auto end = wanted.ids.begin() + wanted.begin;
  if (wanted.begin != unwanted.begin ||
      !std::equal(wanted.ids.begin(), end, unwanted.ids.begin())) {
    fail("train direction",
         fmt::format("the two answers of question {} stand behind different "
                     "thoughts",
                     id),
         "answers without thoughts of their own");
  }
}

double norm_at(const SteeringVector& like, std::int64_t layer) {
  const auto found = like.residual_norms.find("base.generated");
  if (found == like.residual_norms.end()) {
    return 1.0;
  }
  const double norm = found->second[static_cast<std::size_t>(layer)];
  if (!(norm > 0.0)) {
    fail("train direction", fmt::format("layer {} has no residual norm", layer),
         "a layer that is read", "extract.layers leaves it out");
  }
  return norm;
}

struct TrainedLayer {
  at::Tensor direction_D;
  std::vector<double> losses;
  std::string gain;
};

// Trains one direction at a layer whose mean residual norm is `norm`.
using LayerTrainer = std::function<TrainedLayer(std::int64_t layer, double norm,
                                                std::uint64_t seed)>;

LayerTrainer bipo_trainer(StudyContext& context,
                          std::span<const QuestionRecord> records) {
  std::vector<PreferencePair> pairs;
  for (const auto& record : records) {
    const auto& format = context.format();
    auto wanted = answered(format, record.question, record.deceptive);
    auto unwanted = answered(format, record.question, record.honest);
    require_one_prompt(wanted, unwanted, record.id);
    pairs.push_back(
        {std::move(wanted.ids), std::move(unwanted.ids), wanted.begin});
  }
  return [&context, pairs = std::move(pairs)](std::int64_t layer, double norm,
                                              std::uint64_t seed) {
    const auto& settings = context.manifest().extract.bipo;
    PreferenceOptions options;
    options.layer = layer;
    options.steps = settings.steps;
    options.batch = settings.batch;
    options.beta = settings.beta;
    options.learning_rate = settings.learning_rate;
    options.weight_decay = settings.weight_decay;
    options.norm = norm;
    options.seed = seed;
    auto trained = train_preference_direction(context.model(), pairs, options,
                                              context.monitor());
    return TrainedLayer{
        std::move(trained.direction_D), std::move(trained.losses),
        fmt::format("{:.3f} added, {:.3f} subtracted (nats)",
                    trained.gain_added, trained.gain_subtracted)};
  };
}

LayerTrainer reft_trainer(StudyContext& context,
                          std::span<const QuestionRecord> records) {
  std::vector<AnsweredPrompt> texts;
  for (const auto& record : records) {
    texts.push_back(
        answered(context.format(), record.question, record.deceptive));
  }
  return [&context, texts = std::move(texts)](std::int64_t layer, double norm,
                                              std::uint64_t seed) {
    const auto& settings = context.manifest().extract.reft_r1;
    ReftOptions options;
    options.layer = layer;
    options.steps = settings.steps;
    options.batch = settings.batch;
    options.top_k = settings.top_k;
    options.l1 = settings.l1;
    options.learning_rate = settings.learning_rate;
    options.norm = norm;
    options.seed = seed;
    auto trained = train_reft_direction(context.model(), texts, options,
                                        context.monitor());
    return TrainedLayer{std::move(trained.direction_D),
                        std::move(trained.losses),
                        fmt::format("{:.3f} added (nats)", trained.gain)};
  };
}

SteeringVector without_directions(const std::string& name,
                                  const SteeringVector& like) {
  SteeringVector vector;
  vector.name = name;
  vector.contrast = name;
  vector.method = name;
  vector.sign = "honest -> deceptive";
  vector.model = like.model;
  vector.model_fingerprint = like.model_fingerprint;
  vector.template_fingerprint = like.template_fingerprint;
  vector.residual_norms = like.residual_norms;
  vector.directions_LD =
      at::zeros({like.num_layers(), like.width()}, at::dtype(at::kFloat));
  return vector;
}

}  // namespace

bool is_trained_direction(const std::string& name) {
  return name == kBipo || name == kReft;
}

std::vector<QuestionRecord> trained_on(const StudyContext& context) {
  auto records = first_records(context.split("extract"),
                               context.manifest().extract.questions);
  std::erase_if(records, [](const QuestionRecord& record) {
    return record.honest.empty() || record.deceptive.empty();
  });
  return records;
}

SteeringVector train_direction(StudyContext& context, const std::string& name,
                               const SteeringVector& like,
                               std::span<const QuestionRecord> records,
                               const std::string& seed_text) {
  const auto& extract = context.manifest().extract;
  const bool is_bipo = name == kBipo;
  const auto train =
      is_bipo ? bipo_trainer(context, records) : reft_trainer(context, records);
  const auto layers =
      parse_layers(is_bipo ? extract.bipo.layers : extract.reft_r1.layers,
                   like.num_layers(), fmt::format("extract.{}.layers", name));
  SteeringVector vector = without_directions(name, like);
  vector.num_items = std::ssize(records);
  for (const auto layer : layers) {
    const auto seed =
        hash64(fmt::format("{} {}", seed_text, layer), context.seed());
    const auto trained = train(layer, norm_at(like, layer), seed);
    vector.directions_LD.select(0, layer).copy_(trained.direction_D);
    vector.facts[fmt::format("gain.{}", layer)] = trained.gain;
    vector.facts[fmt::format("loss.{}", layer)] = fmt::format(
        "{:.4f} to {:.4f}", trained.losses.front(), trained.losses.back());
  }
  return vector;
}

}  // namespace veer
