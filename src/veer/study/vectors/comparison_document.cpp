// SPDX-License-Identifier: MIT
#include "veer/study/vectors/comparison_document.h"

#include <nlohmann/json.hpp>

#include "veer/results/vector_name.h"

namespace veer {
namespace {

Json vector_layers_json(const VectorComparison& vector) {
  Json layers = Json::array();
  for (const auto& at : vector.by_layer) {
    layers.push_back({{"layer", at.layer},
                      {"norm", at.norm},
                      {"residual_norm", optional_json(at.residual_norm)},
                      {"relative_norm", optional_json(at.relative_norm)},
                      {"reliability", optional_json(at.reliability.value)},
                      {"reliability_low", optional_json(at.reliability.low)},
                      {"reliability_high", optional_json(at.reliability.high)},
                      {"existence_p", optional_json(at.existence_adjusted_p)},
                      {"icc", optional_json(at.icc)},
                      {"design_effect", optional_json(at.design_effect)},
                      {"auroc", optional_json(at.auroc)}});
  }
  return layers;
}

Json pair_layers_json(const PairComparison& pair) {
  Json layers = Json::array();
  for (const auto& at : pair.by_layer) {
    const NullBand& band = at.covariance ? at.covariance->pair : at.isotropic;
    layers.push_back({{"layer", at.layer},
                      {"cosine", optional_json(at.cosine.value)},
                      {"raw_cosine", optional_json(at.raw_cosine)},
                      {"low", optional_json(at.cosine.low)},
                      {"high", optional_json(at.cosine.high)},
                      {"established", at.cosine.established()},
                      {"reason", at.cosine.reason},
                      {"null_low", band.low},
                      {"null_high", band.high},
                      {"ceiling", optional_json(at.ceiling)},
                      {"principal_cosines", at.principal_cosines},
                      {"energy_of_a_in_b", optional_json(at.energy_of_a_in_b)},
                      {"energy_of_b_in_a", optional_json(at.energy_of_b_in_a)},
                      {"verdict", at.verdict}});
  }
  return layers;
}

}  // namespace

Json comparison_document(const Comparison& comparison,
                         std::span<const ComparedVector> compared,
                         const std::pair<std::string, std::string>& primary) {
  Json vectors = Json::array();
  for (std::size_t i = 0; i < comparison.vectors.size(); ++i) {
    const auto& vector = comparison.vectors[i];
    vectors.push_back({{"name", vector.name},
                       {"family", vector_family(vector.name)},
                       {"position", compared[i].vector.position},
                       {"method", compared[i].vector.method},
                       {"n", vector.n},
                       {"clusters", vector.clusters},
                       {"file", "vectors/" + vector.name + ".safetensors"},
                       {"fingerprint", vector.fingerprint},
                       {"by_layer", vector_layers_json(vector)}});
  }
  Json pairs = Json::array();
  for (const auto& pair : comparison.pairs) {
    pairs.push_back(
        {{"a", pair.a},
         {"b", pair.b},
         {"primary", pair.a == primary.first && pair.b == primary.second},
         {"n", pair.num_common},
         {"clusters", pair.num_clusters},
         {"by_layer", pair_layers_json(pair)}});
  }
  return {{"layers", comparison.num_layers},
          {"width", comparison.width},
          {"site", comparison.point},
          {"confidence", comparison.options.confidence},
          {"vectors", vectors},
          {"pairs", pairs},
          {"primary", {{"a", primary.first}, {"b", primary.second}}},
          {"full", comparison_json(comparison)}};
}

}  // namespace veer
