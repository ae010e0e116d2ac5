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

// Part of the weights, asked for line by line while others are multiplied.
struct Ahead {
  const float* w = nullptr;
  std::int64_t stride = 0;
  std::int64_t rows = 0;
  std::int64_t width = 0;
  std::int64_t row = 0;
  std::int64_t column = 0;

  void fetch(std::int64_t lines) {
    for (; lines > 0 && row < rows; --lines) {
      __builtin_prefetch(w + row * stride + column, 0, 2);
      column += kLanes;
      if (column >= width) {
        column = 0;
        ++row;
      }
    }
  }
};

// A panel of the weights: up to 32 outputs of up to 256 inputs.
struct Panel {
  const float* w = nullptr;
  std::int64_t first_input = 0;
  std::int64_t inputs = 0;
  std::int64_t first_output = 0;
  std::int64_t outputs = 0;
};

Panel panel_at(const ProductItem& item, std::int64_t i, std::int64_t o) {
  Panel panel;
  panel.first_input = i;
  panel.first_output = o;
  const std::int64_t inputs = item.inputs - i;
  const std::int64_t outputs = item.outputs - o;
  panel.inputs = inputs < kPanelInputs ? inputs : kPanelInputs;
  panel.outputs = outputs < kPanel ? outputs : kPanel;
  panel.w =
      item.w + (item.turned ? i * item.w_stride + o : o * item.w_stride + i);
  return panel;
}

// Empty behind the last one.
Panel panel_after(const ProductItem& item, const Panel& panel) {
  if (panel.first_output + kPanel < item.outputs) {
    return panel_at(item, panel.first_input, panel.first_output + kPanel);
  }
  if (panel.first_input + kPanelInputs < item.inputs) {
    return panel_at(item, panel.first_input + kPanelInputs, 0);
  }
  return {};
}

// Outputs of a panel for all rows. `values` is the panel as it is multiplied;
// meanwhile `next` is fetched.
void multiply_rows(const ProductItem& item, const Panel& panel,
                   const float* values, const Panel& next) {
  Ahead ahead{next.w, item.w_stride, item.turned ? next.inputs : next.outputs,
              item.turned ? next.outputs : next.inputs};
  const float* x = item.x + panel.first_input;
  float* y = item.y + panel.first_output;
  const std::int64_t lines = kProductScratch / kLanes * 8 / item.rows + 1;
  std::int64_t r = 0;
  const auto step = [&](auto multiply, std::int64_t rows) {
    for (; r + rows <= item.rows; r += rows) {
      ahead.fetch(lines);
      multiply(x + r * item.x_stride, item.x_stride, values, panel.inputs,
               panel.outputs, panel.first_input > 0, y + r * item.y_stride,
               item.y_stride);
    }
  };
  step(multiply_panel<8>, 8);
  step(multiply_panel<4>, 4);
  step(multiply_panel<2>, 2);
  step(multiply_panel<1>, 1);
}

void product(const ProductItem& item, float* scratch) {
  if (item.rows == 0 || item.outputs == 0) {
    return;
  }
  for (Panel panel = panel_at(item, 0, 0); panel.w != nullptr;) {
    if (item.turned) {
      copy_panel(panel.w, item.w_stride, panel.outputs, panel.inputs, scratch);
    } else {
      turn_panel(panel.w, item.w_stride, panel.outputs, panel.inputs, scratch);
    }
    const Panel next = panel_after(item, panel);
    multiply_rows(item, panel, scratch, next);
    panel = next;
  }
}

}  // namespace
}  // namespace veer
