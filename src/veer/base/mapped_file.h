// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

namespace veer {

// A file in memory, read on demand by the system. Private and copy-on-write:
// a stray write neither crashes nor reaches the file. Unmapped when the last
// owner is gone.
class MappedFile {
 public:
  // Throws Error{kBadInput} if the file is missing, a folder or unreadable.
  static std::shared_ptr<const MappedFile> open(
      const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::string_view bytes() const {
    return {static_cast<const char*>(data_), size_};
  }
  // Writable, see above.
  void* data() const { return data_; }
  std::uint64_t size() const { return size_; }

 private:
  MappedFile() = default;
  void* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace veer
