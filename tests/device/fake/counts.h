// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace veer::fake {

// What the host asked of the device since the last reset.
struct Counts {
  std::int64_t launches = 0;  // operators, copies within the device included
  // Times that the host waited: copies of pageable memory either way, and
  // operators whose result the host must see (item, nonzero, equal).
  std::int64_t waits = 0;
  std::int64_t bytes_to_device = 0;
  std::int64_t bytes_to_host = 0;
  std::int64_t peak_bytes = 0;  // in use at once
  std::map<std::string, std::int64_t> by_name;
};

Counts counts();
// The peak starts again from what is in use.
void reset_counts();

// Called by the device.
void count_launch(std::string_view name, bool waits);
void count_copy(std::string_view name, bool waits, std::int64_t to_device,
                std::int64_t to_host);

}  // namespace veer::fake
