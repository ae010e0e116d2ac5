// SPDX-License-Identifier: MIT
#include "veer/vectors/random_share.h"

#include "veer/base/hash.h"
#include "veer/vectors/compared_layer.h"
#include "veer/vectors/distributions.h"
#include "veer/vectors/tensor_numbers.h"

namespace veer {
namespace {

constexpr std::int64_t kDraws = 1000;

}  // namespace

at::Tensor random_shares_outside(const ComparedVector& vector,
                                 const at::Tensor& direction_D,
                                 std::int64_t layer) {
  const auto rows_ND = compared_layer(vector, layer).first_ND;
  const auto to_D = as_double(direction_D);
  const auto gram_NN = rows_ND.mm(rows_ND.t());
  const double length = to_D.norm().item<double>();
  if (!(length > 0.0) || !(gram_NN.trace().item<double>() > 0.0)) {
    return {};
  }
  const auto w_BN =
      normal_matrix(kDraws, kNullColumns, hash64("random share", 0))
          .narrow(1, 0, rows_ND.size(0));
  const auto along_B = w_BN.mv(rows_ND.mv(to_D)) / length;
  return 1.0 - along_B.square() / (w_BN.mm(gram_NN) * w_BN).sum(1);
}

Measure random_share(const std::vector<at::Tensor>& by_layer_B) {
  if (by_layer_B.empty()) {
    return Measure::none("no layer with activations that differ");
  }
  auto sum_B = by_layer_B.front();
  for (std::size_t l = 1; l < by_layer_B.size(); ++l) {
    sum_B = sum_B + by_layer_B[l];
  }
  const auto shares = to_vector(sum_B / static_cast<double>(by_layer_B.size()));
  Measure out;
  double mean = 0.0;
  for (const double share : shares) {
    mean += share / static_cast<double>(shares.size());
  }
  out.value = mean;
  out.low = quantile(shares, 0.025);
  out.high = quantile(shares, 0.975);
  out.n = std::ssize(shares);
  return out;
}

}  // namespace veer
