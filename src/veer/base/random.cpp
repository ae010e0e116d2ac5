// SPDX-License-Identifier: MIT
#include "veer/base/random.h"

#include <bit>
#include <cmath>
#include <numbers>

#include "veer/base/hash.h"

namespace veer {
namespace {

std::uint64_t split_mix(std::uint64_t& x) {
  x += 0x9e3779b97f4a7c15ULL;
  std::uint64_t z = x;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

}  // namespace

Random::Random(std::uint64_t seed) {
  for (auto& word : words_) {
    word = split_mix(seed);
  }
}

Random::Random(std::uint64_t seed, std::string_view purpose)
    : Random(hash64(purpose, seed)) {}

std::uint64_t Random::next() {
  const std::uint64_t result = std::rotl(words_[1] * 5, 7) * 9;
  const std::uint64_t shifted = words_[1] << 17;
  words_[2] ^= words_[0];
  words_[3] ^= words_[1];
  words_[1] ^= words_[2];
  words_[0] ^= words_[3];
  words_[2] ^= shifted;
  words_[3] = std::rotl(words_[3], 45);
  return result;
}

double Random::uniform() {
  return static_cast<double>(next() >> 11) * 0x1.0p-53;
}

std::uint64_t Random::below(std::uint64_t bound) {
  const std::uint64_t threshold = -bound % bound;
  std::uint64_t value = next();
  while (value < threshold) {
    value = next();
  }
  return value % bound;
}

double Random::normal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

std::size_t Random::weighted(std::span<const double> weights) {
  double total = 0.0;
  for (const double w : weights) {
    total += w;
  }
  double left = uniform() * total;
  for (std::size_t i = 0; i + 1 < weights.size(); ++i) {
    left -= weights[i];
    if (left < 0.0) {
      return i;
    }
  }
  return weights.size() - 1;
}

Random::State Random::state() const {
  return {{words_[0], words_[1]}, {words_[2], words_[3]}};
}

void Random::set_state(const State& state) {
  words_[0] = state.first.first;
  words_[1] = state.first.second;
  words_[2] = state.second.first;
  words_[3] = state.second.second;
}

}  // namespace veer
