// SPDX-License-Identifier: MIT
#include "veer/vectors/twin_vector.h"

#include <algorithm>

#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/vectors/item_statistics.h"
#include "veer/vectors/tensor_numbers.h"

namespace veer {
namespace {

constexpr std::int64_t kFewest = 3;

void require_same_model(const ComparedVector& deceptive,
                        const ComparedVector& honest) {
  const auto& a = deceptive.vector;
  const auto& b = honest.vector;
  if (a.model_fingerprint != b.model_fingerprint || a.point != b.point ||
      a.position != b.position || a.num_layers() != b.num_layers() ||
      a.width() != b.width()) {
    fail("make twin vector",
         fmt::format("{} and {} of another model, position, point or shape",
                     a.name, b.name),
         "the same vector of two adapters of one model");
  }
}

// Questions of both: rows of the first, and of the second.
std::pair<at::Tensor, at::Tensor> common_rows(const VectorRows& a,
                                              const VectorRows& b) {
  const auto items = unite_items(a.ids, b.ids);
  std::vector<std::int64_t> of_a;
  std::vector<std::int64_t> of_b;
  for (std::size_t u = 0; u < items.x.size(); ++u) {
    if (items.x[u] >= 0 && items.y[u] >= 0) {
      of_a.push_back(items.x[u]);
      of_b.push_back(items.y[u]);
    }
  }
  if (std::ssize(of_a) < kFewest) {
    fail("make twin vector", fmt::format("{} questions of both", of_a.size()),
         fmt::format("{} or more", kFewest));
  }
  return {at::tensor(of_a, at::kLong), at::tensor(of_b, at::kLong)};
}

void fit_layer(ComparedVector& out, std::size_t layer,
               const MethodOptions& options) {
  auto& vector = out.vector;
  TwoSides sides;
  sides.layer = static_cast<std::int64_t>(layer);
  sides.positive_ND = as_double(out.rows.positive[layer]);
  sides.negative_ND = as_double(out.rows.negative[layer]);
  // Equal where nothing was extracted, or where no adapter acts.
  if (sides.positive_ND.equal(sides.negative_ND)) {
    return;
  }
  const auto fitted = fit_direction(find_method(vector.method), sides, options);
  vector.directions_LD[sides.layer].copy_(fitted.direction_D);
  if (!vector.explained.empty()) {
    vector.explained[layer] = fitted.explained.value_or(0.0);
  }
  const auto unit_D =
      fitted.direction_D /
      std::max(fitted.direction_D.norm().item<double>(), 1e-300);
  for (const auto& [moments, rows_ND] :
       {std::pair{&vector.positive, sides.positive_ND},
        std::pair{&vector.negative, sides.negative_ND}}) {
    const auto scores_N = rows_ND.mv(unit_D);
    moments->mean[layer] = scores_N.mean().item<double>();
    moments->sd[layer] = scores_N.std().item<double>();
  }
}

}  // namespace

bool is_twin(const VectorSpec& spec) {
  return spec.contrast == "twin";
}

VectorSpec tuned_side(const VectorSpec& twin) {
  return parse_vector_spec("finetuned" + twin.name.substr(twin.name.find('@')));
}

ComparedVector twin_vector(const VectorSpec& spec,
                           const ComparedVector& deceptive,
                           const ComparedVector& honest,
                           const MethodOptions& options) {
  require_same_model(deceptive, honest);
  const auto& contrast = find_contrast(spec.contrast);
  const auto [of_deceptive, of_honest] =
      common_rows(deceptive.rows, honest.rows);
  ComparedVector out;
  auto& vector = out.vector;
  vector = deceptive.vector;
  vector.name = spec.name;
  vector.contrast = spec.contrast;
  vector.method = spec.method;
  vector.sign = contrast.sign;
  vector.num_items = of_deceptive.size(0);
  vector.facts = {{"contrast", contrast.help}};
  for (const auto& term : contrast_at(contrast, spec.position)) {
    vector.facts["cell " + term.cell.name()] =
        fmt::format("{:+g}", term.weight);
  }
  const auto layers = static_cast<std::size_t>(vector.num_layers());
  vector.directions_LD = at::zeros({vector.num_layers(), vector.width()});
  for (auto* moments : {&vector.positive, &vector.negative}) {
    moments->mean.assign(layers, 0.0);
    moments->sd.assign(layers, 0.0);
  }
  vector.explained.assign(spec.method.starts_with("pca_") ? layers : 0, 0.0);
  auto& rows = out.rows;
  rows.name = spec.name;
  rows.model_fingerprint = deceptive.rows.model_fingerprint;
  rows.site = deceptive.rows.site;
  const auto index = to_vector(of_deceptive);
  for (const double i : index) {
    rows.ids.push_back(deceptive.rows.ids[static_cast<std::size_t>(i)]);
    if (!deceptive.rows.units.empty()) {
      rows.units.push_back(deceptive.rows.units[static_cast<std::size_t>(i)]);
    }
  }
  for (std::size_t l = 0; l < layers; ++l) {
    rows.positive.push_back(
        deceptive.rows.positive[l].index_select(0, of_deceptive));
    rows.negative.push_back(honest.rows.positive[l].index_select(0, of_honest));
    fit_layer(out, l, options);
  }
  return out;
}

}  // namespace veer
