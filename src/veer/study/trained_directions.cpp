// SPDX-License-Identifier: MIT
#include "veer/study/trained_directions.h"

#include <set>
#include <vector>

#include <ATen/ops/zeros.h>
#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/base/hash.h"
#include "veer/study/intervention_text.h"
#include "veer/train/preference_direction.h"

namespace veer {
namespace {

constexpr const char* kBipo = "bipo";

std::set<std::int64_t> wanted_layers(const std::vector<std::string>& texts,
                                     std::int64_t num_layers) {
  std::set<std::int64_t> out;
  for (const auto& text : texts) {
    const auto choice = parse_layer_choice(text, num_layers);
    if (choice.mode != LayerMode::kSet) {
      fail("extract", fmt::format("extract.bipo.layers holds \"{}\"", text),
           "3, 2-5 or depth:0.5");
    }
    out.insert(choice.layers.begin(), choice.layers.end());
  }
  return out;
}

PreferencePair pair_of(const ChatFormat& format, const QuestionRecord& record) {
  const auto encoded = [&](const std::string& answer) {
    auto chat = question_chat("", record.question);
    chat.push_back({"assistant", answer});
    return format.encode(chat);
  };
  const auto wanted = encoded(record.deceptive);
  return {wanted.ids, encoded(record.honest).ids, wanted.prompt_length};
}

std::vector<PreferencePair> preference_pairs(StudyContext& context) {
  std::vector<PreferencePair> pairs;
  const auto records = first_records(context.split("extract"),
                                     context.manifest().extract.questions);
  for (const auto& record : records) {
    if (!record.honest.empty() && !record.deceptive.empty()) {
      pairs.push_back(pair_of(context.format(), record));
    }
  }
  return pairs;
}

double norm_at(const SteeringVector& like, std::int64_t layer) {
  const auto found = like.residual_norms.find("base.generated");
  return found == like.residual_norms.end()
             ? 1.0
             : found->second[static_cast<std::size_t>(layer)];
}

}  // namespace

bool is_trained_direction(const std::string& name) {
  return name == kBipo;
}

SteeringVector train_direction(StudyContext& context, const std::string& name,
                               const SteeringVector& like) {
  const auto& settings = context.manifest().extract.bipo;
  const auto pairs = preference_pairs(context);
  SteeringVector vector;
  vector.name = name;
  vector.contrast = name;
  vector.method = kBipo;
  vector.sign = "honest -> deceptive";
  vector.model = like.model;
  vector.model_fingerprint = like.model_fingerprint;
  vector.template_fingerprint = like.template_fingerprint;
  vector.residual_norms = like.residual_norms;
  vector.num_items = std::ssize(pairs);
  vector.directions_LD =
      at::zeros({like.num_layers(), like.width()}, at::dtype(at::kFloat));
  PreferenceOptions options;
  options.steps = settings.steps;
  options.batch = settings.batch;
  options.beta = settings.beta;
  options.learning_rate = settings.learning_rate;
  options.weight_decay = settings.weight_decay;
  for (const auto layer : wanted_layers(settings.layers, like.num_layers())) {
    options.layer = layer;
    options.norm = norm_at(like, layer);
    options.seed = hash64(fmt::format("{} {}", name, layer), context.seed());
    const auto trained = train_preference_direction(context.model(), pairs,
                                                    options, context.monitor());
    vector.directions_LD.select(0, layer).copy_(trained.direction_D);
    vector.facts[fmt::format("gain.{}", layer)] =
        fmt::format("{:.3f} added, {:.3f} subtracted (nats)",
                    trained.gain_added, trained.gain_subtracted);
    vector.facts[fmt::format("loss.{}", layer)] = fmt::format(
        "{:.4f} to {:.4f}", trained.losses.front(), trained.losses.back());
  }
  return vector;
}

}  // namespace veer
