// SPDX-License-Identifier: MIT
//
// y = x w' for one instruction set; included as kernels_body.h is. Weights are
// turned a panel of 32 outputs at a time, so that one number of x meets 32 of
// them. Every number of y is summed over the inputs one by one, 256 inputs
// apart, whatever rows and columns stand beside it: what a row gets does not
// depend on the batch that it is in.
#pragma once

#include "veer/model/kernels.h"
#include "veer/model/kernels_vector.h"

namespace veer {
namespace {

constexpr std::int64_t kPanel = kProductPanel;
constexpr std::int64_t kPanelInputs = kProductScratch / kPanel;
static_assert(kPanel == 2 * kLanes);

// The lower and upper half of every 2 * d numbers of a and b change places.
#define VEER_EXCHANGE(d, low, high)                               \
  for (std::int64_t i = 0; i < kLanes; ++i) {                     \
    if ((i & (d)) == 0) {                                         \
      const Vec a = v[i];                                         \
      const Vec b = v[i + (d)];                                   \
      v[i] = __builtin_shufflevector(a, b, VEER_LIST low);        \
      v[i + (d)] = __builtin_shufflevector(a, b, VEER_LIST high); \
    }                                                             \
  }
#define VEER_LIST(...) __VA_ARGS__

VEER_INLINE void transpose_square(Vec (&v)[kLanes]) {
  VEER_EXCHANGE(8, (0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23),
                (8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31))
  VEER_EXCHANGE(4, (0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27),
                (4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31))
  VEER_EXCHANGE(2, (0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29),
                (2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31))
  VEER_EXCHANGE(1, (0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30),
                (1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31))
}
#undef VEER_LIST
#undef VEER_EXCHANGE

// panel[i][o] = w[o][i] for `outputs` <= 32 rows of w; the rest is zero.
void turn_panel(const float* w, std::int64_t stride, std::int64_t outputs,
                std::int64_t inputs, float* panel) {
  for (std::int64_t first = 0; first < kPanel; first += kLanes) {
    for (std::int64_t i = 0; i < inputs; i += kLanes) {
      Vec square[kLanes];
      for (std::int64_t o = 0; o < kLanes; ++o) {
        square[o] = first + o < outputs
                        ? load(w + (first + o) * stride + i, inputs - i)
                        : Vec{};
      }
      transpose_square(square);
      const std::int64_t rows = inputs - i < kLanes ? inputs - i : kLanes;
      for (std::int64_t j = 0; j < rows; ++j) {
        store(panel + (i + j) * kPanel + first, square[j]);
      }
    }
  }
}

// panel[i][o] = w[i][o]: the weights as they lie, for the gradient of x.
void copy_panel(const float* w, std::int64_t stride, std::int64_t outputs,
                std::int64_t inputs, float* panel) {
  for (std::int64_t i = 0; i < inputs; ++i) {
    store(panel + i * kPanel, load(w + i * stride, outputs));
    store(panel + i * kPanel + kLanes,
          load(w + i * stride + kLanes, outputs - kLanes));
  }
}

// `rows` rows of x times a panel, stored or added to y.
template <std::int64_t rows>
void multiply_panel(const float* x, std::int64_t x_stride, const float* panel,
                    std::int64_t inputs, std::int64_t outputs, bool add,
                    float* y, std::int64_t y_stride) {
  Vec sums[rows][2] = {};
  for (std::int64_t i = 0; i < inputs; ++i) {
    const Vec low = load(panel + i * kPanel);
    const Vec high = load(panel + i * kPanel + kLanes);
    for (std::int64_t r = 0; r < rows; ++r) {
      const float value = x[r * x_stride + i];
      sums[r][0] += low * value;
      sums[r][1] += high * value;
    }
  }
  for (std::int64_t r = 0; r < rows; ++r) {
    float* to = y + r * y_stride;
    for (std::int64_t half = 0; half < 2; ++half) {
      const std::int64_t n = outputs - half * kLanes;
      const Vec before = add ? load(to + half * kLanes, n) : Vec{};
      store(to + half * kLanes, before + sums[r][half], n);
    }
  }
}

// Outputs of a panel for all rows.
void multiply_rows(const ProductItem& item, const float* x, const float* panel,
                   std::int64_t inputs, std::int64_t outputs, bool add,
                   float* y) {
  std::int64_t r = 0;
  const auto step = [&](auto multiply, std::int64_t rows) {
    for (; r + rows <= item.rows; r += rows) {
      multiply(x + r * item.x_stride, item.x_stride, panel, inputs, outputs,
               add, y + r * item.y_stride, item.y_stride);
    }
  };
  step(multiply_panel<8>, 8);
  step(multiply_panel<4>, 4);
  step(multiply_panel<2>, 2);
  step(multiply_panel<1>, 1);
}

void product(const ProductItem& item, float* scratch) {
  for (std::int64_t o = 0; o < item.outputs; o += kPanel) {
    const std::int64_t left = item.outputs - o;
    const std::int64_t outputs = left < kPanel ? left : kPanel;
    for (std::int64_t i = 0; i < item.inputs; i += kPanelInputs) {
      const std::int64_t rest = item.inputs - i;
      const std::int64_t inputs = rest < kPanelInputs ? rest : kPanelInputs;
      if (item.turned) {
        copy_panel(item.w + i * item.w_stride + o, item.w_stride, outputs,
                   inputs, scratch);
      } else {
        turn_panel(item.w + o * item.w_stride + i, item.w_stride, outputs,
                   inputs, scratch);
      }
      multiply_rows(item, item.x + i, scratch, inputs, outputs, i > 0,
                    item.y + o);
    }
  }
}

}  // namespace
}  // namespace veer
