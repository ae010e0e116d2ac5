// SPDX-License-Identifier: MIT
#include <nlohmann/json.hpp>

#include "veer/vectors/compare.h"

namespace veer {
namespace {

Json vector_json(const VectorAtLayer& at) {
  return {{"layer", at.layer},
          {"norm", at.norm},
          {"unbiased_norm", optional_json(at.unbiased_norm)},
          {"residual_norm", optional_json(at.residual_norm)},
          {"relative_norm", optional_json(at.relative_norm)},
          {"reliability", optional_json(at.reliability.value)},
          {"reliability_low", optional_json(at.reliability.low)},
          {"reliability_high", optional_json(at.reliability.high)},
          {"reliability_reason", at.reliability.reason},
          {"closed_reliability", optional_json(at.closed_reliability)},
          {"existence_p", optional_json(at.existence_p)},
          {"existence_adjusted_p", optional_json(at.existence_adjusted_p)},
          {"participation_ratio", optional_json(at.participation_ratio)},
          {"agreement", optional_json(at.agreement)},
          {"auroc", optional_json(at.auroc)},
          {"massive_dimensions", at.massive_dimensions}};
}

Json band_json(const NullBand& band) {
  return {{"low", band.low}, {"high", band.high}, {"p", optional_json(band.p)}};
}

Json covariance_json(const std::optional<CovarianceNull>& null) {
  if (!null) {
    return nullptr;
  }
  return {{"pair", band_json(null->pair)},
          {"with_a", band_json(null->with_a)},
          {"with_b", band_json(null->with_b)},
          {"participation_ratio", null->participation_ratio},
          {"p", optional_json(null->p)}};
}

Json pair_json(const PairAtLayer& at) {
  const auto& band = at.covariance ? at.covariance->pair : at.isotropic;
  return {{"layer", at.layer},
          {"cosine", optional_json(at.cosine.value)},
          {"low", optional_json(at.cosine.low)},
          {"high", optional_json(at.cosine.high)},
          {"established", at.cosine.established()},
          {"reason", at.cosine.reason},
          {"raw_cosine", optional_json(at.raw_cosine)},
          {"band_low", optional_json(at.band_low)},
          {"band_high", optional_json(at.band_high)},
          {"null_low", band.low},
          {"null_high", band.high},
          {"isotropic", band_json(at.isotropic)},
          {"covariance", covariance_json(at.covariance)},
          {"ceiling", optional_json(at.ceiling)},
          {"disattenuated", optional_json(at.disattenuated)},
          {"zero_p", optional_json(at.zero_p)},
          {"zero_holm_p", optional_json(at.zero_holm_p)},
          {"equivalence_p", optional_json(at.equivalence_p)},
          {"equivalence_holm_p", optional_json(at.equivalence_holm_p)},
          {"without_massive", optional_json(at.without_massive)},
          {"whitened", optional_json(at.whitened)},
          {"mean_centred", optional_json(at.mean_centred)},
          {"principal_cosines", at.principal_cosines},
          {"energy_of_b_in_a", optional_json(at.energy_of_b_in_a)},
          {"energy_of_a_in_b", optional_json(at.energy_of_a_in_b)},
          {"cka", optional_json(at.cka)},
          {"verdict", at.verdict}};
}

}  // namespace

Json comparison_json(const Comparison& comparison) {
  Json out = {{"layers", comparison.num_layers},
              {"width", comparison.width},
              {"site", comparison.point},
              {"confidence", comparison.options.confidence},
              {"margin", comparison.options.margin},
              {"vectors", Json::array()},
              {"pairs", Json::array()}};
  for (const auto& vector : comparison.vectors) {
    Json entry = {{"name", vector.name},
                  {"n", vector.n},
                  {"fingerprint", vector.fingerprint},
                  {"by_layer", Json::array()}};
    for (const auto& at : vector.by_layer) {
      entry["by_layer"].push_back(vector_json(at));
    }
    out["vectors"].push_back(std::move(entry));
  }
  for (const auto& pair : comparison.pairs) {
    Json entry = {{"a", pair.a},
                  {"b", pair.b},
                  {"common_items", pair.num_common},
                  {"all_items", pair.num_union},
                  {"by_layer", Json::array()}};
    for (const auto& at : pair.by_layer) {
      entry["by_layer"].push_back(pair_json(at));
    }
    out["pairs"].push_back(std::move(entry));
  }
  return out;
}

}  // namespace veer
