// SPDX-License-Identifier: MIT
//
// Small bridges between tensors and numbers, for the statistics of this
// folder. Everything is fp64 on the CPU.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>

namespace veer {

// fp64, CPU, contiguous (no copy if it is already).
at::Tensor as_double(const at::Tensor& x);
std::vector<double> to_vector(const at::Tensor& x_N);
at::Tensor from_vector(const std::vector<double>& values);
// Throws Error{kFailed} naming `what` when a value is not finite.
void require_finite(const at::Tensor& x, const char* what);
// [rows, columns] standard normal numbers of our own generator.
at::Tensor normal_matrix(std::int64_t rows, std::int64_t columns,
                         std::uint64_t seed);
// The same of +1 and -1, as often.
at::Tensor sign_matrix(std::int64_t rows, std::int64_t columns,
                       std::uint64_t seed);

}  // namespace veer
