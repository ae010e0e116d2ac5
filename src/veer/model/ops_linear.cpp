// SPDX-License-Identifier: MIT
#include <algorithm>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include "veer/model/kernels.h"
#include "veer/model/ops.h"

namespace veer::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Fewer rows do not pay for turning the weights in the product.
constexpr std::int64_t kMinRows = 4;
// Rows that share a turned panel: more would fall out of the cache.
constexpr std::int64_t kMaxRows = 512;
// Rows worth turning a panel once more on another thread.
constexpr std::int64_t kMinThreadRows = 64;
// Products below which a second thread costs more than it brings.
constexpr std::int64_t kMinCost = 1000000;

bool is_plain_matrix(const at::Tensor& x) {
  return x.is_cpu() && x.scalar_type() == at::kFloat && x.dim() == 2 &&
         x.stride(1) == 1;
}

// Parts of the work, each a rectangle of the result.
struct Parts {
  std::int64_t rows = 1;
  std::int64_t columns = 1;
};

std::int64_t panels_of(const ProductItem& item) {
  return (item.outputs + kProductPanel - 1) / kProductPanel;
}

Parts parts_of(const ProductItem& whole) {
  const std::int64_t threads =
      whole.rows * whole.inputs * whole.outputs < kMinCost
          ? 1
          : at::get_num_threads();
  Parts parts;
  if (whole.rows > kMaxRows) {
    const std::int64_t blocks = (whole.rows + kMaxRows - 1) / kMaxRows;
    parts.rows = (blocks + threads - 1) / threads * threads;
    return parts;
  }
  parts.columns = std::min(panels_of(whole), threads);
  parts.rows =
      std::clamp(threads / parts.columns, std::int64_t{1},
                 std::max(std::int64_t{1}, whole.rows / kMinThreadRows));
  return parts;
}

void run(const ProductItem& whole) {
  const Parts parts = parts_of(whole);
  const std::int64_t panels = panels_of(whole);
  const auto part = [&](std::int64_t row, std::int64_t column) {
    const std::int64_t first_row = whole.rows * row / parts.rows;
    const std::int64_t first = panels * column / parts.columns * kProductPanel;
    ProductItem item = whole;
    item.rows = whole.rows * (row + 1) / parts.rows - first_row;
    item.outputs = std::min(whole.outputs, panels * (column + 1) /
                                               parts.columns * kProductPanel) -
                   first;
    item.x += first_row * whole.x_stride;
    item.w += first * (whole.turned ? 1 : whole.w_stride);
    item.first_panel = first / kProductPanel;
    item.y += first_row * whole.y_stride + first;
    return item;
  };
  at::parallel_for(0, parts.rows * parts.columns, 1,
                   [&](std::int64_t begin, std::int64_t end) {
                     std::vector<float> scratch(kProductScratch);
                     for (std::int64_t i = begin; i < end; ++i) {
                       kernels().product(
                           part(i / parts.columns, i % parts.columns),
                           scratch.data());
                     }
                   });
}

// x [T, I] times w [O, I] turned, beforehand where `panels` is defined, or
// times w [I, O] as it lies.
at::Tensor multiply(const at::Tensor& x, const at::Tensor& w, bool turned,
                    const at::Tensor& panels = {}) {
  ProductItem item;
  item.rows = x.size(0);
  item.inputs = x.size(1);
  item.outputs = w.size(turned ? 1 : 0);
  auto y = at::empty({item.rows, item.outputs}, x.options());
  item.x = x.const_data_ptr<float>();
  item.x_stride = x.stride(0);
  item.w = w.const_data_ptr<float>();
  item.w_stride = w.stride(0);
  item.turned = turned;
  if (panels.defined()) {
    item.panels = panels.const_data_ptr<float>();
    item.num_panels = panels_of(item);
  }
  item.y = y.data_ptr<float>();
  item.y_stride = item.outputs;
  run(item);
  return y;
}

class Product : public torch::autograd::Function<Product> {
 public:
  // `kept` is no tensor of its own: autograd takes no undefined one.
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x_TI,
                            const at::Tensor& weight_OI,
                            const TurnedWeights& kept) {
    context->save_for_backward(
        {weight_OI.requires_grad() ? x_TI : at::Tensor(), weight_OI});
    return multiply(x_TI, weight_OI, /*turned=*/false, kept.panels);
  }

  static variable_list backward(AutogradContext* context,
                                const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto dy_TO = gradients[0].contiguous();
    at::Tensor dx_TI;
    at::Tensor dw_OI;
    if (context->needs_input_grad(0)) {
      dx_TI = multiply(dy_TO, saved[1], /*turned=*/true);
    }
    if (context->needs_input_grad(1)) {
      // Not torch's: MKL shares out the sum over T on some processors, so that
      // its bits depend on the number of threads.
      dw_OI = multiply(dy_TO.t().contiguous(), saved[0], /*turned=*/true);
    }
    return {dx_TI, dw_OI, at::Tensor()};
  }
};

}  // namespace

TurnedWeights turned(const at::Tensor& weight_OI) {
  if (kernels().turn_weights == nullptr || !is_plain_matrix(weight_OI) ||
      weight_OI.requires_grad()) {
    return {};
  }
  const std::int64_t outputs = weight_OI.size(0);
  const std::int64_t inputs = weight_OI.size(1);
  const std::int64_t padded =
      (outputs + kProductPanel - 1) / kProductPanel * kProductPanel;
  TurnedWeights kept{at::empty({inputs * padded}, weight_OI.options()),
                     weight_OI._version()};
  kernels().turn_weights(weight_OI.const_data_ptr<float>(), weight_OI.stride(0),
                         outputs, inputs, kept.panels.data_ptr<float>());
  return kept;
}

at::Tensor linear(const at::Tensor& x_TI, const at::Tensor& weight_OI,
                  const at::Tensor& bias_O, const TurnedWeights& given) {
  const bool is_kept =
      given.panels.defined() && given.version == weight_OI._version();
  if (kernels().product == nullptr || !is_plain_matrix(weight_OI) ||
      !is_plain_matrix(x_TI) || x_TI.size(1) != weight_OI.size(1) ||
      (x_TI.size(0) < kMinRows && !is_kept)) {
    return plain::linear(x_TI, weight_OI, bias_O);
  }
  const TurnedWeights kept = is_kept ? given : TurnedWeights();
  const bool records = c10::GradMode::is_enabled() &&
                       (x_TI.requires_grad() || weight_OI.requires_grad());
  const auto y_TO =
      records ? Product::apply(x_TI, weight_OI, kept)
              : multiply(x_TI, weight_OI, /*turned=*/false, kept.panels);
  return bias_O.defined() ? y_TO + bias_O : y_TO;
}

}  // namespace veer::ops
