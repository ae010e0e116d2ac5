// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <map>
#include <mutex>

namespace veer::fake {

// The device's memory, mapped twice: what a tensor carries is an address that
// nobody can read or write (a careless host access ends in SIGSEGV, as on a
// GPU), and the kernels reach the same bytes through host().
class Memory {
 public:
  static constexpr std::size_t kSize = std::size_t{16} << 30;

  Memory();

  // Null for 0 bytes. Throws c10::OutOfMemoryError above limit().
  void* allocate(std::size_t bytes);
  void release(void* device);

  void* host(const void* device) const;
  bool owns_host(const void* host) const;

  // Bytes that may be in use at once; kSize at first.
  void set_limit(std::size_t bytes);
  std::size_t limit() const;
  std::size_t used() const;
  std::size_t peak() const;
  void reset_peak();

 private:
  mutable std::mutex mutex_;
  char* device_ = nullptr;
  char* host_ = nullptr;
  std::map<std::size_t, std::size_t> free_;  // offset -> bytes
  std::map<std::size_t, std::size_t> taken_;
  std::size_t limit_ = kSize;
  std::size_t used_ = 0;
  std::size_t peak_ = 0;
};

// The one device's; it lives as long as the process, because tensors may.
Memory& memory();

}  // namespace veer::fake
