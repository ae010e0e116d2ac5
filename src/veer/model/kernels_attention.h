// SPDX-License-Identifier: MIT
//
// Attention of one row to one key head for one instruction set; see
// kernels_set.h for what may stand here.
#pragma once

#include "veer/model/kernels.h"
#include "veer/model/kernels_vector.h"

namespace veer {
namespace {

constexpr std::int64_t kTileRows = 4;

std::int64_t up_to(std::int64_t n, std::int64_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

// rows x two registers of a product: c[r] = sum_k a[r][k * step] * b[k][0 ..].
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

// Keys or values by position.
struct Source {
  const float* first = nullptr;
  std::int64_t stride = 0;
  // From position `start` on, if not null.
  const float* own = nullptr;
  std::int64_t own_stride = 0;
  std::int64_t start = 0;
};

VEER_INLINE const float* at_position(const Source& source,
                                     std::int64_t position) {
  return source.own == nullptr || position < source.start
             ? source.first + position * source.stride
             : source.own + (position - source.start) * source.own_stride;
}

Source source_of(const AttentionItem& item, const float* first,
                 const float* own) {
  return {first, item.kv_stride, own, item.own_stride, item.start};
}

// to[c][j] = number c of key j, columns beyond the keys zero.
void transpose(const Source& from, const Keys& keys, std::int64_t width,
               float* to) {
  for (std::int64_t c = 0; c < width; ++c) {
    for (std::int64_t j = keys.count; j < keys.padded; ++j) {
      to[c * keys.padded + j] = 0.0F;
    }
  }
  for (std::int64_t j = 0; j < keys.count; ++j) {
    const float* key = at_position(from, keys.begin + j);
    for (std::int64_t c = 0; c < width; ++c) {
      to[c * keys.padded + j] = key[c];
    }
  }
}

// `width` numbers, padded with zeros to `padded`.
VEER_INLINE void copy_row(const float* from, std::int64_t width,
                          std::int64_t padded, float* to) {
  for (std::int64_t c = 0; c < width; ++c) {
    to[c] = from[c];
  }
  for (std::int64_t c = width; c < padded; ++c) {
    to[c] = 0.0F;
  }
}

void gather(const Source& from, const Keys& keys, std::int64_t width,
            std::int64_t padded, float* to) {
  for (std::int64_t j = 0; j < keys.count; ++j) {
    copy_row(at_position(from, keys.begin + j), width, padded, to + j * padded);
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

// The same as dot products with the keys as they lie, a register of keys at a
// time: for one or two tokens, where transposing would cost more.
void score_dots(const AttentionItem& item, const Rows& rows, const Keys& keys,
                const Source& from_keys, float* scores) {
  const std::int64_t whole = item.width / kLanes * kLanes;
  const std::int64_t from = rows.low / kLanes * kLanes;
  for (std::int64_t j = from; j <= rows.high; j += kLanes) {
    const float* key[kLanes];
#pragma GCC unroll 16
    for (std::int64_t i = 0; i < kLanes; ++i) {
      const std::int64_t seen = j + i < rows.high ? j + i : rows.high;
      key[i] = at_position(from_keys, keys.begin + seen);
    }
    for (std::int64_t r = 0; r < rows.count; ++r) {
      const float* query = item.q + rows.offset[r];
      Vec products[kLanes] = {};
      for (std::int64_t c = 0; c < whole; c += kLanes) {
        const Vec part = load(query + c);
#pragma GCC unroll 16
        for (std::int64_t i = 0; i < kLanes; ++i) {
          products[i] += part * load(key[i] + c);
        }
      }
      Vec found = sums(products);
      for (std::int64_t c = whole; c < item.width; ++c) {
        for (std::int64_t i = 0; i < kLanes; ++i) {
          found[i] += query[c] * key[i][c];
        }
      }
      store(scores + r * keys.padded + j, found);
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

// Reads what one token will read, in order. Keys and values of many rows are
// more than the caches hold; a plain loop streams them at the memory's speed,
// the ones below, which do much between two loads, wait for each line. What
// lies behind the row's end goes with it while it is short: a gap would break
// the stream.
void stream(const float* from, const AttentionItem& item, const Keys& keys,
            float* sink) {
  const std::int64_t used =
      item.own_k == nullptr ? keys.begin + keys.count : item.start;
  const std::int64_t end = item.room <= used + used / 2 ? item.room : used;
  Vec total = {};
  for (std::int64_t i = keys.begin * item.kv_stride;
       i + kLanes <= end * item.kv_stride; i += kLanes) {
    total += load(from + i);
  }
  store(sink, total);
}

void attention(const AttentionItem& item, std::int64_t first,
               std::int64_t count, float* scratch) {
  const Keys keys = keys_of(item, first, count);
  const std::int64_t padded = up_to(item.width, 2 * kLanes);
  const Source from_keys = source_of(item, item.k, item.own_k);
  float* scores = scratch;
  float* keys_t = scores + kTileRows * keys.padded;
  const float* values = item.v + keys.begin * item.kv_stride;
  std::int64_t value_stride = item.kv_stride;
  const bool transposed = count * item.group >= 2 * kTileRows;
  if (transposed) {
    transpose(from_keys, keys, item.width, keys_t);
  } else if (item.room > 0) {
    stream(item.k, item, keys, scores);
    stream(item.v, item, keys, scores);
  }
  if (padded != item.width || item.own_v != nullptr) {
    float* copy = keys_t + item.width * keys.padded;
    gather(source_of(item, item.v, item.own_v), keys, item.width, padded, copy);
    values = copy;
    value_stride = padded;
  }
  const std::int64_t end = (first + count) * item.group;
  for (std::int64_t r = first * item.group; r < end; r += kTileRows) {
    const Rows rows = rows_of(item, keys, r, end);
    if (transposed) {
      score_tile(item.q, rows, keys, item.width, keys_t, scores);
    } else {
      score_dots(item, rows, keys, from_keys, scores);
    }
    attend_tile(item, rows, keys, values, value_stride, scores);
  }
}

}  // namespace
}  // namespace veer
