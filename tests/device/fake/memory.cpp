// SPDX-License-Identifier: MIT
#include "device/fake/memory.h"

#include <algorithm>
#include <iterator>

#include <c10/util/Exception.h>
#include <sys/mman.h>
#include <unistd.h>

namespace veer::fake {
namespace {

constexpr std::size_t kUnit = 512;  // as CUDA's allocator rounds

char* map(int file, int access) {
  void* at =
      mmap(nullptr, Memory::kSize, access, MAP_SHARED | MAP_NORESERVE, file, 0);
  TORCH_CHECK(at != MAP_FAILED, "fake device: no address space");
  return static_cast<char*>(at);
}

}  // namespace

Memory::Memory() {
  const int file = memfd_create("veer_fake_device", 0);
  TORCH_CHECK(file >= 0 && ftruncate(file, kSize) == 0,
              "fake device: no memory");
  device_ = map(file, PROT_NONE);
  host_ = map(file, PROT_READ | PROT_WRITE);
  close(file);
  free_[0] = kSize;
}

void* Memory::allocate(std::size_t bytes) {
  if (bytes == 0) {
    return nullptr;
  }
  const std::size_t size = (bytes + kUnit - 1) / kUnit * kUnit;
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find_if(
      free_, [&](const auto& piece) { return piece.second >= size; });
  TORCH_CHECK_WITH(OutOfMemoryError,
                   found != free_.end() && used_ + size <= limit_,
                   "fake device: out of memory, ", used_, " bytes in use, ",
                   size, " more wanted");
  const auto [offset, whole] = *found;
  free_.erase(found);
  if (whole > size) {
    free_[offset + size] = whole - size;
  }
  taken_[offset] = size;
  used_ += size;
  peak_ = std::max(peak_, used_);
  return device_ + offset;
}

void Memory::release(void* device) {
  if (device == nullptr) {
    return;
  }
  const std::lock_guard lock(mutex_);
  const auto taken = taken_.find(
      static_cast<std::size_t>(static_cast<char*>(device) - device_));
  auto [begin, size] = *taken;
  taken_.erase(taken);
  used_ -= size;
  if (const auto behind = free_.find(begin + size); behind != free_.end()) {
    size += behind->second;
    free_.erase(behind);
  }
  if (auto before = free_.lower_bound(begin); before != free_.begin()) {
    before = std::prev(before);
    if (before->first + before->second == begin) {
      before->second += size;
      return;
    }
  }
  free_[begin] = size;
}

void* Memory::host(const void* device) const {
  return device == nullptr
             ? nullptr
             : host_ + (static_cast<const char*>(device) - device_);
}

bool Memory::owns_host(const void* host) const {
  const auto* at = static_cast<const char*>(host);
  return at >= host_ && at < host_ + kSize;
}

void Memory::set_limit(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  limit_ = bytes;
}

std::size_t Memory::limit() const {
  const std::lock_guard lock(mutex_);
  return limit_;
}

std::size_t Memory::used() const {
  const std::lock_guard lock(mutex_);
  return used_;
}

std::size_t Memory::peak() const {
  const std::lock_guard lock(mutex_);
  return peak_;
}

void Memory::reset_peak() {
  const std::lock_guard lock(mutex_);
  peak_ = used_;
}

Memory& memory() {
  static auto* const one = new Memory;
  return *one;
}

}  // namespace veer::fake
