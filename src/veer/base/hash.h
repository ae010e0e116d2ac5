// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace veer {

// XXH3, 64 bits. Stable over machines and versions of Veer.
std::uint64_t hash64(std::string_view bytes, std::uint64_t seed = 0);

// XXH3, 128 bits, as 32 hexadecimal digits: the fingerprint of a setting, a
// file or a vector. Not cryptographic.
std::string fingerprint(std::string_view bytes);

// Fingerprint of a file's bytes, streamed. Throws Error if unreadable.
std::string fingerprint_file(const std::string& path);

}  // namespace veer
