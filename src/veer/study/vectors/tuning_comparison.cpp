// SPDX-License-Identifier: MIT
#include "veer/study/vectors/tuning_comparison.h"

#include <algorithm>
#include <filesystem>

#include <nlohmann/json.hpp>

#include "veer/base/files.h"
#include "veer/base/json_access.h"
#include "veer/results/vector_name.h"
#include "veer/run/extract_inputs.h"
#include "veer/study/vectors/stages.h"
#include "veer/study/vectors/tuning_vectors.h"
#include "veer/vectors/seed_agreement.h"
#include "veer/vectors/twin_share.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

class TuningComparison {
 public:
  TuningComparison(StudyContext& context,
                   std::span<const ComparedVector> vectors, double confidence)
      : context_(context),
        vectors_(vectors),
        confidence_(confidence),
        tuned_(tuned_vector_name(context.manifest())) {}

  Json seeds() const;
  Json twin(const std::string& finetuned) const;
  Json twins_elsewhere() const;
  std::string no_twin_reason() const;
  Json controls() const;
  Json left_out() const;
  const std::string& tuned() const { return tuned_; }

 private:
  const ComparedVector* named(const std::string& name) const;
  // The contrastive vector of the same position as `finetuned`.
  const ComparedVector* contrastive_at(const std::string& finetuned) const;
  std::vector<Tuning> tunings(const std::string& answers) const;
  bool is_read(const Tuning& tuning, const std::string& vector) const;

  StudyContext& context_;
  std::span<const ComparedVector> vectors_;
  double confidence_;
  std::string tuned_;
};

const ComparedVector* TuningComparison::named(const std::string& name) const {
  const auto found = std::ranges::find_if(
      vectors_, [&](const auto& v) { return v.vector.name == name; });
  return found == vectors_.end() ? nullptr : &*found;
}

const ComparedVector* TuningComparison::contrastive_at(
    const std::string& finetuned) const {
  const auto* tuned = named(finetuned);
  const auto found = std::ranges::find_if(vectors_, [&](const auto& v) {
    return tuned != nullptr && v.vector.contrast == "contrastive" &&
           v.vector.position == tuned->vector.position &&
           v.vector.point == tuned->vector.point;
  });
  return found == vectors_.end() ? nullptr : &*found;
}

bool TuningComparison::is_read(const Tuning& tuning,
                               const std::string& vector) const {
  return fs::exists(rows_file(context_, vector_name_of(tuning, vector)));
}

std::vector<Tuning> TuningComparison::tunings(
    const std::string& answers) const {
  std::vector<Tuning> out;
  for (const auto& tuning : further_tunings(context_.manifest())) {
    if (tuning.answers == answers) {
      out.push_back(tuning);
    }
  }
  return out;
}

Json TuningComparison::seeds() const {
  const auto primary = primary_pair(vector_names(context_.manifest().extract));
  const auto* contrast = named(primary.first);
  const auto* own = named(primary.second);
  const auto further = tunings("deceptive");
  if (further.empty() || contrast == nullptr || own == nullptr) {
    return nullptr;
  }
  std::vector<ComparedVector> tuned = {*own};
  std::vector<std::int64_t> seeds = {context_.manifest().run.seed};
  for (const auto& tuning : further) {
    seeds.push_back(tuning.seed);
    tuned.push_back(
        load_compared(context_, vector_name_of(tuning, primary.second)));
  }
  return {{"contrastive", primary.first},
          {"finetuned", primary.second},
          {"seeds", seeds},
          {"by_layer",
           seed_agreement_json(seed_agreement(*contrast, tuned, confidence_))}};
}

// The pairs of fine-tunes of each seed that has both.
Json TuningComparison::twin(const std::string& finetuned) const {
  const auto* own = named(finetuned);
  if (own == nullptr || own->vector.contrast != "finetuned" ||
      own->vector.method != "mean_diff") {
    return nullptr;
  }
  std::vector<ComparedVector> deceptive;
  std::vector<ComparedVector> honest;
  std::string honest_name;
  for (const auto& tuning : tunings("honest")) {
    const auto name = vector_name_of(tuning, finetuned);
    if (!is_read(tuning, finetuned)) {
      continue;
    }
    if (tuning.seed == context_.manifest().run.seed) {
      honest_name = name;
      deceptive.push_back(*own);
      honest.push_back(load_compared(context_, name));
      continue;
    }
    for (const auto& other : tunings("deceptive")) {
      if (other.seed == tuning.seed && is_read(other, finetuned)) {
        deceptive.push_back(
            load_compared(context_, vector_name_of(other, finetuned)));
        honest.push_back(load_compared(context_, name));
      }
    }
  }
  if (honest_name.empty()) {
    return nullptr;
  }
  const auto* contrastive = contrastive_at(finetuned);
  Json out =
      twin_share_json(twin_share(deceptive, honest, contrastive, confidence_));
  const auto twin_name = "twin" + finetuned.substr(finetuned.find('@'));
  out["finetuned"] = finetuned;
  out["honest"] = honest_name;
  out["twin"] = named(twin_name) == nullptr ? Json(nullptr) : Json(twin_name);
  out["contrastive"] =
      contrastive == nullptr ? Json(nullptr) : Json(contrastive->vector.name);
  return out;
}

Json TuningComparison::twins_elsewhere() const {
  Json out = Json::array();
  for (const auto& compared : vectors_) {
    if (compared.vector.name == tuned_) {
      continue;
    }
    Json one = twin(compared.vector.name);
    if (!one.is_null()) {
      out.push_back(std::move(one));
    }
  }
  return out;
}

std::string TuningComparison::no_twin_reason() const {
  const auto& manifest = context_.manifest();
  if (!has_honest_twin(manifest)) {
    return manifest.model.finetuned.empty()
               ? "finetune.controls does not name honest"
               : "the fine-tuned side is ready made (model.finetuned), and "
                 "model.finetuned_honest names no model tuned by its recipe on "
                 "honest answers";
  }
  return "the study has no vector finetuned@POSITION, a difference of means";
}

Json TuningComparison::controls() const {
  Json out = Json::array();
  const auto* own = named(tuned_);
  for (const auto& tuning : further_tunings(context_.manifest())) {
    if (own == nullptr || !tuning.is_control ||
        tuning.seed != context_.manifest().run.seed ||
        !is_read(tuning, tuned_)) {
      continue;
    }
    const auto name = vector_name_of(tuning, tuned_);
    out.push_back({{"name", tuning.answers},
                   {"vector", name},
                   {"by_layer", control_agreement_json(control_agreement(
                                    load_compared(context_, name), *own,
                                    contrastive_at(tuned_), confidence_))}});
  }
  return out;
}

Json TuningComparison::left_out() const {
  const auto path = left_out_file(context_);
  return fs::exists(path) ? parse_json(read_file(path), path.string())
                          : Json::array();
}

}  // namespace

void compare_tunings(StudyContext& context,
                     std::span<const ComparedVector> vectors, double confidence,
                     Json& document) {
  const TuningComparison comparison(context, vectors, confidence);
  document["seeds"] = comparison.seeds();
  document["twin"] = comparison.twin(comparison.tuned());
  if (document["twin"].is_null()) {
    document["twin_reason"] = comparison.no_twin_reason();
  }
  document["twin_elsewhere"] = comparison.twins_elsewhere();
  document["control_tunings"] = comparison.controls();
  document["control_tunings_left_out"] = comparison.left_out();
}

}  // namespace veer
