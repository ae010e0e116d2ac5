// SPDX-License-Identifier: MIT
#include "veer/vectors/steering_vector.h"

#include <ATen/ops/isfinite.h>
#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/hash.h"
#include "veer/model/transformer.h"
#include "veer/tensors/safetensors.h"
#include "veer/vectors/tensor_numbers.h"

namespace veer {
namespace {

const std::string kKind = "veer.steering_vector";

Json moments_json(const ProjectionMoments& moments) {
  return {{"mean", moments.mean}, {"sd", moments.sd}};
}

ProjectionMoments moments_from(const Json& json) {
  return {json.at("mean").get<std::vector<double>>(),
          json.at("sd").get<std::vector<double>>()};
}

void fill(SteeringVector& v, const Json& facts) {
  v.name = facts.at("name");
  v.contrast = facts.at("contrast");
  v.method = facts.at("method");
  v.position = facts.at("position");
  v.point = parse_point(facts.at("point").get<std::string>());
  v.sign = facts.at("sign");
  v.model = facts.at("model");
  v.model_fingerprint = facts.at("model_fingerprint");
  v.template_fingerprint = facts.at("template_fingerprint");
  v.num_items = facts.at("num_items");
  v.residual_norms = facts.at("residual_norms")
                         .get<std::map<std::string, std::vector<double>>>();
  v.positive = moments_from(facts.at("positive"));
  v.negative = moments_from(facts.at("negative"));
  v.tokens = moments_from(facts.at("tokens"));
  v.explained = facts.at("explained").get<std::vector<double>>();
  v.facts = facts.at("facts").get<std::map<std::string, std::string>>();
}

void check_lengths(const SteeringVector& v, const std::filesystem::path& path) {
  const auto check = [&](const std::vector<double>& list, const char* name) {
    if (!list.empty() &&
        static_cast<std::int64_t>(list.size()) != v.num_layers()) {
      fail("read steering vector",
           fmt::format("{}: {} has {} entries", path.string(), name,
                       list.size()),
           fmt::format("{} layers or none", v.num_layers()));
    }
  };
  for (const auto& [name, norms] : v.residual_norms) {
    check(norms, name.c_str());
  }
  for (const auto* moments : {&v.positive, &v.negative, &v.tokens}) {
    check(moments->mean, "projection mean");
    check(moments->sd, "projection sd");
  }
  check(v.explained, "explained");
}

}  // namespace

std::int64_t SteeringVector::num_layers() const {
  return directions_LD.defined() ? directions_LD.size(0) : 0;
}

std::int64_t SteeringVector::width() const {
  return directions_LD.defined() ? directions_LD.size(1) : 0;
}

std::vector<double> SteeringVector::norms() const {
  return to_vector(as_double(directions_LD).norm(2, 1));
}

std::string SteeringVector::fingerprint() const {
  const auto data = directions_LD.to(at::kCPU, at::kFloat).contiguous();
  std::string bytes = dump_json(steering_vector_json(*this));
  bytes.append(static_cast<const char*>(data.const_data_ptr()),
               static_cast<std::size_t>(data.nbytes()));
  return veer::fingerprint(bytes);
}

Json steering_vector_json(const SteeringVector& v) {
  return {
      {"kind", kKind},
      {"version", 1},
      {"name", v.name},
      {"contrast", v.contrast},
      {"method", v.method},
      {"position", v.position},
      {"point", std::string(point_name(v.point))},
      {"layers", v.num_layers()},
      {"width", v.width()},
      {"sign", v.sign},
      {"model", v.model},
      {"model_fingerprint", v.model_fingerprint},
      {"template_fingerprint", v.template_fingerprint},
      {"num_items", v.num_items},
      {"norms", v.directions_LD.defined() ? v.norms() : std::vector<double>()},
      {"residual_norms", v.residual_norms},
      {"positive", moments_json(v.positive)},
      {"negative", moments_json(v.negative)},
      {"tokens", moments_json(v.tokens)},
      {"explained", v.explained},
      {"facts", v.facts}};
}

void write_steering_vector(const std::filesystem::path& path,
                           const SteeringVector& vector) {
  if (!vector.directions_LD.defined() || vector.directions_LD.dim() != 2) {
    fail("write steering vector", "no directions [layers, width]");
  }
  require_finite(vector.directions_LD, "steering vector");
  write_safetensors(
      path, {{"directions", vector.directions_LD.to(at::kCPU, at::kFloat)}},
      {{"veer", dump_json(steering_vector_json(vector))}});
}

SteeringVector read_steering_vector(const std::filesystem::path& path) {
  const auto refuse = [&](const std::string& found) {
    fail("read steering vector", path.string() + ": " + found,
         "a steering vector of Veer (version 1)",
         "another kind of file; foreign vectors come in by `veer convert`");
  };
  const auto file = read_safetensors(path);
  const auto tensor = file.tensors.find("directions");
  const auto metadata = file.metadata.find("veer");
  if (tensor == file.tensors.end() || metadata == file.metadata.end()) {
    refuse("no tensor \"directions\" with metadata \"veer\"");
  }
  SteeringVector v;
  const Json facts = parse_json(metadata->second, path.string());
  try {
    if (facts.at("kind") != kKind || facts.at("version") != 1) {
      refuse(fmt::format("kind {}, version {}", dump_json(facts.at("kind")),
                         dump_json(facts.at("version"))));
    }
    fill(v, facts);
  } catch (const nlohmann::json::exception& e) {
    refuse(e.what());
  }
  if (tensor->second.dim() != 2 || !tensor->second.is_floating_point()) {
    refuse("directions are not [layers, width]");
  }
  v.directions_LD = tensor->second.to(at::kFloat).clone();
  if (!at::isfinite(v.directions_LD).all().item<bool>()) {
    refuse("a direction holds NaN or infinity");
  }
  check_lengths(v, path);
  return v;
}

void require_fits(const SteeringVector& vector, const Transformer& model,
                  bool any_fingerprint) {
  const auto& config = model.config();
  if (vector.num_layers() != config.num_layers ||
      vector.width() != config.width) {
    fail("use steering vector " + vector.name,
         fmt::format("{} layers of width {}", vector.num_layers(),
                     vector.width()),
         fmt::format("{} layers of width {}", config.num_layers, config.width),
         "the vector was made for another model");
  }
  if (!any_fingerprint && !vector.model_fingerprint.empty() &&
      !model.has_fingerprint(vector.model_fingerprint)) {
    fail("use steering vector " + vector.name,
         fmt::format("it was made from {} (fingerprint {})",
                     vector.model.empty() ? "another model" : vector.model,
                     vector.model_fingerprint),
         "a vector of this model (fingerprint " + model.fingerprint() + ")",
         "another checkpoint of the same shape");
  }
}

}  // namespace veer
