// SPDX-License-Identifier: MIT
//
// Included by kernels_<set>.cpp, each compiled for its instruction set. Only
// internal linkage and no standard library here, so that no function built
// for a newer machine can replace its namesake elsewhere at link time.

#include "veer/model/kernels.h"
#include "veer/model/kernels_vector.h"

namespace veer {
namespace {

constexpr std::int64_t kTileRows = 4;
constexpr std::int64_t kBlockRows = 64;

std::int64_t up_to(std::int64_t n, std::int64_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

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

// rows x 32 numbers of a product: c[r] = sum_k a[r][k * step] * b[k][0..31].
struct Tile {
  Vec c[kTileRows][2];
};

VEER_INLINE void clear(Tile& tile) {
  for (auto& row : tile.c) {
    row[0] = Vec{};
    row[1] = Vec{};
  }
}

VEER_INLINE void multiply(Tile& tile, const float* const (&a)[kTileRows],
                          std::int64_t step, const float* b,
                          std::int64_t b_stride, std::int64_t count) {
  for (std::int64_t k = 0; k < count; ++k, b += b_stride) {
    const Vec b0 = load(b);
    const Vec b1 = load(b + kLanes);
    for (std::int64_t r = 0; r < kTileRows; ++r) {
      const float scalar = a[r][k * step];
      tile.c[r][0] += b0 * scalar;
      tile.c[r][1] += b1 * scalar;
    }
  }
}

// The item's keys as seen by a range of its tokens.
struct Keys {
  std::int64_t begin = 0;   // first position that any of them sees
  std::int64_t count = 0;   // positions from there on
  std::int64_t padded = 0;  // row length of score buffers
};

Keys keys_of(const AttentionItem& item, std::int64_t first,
             std::int64_t count) {
  Keys keys;
  const std::int64_t first_seen = item.start + first - item.window + 1;
  if (item.window > 0 && first_seen > 0) {
    keys.begin = first_seen;
  }
  keys.count = item.start + first + count - keys.begin;
  keys.padded = up_to(keys.count, 2 * kLanes);
  return keys;
}

// to[c][j] = from[j][c], columns beyond the keys zero.
void transpose(const float* from, std::int64_t stride, const Keys& keys,
               std::int64_t width, float* to) {
  from += keys.begin * stride;
  for (std::int64_t c = 0; c < width; ++c) {
    for (std::int64_t j = keys.count; j < keys.padded; ++j) {
      to[c * keys.padded + j] = 0.0F;
    }
  }
  for (std::int64_t j = 0; j < keys.count; ++j) {
    for (std::int64_t c = 0; c < width; ++c) {
      to[c * keys.padded + j] = from[j * stride + c];
    }
  }
}

// Rows of `width` numbers, padded with zeros to `padded`.
void copy_rows(const float* from, std::int64_t stride, std::int64_t rows,
               std::int64_t width, std::int64_t padded, float* to) {
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < width; ++c) {
      to[r * padded + c] = from[r * stride + c];
    }
    for (std::int64_t c = width; c < padded; ++c) {
      to[r * padded + c] = 0.0F;
    }
  }
}

// The visible keys [low, high] of a query row, relative to keys.begin.
struct Sight {
  std::int64_t low = 0;
  std::int64_t high = 0;
};

Sight sight(const AttentionItem& item, const Keys& keys, std::int64_t token) {
  Sight result;
  const std::int64_t position = item.start + token;
  result.high = position - keys.begin;
  if (item.window > 0) {
    const std::int64_t low = position - item.window + 1 - keys.begin;
    result.low = low > 0 ? low : 0;
  }
  return result;
}

// Up to four query rows at once.
struct Rows {
  std::int64_t first = 0;  // query row r = token * group + head
  std::int64_t count = 0;
  std::int64_t token[kTileRows];
  std::int64_t offset[kTileRows];  // of the row's numbers in q and out
  std::int64_t low = 0;            // keys that any of them sees
  std::int64_t high = 0;
};

// A tile that is not full repeats its last row; nothing is stored for it.
Rows rows_of(const AttentionItem& item, const Keys& keys, std::int64_t first,
             std::int64_t end) {
  Rows rows;
  rows.first = first;
  rows.count = end - first < kTileRows ? end - first : kTileRows;
  for (std::int64_t r = 0; r < kTileRows; ++r) {
    const std::int64_t row = first + (r < rows.count ? r : rows.count - 1);
    rows.token[r] = row / item.group;
    rows.offset[r] =
        rows.token[r] * item.q_stride + row % item.group * item.width;
  }
  rows.low = sight(item, keys, rows.token[0]).low;
  rows.high = sight(item, keys, rows.token[kTileRows - 1]).high;
  return rows;
}

// scores[r] = q_r . k_j for the keys up to rows.high, by the transposed keys.
void score_tile(const float* q, const Rows& rows, const Keys& keys,
                std::int64_t width, const float* keys_t, float* scores) {
  const float* a[kTileRows];
  for (std::int64_t r = 0; r < kTileRows; ++r) {
    a[r] = q + rows.offset[r];
  }
  const std::int64_t from = rows.low / (2 * kLanes) * 2 * kLanes;
  for (std::int64_t j = from; j <= rows.high; j += 2 * kLanes) {
    Tile tile;
    clear(tile);
    multiply(tile, a, 1, keys_t + j, keys.padded, width);
    for (std::int64_t r = 0; r < kTileRows; ++r) {
      store(scores + r * keys.padded + j, tile.c[r][0]);
      store(scores + r * keys.padded + j + kLanes, tile.c[r][1]);
    }
  }
}

// The same key by key: cheaper than transposing for one or two tokens.
void score_dots(const AttentionItem& item, const Rows& rows, const Keys& keys,
                float* scores) {
  const std::int64_t whole = item.width / kLanes * kLanes;
  for (std::int64_t j = rows.low; j <= rows.high; ++j) {
    const float* key = item.k + (keys.begin + j) * item.kv_stride;
    for (std::int64_t r = 0; r < rows.count; ++r) {
      const float* query = item.q + rows.offset[r];
      Vec products = {};
      float tail = 0.0F;
      for (std::int64_t c = 0; c < whole; c += kLanes) {
        products += load(query + c) * load(key + c);
      }
      for (std::int64_t c = whole; c < item.width; ++c) {
        tail += query[c] * key[c];
      }
      scores[r * keys.padded + j] = sum(products) + tail;
    }
  }
}

// Buffer entries of the tile's range that the row does not see.
void hide(float* row, const Rows& rows, const Sight& seen, float value) {
  for (std::int64_t j = rows.low / (2 * kLanes) * 2 * kLanes; j < seen.low;
       ++j) {
    row[j] = value;
  }
  for (std::int64_t j = seen.high + 1; j < up_to(rows.high + 1, 2 * kLanes);
       ++j) {
    row[j] = value;
  }
}

// Scores become exp(scale (s - max)), hidden ones 0. Returns their sum.
float soft(float* row, const Rows& rows, float scale, float* largest) {
  const std::int64_t from = rows.low / (2 * kLanes) * 2 * kLanes;
  Vec top = load(row + from);
  for (std::int64_t j = from + kLanes; j <= rows.high; j += kLanes) {
    const Vec s = load(row + j);
    top = s > top ? s : top;
  }
  *largest = maximum(top);
  Vec total = {};
  for (std::int64_t j = from; j <= rows.high; j += kLanes) {
    const Vec e = exponential((load(row + j) - *largest) * scale);
    store(row + j, e);
    total += e;
  }
  return sum(total);
}

// out rows = weights of the tile times values, each row times `factor`.
void weigh(const float* weights, const Rows& rows, const Keys& keys,
           const float* values, std::int64_t value_stride, std::int64_t width,
           const float* factor, float* out, const std::int64_t* offsets) {
  const float* a[kTileRows];
  for (std::int64_t r = 0; r < kTileRows; ++r) {
    a[r] = weights + (r < rows.count ? r : rows.count - 1) * keys.padded +
           rows.low;
  }
  for (std::int64_t c = 0; c < width; c += 2 * kLanes) {
    Tile tile;
    clear(tile);
    multiply(tile, a, 1, values + rows.low * value_stride + c, value_stride,
             rows.high + 1 - rows.low);
    for (std::int64_t r = 0; r < rows.count; ++r) {
      float* to = out + offsets[r] + c;
      const float f = factor == nullptr ? 1.0F : factor[r];
      store(to, tile.c[r][0] * f, width - c);
      store(to + kLanes, tile.c[r][1] * f, width - c - kLanes);
    }
  }
}

void attend_tile(const AttentionItem& item, const Rows& rows, const Keys& keys,
                 const float* values, std::int64_t value_stride,
                 float* scores) {
  float factor[kTileRows];
  for (std::int64_t r = 0; r < rows.count; ++r) {
    float* row = scores + r * keys.padded;
    hide(row, rows, sight(item, keys, rows.token[r]), -__builtin_inff());
    float largest = 0.0F;
    const float total = soft(row, rows, item.scale, &largest);
    factor[r] = 1.0F / total;
    if (item.lse != nullptr) {
      const std::int64_t head = (rows.first + r) % item.group;
      item.lse[rows.token[r] * item.lse_stride + head] =
          largest * item.scale + __builtin_logf(total);
    }
  }
  weigh(scores, rows, keys, values, value_stride, item.width, factor, item.out,
        rows.offset);
}

void attention(const AttentionItem& item, std::int64_t first,
               std::int64_t count, float* scratch) {
  const Keys keys = keys_of(item, first, count);
  const std::int64_t padded = up_to(item.width, 2 * kLanes);
  float* scores = scratch;
  float* keys_t = scores + kTileRows * keys.padded;
  const float* values = item.v + keys.begin * item.kv_stride;
  std::int64_t value_stride = item.kv_stride;
  const bool transposed = count * item.group >= 2 * kTileRows;
  if (transposed) {
    transpose(item.k, item.kv_stride, keys, item.width, keys_t);
  }
  if (padded != item.width) {
    float* copy = keys_t + item.width * keys.padded;
    copy_rows(values, item.kv_stride, keys.count, item.width, padded, copy);
    values = copy;
    value_stride = padded;
  }
  const std::int64_t end = (first + count) * item.group;
  for (std::int64_t r = first * item.group; r < end; r += kTileRows) {
    const Rows rows = rows_of(item, keys, r, end);
    if (transposed) {
      score_tile(item.q, rows, keys, item.width, keys_t, scores);
    } else {
      score_dots(item, rows, keys, scores);
    }
    attend_tile(item, rows, keys, values, value_stride, scores);
  }
}

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
      copy_rows(item.q + rows.offset[i], 0, 1, item.width, padded,
                buffers.queries + (r + i) * padded);
      copy_rows(gradients.out_gradient + rows.offset[i], 0, 1, item.width,
                padded, buffers.out_gradients + (r + i) * padded);
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
  transpose(item.k, item.kv_stride, keys, item.width, buffers.keys_t);
  transpose(item.v, item.kv_stride, keys, item.width, buffers.values_t);
  copy_rows(item.k, item.kv_stride, keys.count, item.width, padded,
            buffers.keys);
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

constexpr KernelSet make_set(const char* name,
                             decltype(KernelSet::product) product) {
  return {name,          product,   norm,
          norm_backward, swiglu,    swiglu_backward,
          rotate,        attention, attention_backward};
}

}  // namespace
}  // namespace veer
