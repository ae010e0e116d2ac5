// SPDX-License-Identifier: MIT
//
// y = x w' for one instruction set; see kernels_set.h. Weights are turned a
// panel of 32 outputs at a time, so that one number of x meets 32 of them.
// Every number of y is summed over the inputs one by one, 256 inputs apart,
// whatever rows and columns stand beside it: what a row gets does not depend on
// the batch that it is in.
#pragma once

#include "veer/model/kernels.h"
#include "veer/model/kernels_vector.h"

namespace veer {
namespace {

constexpr std::int64_t kPanel = kProductPanel;
constexpr std::int64_t kPanelInputs = kProductScratch / kPanel;
static_assert(kPanel == 2 * kLanes);

template <std::int64_t distance>
VEER_INLINE void exchange(Vec (&v)[kLanes]) {
  for (std::int64_t i = 0; i < kLanes; ++i) {
    if ((i & distance) == 0) {
      const Vec a = v[i];
      const Vec b = v[i + distance];
      v[i] = low_parts<distance>(a, b);
      v[i + distance] = high_parts<distance>(a, b);
    }
  }
}

// Rows become columns.
VEER_INLINE void transpose_square(Vec (&v)[kLanes]) {
  exchange<8>(v);
  exchange<4>(v);
  exchange<2>(v);
  exchange<1>(v);
}

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
  for (std::int64_t i = 0; i < item.inputs; i += kPanelInputs) {
    const std::int64_t rest = item.inputs - i;
    const std::int64_t inputs = rest < kPanelInputs ? rest : kPanelInputs;
    for (std::int64_t o = 0; o < item.outputs; o += kPanel) {
      const std::int64_t left = item.outputs - o;
      const std::int64_t outputs = left < kPanel ? left : kPanel;
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
