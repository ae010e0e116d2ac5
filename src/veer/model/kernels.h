// SPDX-License-Identifier: MIT
//
// Loops over fp32 numbers for the small models that run on a CPU: at width
// 128 a pass is bound by calls and memory traffic between ATen operators, not
// by matrix products. No torch here. The same source (kernels_set.h) is
// compiled for several instruction sets and chosen once at run time; results
// differ between sets in the last bits, never between runs.
#pragma once

#include <cstdint>
#include <span>

namespace veer {

// Queries of one row against one key head. Query row r = i * group + g is
// token i and head g of the `group` heads that share the key head; numbers of
// a head lie side by side.
struct AttentionItem {
  const float* q = nullptr;  // token 0, head 0
  const float* k = nullptr;  // position 0
  const float* v = nullptr;
  // Of token 0 where k and v end at position `start`; null where they go on.
  const float* own_k = nullptr;
  const float* own_v = nullptr;
  std::int64_t q_stride = 0;    // floats between tokens
  std::int64_t kv_stride = 0;   // floats between positions
  std::int64_t own_stride = 0;  // the same of own_k and own_v
  // Positions that lie side by side in a cache and may be read, of which the
  // first ones hold something; 0 where there is no cache.
  std::int64_t room = 0;
  std::int64_t group = 1;
  std::int64_t width = 0;  // of a head
  std::int64_t num_tokens = 0;
  std::int64_t start = 0;   // position of token 0
  std::int64_t window = 0;  // positions seen, itself included; 0 = all
  float scale = 1.0F;
  float* out = nullptr;         // strides as q
  float* lse = nullptr;         // log of the softmax's sum, or null
  std::int64_t lse_stride = 0;  // between tokens; heads side by side
};

// What the backward pass needs beside the item (whose `out` and `lse` are the
// forward pass's results, and whose start is 0).
struct AttentionGradients {
  const float* out_gradient = nullptr;  // strides as q
  float* q_gradient = nullptr;          // strides as q
  float* k_gradient = nullptr;          // strides as k
  float* v_gradient = nullptr;
};

// y [rows, outputs] = x [rows, inputs] times weights, rows `stride` floats
// apart: w' where w is [outputs, inputs], w itself where it is `turned`, that
// is [inputs, outputs].
struct ProductItem {
  const float* x = nullptr;
  std::int64_t x_stride = 0;
  const float* w = nullptr;
  std::int64_t w_stride = 0;
  bool turned = false;
  // All of w [outputs, inputs] turned beforehand, or null: its outputs here are
  // those from panel `first_panel` of `num_panels`.
  const float* panels = nullptr;
  std::int64_t first_panel = 0;
  std::int64_t num_panels = 0;
  std::int64_t rows = 0;
  std::int64_t inputs = 0;
  std::int64_t outputs = 0;
  float* y = nullptr;
  std::int64_t y_stride = 0;
};

struct KernelSet {
  const char* name;

  // Null where the registers are too few for it to be worth while. A row's
  // result does not depend on the rows and columns beside it.
  void (*product)(const ProductItem& item, float* scratch);
  // w [outputs, inputs], rows `stride` apart, as ProductItem::panels: inputs in
  // blocks of 256, in each block the outputs in panels of 32 (zeros behind the
  // last), in each panel the 32 numbers of an input side by side.
  void (*turn_weights)(const float* w, std::int64_t stride,
                       std::int64_t outputs, std::int64_t inputs,
                       float* panels);

  // y = w x / sqrt(mean(x^2) + eps) for rows of x; rstd may be null.
  void (*norm)(const float* x, const float* w, std::int64_t rows,
               std::int64_t width, float eps, bool plus_one, float* y,
               float* rstd);
  // dw, where not null, is added to.
  void (*norm_backward)(const float* x, const float* w, const float* rstd,
                        const float* dy, std::int64_t rows, std::int64_t width,
                        bool plus_one, float* dx, float* dw);
  // y = silu(gate) * up; gate and up rows lie `stride` apart, y's `width`.
  void (*swiglu)(const float* gate, const float* up, std::int64_t rows,
                 std::int64_t width, std::int64_t stride, float* y);
  void (*swiglu_backward)(const float* gate, const float* up, const float* dy,
                          std::int64_t rows, std::int64_t width,
                          std::int64_t stride, float* dgate, float* dup);
  // Turns the first 2 * half numbers of each head by the token's angles,
  // backwards if `inverse`. Tokens lie `stride` apart in x, packed in y.
  void (*rotate)(const float* x, const float* cosines, const float* sines,
                 std::int64_t tokens, std::int64_t heads, std::int64_t width,
                 std::int64_t half, std::int64_t stride, bool inverse,
                 float* y);
  // Tokens [first, first + count) of the item.
  void (*attention)(const AttentionItem& item, std::int64_t first,
                    std::int64_t count, float* scratch);
  void (*attention_backward)(const AttentionItem& item,
                             const AttentionGradients& gradients,
                             float* scratch);
};

// The best set that this machine can run.
const KernelSet& kernels();
// All that it can run, best first; for tests.
std::span<const KernelSet* const> runnable_kernels();

// Outputs that a product takes at a time; its floats of scratch memory.
constexpr std::int64_t kProductPanel = 32;
constexpr std::int64_t kProductScratch = 256 * kProductPanel;

// Floats of scratch memory for `positions` keys of a head of `width`.
std::int64_t attention_scratch(std::int64_t positions, std::int64_t width);
std::int64_t attention_backward_scratch(std::int64_t positions,
                                        std::int64_t width);

}  // namespace veer
