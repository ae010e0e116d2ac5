// SPDX-License-Identifier: MIT
//
// Every kernel of every instruction set that this machine runs, against the
// formula in double precision.
#include "veer/model/kernels.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "veer/base/random.h"

namespace veer {
namespace {

using Floats = std::vector<float>;
using Doubles = std::vector<double>;

Floats normals(std::int64_t count, Random& random, double scale = 1.0) {
  Floats values(count);
  for (float& value : values) {
    value = static_cast<float>(scale * random.normal());
  }
  return values;
}

// Largest error relative to the largest value, which counts as 1 at least:
// the inputs do.
void expect_near(const Floats& found, const Doubles& wanted, double tolerance,
                 const std::string& what) {
  ASSERT_EQ(found.size(), wanted.size());
  double worst = 0.0;
  double size = 1.0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    worst = std::max(worst, std::abs(found[i] - wanted[i]));
    worst = std::isfinite(found[i]) ? worst : 1e30;
    size = std::max(size, std::abs(wanted[i]));
  }
  EXPECT_LE(worst / size, tolerance) << what;
}

TEST(Kernels, ProductOfRaggedMatrices) {
  for (const KernelSet* set : runnable_kernels()) {
    if (set->product == nullptr) {
      continue;
    }
    for (const bool turned : {false, true}) {
      for (const std::int64_t rows : {1, 3, 8, 15}) {
        for (const std::int64_t inputs : {1, 16, 37, 300}) {
          for (const std::int64_t outputs : {1, 16, 31, 70}) {
            Random random(rows + inputs);
            const Floats x = normals(rows * inputs, random);
            const Floats w = normals(inputs * outputs, random);
            Doubles y(rows * outputs, 0.0);
            for (std::int64_t r = 0; r < rows; ++r) {
              for (std::int64_t o = 0; o < outputs; ++o) {
                for (std::int64_t i = 0; i < inputs; ++i) {
                  const auto at = turned ? i * outputs + o : o * inputs + i;
                  y[r * outputs + o] +=
                      static_cast<double>(x[r * inputs + i]) * w[at];
                }
              }
            }
            Floats found(y.size(), 7.0F);
            Floats scratch(kProductScratch);
            ProductItem item{.x = x.data(),
                             .x_stride = inputs,
                             .w = w.data(),
                             .w_stride = turned ? outputs : inputs,
                             .turned = turned,
                             .rows = rows,
                             .inputs = inputs,
                             .outputs = outputs,
                             .y = found.data(),
                             .y_stride = outputs};
            set->product(item, scratch.data());
            expect_near(found, y, 1e-6, set->name);
            if (turned) {
              continue;
            }
            item.num_panels = (outputs + kProductPanel - 1) / kProductPanel;
            Floats panels(inputs * item.num_panels * kProductPanel);
            set->turn_weights(w.data(), inputs, outputs, inputs, panels.data());
            Floats from_kept(y.size(), 7.0F);
            item.panels = panels.data();
            item.y = from_kept.data();
            set->product(item, scratch.data());
            EXPECT_EQ(from_kept, found) << set->name;
          }
        }
      }
    }
  }
}

TEST(Kernels, NormAndItsGradient) {
  for (const KernelSet* set : runnable_kernels()) {
    for (const std::int64_t width : {1, 8, 16, 100, 128}) {
      for (const bool plus_one : {false, true}) {
        Random random(width);
        const std::int64_t rows = 3;
        const Floats x = normals(rows * width, random, 2.0);
        const Floats w = normals(width, random);
        const Floats dy = normals(rows * width, random);
        Doubles y(x.size());
        Doubles dx(x.size());
        Doubles dw(width, 0.0);
        for (std::int64_t r = 0; r < rows; ++r) {
          double squares = 0.0;
          double dot = 0.0;
          for (std::int64_t i = 0; i < width; ++i) {
            const double a = x[r * width + i];
            squares += a * a;
            dot += dy[r * width + i] * (w[i] + (plus_one ? 1.0 : 0.0)) * a;
          }
          const double s = 1.0 / std::sqrt(squares / width + 1e-5);
          for (std::int64_t i = 0; i < width; ++i) {
            const double a = x[r * width + i];
            const double weight = w[i] + (plus_one ? 1.0 : 0.0);
            y[r * width + i] = a * s * weight;
            dx[r * width + i] =
                dy[r * width + i] * weight * s - a * dot * s * s * s / width;
            dw[i] += dy[r * width + i] * a * s;
          }
        }
        Floats found(x.size());
        Floats rstd(rows);
        set->norm(x.data(), w.data(), rows, width, 1e-5F, plus_one,
                  found.data(), rstd.data());
        expect_near(found, y, 1e-6, set->name);
        Floats dw_found(width, 0.0F);
        set->norm_backward(x.data(), w.data(), rstd.data(), dy.data(), rows,
                           width, plus_one, found.data(), dw_found.data());
        expect_near(found, dx, 2e-6, set->name);
        expect_near(dw_found, dw, 1e-6, set->name);
      }
    }
  }
}

TEST(Kernels, SwigluAndItsGradient) {
  for (const KernelSet* set : runnable_kernels()) {
    for (const std::int64_t width : {1, 16, 37, 96}) {
      Random random(width);
      const std::int64_t rows = 2;
      const std::int64_t stride = width + 5;
      Floats gate = normals(rows * stride, random, 10.0);
      gate[0] = 200.0F;
      gate[stride] = -200.0F;
      const Floats up = normals(rows * stride, random);
      const Floats dy = normals(rows * width, random);
      Doubles y;
      Doubles dgate;
      Doubles dup;
      for (std::int64_t r = 0; r < rows; ++r) {
        for (std::int64_t i = 0; i < width; ++i) {
          const double g = gate[r * stride + i];
          const double u = up[r * stride + i];
          const double d = dy[r * width + i];
          const double s = 1.0 / (1.0 + std::exp(-g));
          y.push_back(g * s * u);
          dgate.push_back(d * u * s * (1.0 + g * (1.0 - s)));
          dup.push_back(d * g * s);
        }
      }
      Floats found(y.size());
      set->swiglu(gate.data(), up.data(), rows, width, stride, found.data());
      expect_near(found, y, 1e-6, set->name);
      Floats dup_found(y.size());
      set->swiglu_backward(gate.data(), up.data(), dy.data(), rows, width,
                           stride, found.data(), dup_found.data());
      expect_near(found, dgate, 1e-6, set->name);
      expect_near(dup_found, dup, 1e-6, set->name);
    }
  }
}

TEST(Kernels, RotateTurnsAndTurnsBack) {
  for (const KernelSet* set : runnable_kernels()) {
    for (const std::int64_t half : {1, 4, 16, 20}) {
      Random random(half);
      const std::int64_t tokens = 2;
      const std::int64_t heads = 3;
      const std::int64_t width = 2 * half + 3;
      const std::int64_t stride = heads * width;
      const Floats x = normals(tokens * stride, random);
      Floats cosines;
      Floats sines;
      for (std::int64_t i = 0; i < tokens * half; ++i) {
        const double angle = random.normal();
        cosines.push_back(static_cast<float>(std::cos(angle)));
        sines.push_back(static_cast<float>(std::sin(angle)));
      }
      Doubles wanted(x.begin(), x.end());
      for (std::int64_t t = 0; t < tokens; ++t) {
        for (std::int64_t h = 0; h < heads; ++h) {
          for (std::int64_t p = 0; p < half; ++p) {
            const std::int64_t at = t * stride + h * width + p;
            const double c = cosines[t * half + p];
            const double s = sines[t * half + p];
            wanted[at] = x[at] * c - x[at + half] * s;
            wanted[at + half] = x[at + half] * c + x[at] * s;
          }
        }
      }
      Floats turned(x.size());
      set->rotate(x.data(), cosines.data(), sines.data(), tokens, heads, width,
                  half, stride, false, turned.data());
      expect_near(turned, wanted, 1e-6, set->name);
      Floats back(x.size());
      set->rotate(turned.data(), cosines.data(), sines.data(), tokens, heads,
                  width, half, stride, true, back.data());
      expect_near(back, {x.begin(), x.end()}, 1e-6, set->name);
    }
  }
}

// One key head and its query heads, with what the formula gives.
struct AttentionCase {
  std::int64_t tokens;
  std::int64_t start;
  std::int64_t group;
  std::int64_t width;
  std::int64_t window;
  Floats q;
  Floats k;
  Floats v;
  Floats dout;
  Doubles out;
  Doubles dq;
  Doubles dk;
  Doubles dv;
};

constexpr double kScale = 0.3;

// Softmax over the keys that query r of the case sees.
Doubles weights_of(const AttentionCase& c, std::int64_t r) {
  const std::int64_t position = c.start + r / c.group;
  Doubles weights(c.start + c.tokens, 0.0);
  double total = 0.0;
  for (std::int64_t j = 0; j <= position; ++j) {
    if (c.window > 0 && j <= position - c.window) {
      continue;
    }
    double score = 0.0;
    for (std::int64_t i = 0; i < c.width; ++i) {
      score += static_cast<double>(c.q[r * c.width + i]) * c.k[j * c.width + i];
    }
    weights[j] = std::exp(score * kScale);
    total += weights[j];
  }
  for (double& weight : weights) {
    weight /= total;
  }
  return weights;
}

void solve_row(AttentionCase& c, std::int64_t r) {
  const std::int64_t keys = c.start + c.tokens;
  const Doubles weights = weights_of(c, r);
  Doubles dp(keys, 0.0);
  double mean = 0.0;
  for (std::int64_t j = 0; j < keys; ++j) {
    for (std::int64_t i = 0; i < c.width; ++i) {
      const double d = c.dout[r * c.width + i];
      c.out[r * c.width + i] += weights[j] * c.v[j * c.width + i];
      c.dv[j * c.width + i] += weights[j] * d;
      dp[j] += d * c.v[j * c.width + i];
    }
    mean += weights[j] * dp[j];
  }
  for (std::int64_t j = 0; j < keys; ++j) {
    const double ds = weights[j] * (dp[j] - mean) * kScale;
    for (std::int64_t i = 0; i < c.width; ++i) {
      c.dq[r * c.width + i] += ds * c.k[j * c.width + i];
      c.dk[j * c.width + i] += ds * c.q[r * c.width + i];
    }
  }
}

AttentionCase make_case(std::int64_t tokens, std::int64_t start,
                        std::int64_t group, std::int64_t width,
                        std::int64_t window) {
  Random random(tokens * 1000 + start * 100 + width);
  AttentionCase c{tokens, start, group, width, window};
  const std::int64_t keys = start + tokens;
  c.q = normals(tokens * group * width, random);
  c.k = normals(keys * width, random);
  c.v = normals(keys * width, random);
  c.dout = normals(tokens * group * width, random);
  c.out.assign(c.q.size(), 0.0);
  c.dq.assign(c.q.size(), 0.0);
  c.dk.assign(c.k.size(), 0.0);
  c.dv.assign(c.k.size(), 0.0);
  for (std::int64_t r = 0; r < tokens * group; ++r) {
    solve_row(c, r);
  }
  return c;
}

AttentionItem item_of(const AttentionCase& c, Floats& out, Floats& lse) {
  AttentionItem item;
  item.q = c.q.data();
  item.k = c.k.data();
  item.v = c.v.data();
  item.q_stride = c.group * c.width;
  item.kv_stride = c.width;
  item.group = c.group;
  item.width = c.width;
  item.num_tokens = c.tokens;
  item.start = c.start;
  item.window = c.window;
  item.scale = static_cast<float>(kScale);
  out.assign(c.q.size(), NAN);
  lse.assign(c.tokens * c.group, NAN);
  item.out = out.data();
  item.lse = lse.data();
  item.lse_stride = c.group;
  return item;
}

void check_attention(const KernelSet& set, const AttentionCase& c) {
  const std::string what =
      std::string(set.name) + ": " + std::to_string(c.tokens) +
      " tokens from " + std::to_string(c.start) + ", group " +
      std::to_string(c.group) + ", width " + std::to_string(c.width) +
      ", window " + std::to_string(c.window);
  Floats out;
  Floats lse;
  const AttentionItem item = item_of(c, out, lse);
  const std::int64_t keys = c.start + c.tokens;
  // NaN in the scratch memory must not come through.
  Floats scratch(attention_scratch(keys, c.width), NAN);
  const std::int64_t half = c.tokens / 2;
  if (half > 0) {
    set.attention(item, 0, half, scratch.data());
  }
  set.attention(item, half, c.tokens - half, scratch.data());
  expect_near(out, c.out, 3e-6, what);
  if (c.start > 0) {
    return;
  }
  Floats dq(c.q.size(), NAN);
  Floats dk(c.k.size(), NAN);
  Floats dv(c.v.size(), NAN);
  Floats more(attention_backward_scratch(keys, c.width), NAN);
  set.attention_backward(item, {c.dout.data(), dq.data(), dk.data(), dv.data()},
                         more.data());
  expect_near(dq, c.dq, 1e-5, what);
  expect_near(dk, c.dk, 1e-5, what);
  expect_near(dv, c.dv, 1e-5, what);
}

TEST(Kernels, AttentionAndItsGradient) {
  for (const std::int64_t tokens : {1, 2, 7, 33, 70, 150}) {
    for (const std::int64_t group : {1, 2, 3}) {
      for (const std::int64_t width : {8, 32, 48, 64}) {
        for (const std::int64_t window : {0, 5, 40}) {
          const AttentionCase c = make_case(tokens, 0, group, width, window);
          for (const KernelSet* set : runnable_kernels()) {
            check_attention(*set, c);
          }
        }
      }
    }
  }
}

TEST(Kernels, AttentionContinuesACache) {
  for (const std::int64_t tokens : {1, 2, 9}) {
    for (const std::int64_t start : {1, 31, 64, 90}) {
      for (const std::int64_t window : {0, 20}) {
        for (const std::int64_t width : {8, 32, 96}) {
          const AttentionCase c = make_case(tokens, start, 2, width, window);
          for (const KernelSet* set : runnable_kernels()) {
            check_attention(*set, c);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace veer
