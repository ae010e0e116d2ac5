// SPDX-License-Identifier: MIT
// Any bytes give a header or one Error; accepted tensors can be read.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "veer/base/error.h"
#include "veer/tensors/gguf.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    const auto header = veer::parse_gguf(bytes, "fuzz");
    for (const auto& tensor : header.tensors) {
      veer::gguf_floats(bytes, header, tensor, "fuzz");
    }
  } catch (const veer::Error&) {
  }
  return 0;
}
