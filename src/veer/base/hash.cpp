// SPDX-License-Identifier: MIT
#include "veer/base/hash.h"

#include <array>
#include <fstream>
#include <memory>

#include <fmt/core.h>
#include <xxhash.h>

#include "veer/base/error.h"

namespace veer {
namespace {

std::string hex(XXH128_hash_t value) {
  return fmt::format("{:016x}{:016x}", value.high64, value.low64);
}

}  // namespace

std::uint64_t hash64(std::string_view bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

std::string fingerprint(std::string_view bytes) {
  return hex(XXH3_128bits(bytes.data(), bytes.size()));
}

std::string fingerprint_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    fail("fingerprint", "cannot open " + path, "a readable file");
  }
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(
      XXH3_createState(), &XXH3_freeState);
  XXH3_128bits_reset(state.get());
  std::array<char, 1 << 16> buffer;
  while (in) {
    in.read(buffer.data(), buffer.size());
    XXH3_128bits_update(state.get(), buffer.data(),
                        static_cast<std::size_t>(in.gcount()));
  }
  if (in.bad()) {
    fail_run("fingerprint", "reading " + path + " failed");
  }
  return hex(XXH3_128bits_digest(state.get()));
}

}  // namespace veer
