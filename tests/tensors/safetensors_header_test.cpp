// SPDX-License-Identifier: MIT
#include "veer/tensors/safetensors_header.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

using ::testing::HasSubstr;

// A file: length, header, `data` zero bytes.
std::string file_of(const std::string& header, std::size_t data) {
  std::string bytes(8, '\0');
  for (int i = 0; i < 8; ++i) {
    bytes[i] = static_cast<char>(header.size() >> (8 * i) & 0xff);
  }
  return bytes + header + std::string(data, '\0');
}

std::string message_of(const std::string& bytes) {
  try {
    parse_safetensors_header(bytes, bytes.size(), "t.safetensors");
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kBadInput);
    return e.what();
  }
  return "accepted";
}

std::string tensor(const std::string& fields) {
  return "{\"t\":{" + fields + "}}";
}

TEST(SafetensorsHeader, ReadsEntriesInByteOrder) {
  const auto bytes = file_of(
      R"({"__metadata__":{"a":"b"},"z":{"dtype":"F32","shape":[2],"data_offsets":[2,10]},)"
      R"("a":{"shape":[],"dtype":"BF16","extra":{"x":[1,{}]},"data_offsets":[0,2]}}  )",
      10);
  const auto header =
      parse_safetensors_header(bytes, bytes.size(), "t.safetensors");
  ASSERT_EQ(header.entries.size(), 2u);
  EXPECT_EQ(header.entries[0].name, "a");
  EXPECT_TRUE(header.entries[0].shape.empty());
  EXPECT_EQ(header.entries[1].name, "z");
  EXPECT_EQ(header.entries[1].shape, std::vector<std::int64_t>{2});
  EXPECT_EQ(header.metadata.at("a"), "b");
  EXPECT_EQ(header.data_begin + 10, bytes.size());
}

TEST(SafetensorsHeader, AcceptsWhatTheFormatAllows) {
  for (const char* header : {"{}", " {}", "\n\t{}  ", "\r{}", "{} \n\t\r"}) {
    EXPECT_EQ(message_of(file_of(header, 0)), "accepted") << header;
  }
  EXPECT_EQ(message_of(file_of(R"({"__metadata__":null})", 0)), "accepted");
  EXPECT_EQ(message_of(file_of(
                tensor(R"("dtype":"F4","shape":[2],"data_offsets":[0,1])"), 1)),
            "accepted");
  EXPECT_EQ(
      message_of(file_of(
          tensor(R"("dtype":"F32","shape":[0,3],"data_offsets":[0,0])"), 0)),
      "accepted");
}

struct Malformed {
  const char* header;
  std::size_t data;
  const char* says;
};

TEST(SafetensorsHeader, RejectsEachBrokenRuleByName) {
  const Malformed cases[] = {
      {"", 4, "InvalidHeaderStart"},
      {"  ", 0, "InvalidHeaderStart"},
      {" []", 0, "InvalidHeaderStart"},
      {"\v{}", 0, "InvalidHeaderStart"},
      {"\xEF\xBB\xBF{}", 0, "InvalidHeaderStart"},
      {"[]", 0, "InvalidHeaderStart"},
      {"{", 0, "InvalidHeaderDeserialization"},
      {"{}x", 0, "InvalidHeaderDeserialization"},
      {"{\"\xff\":1}", 0, "InvalidHeaderDeserialization"},
      {R"({"__metadata__":{"a":1}})", 0, "strings only"},
      {R"({"__metadata__":{"a":{}}})", 0, "strings only"},
      {R"({"__metadata__":[]})", 0, "strings only"},
      {R"({"t":3})", 0, "instead of an object"},
      {R"({"t":[]})", 0, "instead of an object"},
      {R"({"t":{"dtype":"F33","shape":[],"data_offsets":[0,4]}})", 4, "F33"},
      {R"({"t":{"dtype":7,"shape":[],"data_offsets":[0,4]}})", 4, "in dtype"},
      {R"({"t":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4,
       "a negative number in shape"},
      {R"({"t":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}})", 4,
       "in shape"},
      {R"({"t":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}})", 4,
       "an array in shape"},
      {R"({"t":{"dtype":"F32","shape":1,"data_offsets":[0,4]}})", 4,
       "in shape"},
      {R"({"t":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]}})",
       4, "ValidationOverflow"},
      {R"({"t":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}})",
       4, "ValidationOverflow"},
      {R"({"t":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,4]}})",
       4, "ValidationOverflow"},
      {R"({"t":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}})", 2,
       "MisalignedSlice"},
      {R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}})", 8,
       "TensorInvalidInfo"},
      {R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8,
       "InvalidOffset"},
      {R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", 4,
       "InvalidOffset"},
      {R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 5,
       "MetadataIncompleteBuffer"},
      {R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 3,
       "cut short"},
      {R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[0]}})", 4, "lacks"},
      {R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}})", 4,
       "more than two"},
      {R"({"t":{"dtype":"F32","data_offsets":[0,4]}})", 4, "lacks"},
      {R"({"t":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
       4, "dtype twice"},
      {R"({"t":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},)"
       R"("t":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})",
       0, "appears twice"},
      {R"({"t":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}})",
       4, "8 dimensions"},
  };
  for (const auto& c : cases) {
    EXPECT_THAT(message_of(file_of(c.header, c.data)), HasSubstr(c.says))
        << c.header;
  }
}

TEST(SafetensorsHeader, RejectsBadLengths) {
  EXPECT_THAT(message_of(""), HasSubstr("HeaderTooSmall"));
  EXPECT_THAT(message_of("1234567"), HasSubstr("HeaderTooSmall"));
  EXPECT_THAT(message_of(std::string(8, '\xff') + "{}"),
              HasSubstr("HeaderTooLarge"));
  EXPECT_THAT(message_of(std::string("\x03\0\0\0\0\0\0\0{}", 10)),
              HasSubstr("InvalidHeaderLength"));
  EXPECT_THAT(message_of("version https://git-lfs.github.com/spec/v1\n"),
              HasSubstr("git lfs pull"));
}

TEST(SafetensorsHeader, LimitsNamesAndDepth) {
  const std::string name(4097, 'n');
  EXPECT_THAT(message_of(file_of("{\"" + name + "\":{}}", 0)),
              HasSubstr("4097 bytes"));
  const std::string deep = std::string(100, '[') + std::string(100, ']');
  EXPECT_THAT(message_of(file_of("{\"t\":{\"x\":" + deep + "}}", 0)),
              HasSubstr("too deeply"));
}

TEST(ShardIndex, ReadsTheMap) {
  const auto map = parse_shard_index(
      R"({"metadata":{"total_size":1},"weight_map":{"a":"m-1.safetensors"}})",
      "i");
  EXPECT_EQ(map.at("a"), "m-1.safetensors");
}

TEST(ShardIndex, RefusesFilesOutsideTheFolder) {
  for (const char* name : {"../x.safetensors", "a/b.safetensors", "/etc/passwd",
                           "", "..", "a\\\\b", "a\\u0000b"}) {
    EXPECT_THROW(
        parse_shard_index(
            std::string(R"({"weight_map":{"a":")") + name + "\"}}", "i"),
        Error)
        << name;
  }
  EXPECT_THROW(parse_shard_index("{}", "i"), Error);
  EXPECT_THROW(parse_shard_index("[1]", "i"), Error);
  EXPECT_THROW(parse_shard_index(R"({"weight_map":{"a":1}})", "i"), Error);
}

TEST(SafetensorsHeader, ANulIsNoPadding) {
  using namespace std::string_literals;
  EXPECT_THAT(message_of(file_of("{}\0"s, 0)),
              HasSubstr("InvalidHeaderDeserialization"));
  EXPECT_THAT(message_of(file_of("{}\0\0 "s, 0)), HasSubstr("NUL"));
  EXPECT_THAT(message_of(file_of("\0{}"s, 0)), HasSubstr("InvalidHeaderStart"));
}

}  // namespace
}  // namespace veer
