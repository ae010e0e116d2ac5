// SPDX-License-Identifier: MIT
#include "veer/vectors/null_bands.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "veer/base/error.h"
#include "veer/base/hash.h"
#include "veer/vectors/distributions.h"
#include "veer/vectors/tensor_numbers.h"

namespace veer {
namespace {

NullBand band_of(const at::Tensor& cosines_B, std::optional<double> observed,
                 double level) {
  const auto values = to_vector(cosines_B);
  NullBand band;
  band.low = quantile(values, (1.0 - level) / 2.0);
  band.high = quantile(values, (1.0 + level) / 2.0);
  if (observed) {
    const auto beyond = std::count_if(
        values.begin(), values.end(),
        [&](double v) { return std::abs(v) >= std::abs(*observed); });
    band.p = static_cast<double>(beyond + 1) /
             static_cast<double>(values.size() + 1);
  }
  return band;
}

}  // namespace

NullBand isotropic_null(std::int64_t width, std::optional<double> observed,
                        double level) {
  if (width < 2) {
    fail("isotropic band", "width below 2", "at least 2");
  }
  // c sqrt((D-1) / (1-c^2)) has Student's t with D - 1 degrees.
  const auto degrees = static_cast<double>(width - 1);
  const double t = t_point((1.0 - level) / 2.0, degrees);
  NullBand band;
  band.high = t / std::sqrt(degrees + t * t);
  band.low = -band.high;
  if (observed) {
    const double c = std::min(std::abs(*observed), 1.0);
    band.p = c >= 1.0
                 ? 0.0
                 : 2.0 * t_upper_tail(c * std::sqrt(degrees / (1.0 - c * c)),
                                      degrees);
  }
  return band;
}

NullDraws make_null_draws(std::int64_t draws, std::int64_t max_rows,
                          std::uint64_t seed) {
  return {normal_matrix(draws, max_rows, seed),
          normal_matrix(draws, max_rows, hash64("second", seed))};
}

std::optional<CovarianceNull> covariance_null(
    const at::Tensor& first_ND, const at::Tensor& second_ND,
    const at::Tensor& a_D, const at::Tensor& b_D,
    std::optional<double> observed, const NullDraws& draws, double level) {
  const std::int64_t n = first_ND.size(0);
  const std::int64_t m = second_ND.size(0);
  if (std::min(n, m) < 2 || std::max(n, m) > draws.first_BN.size(1)) {
    fail("covariance-matched band", "too few or too many activation rows");
  }
  const auto first_NN = first_ND.mm(first_ND.t());
  const auto second_MM = second_ND.mm(second_ND.t());
  const auto cross_NM = first_ND.mm(second_ND.t());
  const double traces =
      first_NN.trace().item<double>() * second_MM.trace().item<double>();
  const double norm_a = a_D.norm().item<double>();
  const double norm_b = b_D.norm().item<double>();
  if (!(traces > 0.0) || !(norm_a > 0.0) || !(norm_b > 0.0)) {
    return std::nullopt;
  }
  const auto w_BN = draws.first_BN.narrow(1, 0, n);
  const auto w_BM = draws.second_BN.narrow(1, 0, m);
  const auto size_B = (w_BN.mm(first_NN) * w_BN).sum(1).sqrt();
  const auto size2_B = (w_BM.mm(second_MM) * w_BM).sum(1).sqrt();
  CovarianceNull out;
  // |first second'|^2 estimates n m tr(S^2) without bias.
  out.participation_ratio =
      traces / std::max(cross_NM.square().sum().item<double>(), 1e-300);
  out.pair = band_of((w_BN.mm(cross_NM) * w_BM).sum(1) / (size_B * size2_B),
                     observed, level);
  out.with_a =
      band_of(w_BN.mv(first_ND.mv(a_D)) / (size_B * norm_a), observed, level);
  out.with_b =
      band_of(w_BN.mv(first_ND.mv(b_D)) / (size_B * norm_b), observed, level);
  if (observed) {
    out.p = std::max({out.pair.p.value_or(1.0), out.with_a.p.value_or(1.0),
                      out.with_b.p.value_or(1.0)});
  }
  return out;
}

}  // namespace veer
