// SPDX-License-Identifier: MIT
#include "veer/tensors/spilled_tensor.h"

#include <atomic>
#include <cstdint>
#include <cstring>
#include <string>
#include <system_error>

#include <ATen/ops/from_file.h>
#include <ATen/ops/zeros.h>
#include <c10/util/accumulate.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include "veer/base/error.h"

namespace veer {
namespace {

// All of it: writing to a page that the disk has no room for would end the
// process. Returns an error number, 0 for none.
int make_room(const std::string& path, std::int64_t bytes) {
  const int file = open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC,
                        S_IRUSR | S_IWUSR);
  if (file < 0) {
    return errno;
  }
  const int error = posix_fallocate(file, 0, bytes);
  close(file);
  return error;
}

}  // namespace

at::Tensor spilled_zeros(at::IntArrayRef sizes,
                         const std::filesystem::path& folder) {
  static std::atomic<int> number = 0;
  const std::int64_t count = c10::multiply_integers(sizes);
  if (count == 0) {
    return at::zeros(sizes, at::kFloat);
  }
  const auto bytes = count * static_cast<std::int64_t>(sizeof(float));
  const std::string path =
      folder / fmt::format(".rows-{}-{}", getpid(), number++);
  const int error = make_room(path, bytes);
  at::Tensor result;
  if (error == 0) {
    result = at::from_file(path, /*shared=*/true, count, at::kFloat);
  }
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  if (error != 0) {
    fail_run(
        "keep activations on disk",
        fmt::format("{} of {} bytes: {}", path, bytes, std::strerror(error)),
        "room for them");
  }
  return result.view(sizes);
}

}  // namespace veer
