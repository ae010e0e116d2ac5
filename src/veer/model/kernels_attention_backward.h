// SPDX-License-Identifier: MIT
//
// The derivative of a row's attention for one instruction set; see
// kernels_set.h for what may stand here.
#pragma once

#include "veer/model/kernels.h"
#include "veer/model/kernels_attention.h"
#include "veer/model/kernels_vector.h"

namespace veer {
namespace {

constexpr std::int64_t kBlockRows = 64;

// Memory of the backward pass over one item.
struct BackwardBuffers {
  float* keys_t;
  float* values_t;
  float* keys;  // padded rows
  float* k_gradient;
  float* v_gradient;
  float* weights;          // [kBlockRows, keys.padded]
  float* score_gradients;  // the same
  float* queries;          // [kBlockRows, padded width]
  float* out_gradients;    // the same
};

BackwardBuffers place_buffers(float* at, const Keys& keys, std::int64_t width,
                              std::int64_t padded) {
  const auto take = [&](std::int64_t count) {
    float* start = at;
    at += count;
    return start;
  };
  const std::int64_t key_rows = up_to(keys.count, kTileRows);
  BackwardBuffers b;
  b.keys_t = take(width * keys.padded);
  b.values_t = take(width * keys.padded);
  b.keys = take(key_rows * padded);
  b.k_gradient = take(key_rows * padded);
  b.v_gradient = take(key_rows * padded);
  b.weights = take(kBlockRows * keys.padded);
  b.score_gradients = take(kBlockRows * keys.padded);
  b.queries = take(kBlockRows * padded);
  b.out_gradients = take(kBlockRows * padded);
  return b;
}

// weights = softmax again, from its log-sum; score_gradients = scale *
// weights * (dp - dout . out), with dp = dout . v.
void differentiate_row(const AttentionItem& item,
                       const AttentionGradients& gradients, const Rows& rows,
                       std::int64_t r, const Keys& keys, float* weights,
                       float* score_gradients) {
  const Sight seen = sight(item, keys, rows.token[r]);
  hide(weights, rows, seen, -__builtin_inff());
  hide(score_gradients, rows, seen, 0.0F);
  const float* out = item.out + rows.offset[r];
  const float* dout = gradients.out_gradient + rows.offset[r];
  Vec dots = {};
  for (std::int64_t c = 0; c < item.width; c += kLanes) {
    const std::int64_t n = item.width - c;
    dots += load(out + c, n) * load(dout + c, n);
  }
  const float delta = sum(dots);
  const std::int64_t head = (rows.first + r) % item.group;
  const float lse = item.lse[rows.token[r] * item.lse_stride + head];
  const std::int64_t from = rows.low / (2 * kLanes) * 2 * kLanes;
  for (std::int64_t j = 0; j < from; ++j) {
    weights[j] = 0.0F;
    score_gradients[j] = 0.0F;
  }
  for (std::int64_t j = from; j < keys.padded; j += kLanes) {
    if (j > rows.high) {
      store(weights + j, Vec{});
      store(score_gradients + j, Vec{});
      continue;
    }
    const Vec p = exponential(load(weights + j) * item.scale - lse);
    store(weights + j, p);
    store(score_gradients + j,
          p * (load(score_gradients + j) - delta) * item.scale);
  }
}

// to[j] += sum over the block's query rows of a[row][j] * b[row], from the
// first row that sees key j on.
void add_key_gradients(const AttentionItem& item, const Keys& keys,
                       std::int64_t first_row, std::int64_t num_rows,
                       const float* a, const float* b, std::int64_t padded,
                       float* to) {
  const std::int64_t last_token = (first_row + num_rows - 1) / item.group;
  const std::int64_t last = sight(item, keys, last_token).high;
  for (std::int64_t j = 0; j <= last; j += kTileRows) {
    const std::int64_t sees = (keys.begin + j - item.start) * item.group;
    const std::int64_t from = sees > first_row ? sees - first_row : 0;
    const float* columns[kTileRows];
    for (std::int64_t r = 0; r < kTileRows; ++r) {
      columns[r] = a + from * keys.padded + j + r;
    }
    for (std::int64_t c = 0; c < padded; c += 2 * kLanes) {
      Tile tile;
      float* row = to + j * padded + c;
      for (std::int64_t r = 0; r < kTileRows; ++r) {
        tile.c[r][0] = load(row + r * padded);
        tile.c[r][1] = load(row + r * padded + kLanes);
      }
      multiply(tile, columns, keys.padded, b + from * padded + c, padded,
               num_rows - from);
      for (std::int64_t r = 0; r < kTileRows; ++r) {
        store(row + r * padded, tile.c[r][0]);
        store(row + r * padded + kLanes, tile.c[r][1]);
      }
    }
  }
}

void differentiate_block(const AttentionItem& item,
                         const AttentionGradients& gradients, const Keys& keys,
                         const BackwardBuffers& buffers, std::int64_t first,
                         std::int64_t count) {
  const std::int64_t padded = up_to(item.width, 2 * kLanes);
  for (std::int64_t r = 0; r < count; r += kTileRows) {
    const Rows rows = rows_of(item, keys, first + r, first + count);
    float* weights = buffers.weights + r * keys.padded;
    float* score_gradients = buffers.score_gradients + r * keys.padded;
    score_tile(item.q, rows, keys, item.width, buffers.keys_t, weights);
    score_tile(gradients.out_gradient, rows, keys, item.width, buffers.values_t,
               score_gradients);
    for (std::int64_t i = 0; i < rows.count; ++i) {
      differentiate_row(item, gradients, rows, i, keys,
                        weights + i * keys.padded,
                        score_gradients + i * keys.padded);
      copy_row(item.q + rows.offset[i], item.width, padded,
               buffers.queries + (r + i) * padded);
      copy_row(gradients.out_gradient + rows.offset[i], item.width, padded,
               buffers.out_gradients + (r + i) * padded);
    }
    weigh(score_gradients, rows, keys, buffers.keys, padded, item.width,
          nullptr, gradients.q_gradient, rows.offset);
  }
  add_key_gradients(item, keys, first, count, buffers.weights,
                    buffers.out_gradients, padded, buffers.v_gradient);
  add_key_gradients(item, keys, first, count, buffers.score_gradients,
                    buffers.queries, padded, buffers.k_gradient);
}

void attention_backward(const AttentionItem& item,
                        const AttentionGradients& gradients, float* scratch) {
  const Keys keys = keys_of(item, 0, item.num_tokens);
  const std::int64_t padded = up_to(item.width, 2 * kLanes);
  const BackwardBuffers buffers =
      place_buffers(scratch, keys, item.width, padded);
  const Source from_keys = source_of(item, item.k, nullptr);
  transpose(from_keys, keys, item.width, buffers.keys_t);
  transpose(source_of(item, item.v, nullptr), keys, item.width,
            buffers.values_t);
  gather(from_keys, keys, item.width, padded, buffers.keys);
  const std::int64_t key_numbers = up_to(keys.count, kTileRows) * padded;
  for (std::int64_t i = 0; i < key_numbers; ++i) {
    buffers.k_gradient[i] = 0.0F;
    buffers.v_gradient[i] = 0.0F;
  }
  const std::int64_t num_rows = item.num_tokens * item.group;
  for (std::int64_t first = 0; first < num_rows; first += kBlockRows) {
    const std::int64_t left = num_rows - first;
    differentiate_block(item, gradients, keys, buffers, first,
                        left < kBlockRows ? left : kBlockRows);
  }
  for (std::int64_t j = 0; j < keys.count; ++j) {
    for (std::int64_t c = 0; c < item.width; ++c) {
      gradients.k_gradient[j * item.kv_stride + c] =
          buffers.k_gradient[j * padded + c];
      gradients.v_gradient[j * item.kv_stride + c] =
          buffers.v_gradient[j * padded + c];
    }
  }
}

}  // namespace
}  // namespace veer
