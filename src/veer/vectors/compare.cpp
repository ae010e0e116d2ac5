// SPDX-License-Identifier: MIT
//
// Works layer by layer: rows of one layer of all vectors are in memory at
// once, so memory is vectors * N * D numbers whatever the number of layers.
// What needs all layers (corrections, simultaneous bands) is kept as numbers
// and finished at the end.
#include "veer/vectors/compare.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>
#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/base/hash.h"
#include "veer/vectors/auroc.h"
#include "veer/vectors/compared_layer.h"
#include "veer/vectors/distributions.h"
#include "veer/vectors/item_statistics.h"
#include "veer/vectors/pair_metrics.h"
#include "veer/vectors/shrunk_covariance.h"
#include "veer/vectors/tensor_numbers.h"
#include "veer/vectors/unit_rows.h"

namespace veer {
namespace {

constexpr double kNoDirection = 1e-6;  // of the residual norm

void check_inputs(std::span<const ComparedVector> vectors) {
  const auto refuse = [](const std::string& found, const char* expected) {
    fail("compare vectors", found, expected);
  };
  if (vectors.empty()) {
    refuse("no vectors", "at least one");
  }
  std::set<std::string> names;
  const auto& first = vectors.front().vector;
  for (const auto& [v, rows] : vectors) {
    if (!names.insert(v.name).second) {
      refuse("the name " + v.name + " twice", "names that differ");
    }
    if (v.num_layers() != first.num_layers() || v.width() != first.width()) {
      refuse(fmt::format("{} is {} x {}, {} is {} x {}", first.name,
                         first.num_layers(), first.width(), v.name,
                         v.num_layers(), v.width()),
             "vectors of one shape [layers, width]");
    }
    if (v.model_fingerprint != first.model_fingerprint) {
      refuse(v.name + " and " + first.name + " are of different models",
             "vectors of one model");
    }
    if (v.point != first.point) {
      refuse(v.name + " and " + first.name + " are of different points",
             "vectors of one point of the block");
    }
    if (rows.num_layers() != v.num_layers() ||
        rows.positive.front().size(1) != v.width()) {
      refuse("rows of another shape for " + v.name, "the rows behind it");
    }
    if (rows.num_items() < 4) {
      refuse(fmt::format("{} questions for {}", rows.num_items(), v.name),
             "at least four");
    }
    require_finite(v.directions_LD, "steering vector");
  }
}

// Projection of each row on the mean difference of the other units' questions.
std::optional<double> held_out_auroc(const ComparedVector& compared,
                                     const ComparedLayer& loaded,
                                     const RowUnits& units,
                                     const at::Tensor& sums_MD,
                                     std::int64_t layer) {
  const auto l = static_cast<std::size_t>(layer);
  const auto unit_N = at::tensor(units.of, at::kLong);
  const auto sums_ND =
      units.are_single() ? sums_MD : sums_MD.index_select(0, unit_N);
  const auto sum_D = loaded.differences_ND.sum(0);
  if (!(sum_D.norm().item<double>() > 0.0)) {
    return std::nullopt;
  }
  const auto num_others_N =
      static_cast<double>(units.of.size()) - at::tensor(units.counts, at::kLong)
                                                 .to(at::kDouble)
                                                 .index_select(0, unit_N);
  const auto score = [&](const at::Tensor& rows) {
    const auto rows_ND = as_double(rows);
    const auto on_others_N = rows_ND.mv(sum_D) - (rows_ND * sums_ND).sum(1);
    // Units leave out different numbers of questions.
    return to_vector(units.are_single() ? on_others_N
                                        : on_others_N / num_others_N);
  };
  return auroc(score(compared.rows.positive[l]),
               score(compared.rows.negative[l]));
}

std::optional<double> residual_norm(const SteeringVector& v,
                                    std::int64_t layer) {
  const char* kind = v.position == "prompt_end" ? "prompt_end" : "generated";
  const auto found = v.residual_norms.find(std::string("base.") + kind);
  if (found == v.residual_norms.end() || found->second.empty()) {
    return std::nullopt;
  }
  return found->second[static_cast<std::size_t>(layer)];
}

class Comparer {
 public:
  Comparer(std::span<const ComparedVector> vectors,
           const CompareOptions& options, const Monitor& monitor);
  Comparison run();

 private:
  std::uint64_t seed(std::string_view purpose) const {
    return hash64(purpose, static_cast<std::uint64_t>(options_.seed));
  }
  void compare_layer(std::int64_t layer);
  VectorAtLayer vector_at(std::size_t v, const ComparedLayer& loaded,
                          std::int64_t layer);
  PairAtLayer pair_at(std::size_t p, const ComparedLayer& a,
                      const ComparedLayer& b, std::int64_t layer);
  void add_metrics(PairAtLayer& out, const ComparedLayer& a,
                   const ComparedLayer& b) const;
  void add_nulls(PairAtLayer& out, const ComparedLayer& a,
                 const ComparedLayer& b) const;
  // Of each question of a vector.
  std::vector<std::string> names_of(std::size_t v) const;
  void finish_vectors();
  void finish_pair(std::size_t p);

  struct Pair {
    std::size_t a = 0, b = 0;
    ItemUnion items;
    std::vector<CrossItemCosine> cosines;  // per layer
  };

  std::span<const ComparedVector> vectors_;
  CompareOptions options_;
  const Monitor& monitor_;
  Comparison out_;
  std::vector<Pair> pairs_;
  std::vector<RowUnits> units_;    // per vector
  std::vector<at::Tensor> sums_;   // per vector, of the layer at hand [M, D]
  std::vector<at::Tensor> signs_;  // per vector [flips, N]
  std::vector<std::vector<FlippedA>> flipped_;  // per vector, per layer
  NullDraws draws_;
};

Comparer::Comparer(std::span<const ComparedVector> vectors,
                   const CompareOptions& options, const Monitor& monitor)
    : vectors_(vectors), options_(options), monitor_(monitor) {
  check_inputs(vectors);
  const auto& first = vectors.front().vector;
  out_.num_layers = first.num_layers();
  out_.width = first.width();
  out_.point = std::string(point_name(first.point));
  out_.options = options;
  draws_ = make_null_draws(options.random_draws, kNullColumns, seed("null"));
  flipped_.resize(vectors.size());
  for (std::size_t a = 0; a < vectors.size(); ++a) {
    const auto& [v, rows] = vectors[a];
    units_.push_back(row_units(rows));
    out_.vectors.push_back(
        {v.name, rows.num_items(), v.fingerprint(), {}, units_.back().size()});
    signs_.push_back(
        sign_matrix(options.sign_flips, units_.back().size(), seed("flips")));
    for (std::size_t b = a + 1; b < vectors.size(); ++b) {
      const auto& other = vectors[b].rows;
      Pair pair{a, b, unite_units(rows, other), {}};
      const auto questions = unite_items(rows.ids, other.ids);
      out_.pairs.push_back({v.name,
                            vectors[b].vector.name,
                            questions.num_common,
                            std::ssize(questions.x),
                            {},
                            std::ssize(pair.items.x)});
      pairs_.push_back(std::move(pair));
    }
  }
}

VectorAtLayer Comparer::vector_at(std::size_t v, const ComparedLayer& loaded,
                                  std::int64_t layer) {
  const auto& compared = vectors_[v];
  VectorAtLayer out;
  out.layer = layer;
  out.norm = loaded.direction_D.norm().item<double>();
  out.residual_norm = residual_norm(compared.vector, layer);
  if (out.residual_norm && *out.residual_norm > 0.0) {
    out.relative_norm = out.norm / *out.residual_norm;
  }
  const auto ordinary_D = ordinary_dimensions(loaded.mean_D);
  out.massive_dimensions =
      out_.width - ordinary_D.sum().to(at::kLong).item<std::int64_t>();
  const auto& units = units_[v];
  const ItemGram questions(loaded.differences_ND);
  const ItemGram gram =
      units.are_single() ? questions : ItemGram(sums_[v], units.counts);
  flipped_[v].push_back(gram.flipped(signs_[v]));
  const double size = std::sqrt(std::max(0.0, gram.squared_norm_of_mean()));
  if (!(size > kNoDirection * out.residual_norm.value_or(0.0)) || size == 0.0) {
    out.reliability = Measure::none(
        "both sides are the same here, or the layer was not extracted",
        questions.n());
    return out;
  }
  if (const double square = gram.unbiased_squared_norm(); square > 0.0) {
    out.unbiased_norm = std::sqrt(square);
  }
  const auto& made = compared.vector;
  if (const auto reason = no_cross_item_estimate(made, made); reason.empty()) {
    out.reliability = gram.split_half(options_.split_halves, seed("halves"));
    out.closed_reliability = gram.reliability();
    out.auroc = held_out_auroc(compared, loaded, units, sums_[v], layer);
  } else {
    out.reliability = Measure::none(reason, questions.n());
  }
  const auto alike = intra_cluster(loaded.differences_ND, units);
  out.icc = alike.icc;
  out.design_effect = alike.design_effect;
  out.participation_ratio = questions.participation_ratio();
  out.agreement = questions.agreement();
  return out;
}

void Comparer::add_nulls(PairAtLayer& out, const ComparedLayer& a,
                         const ComparedLayer& b) const {
  out.isotropic =
      isotropic_null(out_.width, out.raw_cosine, options_.confidence);
  out.covariance = covariance_null(at::cat({a.first_ND, b.first_ND}),
                                   at::cat({a.second_ND, b.second_ND}),
                                   a.direction_D, b.direction_D, out.raw_cosine,
                                   draws_, options_.confidence);
}

void Comparer::add_metrics(PairAtLayer& out, const ComparedLayer& a,
                           const ComparedLayer& b) const {
  const auto keep_D =
      ordinary_dimensions(a.mean_D) * ordinary_dimensions(b.mean_D);
  out.without_massive =
      plain_cosine(a.direction_D * keep_D, b.direction_D * keep_D);
  out.mean_centred = plain_cosine(a.direction_D - a.direction_D.mean(),
                                  b.direction_D - b.direction_D.mean());
  if (!options_.metrics || !out.raw_cosine || !out.covariance) {
    return;
  }
  const ShrunkCovariance covariance(
      at::cat({a.first_ND, b.first_ND, a.second_ND, b.second_ND}));
  const auto white_a = covariance.solve(a.direction_D);
  const auto white_b = covariance.solve(b.direction_D);
  const double square = a.direction_D.dot(white_a).item<double>() *
                        b.direction_D.dot(white_b).item<double>();
  if (square > 0.0) {
    out.whitened =
        a.direction_D.dot(white_b).item<double>() / std::sqrt(square);
  }
}

PairAtLayer Comparer::pair_at(std::size_t p, const ComparedLayer& a,
                              const ComparedLayer& b, std::int64_t layer) {
  Pair& pair = pairs_[p];
  PairAtLayer out;
  out.layer = layer;
  const auto& at_a = out_.vectors[pair.a].by_layer.back();
  const auto& at_b = out_.vectors[pair.b].by_layer.back();
  CrossItemCosine cosine;
  if (const auto reason = no_cross_item_estimate(vectors_[pair.a].vector,
                                                 vectors_[pair.b].vector);
      !reason.empty()) {
    out.raw_cosine = plain_cosine(a.direction_D, b.direction_D);
    cosine.cosine = Measure::none(reason);
  } else if (at_a.closed_reliability && at_b.closed_reliability) {
    out.raw_cosine = plain_cosine(a.direction_D, b.direction_D);
    cosine = cross_item_cosine(sums_[pair.a], sums_[pair.b], pair.items,
                               options_.confidence);
  } else {
    cosine.cosine = Measure::none(
        "direction not established: both sides of one vector are the same "
        "here");
  }
  out.cosine = cosine.cosine;
  if (cosine.error) {
    out.zero_p = cosine.error->zero_p(options_.confidence);
    out.equivalence_p = cosine.error->equivalence_p(options_.margin);
  }
  const auto& ra = at_a.reliability.value;
  const auto& rb = at_b.reliability.value;
  if (ra && rb && *ra > 0.0 && *rb > 0.0) {
    out.ceiling = std::sqrt(*ra * *rb);
    if (out.raw_cosine) {
      out.disattenuated = *out.raw_cosine / *out.ceiling;
    }
  }
  add_nulls(out, a, b);
  add_metrics(out, a, b);
  if (options_.metrics && out.raw_cosine) {
    out.cka = debiased_cka(sums_[pair.a], sums_[pair.b], pair.items);
  }
  if (options_.subspace_rank > 0 && out.raw_cosine) {
    const auto spaces =
        compare_subspaces(a.differences_ND, names_of(pair.a), b.differences_ND,
                          names_of(pair.b), options_.subspace_rank);
    out.principal_cosines = spaces.principal_cosines;
    out.energy_of_b_in_a = spaces.energy_of_b_in_a;
    out.energy_of_a_in_b = spaces.energy_of_a_in_b;
  }
  pair.cosines.push_back(std::move(cosine));
  return out;
}

void Comparer::compare_layer(std::int64_t layer) {
  std::vector<ComparedLayer> loaded;
  sums_.clear();
  for (std::size_t v = 0; v < vectors_.size(); ++v) {
    loaded.push_back(compared_layer(vectors_[v], layer));
    sums_.push_back(unit_sums(loaded.back().differences_ND, units_[v]));
    out_.vectors[v].by_layer.push_back(vector_at(v, loaded[v], layer));
  }
  for (std::size_t p = 0; p < pairs_.size(); ++p) {
    out_.pairs[p].by_layer.push_back(
        pair_at(p, loaded[pairs_[p].a], loaded[pairs_[p].b], layer));
  }
}

std::vector<std::string> Comparer::names_of(std::size_t v) const {
  std::vector<std::string> names;
  for (const auto unit : units_[v].of) {
    names.push_back(units_[v].names[static_cast<std::size_t>(unit)]);
  }
  return names;
}

void Comparer::finish_vectors() {
  for (std::size_t v = 0; v < vectors_.size(); ++v) {
    const auto test = existence_test(flipped_[v]);
    for (std::size_t l = 0; l < test.p.size(); ++l) {
      auto& at_layer = out_.vectors[v].by_layer[l];
      if (at_layer.closed_reliability) {
        at_layer.existence_p = test.p[l];
        at_layer.existence_adjusted_p = test.adjusted_p[l];
      }
    }
  }
}

void Comparer::finish_pair(std::size_t p) {
  auto& layers = out_.pairs[p].by_layer;
  const auto& cosines = pairs_[p].cosines;
  const auto wider = simultaneous_widening(cosines, options_.confidence);
  std::vector<std::optional<double>> zero;
  std::vector<std::optional<double>> equal;
  for (const auto& at_layer : layers) {
    zero.push_back(at_layer.zero_p);
    equal.push_back(at_layer.equivalence_p);
  }
  const auto zero_holm = holm_adjusted(zero);
  const auto equal_holm = holm_adjusted(equal);
  for (std::size_t l = 0; l < layers.size(); ++l) {
    auto& at_layer = layers[l];
    const auto band =
        wider && cosines[l].error
            ? cosines[l].error->interval(options_.confidence, *wider)
            : std::nullopt;
    if (band) {
      const auto possible = within_cosines(*band, *cosines[l].cosine.value);
      at_layer.band_low = possible.low;
      at_layer.band_high = possible.high;
    }
    at_layer.zero_holm_p = zero_holm[l];
    at_layer.equivalence_holm_p = equal_holm[l];
    at_layer.verdict = pair_verdict(at_layer, options_.margin);
  }
}

Comparison Comparer::run() {
  for (std::int64_t layer = 0; layer < out_.num_layers; ++layer) {
    monitor_.check_stop("compare vectors");
    compare_layer(layer);
    monitor_.progress({"compare", layer + 1, out_.num_layers, "layers", ""});
  }
  finish_vectors();
  for (std::size_t p = 0; p < pairs_.size(); ++p) {
    finish_pair(p);
  }
  return std::move(out_);
}

}  // namespace

std::string pair_verdict(const PairAtLayer& at, double margin) {
  constexpr double kChanceP = 0.05;
  if (!at.cosine.value || !at.ceiling) {
    return "not established";
  }
  if (*at.ceiling < 0.3 || !at.band_low || !at.band_high) {
    return "undecided";
  }
  // The ends of a band leave out 5 % only together: a cosine beyond one of
  // them can have a larger p.
  const bool beyond_chance =
      at.covariance && at.covariance->p && *at.covariance->p < kChanceP;
  if (*at.band_low > margin && beyond_chance) {
    return "align";
  }
  if (*at.band_high < -margin && beyond_chance) {
    return "opposed";
  }
  // An equivalence test within the margin, and a band that does not leave out
  // 0: a small cosine that is told from none is not none.
  const bool holds_zero = *at.band_low <= 0.0 && *at.band_high >= 0.0;
  if (at.equivalence_p && *at.equivalence_p < 0.05 && holds_zero) {
    return "orthogonal";
  }
  return "undecided";
}

std::string no_cross_item_estimate(const SteeringVector& a,
                                   const SteeringVector& b) {
  for (const auto* vector : {&a, &b}) {
    if (!vector->method.empty() && vector->method != "mean_diff") {
      return fmt::format("a direction made by {} is no mean over questions",
                         vector->method);
    }
  }
  return "";
}

Comparison compare_vectors(std::span<const ComparedVector> vectors,
                           const CompareOptions& options,
                           const Monitor& monitor) {
  return Comparer(vectors, options, monitor).run();
}

}  // namespace veer
