// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace veer {

// A small deterministic generator (xoshiro256**, Blackman and Vigna 2018)
// with its own distributions: the same seed gives the same numbers on every
// machine and standard library. Randomness is always an argument; there is no
// global generator. Not safe to share between threads.
class Random {
 public:
  using State = std::pair<std::pair<std::uint64_t, std::uint64_t>,
                          std::pair<std::uint64_t, std::uint64_t>>;

  explicit Random(std::uint64_t seed);
  // An independent stream for `purpose` ("split", "dropout", ...), so that a
  // new use of randomness never shifts the numbers of the others.
  Random(std::uint64_t seed, std::string_view purpose);

  std::uint64_t next();
  // Uniform in [0, 1), 53 bits.
  double uniform();
  // Uniform in [0, bound); bound > 0. Free of modulo bias.
  std::uint64_t below(std::uint64_t bound);
  // Standard normal (Box-Muller, one value per call pair is not kept).
  double normal();
  // True with probability p.
  bool chance(double p) { return uniform() < p; }

  template <class T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i) {
      std::swap(items[i - 1], items[below(i)]);
    }
  }
  template <class T>
  const T& pick(std::span<const T> items) {
    return items[below(items.size())];
  }
  template <class T>
  const T& pick(const std::vector<T>& items) {
    return items[below(items.size())];
  }
  // Index drawn in proportion to `weights` (non-negative, sum > 0).
  std::size_t weighted(std::span<const double> weights);

  State state() const;
  void set_state(const State& state);

 private:
  std::uint64_t words_[4];
};

}  // namespace veer
