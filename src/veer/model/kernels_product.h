// SPDX-License-Identifier: MIT
//
// y = x w' for one instruction set; see kernels_set.h. Weights are turned a
// panel of 32 outputs at a time, so that one number of x meets two registers of
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

// As many rows of x at a time as fill the registers with sums.
constexpr std::int64_t kRowsAtOnce = kLanes == 16 ? 8 : 6;
// Outputs of a panel that are summed at a time.
constexpr std::int64_t kPart = 2 * kLanes;
static_assert(kPanel % kPart == 0);

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
template <std::int64_t distance = kLanes / 2>
VEER_INLINE void transpose_square(Vec (&v)[kLanes]) {
  exchange<distance>(v);
  if constexpr (distance > 1) {
    transpose_square<distance / 2>(v);
  }
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
    for (std::int64_t o = 0; o < kPanel; o += kLanes) {
      store(panel + i * kPanel + o, load(w + i * stride + o, outputs - o));
    }
  }
}

// `rows` rows of x times a part of a panel, stored or added to y.
template <std::int64_t rows>
void multiply_part(const float* x, std::int64_t x_stride, const float* part,
                   std::int64_t inputs, std::int64_t outputs, bool add,
                   float* y, std::int64_t y_stride) {
  Vec sums[rows][2] = {};
  for (std::int64_t i = 0; i < inputs; ++i) {
    const Vec low = load(part + i * kPanel);
    const Vec high = load(part + i * kPanel + kLanes);
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

// The panel as it was turned beforehand.
const float* kept_panel(const ProductItem& item, const Panel& panel) {
  const std::int64_t number = item.first_panel + panel.first_output / kPanel;
  return item.panels + panel.first_input * item.num_panels * kPanel +
         number * panel.inputs * kPanel;
}

// What is read of the weights for a panel.
Ahead ahead_of(const ProductItem& item, const Panel& panel) {
  if (panel.w == nullptr) {
    return {};
  }
  if (item.panels != nullptr) {
    return {kept_panel(item, panel), kPanel, panel.inputs, kPanel};
  }
  return {panel.w, item.w_stride, item.turned ? panel.inputs : panel.outputs,
          item.turned ? panel.outputs : panel.inputs};
}

// Outputs of a panel for all rows. `values` is the panel as it is multiplied;
// meanwhile `next` is fetched.
void multiply_rows(const ProductItem& item, const Panel& panel,
                   const float* values, const Panel& next) {
  Ahead ahead = ahead_of(item, next);
  const float* x = item.x + panel.first_input;
  const std::int64_t lines =
      kProductScratch / kLanes * kRowsAtOnce * kPart / kPanel / item.rows + 1;
  for (std::int64_t first = 0; first < panel.outputs; first += kPart) {
    float* y = item.y + panel.first_output + first;
    std::int64_t r = 0;
    const auto step = [&](auto multiply, std::int64_t rows) {
      for (; r + rows <= item.rows; r += rows) {
        ahead.fetch(lines);
        multiply(x + r * item.x_stride, item.x_stride, values + first,
                 panel.inputs, panel.outputs - first, panel.first_input > 0,
                 y + r * item.y_stride, item.y_stride);
      }
    };
    step(multiply_part<kRowsAtOnce>, kRowsAtOnce);
    step(multiply_part<4>, 4);
    step(multiply_part<2>, 2);
    step(multiply_part<1>, 1);
  }
}

void product(const ProductItem& item, float* scratch) {
  if (item.rows == 0 || item.outputs == 0) {
    return;
  }
  for (Panel panel = panel_at(item, 0, 0); panel.w != nullptr;) {
    const float* values = scratch;
    if (item.panels != nullptr) {
      values = kept_panel(item, panel);
    } else if (item.turned) {
      copy_panel(panel.w, item.w_stride, panel.outputs, panel.inputs, scratch);
    } else {
      turn_panel(panel.w, item.w_stride, panel.outputs, panel.inputs, scratch);
    }
    const Panel next = panel_after(item, panel);
    multiply_rows(item, panel, values, next);
    panel = next;
  }
}

void turn_weights(const float* w, std::int64_t stride, std::int64_t outputs,
                  std::int64_t inputs, float* panels) {
  ProductItem item;
  item.w = w;
  item.w_stride = stride;
  item.outputs = outputs;
  item.inputs = inputs;
  for (Panel panel = panel_at(item, 0, 0); panel.w != nullptr;
       panel = panel_after(item, panel)) {
    turn_panel(panel.w, stride, panel.outputs, panel.inputs, panels);
    panels += panel.inputs * kPanel;
  }
}

}  // namespace
}  // namespace veer
