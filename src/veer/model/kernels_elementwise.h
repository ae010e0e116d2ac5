// SPDX-License-Identifier: MIT
//
// Norm, gate and rotation for one instruction set; see kernels_set.h for what
// may stand here.
#pragma once

#include "veer/model/kernels.h"
#include "veer/model/kernels_vector.h"

namespace veer {
namespace {

void norm(const float* x, const float* w, std::int64_t rows, std::int64_t width,
          float eps, bool plus_one, float* y, float* rstd) {
  const float one = plus_one ? 1.0F : 0.0F;
  const std::int64_t whole = width / kLanes * kLanes;
  for (std::int64_t r = 0; r < rows; ++r, x += width, y += width) {
    Vec squares = {};
    float tail = 0.0F;
    for (std::int64_t i = 0; i < whole; i += kLanes) {
      const Vec a = load(x + i);
      squares += a * a;
    }
    for (std::int64_t i = whole; i < width; ++i) {
      tail += x[i] * x[i];
    }
    const float mean = (sum(squares) + tail) / static_cast<float>(width);
    const float scale = 1.0F / __builtin_sqrtf(mean + eps);
    for (std::int64_t i = 0; i < whole; i += kLanes) {
      store(y + i, load(x + i) * scale * (load(w + i) + one));
    }
    for (std::int64_t i = whole; i < width; ++i) {
      y[i] = x[i] * scale * (w[i] + one);
    }
    if (rstd != nullptr) {
      rstd[r] = scale;
    }
  }
}

// With x^ = x rstd and h = dy w:  dx = rstd (h - x^ mean(h x^)).
void norm_backward(const float* x, const float* w, const float* rstd,
                   const float* dy, std::int64_t rows, std::int64_t width,
                   bool plus_one, float* dx, float* dw) {
  const float one = plus_one ? 1.0F : 0.0F;
  const std::int64_t whole = width / kLanes * kLanes;
  for (std::int64_t r = 0; r < rows; ++r) {
    Vec dots = {};
    float tail = 0.0F;
    for (std::int64_t i = 0; i < whole; i += kLanes) {
      dots += load(dy + i) * (load(w + i) + one) * load(x + i);
    }
    for (std::int64_t i = whole; i < width; ++i) {
      tail += dy[i] * (w[i] + one) * x[i];
    }
    const float s = rstd[r];
    const float pull =
        (sum(dots) + tail) * s * s * s / static_cast<float>(width);
    for (std::int64_t i = 0; i < whole; i += kLanes) {
      store(dx + i,
            load(dy + i) * (load(w + i) + one) * s - load(x + i) * pull);
    }
    for (std::int64_t i = whole; i < width; ++i) {
      dx[i] = dy[i] * (w[i] + one) * s - x[i] * pull;
    }
    if (dw != nullptr) {
      for (std::int64_t i = 0; i < whole; i += kLanes) {
        store(dw + i, load(dw + i) + load(dy + i) * load(x + i) * s);
      }
      for (std::int64_t i = whole; i < width; ++i) {
        dw[i] += dy[i] * x[i] * s;
      }
    }
    x += width;
    dy += width;
    dx += width;
  }
}

Vec sigmoid(Vec x) {
  return 1.0F / (1.0F + exponential(-x));
}

void swiglu(const float* gate, const float* up, std::int64_t rows,
            std::int64_t width, std::int64_t stride, float* y) {
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t i = 0; i < width; i += kLanes) {
      const std::int64_t n = width - i;
      const Vec g = load(gate + i, n);
      store(y + i, g * sigmoid(g) * load(up + i, n), n);
    }
    gate += stride;
    up += stride;
    y += width;
  }
}

void swiglu_backward(const float* gate, const float* up, const float* dy,
                     std::int64_t rows, std::int64_t width, std::int64_t stride,
                     float* dgate, float* dup) {
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t i = 0; i < width; i += kLanes) {
      const std::int64_t n = width - i;
      const Vec g = load(gate + i, n);
      const Vec d = load(dy + i, n);
      const Vec s = sigmoid(g);
      store(dup + i, d * g * s, n);
      store(dgate + i, d * load(up + i, n) * s * (1.0F + g * (1.0F - s)), n);
    }
    gate += stride;
    up += stride;
    dy += width;
    dgate += width;
    dup += width;
  }
}

void rotate(const float* x, const float* cosines, const float* sines,
            std::int64_t tokens, std::int64_t heads, std::int64_t width,
            std::int64_t half, std::int64_t stride, bool inverse, float* y) {
  const float sign = inverse ? -1.0F : 1.0F;
  for (std::int64_t t = 0; t < tokens; ++t) {
    for (std::int64_t h = 0; h < heads; ++h) {
      const float* from = x + h * width;
      for (std::int64_t p = 0; p < half; p += kLanes) {
        const std::int64_t n = half - p;
        const Vec c = load(cosines + p, n);
        const Vec s = load(sines + p, n) * sign;
        const Vec a = load(from + p, n);
        const Vec b = load(from + half + p, n);
        store(y + p, a * c - b * s, n);
        store(y + half + p, b * c + a * s, n);
      }
      for (std::int64_t i = 2 * half; i < width; ++i) {
        y[i] = from[i];
      }
      y += width;
    }
    x += stride;
    cosines += half;
    sines += half;
  }
}

}  // namespace
}  // namespace veer
