// SPDX-License-Identifier: MIT
#include "veer/vectors/tensor_numbers.h"

#include <algorithm>

#include <ATen/ops/empty.h>
#include <ATen/ops/isfinite.h>

#include "veer/base/error.h"
#include "veer/base/random.h"

namespace veer {
namespace {

template <class Draw>
at::Tensor drawn_matrix(std::int64_t rows, std::int64_t columns, Draw draw) {
  auto out = at::empty({rows, columns}, at::kDouble);
  std::generate_n(out.mutable_data_ptr<double>(), rows * columns, draw);
  return out;
}

}  // namespace

at::Tensor as_double(const at::Tensor& x) {
  return x.to(at::kCPU, at::kDouble).contiguous();
}

std::vector<double> to_vector(const at::Tensor& x_N) {
  const auto values = as_double(x_N);
  const double* data = values.const_data_ptr<double>();
  return {data, data + values.numel()};
}

at::Tensor from_vector(const std::vector<double>& values) {
  auto out = at::empty({static_cast<std::int64_t>(values.size())}, at::kDouble);
  std::copy(values.begin(), values.end(), out.mutable_data_ptr<double>());
  return out;
}

void require_finite(const at::Tensor& x, const char* what) {
  if (!at::isfinite(x).all().item<bool>()) {
    fail_run(what, "values that are not finite (NaN or infinity)",
             "finite numbers", "an overflow in the forward pass");
  }
}

at::Tensor normal_matrix(std::int64_t rows, std::int64_t columns,
                         std::uint64_t seed) {
  Random random(seed, "normal matrix");
  return drawn_matrix(rows, columns, [&random] { return random.normal(); });
}

at::Tensor sign_matrix(std::int64_t rows, std::int64_t columns,
                       std::uint64_t seed) {
  Random random(seed, "signs");
  return drawn_matrix(rows, columns, [&random] {
    return (random.next() >> 63) != 0 ? 1.0 : -1.0;
  });
}

}  // namespace veer
