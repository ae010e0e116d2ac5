// SPDX-License-Identifier: MIT
#include "veer/vectors/gguf_vectors.h"

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "vectors/planted.h"
#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/gguf/gguf.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

SteeringVector example() {
  SteeringVector v;
  v.directions_LD = matrix(4, 2, {1, 2, 3, 4, 0, 0, 5, -6}).to(at::kFloat);
  v.name = "v";
  return v;
}

class GgufVectorFile : public testing::Test {
 protected:
  void SetUp() override {
    path_ =
        fs::temp_directory_path() /
        ("veer_gguf_" +
         std::string(
             testing::UnitTest::GetInstance()->current_test_info()->name()) +
         ".gguf");
  }
  void TearDown() override { fs::remove(path_); }
  fs::path path_;
};

TEST_F(GgufVectorFile, KeepsWhatTheFormatCanSay) {
  std::vector<std::string> warnings;
  write_gguf_vector(
      path_, example(), {"llama"}, {},
      [&](std::string_view text) { warnings.emplace_back(text); });
  ASSERT_EQ(warnings.size(), 1U);  // layer 0
  const auto back = read_gguf_vector(path_, {/*num_layers=*/4});
  EXPECT_TRUE(back.directions_LD.equal(
      matrix(4, 2, {0, 0, 3, 4, 0, 0, 5, -6}).to(at::kFloat)));
  EXPECT_EQ(back.model, "llama");
  EXPECT_EQ(back.contrast, "imported");
}

TEST_F(GgufVectorFile, OffsetMovesLayers) {
  write_gguf_vector(path_, example(), {"llama"}, {0, -1});
  const auto shifted = read_gguf_vector(path_);
  EXPECT_EQ(shifted.num_layers(), 5);  // layer 3 was written as direction.4
  EXPECT_TRUE(read_gguf_vector(path_, {4, -1})
                  .directions_LD.equal(example().directions_LD));
  EXPECT_THROW(read_gguf_vector(path_, {4, 0}), Error);
}

TEST_F(GgufVectorFile, LayerZeroGoesToToolsThatReadIt) {
  write_gguf_vector(path_, example(), {"llama", /*with_layer_zero=*/true});
  EXPECT_TRUE(
      read_gguf_vector(path_).directions_LD.equal(example().directions_LD));
}

TEST_F(GgufVectorFile, NumbersBelowTheFirstBlockAreLeftOutAndSaid) {
  write_gguf_vector(path_, example(), {"llama", /*with_layer_zero=*/true});
  std::vector<std::string> warnings;
  const auto v = read_gguf_vector(path_, {3, -1}, [&](std::string_view text) {
    warnings.emplace_back(text);
  });
  EXPECT_EQ(warnings.size(), 1U);
  EXPECT_TRUE(v.directions_LD.equal(example().directions_LD.narrow(0, 1, 3)));
}

TEST_F(GgufVectorFile, RefusesWhatItCannotExpress) {
  auto v = example();
  v.point = ResidualPoint::kAttnOut;
  EXPECT_THROW(write_gguf_vector(path_, v, {"llama"}), Error);
  v = example();
  v.directions_LD.narrow(0, 1, 3).zero_();
  EXPECT_THROW(write_gguf_vector(path_, v, {"llama"}), Error);
}

TEST(ParseGgufVector, RefusesOtherFiles) {
  const auto parse = [](const std::vector<GgufFloats>& tensors) {
    parse_gguf_vector(gguf_bytes({}, tensors), "x.gguf");
  };
  EXPECT_NO_THROW(parse({{"direction.0", {2}, {1, 2}}}));
  EXPECT_THROW(parse({}), Error);
  EXPECT_THROW(parse({{"direction.x", {2}, {1, 2}}}), Error);
  EXPECT_THROW(parse({{"weight.1", {2}, {1, 2}}}), Error);
  EXPECT_THROW(parse({{"direction.1", {2, 2}, {1, 2, 3, 4}}}), Error);
  EXPECT_THROW(parse({{"direction.1", {2, 1}, {1, 2}}}), Error);
  EXPECT_THROW(parse({{"direction.1", {2}, {1, 2}}, {"direction.2", {1}, {1}}}),
               Error);
  EXPECT_THROW(parse({{"direction.1", {1}, {NAN}}}), Error);
  EXPECT_THROW(parse_gguf_vector("GGUF", "x.gguf"), Error);
}

// One tensor direction.1 of ggml type `type`, shape [1, 2], the given bytes.
std::string typed_file(std::uint32_t type, const std::string& numbers) {
  auto bytes = gguf_bytes({}, {{"direction.1", {1, 2}, {0, 0}}});
  const auto header = parse_gguf(bytes, "x.gguf");
  // The type stands before the offset, at the end of the only entry.
  const auto place = bytes.find("direction.1") + 11 + 4 + 2 * 8;
  bytes.replace(place, 4,
                std::string(1, static_cast<char>(type)) + std::string(3, '\0'));
  bytes.resize(header.data_begin);
  return bytes + numbers + std::string(32, '\0');
}

TEST(ParseGgufVector, ReadsEveryFloatTypeAndOneRow) {
  const auto expected = matrix(2, 2, {0, 0, 1.5, -2}).to(at::kFloat);
  const std::pair<std::uint32_t, std::string> files[] = {
      {kGgmlF16, std::string("\x00\x3e\x00\xc0", 4)},
      {kGgmlBf16, std::string("\xc0\x3f\x00\xc0", 4)},
      {kGgmlF64, std::string("\0\0\0\0\0\0\xf8\x3f"
                             "\0\0\0\0\0\0\x00\xc0",
                             16)}};
  for (const auto& [type, numbers] : files) {
    const auto v = parse_gguf_vector(typed_file(type, numbers), "x.gguf");
    EXPECT_TRUE(v.directions_LD.equal(expected)) << type;
  }
  EXPECT_THROW(parse_gguf_vector(typed_file(24, "\x01\x02"), "x.gguf"), Error);
}

TEST(ParseGgufVector, ReadsPublishedVectors) {
  const char* set = std::getenv("VEER_TEST_DATA");
  const fs::path folder =
      fs::path(set == nullptr ? "../shared/data" : set) / "control_vectors";
  if (!fs::exists(folder)) {
    GTEST_SKIP() << "no published control vectors at " << folder;
  }
  int read = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".gguf") {
      continue;
    }
    const auto v = read_gguf_vector(entry.path());
    EXPECT_EQ(v.num_layers(), 28);
    EXPECT_EQ(v.width(), 1536);
    for (const double norm : v.norms()) {
      EXPECT_NEAR(norm, 1.0, 1e-3);
    }
    ++read;
  }
  EXPECT_EQ(read, 2);
}

}  // namespace
}  // namespace veer
