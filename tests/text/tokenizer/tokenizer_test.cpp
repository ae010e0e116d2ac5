// SPDX-License-Identifier: MIT
#include "veer/text/tokenizer/tokenizer.h"

#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>

#include <gmock/gmock.h>

#include "text/tokenizer/fixtures.h"
#include "veer/base/error.h"
#include "veer/base/files.h"

namespace veer {
namespace {

using testing::added;
using testing::as_llama3;
using testing::byte_tokens;
using ::testing::HasSubstr;
using testing::Ids;
using testing::make;
using testing::test_data;
using testing::tiny_bpe;

std::string error_of(const std::string& text) {
  try {
    Tokenizer::from_json(text, "bad.json");
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kBadInput);
    return e.what();
  }
  return "no error";
}

std::string error_of(const Json& file) {
  return error_of(file.dump());
}

Json template_of(const std::vector<std::pair<std::string, Ids>>& before,
                 const std::vector<std::pair<std::string, Ids>>& after = {}) {
  Json single = Json::array();
  Json specials = Json::object();
  const auto add = [&](const auto& tokens) {
    for (const auto& [name, ids] : tokens) {
      single.push_back({{"SpecialToken", {{"id", name}, {"type_id", 0}}}});
      specials[name] = {{"id", name}, {"ids", ids}, {"tokens", {name}}};
    }
  };
  add(before);
  single.push_back({{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
  add(after);
  return {{"type", "TemplateProcessing"},
          {"single", single},
          {"pair", Json::array()},
          {"special_tokens", specials}};
}

TEST(Tokenizer, MergesByRankThenFromTheLeft) {
  const auto t = make(
      tiny_bpe({"a", "b", "c", "ab", "bc", "abc"}, {"b c", "a b", "a bc"}));
  EXPECT_EQ(t.encode("abc", false), (Ids{5}));  // b+c first, then a+bc
  EXPECT_EQ(t.encode("ab", false), (Ids{3}));
  EXPECT_EQ(t.encode("abab", false), (Ids{3, 3}));
  EXPECT_EQ(t.encode("", false), Ids{});
  const auto left = make(tiny_bpe({"a", "aa"}, {"a a"}));
  EXPECT_EQ(left.encode("aaa", false), (Ids{1, 0}));
}

TEST(Tokenizer, ReadsMergesAsPairsToo) {
  auto file = tiny_bpe({"a", "b", "ab", " "});
  file["model"]["merges"] = Json::parse(R"([["a", "b"]])");
  EXPECT_EQ(make(file).encode("ab", false), (Ids{2}));
}

// The embedded model's shape: whole words are tokens, no merges at all.
TEST(Tokenizer, WholeWordsWithoutMergesAndBytesForTheRest) {
  auto file = as_llama3(tiny_bpe(byte_tokens({"Hello", " world", "!!"})));
  file["model"]["ignore_merges"] = true;
  file["added_tokens"] = {added(259, "<|end|>")};
  const auto t = make(file);
  EXPECT_EQ(t.encode("Hello world!!", false), (Ids{256, 257, 258}));
  EXPECT_EQ(t.encode("Hello word", false), (Ids{256, ' ', 'w', 'o', 'r', 'd'}));
  EXPECT_EQ(t.encode("\xC3\xA9", false), (Ids{0xC3, 0xA9}));
  EXPECT_EQ(t.encode("Hello<|end|> world", false), (Ids{256, 259, 257}));
  EXPECT_EQ(t.decode(Ids{256, 257, 259, 0xC3, 0xA9}, /*skip_special=*/true),
            "Hello world\xC3\xA9");
  EXPECT_EQ(t.decode(Ids{256, 259}, /*skip_special=*/false), "Hello<|end|>");
  EXPECT_EQ(t.size(), 260);
  EXPECT_EQ(t.token(257), "\xC4\xA0world");
  EXPECT_EQ(t.id("<|end|>"), 259);
  EXPECT_EQ(t.id("absent"), std::nullopt);
  EXPECT_TRUE(t.is_special(259));
  EXPECT_FALSE(t.is_special(257));
  EXPECT_THROW(t.token(260), Error);
  EXPECT_THROW(t.token(-1), Error);
}

TEST(Tokenizer, SpecialTextCanBeLetters) {
  auto file = as_llama3(tiny_bpe(byte_tokens()));
  file["added_tokens"] = {added(256, "<s>"), added(257, "<t>", false)};
  const auto t = make(file);
  EXPECT_EQ(t.encode("<s><t>", false), (Ids{256, 257}));
  EXPECT_EQ(t.encode("<s><t>", false, SpecialText::kLetters),
            (Ids{'<', 's', '>', 257}));
}

TEST(Tokenizer, BrokenUtf8IsReadAsReplacementCharacters) {
  const auto t = make(as_llama3(tiny_bpe(byte_tokens())));
  const Ids mark{0xEF, 0xBF, 0xBD};
  EXPECT_EQ(t.encode("\xE4\xBD", false), mark);  // one cut character
  EXPECT_EQ(t.encode("\xFF", false), mark);
  Ids two = mark;
  two.insert(two.end(), mark.begin(), mark.end());
  EXPECT_EQ(t.encode("\xC0\x80", false), two);  // overlong: two parts
}

TEST(Tokenizer, ByteFallbackUnknownTokensAndFusing) {
  auto file = tiny_bpe({"<unk>", "a", "<0xC3>", "<0xA9>"});
  file["model"]["unk_token"] = "<unk>";
  EXPECT_EQ(make(file).encode("ax\xC3\xA9"
                              "a",
                              false),
            (Ids{1, 0, 0, 1}));
  file["model"]["fuse_unk"] = true;
  EXPECT_EQ(make(file).encode("ax\xC3\xA9"
                              "a",
                              false),
            (Ids{1, 0, 1}));
  file["model"]["byte_fallback"] = true;
  EXPECT_EQ(make(file).encode("\xC3\xA9"
                              "ab",
                              false),
            (Ids{2, 3, 1, 0}));
  EXPECT_EQ(make(file).encode("\xC3\xAA", false), (Ids{0}));  // not all bytes
  file["model"].erase("unk_token");
  EXPECT_EQ(make(file).encode("abz", false), (Ids{1}));  // dropped, as there
}

// The shape of Llama 2: no pre-tokenizer, so a document is one piece.
TEST(Tokenizer, SentencePieceStyle) {
  const std::string m = "\xE2\x96\x81";
  auto file = tiny_bpe({"<unk>", "<s>", m, "a", "b", m + "a", m + m, "<0x21>"},
                       {m + " a", m + " " + m});
  file["model"]["unk_token"] = "<unk>";
  file["model"]["byte_fallback"] = true;
  file["model"]["fuse_unk"] = true;
  file["added_tokens"] = {added(0, "<unk>"), added(1, "<s>")};
  file["normalizer"] = {{"type", "Sequence"},
                        {"normalizers",
                         {{{"type", "Prepend"}, {"prepend", m}},
                          {{"type", "Replace"},
                           {"pattern", {{"String", " "}}},
                           {"content", m}}}}};
  file["post_processor"] = template_of({{"<s>", {1}}});
  file["decoder"] = {
      {"type", "Sequence"},
      {"decoders",
       {{{"type", "Replace"}, {"pattern", {{"String", m}}}, {"content", " "}},
        {{"type", "ByteFallback"}},
        {{"type", "Fuse"}},
        {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}}}};
  const auto t = make(file);
  EXPECT_EQ(t.encode("a ab", true), (Ids{1, 5, 5, 4}));
  EXPECT_EQ(t.encode("  a", false), (Ids{6, 5}));
  EXPECT_EQ(t.encode("b!", false), (Ids{2, 4, 7}));
  EXPECT_EQ(t.encode("", true), (Ids{1}));
  EXPECT_EQ(t.decode(Ids{1, 5, 5, 4}, true), "a ab");
  EXPECT_EQ(t.decode(Ids{1, 5}, false), "<s> a");
}

TEST(Tokenizer, TemplateMayHaveTokensOnBothSides) {
  auto file = tiny_bpe({"a", "[", "]"});
  file["post_processor"] = {{"type", "Sequence"},
                            {"processors",
                             {{{"type", "ByteLevel"}, {"trim_offsets", true}},
                              template_of({{"[", {1, 1}}}, {{"]", {2}}})}}};
  EXPECT_EQ(make(file).encode("a", true), (Ids{1, 1, 0, 2}));
  EXPECT_EQ(make(file).encode("a", false), (Ids{0}));
}

TEST(Tokenizer, LongPiecesEqualShortOnes) {
  // Past 40 symbols the queue takes over from the scan.
  const auto t =
      make(tiny_bpe({"a", "b", "ab", "abab", "ba"}, {"a b", "ab ab", "b a"}));
  std::string text;
  Ids expected;
  for (int i = 0; i < 100; ++i) {
    text += "abab";
    expected.push_back(3);
  }
  EXPECT_EQ(t.encode(text, false), expected);
  EXPECT_EQ(t.encode("b" + text + "a", false).size(), 102U);
}

TEST(Tokenizer, LongRunsTakeNoQuadraticTime) {
  const auto t = make(as_llama3(tiny_bpe(byte_tokens({"aa", "  "}), {"a a"})));
  EXPECT_EQ(t.encode(std::string(400'000, 'a'), false).size(), 200'000U);
  EXPECT_EQ(t.encode(std::string(400'000, ' '), false).size(), 400'000U);
}

TEST(Tokenizer, ManyThreadsGetTheSameIds) {
  const auto t = make(as_llama3(tiny_bpe(byte_tokens({"aa"}), {"a a"})));
  const Ids expected = t.encode("aaa bbb \xC3\xA9", false);
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    threads.emplace_back([&, i] {
      for (int k = 0; k < 500; ++k) {
        wrong[i] += t.encode("aaa bbb \xC3\xA9", false) != expected;
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

TEST(Tokenizer, FingerprintFollowsTheText) {
  const std::string a = tiny_bpe({"a"}).dump();
  EXPECT_EQ(Tokenizer::from_json(a, "x").fingerprint(),
            Tokenizer::from_json(a, "y").fingerprint());
  EXPECT_NE(Tokenizer::from_json(a, "x").fingerprint(),
            make(tiny_bpe({"b"})).fingerprint());
}

TEST(Tokenizer, RefusesByName) {
  for (const char* type : {"Unigram", "WordPiece", "WordLevel"}) {
    auto file = tiny_bpe({"a"});
    file["model"]["type"] = type;
    EXPECT_THAT(error_of(file), HasSubstr(type));
  }
  auto unigram = tiny_bpe({"a"});
  unigram["model"] = {{"unk_id", 0},
                      {"vocab", Json::parse(R"([["a", -1.5], ["b", -2.0]])")}};
  EXPECT_THAT(error_of(unigram), HasSubstr("Unigram"));
  for (const auto& [section, type] : {std::pair{"normalizer", "BertNormalizer"},
                                      {"normalizer", "Precompiled"},
                                      {"pre_tokenizer", "UnicodeScripts"},
                                      {"decoder", "WordPiece"},
                                      {"post_processor", "BertProcessing"}}) {
    auto file = tiny_bpe({"a"});
    file[section] = {{"type", type}};
    EXPECT_THAT(error_of(file), HasSubstr(type)) << section;
  }
  auto suffix = tiny_bpe({"a"});
  suffix["model"]["end_of_word_suffix"] = "</w>";
  EXPECT_THAT(error_of(suffix), HasSubstr("</w>"));
  auto dropout = tiny_bpe({"a"});
  dropout["model"]["dropout"] = 0.1;
  EXPECT_THAT(error_of(dropout), HasSubstr("dropout"));
  auto version = tiny_bpe({"a"});
  version["version"] = "2.0";
  EXPECT_THAT(error_of(version), HasSubstr("2.0"));
}

TEST(Tokenizer, OldFilesLackFields) {
  auto file = tiny_bpe({"a", "b", "ab"}, {"#version: 0.2", "a b"});
  file["model"].erase("type");
  file["model"]["continuing_subword_prefix"] = "";
  file["model"]["end_of_word_suffix"] = "";
  file.erase("added_tokens");
  EXPECT_EQ(make(file).encode("ab", false), (Ids{2}));
}

TEST(Tokenizer, MalformedFilesAreOneError) {
  EXPECT_THAT(error_of(std::string("")), HasSubstr("bad.json"));
  EXPECT_THAT(error_of(std::string("[1]")), HasSubstr("array"));
  EXPECT_THAT(error_of(std::string("{\"model\"")), HasSubstr("byte"));
  EXPECT_THAT(error_of(std::string("{}")), HasSubstr("model"));
  EXPECT_THAT(error_of(std::string(100'000, '[')), HasSubstr("array"));
  EXPECT_THAT(error_of("{\"normalizer\":" + std::string(100'000, '[')),
              HasSubstr("nested"));
  EXPECT_THAT(error_of(std::string("{\"model\":{},\"model\":{}}")),
              HasSubstr("twice"));
  EXPECT_THAT(error_of(std::string(R"({"model":{"vocab":{"a":0,"a":1}}})")),
              HasSubstr("merges"));
  EXPECT_THAT(
      error_of(std::string(R"({"model":{"vocab":{"a":0,"a":1},"merges":[]}})")),
      HasSubstr("twice"));
}

TEST(Tokenizer, MalformedVocabulariesAndMerges) {
  const auto with = [](const Json& vocab, const Json& merges) {
    auto file = tiny_bpe({});
    file["model"]["vocab"] = vocab;
    file["model"]["merges"] = merges;
    return error_of(file);
  };
  const Json ab = {{"a", 0}, {"b", 1}, {"ab", 2}};
  EXPECT_THAT(with({{"a", -1}}, Json::array()), HasSubstr("-1"));
  EXPECT_THAT(with({{"a", 3'000'000'000}}, Json::array()),
              HasSubstr("31 bits"));
  EXPECT_THAT(with({{"a", 2'000'000'000}}, Json::array()),
              HasSubstr("among 1"));
  EXPECT_THAT(with({{"a", "x"}}, Json::array()), HasSubstr("string"));
  EXPECT_THAT(with({{"a", 1.5}}, Json::array()), HasSubstr("number"));
  EXPECT_THAT(with({{"a", Json::array()}}, Json::array()), HasSubstr("'a'"));
  EXPECT_THAT(with({{"a", 0}, {"b", 0}}, Json::array()), HasSubstr("share"));
  EXPECT_THAT(with(ab, {"ab"}), HasSubstr("one space"));
  EXPECT_THAT(with(ab, {"a b b"}), HasSubstr("one space"));
  EXPECT_THAT(with(ab, {"b a"}), HasSubstr("'ba'"));
  EXPECT_THAT(with(ab, {"a x"}), HasSubstr("'x'"));
  EXPECT_THAT(with(ab, {" a"}), HasSubstr("nothing"));  // a cycle: "" + a = a
  EXPECT_THAT(with(ab, Json::parse(R"([["a", ""]])")), HasSubstr("nothing"));
  EXPECT_THAT(with(ab, Json::parse(R"([["a"]])")), HasSubstr("1 parts"));
  EXPECT_THAT(with(ab, Json::parse("[1]")), HasSubstr("number"));
  EXPECT_THAT(with(ab, Json::parse(R"([{"a": "b"}])")), HasSubstr("object"));
  EXPECT_THAT(with(ab, "a b"), HasSubstr("merges"));
}

TEST(Tokenizer, MalformedAddedTokensAndTemplates) {
  auto file = tiny_bpe({"a"});
  file["added_tokens"] = {added(7, "<s>")};
  EXPECT_THAT(error_of(file), HasSubstr("file gives it 1"));
  file["added_tokens"] = {added(1, "<s>")};
  EXPECT_EQ(error_of(file), "no error");
  file["added_tokens"] = {added(1, std::string(5000, 'x'))};
  EXPECT_THAT(error_of(file), HasSubstr("5000"));
  file["added_tokens"] = {{{"id", 1}}};
  EXPECT_THAT(error_of(file), HasSubstr("content"));
  file = tiny_bpe({"a"});
  file["post_processor"] = template_of({{"x", {9}}});
  EXPECT_THAT(error_of(file), HasSubstr("no token"));
  file["post_processor"]["special_tokens"] = Json::object();
  EXPECT_THAT(error_of(file), HasSubstr("no 'x'"));
  file["post_processor"]["single"] = Json::array();
  EXPECT_THAT(error_of(file), HasSubstr("no sequence"));
}

TEST(Tokenizer, RunawayPatternsEndInAnError) {
  auto file = tiny_bpe({"a"});
  file["pre_tokenizer"] = {{"type", "Split"},
                           {"pattern", {{"Regex", "(a|aa)+$"}}},
                           {"behavior", "Isolated"}};
  const auto t = make(file);
  EXPECT_THROW(t.encode(std::string(60, 'a') + "c", false), Error);
  file["pre_tokenizer"]["pattern"] = {{"Regex", "(unclosed"}};
  EXPECT_THAT(error_of(file), HasSubstr("(unclosed"));
}

TEST(Tokenizer, LoadTellsFoldersApart) {
  const auto folder =
      std::filesystem::temp_directory_path() / "veer_tokenizer_test";
  std::filesystem::remove_all(folder);
  make_folder(folder);
  const auto error = [&] {
    try {
      Tokenizer::load(folder);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("no error");
  };
  EXPECT_THAT(error(), HasSubstr("no tokenizer"));
  write_file(folder / "tokenizer.model", "x");
  EXPECT_THAT(error(), HasSubstr("SentencePiece"));
  write_file(folder / "tekken.json", "{}");
  EXPECT_THAT(error(), HasSubstr("tekken.json"));
  write_file(folder / "tokenizer.json", tiny_bpe({"a"}).dump());
  EXPECT_EQ(Tokenizer::load(folder).encode("a", false), (Ids{0}));
  EXPECT_EQ(Tokenizer::load(folder / "tokenizer.json").size(), 1);
  std::filesystem::remove_all(folder);
}

std::vector<std::string> split_on(const std::string& text,
                                  const std::string& separator) {
  std::vector<std::string> out;
  std::size_t at = 0;
  for (std::size_t next; (next = text.find(separator, at)) != text.npos;
       at = next + separator.size()) {
    out.push_back(text.substr(at, next - at));
  }
  out.push_back(text.substr(at));
  return out;
}

// llama.cpp's vocabulary tests: 47 texts each, ids by Hugging Face.
TEST(TokenizerGoldens, PublicVocabularies) {
  const auto folder = test_data() / "tokenizers";
  if (!std::filesystem::exists(folder)) {
    GTEST_SKIP() << "no test data at " << folder;
  }
  for (const auto& [name, golden] : {std::pair{"gpt2", "gpt-2"},
                                     {"llama3", "llama-bpe"},
                                     {"qwen2", "qwen2"}}) {
    const auto t = Tokenizer::load(folder / name);
    const std::string base = std::string("ggml-vocab-") + golden + ".gguf.";
    const auto texts =
        split_on(read_file(folder / (base + "inp")), "\n__ggml_vocab_test__\n");
    const auto lines = split_on(read_file(folder / (base + "out")), "\n");
    ASSERT_EQ(texts.size(), 47U);
    ASSERT_GE(lines.size(), texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      std::istringstream line(lines[i]);
      const Ids expected{std::istream_iterator<std::int32_t>(line), {}};
      const Ids ids = t.encode(texts[i], false);
      EXPECT_EQ(ids, expected) << name << ", text " << i;
      if (std::string_view(name) != "qwen2") {  // that one normalises
        EXPECT_EQ(t.decode(ids, false), texts[i]) << name << ", text " << i;
      }
    }
  }
}

TEST(TokenizerGoldens, Stories260K) {
  const auto folder = test_data() / "models/stories260K";
  if (!std::filesystem::exists(folder)) {
    GTEST_SKIP() << "no test data at " << folder;
  }
  const auto t = Tokenizer::load(folder);
  const Json rows = parse_json(read_file(folder / "token_goldens.json"), "");
  ASSERT_EQ(rows.size(), 11U);
  for (const Json& row : rows) {
    const auto text = row["text"].get<std::string>();
    const Ids ids = t.encode(text, true);
    EXPECT_EQ(ids, row["ids_with_bos"].get<Ids>()) << text;
    EXPECT_EQ(t.decode(ids, true), text);
  }
}

}  // namespace
}  // namespace veer
