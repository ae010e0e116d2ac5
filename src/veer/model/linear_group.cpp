// SPDX-License-Identifier: MIT
#include "veer/model/linear_group.h"

#include <algorithm>
#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>

#include "veer/model/ops.h"
#include "veer/tensors/upload.h"

namespace veer {
namespace {

// Rank of a layer's pair that the joined weights have room for, a hundredth of
// their memory in a model of 3B. A larger one takes a product of its own.
constexpr std::int64_t kRoomForRank = 64;
// Kernels read rows of a multiple of these numbers without going one by one.
constexpr std::int64_t kRankStep = 8;

bool is_trained(const LoraPair& pair) {
  return pair.A_RI.requires_grad() || pair.B_OR.requires_grad();
}

std::pair<std::int64_t, std::int64_t> version_of(const Linear& layer) {
  if (!layer.pair) {
    return {-1, -1};
  }
  return {layer.pair->A_RI._version(), layer.pair->B_OR._version()};
}

std::int64_t rank_of(LinearGroup::Layers layers) {
  std::int64_t rank = 0;
  for (const Linear* layer : layers) {
    rank += layer->pair ? layer->pair->A_RI.size(0) : 0;
  }
  return (rank + kRankStep - 1) / kRankStep * kRankStep;
}

// What float16 would lose of small numbers is left to the product's factor: a
// power of two, of which nothing is rounded.
double power_above(LinearGroup::Layers layers) {
  double largest = 0.0;
  for (const Linear* layer : layers) {
    if (layer->pair) {
      largest =
          std::max(largest, std::abs(layer->pair->scale) *
                                layer->pair->B_OR.abs().max().item<double>());
    }
  }
  return largest > 0.0 && std::isfinite(largest)
             ? std::exp2(std::ceil(std::log2(largest)))
             : 1.0;
}

}  // namespace

void LinearGroup::join(std::span<Linear* const> layers,
                       const at::Tensor& like) {
  if (like.is_cpu()) {
    return;
  }
  const at::NoGradGuard no_grad;
  for (const Linear* layer : layers) {
    outputs_ += layer->weight_OI.size(0);
  }
  const std::int64_t rows =
      outputs_ + kRoomForRank * static_cast<std::int64_t>(layers.size());
  weight_OI_ = at::empty({rows, layers[0]->weight_OI.size(1)}, like.options());
  if (layers[0]->bias_O.defined()) {
    bias_O_ = at::zeros({rows}, like.options());
  }
  std::int64_t first = 0;
  for (Linear* layer : layers) {
    const std::int64_t width = layer->weight_OI.size(0);
    const auto move = [&](at::Tensor& part, const at::Tensor& all) {
      if (part.defined()) {
        const auto place = all.narrow(0, first, width);
        upload_into(place, part);
        part = place;
      }
    };
    move(layer->weight_OI, weight_OI_);
    move(layer->bias_O, bias_O_);
    first += width;
  }
}

void LinearGroup::take_pairs(Layers layers) {
  forget_pairs();
  const at::Tensor& weight = layers[0]->weight_OI;
  const bool are_pairs_alone =
      std::ranges::all_of(layers, [](const Linear* layer) {
        return !layer->is_changed() ||
               (layer->has_plain_pair() && !is_trained(*layer->pair));
      });
  const std::int64_t rank = rank_of(layers);
  if (weight.is_cpu() || !are_pairs_alone || rank == 0 ||
      (layers.size() > 1 && !is_joined(layers))) {
    return;
  }
  const at::NoGradGuard no_grad;
  std::int64_t outputs = 0;
  for (const Linear* layer : layers) {
    outputs += layer->weight_OI.size(0);
  }
  const bool has_room =
      weight_OI_.defined() && weight_OI_.size(0) - outputs_ >= rank;
  A_RI_ = has_room ? weight_OI_.narrow(0, outputs_, rank).zero_()
                   : at::zeros({rank, weight.size(1)}, weight.options());
  B_OR_ = at::zeros({outputs, rank}, weight.options());
  factor_ = weight.scalar_type() == at::kHalf ? power_above(layers) : 1.0;
  std::int64_t row = 0;
  std::int64_t place = 0;
  for (const Linear* layer : layers) {
    const std::int64_t width = layer->weight_OI.size(0);
    if (layer->pair) {
      const auto& [A_RI, B_OR, scale, bias, magnitude] = *layer->pair;
      A_RI_.narrow(0, place, A_RI.size(0)).copy_(A_RI);
      B_OR_.narrow(0, row, width)
          .narrow(1, place, A_RI.size(0))
          .copy_(B_OR * (scale / factor_));
      place += A_RI.size(0);
    }
    row += width;
    versions_.push_back(version_of(*layer));
  }
}

void LinearGroup::forget_pairs() {
  A_RI_ = at::Tensor();
  B_OR_ = at::Tensor();
  versions_.clear();
}

// A weight that is trained must be in the graph itself.
bool LinearGroup::is_joined(Layers layers) const {
  return weight_OI_.defined() &&
         std::ranges::none_of(layers, [](const Linear* layer) {
           return layer->weight_OI.requires_grad() ||
                  (layer->bias_O.defined() && layer->bias_O.requires_grad());
         });
}

bool LinearGroup::has_pairs_for(const at::Tensor& x_TI, Layers layers,
                                const AdapterPass& adapter) const {
  return A_RI_.defined() && adapter.dropout == 0.0 &&
         !(at::GradMode::is_enabled() && x_TI.requires_grad()) &&
         std::ranges::equal(layers, versions_, {}, [](const Linear* layer) {
           return version_of(*layer);
         });
}

void LinearGroup::add_pairs(at::Tensor& sum_TO, at::Tensor& low_TR,
                            const AdapterPass& adapter) const {
  double strength = adapter.uniform;
  if (adapter.strength_T1.defined()) {
    low_TR.mul_(adapter.strength_T1);
    strength = 1.0;
  }
  sum_TO.addmm_(low_TR, B_OR_.t(), /*beta=*/1.0, strength * factor_);
}

at::Tensor LinearGroup::with_pairs(const at::Tensor& x_TI, const Linear& first,
                                   const AdapterPass& adapter) const {
  if (A_RI_.is_alias_of(first.weight_OI)) {
    const auto both = product(x_TI, outputs_ + A_RI_.size(0));
    auto y_TO = both.narrow(1, 0, outputs_);
    auto low_TR = both.narrow(1, outputs_, A_RI_.size(0));
    add_pairs(y_TO, low_TR, adapter);
    return y_TO;
  }
  auto y_TO = weight_OI_.defined()
                  ? product(x_TI, outputs_)
                  : ops::linear(x_TI, first.weight_OI, first.bias_O);
  auto low_TR = ops::linear(x_TI, A_RI_);
  add_pairs(y_TO, low_TR, adapter);
  return y_TO;
}

// x times the first rows.
at::Tensor LinearGroup::product(const at::Tensor& x_TI,
                                std::int64_t rows) const {
  return ops::linear(x_TI, weight_OI_.narrow(0, 0, rows),
                     bias_O_.defined() ? bias_O_.narrow(0, 0, rows) : bias_O_);
}

LinearGroup::Outputs LinearGroup::apply(const at::Tensor& x_TI, Layers layers,
                                        at::IntArrayRef widths,
                                        const AdapterPass& adapter) const {
  const bool changed =
      adapter.on && std::ranges::any_of(layers, [](const Linear* layer) {
        return layer->is_changed();
      });
  const bool by_pairs = changed && has_pairs_for(x_TI, layers, adapter);
  const bool any_trained = std::ranges::any_of(
      layers,
      [&](const Linear* layer) { return layer->trains_pair(x_TI, adapter); });
  Outputs outputs;
  if (by_pairs) {
    outputs.all_TO = with_pairs(x_TI, *layers[0], adapter);
  } else if (layers.size() == 1) {
    outputs.all_TO = layers[0]->apply(x_TI, adapter);
  } else if (is_joined(layers) && !any_trained) {
    outputs.all_TO = product(x_TI, outputs_);
  } else {
    for (const Linear* layer : layers) {
      outputs.parts.push_back(layer->apply(x_TI, adapter));
    }
    return outputs;
  }
  outputs.parts = outputs.all_TO.split_with_sizes(widths, 1);
  if (changed && !by_pairs && layers.size() > 1) {
    outputs.all_TO = at::Tensor();
    for (std::size_t i = 0; i < layers.size(); ++i) {
      outputs.parts[i] = layers[i]->adapted(x_TI, outputs.parts[i], adapter);
    }
  }
  return outputs;
}

void LinearGroup::add_to(at::Tensor& sum_TO, const at::Tensor& x_TI,
                         const Linear& layer,
                         const AdapterPass& adapter) const {
  const Linear* const layers[] = {&layer};
  const bool changed = adapter.on && layer.is_changed();
  const bool by_pairs = changed && has_pairs_for(x_TI, layers, adapter);
  if (changed && !by_pairs) {
    sum_TO.add_(layer.apply(x_TI, adapter));
    return;
  }
  sum_TO.addmm_(x_TI, layer.weight_OI.t());
  if (layer.bias_O.defined()) {
    sum_TO.add_(layer.bias_O);
  }
  if (by_pairs) {
    auto low_TR = at::mm(x_TI, A_RI_.t());
    add_pairs(sum_TO, low_TR, adapter);
  }
}

}  // namespace veer
