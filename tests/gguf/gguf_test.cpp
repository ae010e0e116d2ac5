// SPDX-License-Identifier: MIT
#include "veer/gguf/gguf.h"

#include <cmath>
#include <cstdlib>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"
#include "veer/base/files.h"

namespace veer {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string le(std::uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) {
    out += static_cast<char>(value >> (8 * i) & 0xff);
  }
  return out;
}

std::string str(const std::string& text) {
  return le(text.size(), 8) + text;
}

// Magic, version, counts.
std::string start(std::uint64_t tensors, std::uint64_t keys) {
  return "GGUF" + le(3, 4) + le(tensors, 8) + le(keys, 8);
}

std::string tensor(const std::string& name, std::uint64_t size,
                   std::uint32_t type, std::uint64_t offset) {
  return str(name) + le(1, 4) + le(size, 8) + le(type, 4) + le(offset, 8);
}

std::string padded(std::string bytes, std::size_t data) {
  bytes.append((32 - bytes.size() % 32) % 32, '\0');
  return bytes + std::string(data, '\0');
}

std::string message_of(const std::string& bytes) {
  try {
    parse_gguf(bytes, "v.gguf");
  } catch (const Error& e) {
    return e.what();
  }
  return "accepted";
}

TEST(Gguf, RoundTrip) {
  const GgufValue list{
      GgufKind::kArray,
      std::vector<GgufValue>{{GgufKind::kI32, std::int64_t{-1}},
                             {GgufKind::kI32, std::int64_t{2}}},
      GgufKind::kI32};
  const auto bytes =
      gguf_bytes({{"general.architecture", GgufValue::text("controlvector")},
                  {"n", GgufValue::u32(7)},
                  {"x", GgufValue::f32(0.5F)},
                  {"yes", {GgufKind::kBool, std::uint64_t{1}}},
                  {"list", list}},
                 {{"a", {2, 3}, {1, 2, 3, 4, 5, 6}}, {"b", {1}, {-1.5F}}});
  EXPECT_EQ(bytes.size() % 32, 0u);
  const auto header = parse_gguf(bytes, "v.gguf");
  EXPECT_EQ(header.find("general.architecture")->string(), "controlvector");
  EXPECT_EQ(header.find("n")->integer(), 7);
  EXPECT_EQ(header.find("yes")->integer(), std::nullopt);
  EXPECT_EQ(std::get<double>(header.find("x")->value), 0.5);
  const auto& items =
      std::get<std::vector<GgufValue>>(header.find("list")->value);
  EXPECT_EQ(items.at(0).integer(), -1);
  EXPECT_EQ(header.find("missing"), nullptr);
  ASSERT_EQ(header.tensors.size(), 2u);
  EXPECT_THAT(header.tensors[0].shape, ElementsAre(2, 3));
  EXPECT_THAT(gguf_floats(bytes, header, header.tensors[0], ""),
              ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(gguf_floats(bytes, header, header.tensors[1], ""),
              ElementsAre(-1.5F));
}

TEST(Gguf, ATensorWithoutElementsHasNone) {
  const auto bytes = gguf_bytes({}, {{"empty", {0}, {}}});
  const auto header = parse_gguf(bytes, "v.gguf");
  ASSERT_EQ(header.tensors.size(), 1u);
  EXPECT_TRUE(gguf_floats(bytes, header, header.tensors[0], "").empty());
}

TEST(Gguf, ReadsHalfPrecision) {
  // 1, -2, smallest subnormal, largest, infinity of F16; 1 and -0 of BF16.
  auto bytes = padded(
      start(2, 0) + tensor("h", 5, kGgmlF16, 0) + tensor("b", 2, kGgmlBf16, 32),
      0);
  for (const std::uint64_t word : {0x3c00, 0xc000, 0x0001, 0x7bff, 0x7c00}) {
    bytes += le(word, 2);
  }
  bytes = padded(bytes, 0) + le(0x3f80, 2) + le(0x8000, 2);
  const auto header = parse_gguf(bytes, "v.gguf");
  EXPECT_THAT(gguf_floats(bytes, header, header.tensors[0], ""),
              ElementsAre(1.0F, -2.0F, std::ldexp(1.0F, -24), 65504.0F,
                          std::numeric_limits<float>::infinity()));
  EXPECT_THAT(gguf_floats(bytes, header, header.tensors[1], ""),
              ElementsAre(1.0F, -0.0F));
}

TEST(Gguf, RejectsEachBrokenRule) {
  const std::string key = str("k") + le(4, 4) + le(1, 4);
  const struct {
    std::string bytes;
    const char* says;
  } cases[] = {
      {"", "ends early"},
      {"GGUG" + le(3, 4), "no GGUF"},
      {"GGUF" + le(1, 4), "version 1"},
      {start(std::uint64_t{1} << 21, 0), "tensors"},
      {start(0, std::uint64_t{1} << 21), "keys"},
      {start(0, 1) + le(1 << 25, 8), "16 MB"},
      {start(0, 1) + le(100, 8) + "k", "ends early"},
      {start(0, 1) + str("k") + le(13, 4), "value kind 13"},
      {start(0, 1) + str("k") + le(7, 4) + le(2, 1), "a bool of 2"},
      {start(0, 2) + key + key, "appears twice"},
      {start(0, 1) + str("k") + le(9, 4) + le(0, 4) + le(1ULL << 40, 8),
       "array elements"},
      {start(1, 0) + str("t") + le(5, 4), "5 dimensions"},
      {padded(start(1, 0) + tensor("t", 1ULL << 62, 0, 0), 64), "overflows"},
      {padded(start(1, 0) + tensor("t", 4, 0, 8), 64), "multiple of 32"},
      {padded(start(1, 0) + tensor("t", 33, 2, 0), 64), "whole blocks of 32"},
      {padded(start(1, 0) + tensor("t", 128, 2, 0), 64), "72 bytes"},
      {padded(start(1, 0) + tensor("t", 256, 12, 0), 96), "144 bytes"},
      {padded(start(1, 0) + tensor("t", 4, 0, 64), 64), "within 64 bytes"},
      {padded(start(1, 0) + tensor("t", 4, 0, ~31ULL), 64), "within"},
      {padded(start(2, 0) + tensor("t", 1, 0, 0) + tensor("t", 1, 0, 32), 64),
       "appears twice"},
      {start(0, 1) + str("general.alignment") + le(4, 4) + le(24, 4),
       "power of two"},
  };
  for (const auto& c : cases) {
    EXPECT_THAT(message_of(c.bytes), HasSubstr(c.says));
  }
  std::string nested = start(0, 1) + str("k") + le(9, 4);
  for (int i = 0; i < 10; ++i) {
    nested += le(9, 4) + le(1, 8);
  }
  EXPECT_THAT(message_of(nested), HasSubstr("too deeply"));
}

TEST(Gguf, ReadsTheOlderVersion) {
  EXPECT_EQ(message_of("GGUF" + le(2, 4) + le(0, 8) + le(0, 8)), "accepted");
}

TEST(Gguf, OtherQuantisedTensorsAreListedButNotRead) {
  const auto bytes = padded(start(1, 0) + tensor("t", 256, 16, 0), 66);
  const auto header = parse_gguf(bytes, "v.gguf");
  ASSERT_EQ(header.tensors.size(), 1U);
  EXPECT_EQ(header.tensors[0].bytes, 66U);
  try {
    gguf_floats(bytes, header, header.tensors[0], "v");
    FAIL() << "read";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("is of IQ2_XXS"));
  }
}

TEST(Gguf, WriterRefusesWhatTheReaderWould) {
  EXPECT_THROW(gguf_bytes({}, {{"a", {2}, {1.0F}}}), Error);
  EXPECT_THROW(gguf_bytes({}, {{std::string(64, 'n'), {1}, {1.0F}}}), Error);
  EXPECT_THROW(gguf_bytes({}, {{"a", {1}, {1}}, {"a", {1}, {1}}}), Error);
  EXPECT_THROW(gguf_bytes({{"k", {GgufKind::kU8, std::uint64_t{256}}}}, {}),
               Error);
  EXPECT_THROW(gguf_bytes({{"k", {GgufKind::kU8, std::string("x")}}}, {}),
               Error);
}

TEST(Gguf, ReadsRealControlVectors) {
  const char* set = std::getenv("VEER_TEST_DATA");
  const fs::path folder =
      fs::path(set != nullptr ? set : "../shared/data") / "control_vectors";
  if (!fs::exists(folder)) {
    GTEST_SKIP() << folder << " is not here";
  }
  int files = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".gguf") {
      continue;
    }
    ++files;
    const auto bytes = read_file(entry.path());
    const auto header = parse_gguf(bytes, entry.path().string());
    EXPECT_EQ(header.metadata.size(), 8u);
    EXPECT_EQ(header.tensors.size(), 28u);
    EXPECT_EQ(header.data_begin, 1600u);
    EXPECT_THAT(header.tensors[0].shape, ElementsAre(1536));
    double norm = 0.0;
    for (const float x :
         gguf_floats(bytes, header, header.tensors.back(), "v")) {
      norm += static_cast<double>(x) * x;
    }
    EXPECT_NEAR(norm, 1.0, 1e-4);
  }
  EXPECT_EQ(files, 2);
}

}  // namespace
}  // namespace veer
