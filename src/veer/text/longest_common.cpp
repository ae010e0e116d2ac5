// SPDX-License-Identifier: MIT
#include "veer/text/longest_common.h"

#include <bit>
#include <unordered_map>
#include <vector>

namespace veer {

std::int64_t longest_common_subsequence(std::span<const std::uint64_t> a,
                                        std::span<const std::uint64_t> b) {
  const std::size_t words = (a.size() + 63) / 64;
  std::unordered_map<std::uint64_t, std::vector<std::uint64_t>> places;
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto& bits = places[a[i]];
    bits.resize(words);
    bits[i / 64] |= std::uint64_t{1} << (i % 64);
  }
  // A zero bit of `row` at i: the common subsequence grows at a[i].
  std::vector<std::uint64_t> row(words, ~std::uint64_t{0});
  for (const std::uint64_t item : b) {
    const auto at = places.find(item);
    if (at == places.end()) {
      continue;
    }
    std::uint64_t carry = 0;
    for (std::size_t w = 0; w < words; ++w) {
      const std::uint64_t hit = row[w] & at->second[w];
      std::uint64_t sum = row[w] + hit;
      std::uint64_t next = sum < hit ? 1 : 0;
      sum += carry;
      next += sum < carry ? 1 : 0;
      row[w] = sum | (row[w] & ~at->second[w]);
      carry = next;
    }
  }
  std::int64_t out = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    out += (row[i / 64] >> (i % 64) & 1U) == 0 ? 1 : 0;
  }
  return out;
}

}  // namespace veer
