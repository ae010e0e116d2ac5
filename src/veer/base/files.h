// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace veer {

// The whole file as bytes. Throws Error{kBadInput} if it is missing, no
// regular file, or larger than `max_bytes`.
std::string read_file(const std::filesystem::path& path,
                      std::uint64_t max_bytes = std::uint64_t{1} << 32);

// Lines without their line ends ("\n" or "\r\n"); a UTF-8 byte order mark is
// dropped; a last empty line does not count.
std::vector<std::string> read_lines(const std::filesystem::path& path);

// Writes to a temporary name in the same folder, syncs, renames: a reader
// sees the old bytes or the new ones, never a part. Makes missing parent
// folders. Throws Error{kFailed} naming the system's reason.
void write_file(const std::filesystem::path& path, std::string_view bytes);

// The same for content that is produced in pieces. Nothing appears under
// `path` until commit(); without it the temporary file is removed.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::string_view bytes);
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

// Appends and flushes to the operating system. Throws Error{kFailed}.
void append_file(const std::filesystem::path& path, std::string_view bytes);

// Makes a folder and its parents; throws Error{kFailed} with the reason.
void make_folder(const std::filesystem::path& path);

}  // namespace veer
