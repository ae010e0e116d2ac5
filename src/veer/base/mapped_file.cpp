// SPDX-License-Identifier: MIT
#include "veer/base/mapped_file.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "veer/base/error.h"

namespace veer {
namespace {

[[noreturn]] void cannot_open(const std::filesystem::path& path,
                              std::string_view reason) {
  fail("open file", fmt::format("{}: {}", path.string(), reason),
       "a readable file");
}

// Closes on every way out; the mapping outlives the descriptor.
struct Descriptor {
  int value;
  ~Descriptor() {
    if (value >= 0) {
      ::close(value);
    }
  }
};

}  // namespace

std::shared_ptr<const MappedFile> MappedFile::open(
    const std::filesystem::path& path) {
  const Descriptor descriptor{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat status = {};
  if (descriptor.value < 0 || ::fstat(descriptor.value, &status) != 0) {
    cannot_open(path, std::strerror(errno));
  }
  if (!S_ISREG(status.st_mode)) {
    cannot_open(path, "no regular file");
  }
  std::shared_ptr<MappedFile> file(new MappedFile);
  file->size_ = static_cast<std::size_t>(status.st_size);
  if (file->size_ == 0) {
    return file;
  }
  void* data = ::mmap(nullptr, file->size_, PROT_READ | PROT_WRITE, MAP_PRIVATE,
                      descriptor.value, 0);
  if (data == MAP_FAILED) {
    file->size_ = 0;
    cannot_open(path, std::strerror(errno));
  }
  file->data_ = data;
  return file;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) {
    ::munmap(data_, size_);
  }
}

}  // namespace veer
