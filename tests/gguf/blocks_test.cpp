// SPDX-License-Identifier: MIT
#include "veer/gguf/blocks.h"

#include <cstring>

#include <gtest/gtest.h>

#include "veer/base/files.h"
#include "veer/gguf/gguf.h"

namespace veer {
namespace {

const GgufTensor& find(const GgufHeader& header, const std::string& name) {
  for (const GgufTensor& tensor : header.tensors) {
    if (tensor.name == name) {
      return tensor;
    }
  }
  throw std::runtime_error("no tensor " + name);
}

TEST(GgufBlocks, EveryTypeEqualsTheReferenceBitForBit) {
  // tools/make_gguf_fixtures.py wrote it with the Python package gguf.
  const std::string path = "tests/fixtures/gguf/blocks.gguf";
  const std::string bytes = read_file(path);
  const GgufHeader header = parse_gguf(bytes, path);
  int compared = 0;
  for (const GgufTensor& tensor : header.tensors) {
    if (tensor.name.ends_with(".values")) {
      continue;
    }
    const auto found = gguf_floats(bytes, header, tensor, path);
    const auto wanted =
        gguf_floats(bytes, header, find(header, tensor.name + ".values"), path);
    ASSERT_EQ(found.size(), 512U) << tensor.name;
    ASSERT_EQ(wanted.size(), 512U) << tensor.name;
    EXPECT_EQ(
        std::memcmp(found.data(), wanted.data(), found.size() * sizeof(float)),
        0)
        << tensor.name;
    ++compared;
  }
  EXPECT_EQ(compared, 16);
}

TEST(GgufBlocks, AnyBytesCanBeUnpacked) {
  for (std::uint32_t type = 0; type < 50; ++type) {
    if (!can_dequantise(type)) {
      continue;
    }
    const GgmlType& layout = *find_ggml_type(type);
    const std::string blocks(layout.block_bytes, '\xff');
    std::vector<float> out(layout.block_numbers);
    dequantise_blocks(type, blocks, out);
    EXPECT_NE(std::string(dequantised_types()).find(layout.name),
              std::string::npos);
  }
}

}  // namespace
}  // namespace veer
