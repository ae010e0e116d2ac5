// SPDX-License-Identifier: MIT
#include "veer/base/files.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include "veer/base/error.h"

namespace veer {
namespace fs = std::filesystem;
namespace {

std::string reason() {
  return std::strerror(errno);
}

void write_all(int descriptor, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(descriptor, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      fail_run("write file", fmt::format("{}: {}", path.string(), reason()),
               "room and permission to write",
               "the disk is full or the folder is read-only");
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace

std::string read_file(const fs::path& path, std::uint64_t max_bytes) {
  std::error_code ec;
  const auto status = fs::status(path, ec);
  if (ec || !fs::exists(status)) {
    fail("read file", path.string() + " does not exist", "an existing file");
  }
  if (!fs::is_regular_file(status)) {
    fail("read file", path.string() + " is no regular file");
  }
  const auto size = fs::file_size(path, ec);
  if (ec || size > max_bytes) {
    fail("read file", fmt::format("{} has {} bytes", path.string(), size),
         fmt::format("at most {} bytes", max_bytes));
  }
  std::ifstream in(path, std::ios::binary);
  std::string bytes(size, '\0');
  if (!in || !in.read(bytes.data(), static_cast<std::streamsize>(size))) {
    fail("read file", fmt::format("{}: {}", path.string(), reason()),
         "a readable file");
  }
  return bytes;
}

std::vector<std::string> read_lines(const fs::path& path) {
  const std::string bytes = read_file(path);
  std::string_view rest = bytes;
  if (rest.starts_with("\xEF\xBB\xBF")) {
    rest.remove_prefix(3);
  }
  std::vector<std::string> lines;
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    lines.emplace_back(line);
  }
  return lines;
}

AtomicFile::AtomicFile(fs::path path) : path_(std::move(path)) {
  if (path_.has_parent_path()) {
    make_folder(path_.parent_path());
  }
  temporary_ = path_;
  temporary_ += fmt::format(".tmp{}", ::getpid());
  descriptor_ = ::open(temporary_.c_str(),
                       O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor_ < 0) {
    fail_run("write file", fmt::format("{}: {}", path_.string(), reason()),
             "permission to write there", "the folder is read-only");
  }
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
    ::unlink(temporary_.c_str());
  }
}

void AtomicFile::write(std::string_view bytes) {
  write_all(descriptor_, bytes, path_);
}

void AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) {
    fail_run("write file", fmt::format("{}: {}", path_.string(), reason()));
  }
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    fail_run("write file", fmt::format("{}: {}", path_.string(), reason()));
  }
  ::close(descriptor_);
  descriptor_ = -1;
}

void write_file(const fs::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

void append_file(const fs::path& path, std::string_view bytes) {
  const int descriptor =
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor < 0) {
    fail_run("append to file", fmt::format("{}: {}", path.string(), reason()));
  }
  try {
    write_all(descriptor, bytes, path);
  } catch (...) {
    ::close(descriptor);
    throw;
  }
  ::close(descriptor);
}

void make_folder(const fs::path& path) {
  std::error_code ec;
  fs::create_directories(path, ec);
  if (ec) {
    fail_run("make folder", fmt::format("{}: {}", path.string(), ec.message()),
             "permission to write there", "the folder is read-only");
  }
}

}  // namespace veer
