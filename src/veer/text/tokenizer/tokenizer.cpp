// SPDX-License-Identifier: MIT
#include "veer/text/tokenizer/tokenizer.h"

#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/base/hash.h"
#include "veer/base/model_folder.h"
#include "veer/gguf/tokenizer.h"
#include "veer/text/tokenizer/pipeline.h"

namespace veer {
namespace {

constexpr std::uint64_t kMaxFileBytes = std::uint64_t{512} << 20;
constexpr std::uint64_t kMaxSmallBytes = std::uint64_t{16} << 20;

[[noreturn]] void no_tokenizer(const std::filesystem::path& folder) {
  const auto has = [&](const char* name) {
    std::error_code ignored;
    return std::filesystem::exists(folder / name, ignored);
  };
  const std::string expected = (folder / "tokenizer.json").string();
  if (has("tekken.json")) {
    fail("read tokenizer",
         fmt::format("{} holds only tekken.json", folder.string()), expected,
         "Mistral's own format; save the tokenizer from Hugging Face");
  }
  if (has("tokenizer.model")) {
    fail("read tokenizer",
         fmt::format("{} holds only tokenizer.model", folder.string()),
         expected,
         "a SentencePiece file; save the fast tokenizer from Hugging Face");
  }
  fail("read tokenizer", fmt::format("{} holds no tokenizer", folder.string()),
       expected);
}

}  // namespace

Tokenizer::Tokenizer(std::shared_ptr<const TokenizerPipeline> pipeline)
    : pipeline_(std::move(pipeline)) {}

Tokenizer Tokenizer::from_json(std::string_view text, std::string_view origin) {
  return Tokenizer(std::make_shared<const TokenizerPipeline>(
      read_tokenizer_file(text, origin), TokenizerBeside{},
      veer::fingerprint(text)));
}

Tokenizer Tokenizer::from_json(std::string_view text, std::string_view origin,
                               const TokenizerBesideFiles& beside) {
  TokenizerFile file = read_tokenizer_file(text, origin);
  const TokenizerBeside added = read_beside(beside, file);
  return Tokenizer(std::make_shared<const TokenizerPipeline>(
      std::move(file), added, veer::fingerprint(text)));
}

Tokenizer Tokenizer::load(const std::filesystem::path& given) {
  const auto folder = resolve_model(given);
  if (is_gguf(folder)) {
    return from_json(gguf_tokenizer_json(GgufModel::open(folder)),
                     folder.string());
  }
  std::error_code ignored;
  if (!std::filesystem::is_directory(folder, ignored)) {
    return from_json(read_file(folder, kMaxFileBytes), folder.string());
  }
  const std::filesystem::path file = folder / "tokenizer.json";
  if (!std::filesystem::exists(file, ignored)) {
    no_tokenizer(folder);
  }
  const auto small = [&](const char* name) {
    const auto path = folder / name;
    return std::filesystem::exists(path) ? read_file(path, kMaxSmallBytes) : "";
  };
  const TokenizerBesideFiles beside{
      .folder = folder.string(),
      .tokenizer_config = small("tokenizer_config.json"),
      .special_tokens_map = small("special_tokens_map.json"),
      .added_tokens = small("added_tokens.json")};
  return from_json(read_file(file, kMaxFileBytes), file.string(), beside);
}

std::vector<std::int32_t> Tokenizer::encode(std::string_view text,
                                            bool add_special,
                                            SpecialText special_text) const {
  return pipeline_->encode(text, add_special, special_text);
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids,
                              bool skip_special) const {
  DecodeRun run(pipeline_->decoder());
  std::string out;
  for (const std::int32_t id : ids) {
    if (const auto* token = pipeline_->decoded_spelling(id, skip_special)) {
      run.push(*token, out);
    }
  }
  run.finish(out);
  return out;
}

const std::string& Tokenizer::token(std::int32_t id) const {
  const std::string* token = pipeline_->token(id);
  if (token == nullptr) {
    fail("look up a token", fmt::format("id {}", id),
         fmt::format("an id below {} that the vocabulary uses", size()));
  }
  return *token;
}

const std::string* Tokenizer::find(std::int32_t id) const {
  return pipeline_->token(id);
}

std::optional<std::int32_t> Tokenizer::id(std::string_view token) const {
  const std::int32_t id = pipeline_->id(token);
  return id < 0 ? std::nullopt : std::optional(id);
}

bool Tokenizer::is_special(std::int32_t id) const {
  return pipeline_->is_special(id);
}

std::int64_t Tokenizer::size() const {
  return pipeline_->size();
}

const std::string& Tokenizer::fingerprint() const {
  return pipeline_->fingerprint();
}

const std::vector<std::string>& Tokenizer::notes() const {
  return pipeline_->notes();
}

StreamDecoder::StreamDecoder(Tokenizer tokenizer, bool skip_special)
    : tokenizer_(std::move(tokenizer)),
      skip_special_(skip_special),
      run_(std::make_unique<DecodeRun>(tokenizer_.pipeline_->decoder())) {}

StreamDecoder::~StreamDecoder() = default;
StreamDecoder::StreamDecoder(StreamDecoder&&) noexcept = default;
StreamDecoder& StreamDecoder::operator=(StreamDecoder&&) noexcept = default;

std::string StreamDecoder::push(std::int32_t id) {
  std::string out;
  if (const auto* token =
          tokenizer_.pipeline_->decoded_spelling(id, skip_special_)) {
    run_->push(*token, out);
  }
  return out;
}

std::string StreamDecoder::finish() {
  std::string out;
  run_->finish(out);
  run_ = std::make_unique<DecodeRun>(tokenizer_.pipeline_->decoder());
  return out;
}

}  // namespace veer
