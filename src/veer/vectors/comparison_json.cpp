// SPDX-License-Identifier: MIT
//
// One list of fields per struct serves writing and reading.
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/vectors/compare.h"

namespace veer {
namespace {

template <class Self, class Visitor>
void visit_band(Self& at, Visitor&& field) {
  field("low", at.low);
  field("high", at.high);
  field("p", at.p);
}

template <class Self, class Visitor>
void visit_covariance(Self& at, Visitor&& field) {
  field("pair", at.pair);
  field("with_a", at.with_a);
  field("with_b", at.with_b);
  field("participation_ratio", at.participation_ratio);
  field("p", at.p);
}

template <class Self, class Visitor>
void visit_vector(Self& at, Visitor&& field) {
  field("layer", at.layer);
  field("norm", at.norm);
  field("unbiased_norm", at.unbiased_norm);
  field("residual_norm", at.residual_norm);
  field("relative_norm", at.relative_norm);
  field("reliability", at.reliability.value);
  field("reliability_low", at.reliability.low);
  field("reliability_high", at.reliability.high);
  field("reliability_reason", at.reliability.reason);
  field("closed_reliability", at.closed_reliability);
  field("existence_p", at.existence_p);
  field("existence_adjusted_p", at.existence_adjusted_p);
  field("participation_ratio", at.participation_ratio);
  field("icc", at.icc);
  field("design_effect", at.design_effect);
  field("agreement", at.agreement);
  field("auroc", at.auroc);
  field("massive_dimensions", at.massive_dimensions);
}

template <class Self, class Visitor>
void visit_pair(Self& at, Visitor&& field) {
  field("layer", at.layer);
  field("cosine", at.cosine.value);
  field("low", at.cosine.low);
  field("high", at.cosine.high);
  field("n", at.cosine.n);
  field("reason", at.cosine.reason);
  field("raw_cosine", at.raw_cosine);
  field("band_low", at.band_low);
  field("band_high", at.band_high);
  field("isotropic", at.isotropic);
  field("covariance", at.covariance);
  field("ceiling", at.ceiling);
  field("disattenuated", at.disattenuated);
  field("zero_p", at.zero_p);
  field("zero_holm_p", at.zero_holm_p);
  field("equivalence_p", at.equivalence_p);
  field("equivalence_holm_p", at.equivalence_holm_p);
  field("without_massive", at.without_massive);
  field("whitened", at.whitened);
  field("mean_centred", at.mean_centred);
  field("principal_cosines", at.principal_cosines);
  field("energy_of_b_in_a", at.energy_of_b_in_a);
  field("energy_of_a_in_b", at.energy_of_a_in_b);
  field("cka", at.cka);
  field("verdict", at.verdict);
}

struct Writer {
  Json& out;

  template <class T>
  void operator()(const char* name, const T& value) const {
    out[name] = value;
  }
  void operator()(const char* name, const std::optional<double>& value) const {
    out[name] = optional_json(value);
  }
  void operator()(const char* name, const NullBand& band) const {
    visit_band(band, Writer{out[name]});
  }
  void operator()(const char* name,
                  const std::optional<CovarianceNull>& null) const {
    out[name] = nullptr;
    if (null) {
      visit_covariance(*null, Writer{out[name]});
    }
  }
};

struct Reader {
  const Json& in;

  const Json& at(const char* name) const {
    const auto found = in.find(name);
    if (found == in.end()) {
      fail("read comparison", std::string("no field \"") + name + "\"",
           "comparison.json as this version writes it",
           "a file of another version; --redo makes it anew");
    }
    return *found;
  }
  template <class T>
  void operator()(const char* name, T& value) const {
    try {
      value = at(name).get<T>();
    } catch (const Json::exception& e) {
      fail("read comparison", std::string("\"") + name + "\": " + e.what(),
           "a value of the kind that this version writes");
    }
  }
  void operator()(const char* name, std::optional<double>& value) const {
    const Json& json = at(name);
    value = json.is_number() ? std::optional<double>(json.get<double>())
                             : std::nullopt;
  }
  void operator()(const char* name, NullBand& band) const {
    visit_band(band, Reader{at(name)});
  }
  void operator()(const char* name, std::optional<CovarianceNull>& null) const {
    const Json& json = at(name);
    null.reset();
    if (json.is_object()) {
      visit_covariance(null.emplace(), Reader{json});
    }
  }
};

Json pair_json(const PairAtLayer& at) {
  Json out;
  visit_pair(at, Writer{out});
  const auto& band = at.covariance ? at.covariance->pair : at.isotropic;
  out["established"] = at.cosine.established();
  out["null_low"] = band.low;
  out["null_high"] = band.high;
  return out;
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
                  {"clusters", vector.clusters},
                  {"fingerprint", vector.fingerprint},
                  {"by_layer", Json::array()}};
    for (const auto& at : vector.by_layer) {
      visit_vector(at, Writer{entry["by_layer"].emplace_back()});
    }
    out["vectors"].push_back(std::move(entry));
  }
  for (const auto& pair : comparison.pairs) {
    Json entry = {{"a", pair.a},
                  {"b", pair.b},
                  {"common_items", pair.num_common},
                  {"all_items", pair.num_union},
                  {"clusters", pair.num_clusters},
                  {"by_layer", Json::array()}};
    for (const auto& at : pair.by_layer) {
      entry["by_layer"].push_back(pair_json(at));
    }
    out["pairs"].push_back(std::move(entry));
  }
  return out;
}

Comparison comparison_from_json(const Json& json) {
  Comparison out;
  const Reader top{json};
  top("layers", out.num_layers);
  top("width", out.width);
  top("site", out.point);
  top("confidence", out.options.confidence);
  top("margin", out.options.margin);
  for (const auto& entry : top.at("vectors")) {
    auto& vector = out.vectors.emplace_back();
    const Reader read{entry};
    read("name", vector.name);
    read("n", vector.n);
    read("clusters", vector.clusters);
    read("fingerprint", vector.fingerprint);
    for (const auto& at : read.at("by_layer")) {
      visit_vector(vector.by_layer.emplace_back(), Reader{at});
    }
  }
  for (const auto& entry : top.at("pairs")) {
    auto& pair = out.pairs.emplace_back();
    const Reader read{entry};
    read("a", pair.a);
    read("b", pair.b);
    read("common_items", pair.num_common);
    read("all_items", pair.num_union);
    read("clusters", pair.num_clusters);
    for (const auto& at : read.at("by_layer")) {
      visit_pair(pair.by_layer.emplace_back(), Reader{at});
    }
  }
  return out;
}

}  // namespace veer
