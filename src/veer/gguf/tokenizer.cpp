// SPDX-License-Identifier: MIT
#include "veer/gguf/tokenizer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "veer/base/json.h"
#include "veer/gguf/merges.h"

namespace veer {
namespace {

constexpr const char* kTokens = "tokenizer.ggml.tokens";
constexpr const char* kMetaspace = "\u2581";

// tokenizer.ggml.token_type.
enum TokenType { kUnknown = 2, kControl = 3, kUserDefined = 4 };

constexpr std::string_view kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kTekken =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kGpt4o =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

// How a byte-level tokenizer cuts a text before it merges, by the name that
// llama.cpp gives it; the patterns are those of the published tokenizers.
struct Cutting {
  std::string_view name;
  std::string_view split;     // empty: GPT-2's own, in ByteLevel
  bool digits = false;        // each digit alone, before that
  bool composes = false;      // NFC first
  bool whole_pieces = false;  // a piece that is a token is not merged
  bool adds_bos = false;      // where the file does not say
};

constexpr std::array kCuttings{
    Cutting{.name = "gpt-2"},
    Cutting{.name = "phi-2"},
    Cutting{.name = "olmo"},
    Cutting{.name = "smollm", .digits = true},
    Cutting{.name = "llama-bpe",
            .split = kLlama3,
            .whole_pieces = true,
            .adds_bos = true},
    Cutting{.name = "llama3",
            .split = kLlama3,
            .whole_pieces = true,
            .adds_bos = true},
    Cutting{.name = "llama-v3",
            .split = kLlama3,
            .whole_pieces = true,
            .adds_bos = true},
    Cutting{.name = "dbrx", .split = kLlama3},
    Cutting{.name = "smaug-bpe", .split = kLlama3},
    Cutting{.name = "qwen2", .split = kQwen2, .composes = true},
    Cutting{.name = "deepseek-r1-qwen", .split = kQwen2, .composes = true},
    Cutting{.name = "tekken",
            .split = kTekken,
            .whole_pieces = true,
            .adds_bos = true},
    Cutting{.name = "gpt-4o", .split = kGpt4o},
};

Json sequence(const char* key, std::vector<Json> steps) {
  return {{"type", "Sequence"}, {key, std::move(steps)}};
}

Json replace(const std::string& from, const std::string& to) {
  return {
      {"type", "Replace"}, {"pattern", {{"String", from}}}, {"content", to}};
}

class TokenizerWriter {
 public:
  explicit TokenizerWriter(const GgufModel& model)
      : model_(model), kind_(model.need_string("tokenizer.ggml.model")) {}

  std::string write() {
    if (kind_ != "gpt2" && kind_ != "llama") {
      model_.refuse("tokenizer.ggml.model",
                    fmt::format("is \"{}\"", kind_.substr(0, 120)),
                    "gpt2 or llama",
                    "a kind of tokenizer that Veer does not know; ids still "
                    "serve `veer logits` and `veer activations`");
    }
    read_tokens();
    if (kind_ == "gpt2") {
      write_byte_level();
    } else {
      write_sentence_piece();
    }
    write_added();
    write_ends();
    return text();
  }

 private:
  std::string need_text(const GgufValue& value, const char* key) const {
    auto text = value.string();
    if (!text) {
      model_.refuse(key, "holds what is no text", "a list of texts");
    }
    return std::move(*text);
  }

  void read_tokens() {
    const auto* tokens = model_.list(kTokens);
    if (tokens == nullptr || tokens->empty()) {
      model_.refuse(kTokens, "is missing or empty", "the vocabulary");
    }
    for (const GgufValue& value : *tokens) {
      tokens_.push_back(need_text(value, kTokens));
    }
    constexpr const char* kTypes = "tokenizer.ggml.token_type";
    if (const auto* types = model_.list(kTypes)) {
      require_size(*types, kTypes);
      for (const GgufValue& value : *types) {
        types_.push_back(value.integer().value_or(0));
      }
    }
    types_.resize(tokens_.size(), 1);
    gguf_require_fitting_tokens(model_);
    for (const char* name :
         {"bos", "eos", "eot", "eom", "unknown", "padding"}) {
      id_of(name);
    }
  }

  void require_size(const std::vector<GgufValue>& list, const char* key) const {
    if (list.size() != tokens_.size()) {
      model_.refuse(key, fmt::format("has {} entries", list.size()),
                    fmt::format("one for each of {} tokens", tokens_.size()));
    }
  }

  void read_merges() {
    constexpr const char* kMerges = "tokenizer.ggml.merges";
    const auto* merges = model_.list(kMerges);
    if (merges == nullptr) {
      model_.refuse(kMerges, "is missing", "the merges of a gpt2 tokenizer");
    }
    for (const GgufValue& value : *merges) {
      const std::string text = need_text(value, kMerges);
      const auto space = text.find(' ', 1);
      if (space == std::string::npos) {
        model_.refuse(kMerges, fmt::format("holds \"{}\"", text.substr(0, 120)),
                      "two tokens with a space between");
      }
      merges_.emplace_back(text.substr(0, space), text.substr(space + 1));
    }
  }

  void write_byte_level() {
    constexpr const char* kPre = "tokenizer.ggml.pre";
    const std::string name = model_.string(kPre).value_or("default");
    const auto* const cutting =
        std::ranges::find(kCuttings, name, &Cutting::name);
    if (cutting == kCuttings.end()) {
      std::string known;
      for (const Cutting& one : kCuttings) {
        known += fmt::format("{}{}", known.empty() ? "" : ", ", one.name);
      }
      model_.refuse(
          kPre,
          model_.has(kPre) ? fmt::format("is \"{}\"", name.substr(0, 120))
                           : "is missing",
          "one of " + known,
          "a tokenizer that Veer cannot repeat, or a file from before "
          "llama.cpp wrote its name; convert the model anew");
    }
    read_merges();
    std::vector<Json> steps;
    if (cutting->digits) {
      steps.push_back({{"type", "Digits"}, {"individual_digits", true}});
    }
    if (!cutting->split.empty()) {
      steps.push_back({{"type", "Split"},
                       {"pattern", {{"Regex", std::string(cutting->split)}}},
                       {"behavior", "Isolated"},
                       {"invert", false}});
    }
    steps.push_back({{"type", "ByteLevel"},
                     {"add_prefix_space", false},
                     {"trim_offsets", true},
                     {"use_regex", cutting->split.empty()}});
    sections_["normalizer"] =
        cutting->composes ? Json({{"type", "NFC"}}) : Json(nullptr);
    sections_["pre_tokenizer"] = sequence("pretokenizers", std::move(steps));
    sections_["decoder"] = {{"type", "ByteLevel"}};
    bpe_ = {{"type", "BPE"},
            {"byte_fallback", false},
            {"ignore_merges", cutting->whole_pieces}};
    adds_bos_ = cutting->adds_bos;
  }

  bool is_gemma() const {
    return model_.string("general.architecture")
        .value_or("")
        .starts_with("gemma");
  }

  void write_sentence_piece() {
    const bool prefixed =
        model_.boolean("tokenizer.ggml.add_space_prefix").value_or(!is_gemma());
    if (model_.has("tokenizer.ggml.merges")) {
      read_merges();
    } else {
      recover_merges();
    }
    std::vector<Json> normalizer;
    std::vector<Json> decoder = {replace(kMetaspace, " "),
                                 {{"type", "ByteFallback"}},
                                 {{"type", "Fuse"}}};
    if (prefixed) {
      normalizer.push_back({{"type", "Prepend"}, {"prepend", kMetaspace}});
      decoder.push_back(
          {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
    }
    normalizer.push_back(replace(" ", kMetaspace));
    sections_["normalizer"] = sequence("normalizers", std::move(normalizer));
    sections_["pre_tokenizer"] = nullptr;
    sections_["decoder"] = sequence("decoders", std::move(decoder));
    const auto unknown = token_of("unknown");
    bpe_ = {{"type", "BPE"},
            {"unk_token", unknown ? *unknown : tokens_[0]},
            {"fuse_unk", true},
            {"byte_fallback", true},
            {"ignore_merges", false}};
    adds_bos_ = true;
  }

  void recover_merges() {
    constexpr const char* kScores = "tokenizer.ggml.scores";
    const auto* list = model_.list(kScores);
    if (list == nullptr) {
      model_.refuse(kScores, "is missing",
                    "the scores of a SentencePiece vocabulary, or its merges");
    }
    require_size(*list, kScores);
    std::vector<double> scores;
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      const auto* score = std::get_if<double>(&(*list)[i].value);
      if (score == nullptr || std::isnan(*score)) {
        model_.refuse(kScores, "holds what is no number", "a list of numbers");
      }
      // Gemma's scores do not follow its merges; the order of its tokens does.
      scores.push_back(is_gemma() ? -static_cast<double>(i) : *score);
    }
    if (is_gemma()) {
      respell_spaces();
    }
    merges_ = merges_of_scores(tokens_, scores);
  }

  // Runs of spaces are written as they look; the vocabulary spells them so.
  void respell_spaces() {
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      std::string& token = tokens_[i];
      if (!token.empty() && token.find_first_not_of(' ') == std::string::npos) {
        std::string spelled;
        for (std::size_t n = 0; n < token.size(); ++n) {
          spelled += kMetaspace;
        }
        token = std::move(spelled);
        types_[i] = 1;
      }
    }
  }

  std::optional<std::int64_t> id_of(const char* name) const {
    const std::string key = fmt::format("tokenizer.ggml.{}_token_id", name);
    const auto id = model_.integer(key);
    if (id && (*id < 0 || *id >= std::ssize(tokens_))) {
      model_.refuse(key, fmt::format("is {}", *id),
                    fmt::format("an id below {}", tokens_.size()));
    }
    return id;
  }
  std::optional<std::string> token_of(const char* name) const {
    const auto id = id_of(name);
    return id ? std::optional(tokens_[static_cast<std::size_t>(*id)])
              : std::nullopt;
  }

  void write_added() {
    Json added = Json::array();
    const auto unknown = id_of("unknown");
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      const bool special = types_[i] == kControl || types_[i] == kUnknown ||
                           unknown == static_cast<std::int64_t>(i);
      if ((special || types_[i] == kUserDefined) && !tokens_[i].empty()) {
        added.push_back({{"id", i},
                         {"content", tokens_[i]},
                         {"single_word", false},
                         {"lstrip", false},
                         {"rstrip", false},
                         {"normalized", false},
                         {"special", special}});
      }
    }
    sections_["added_tokens"] = std::move(added);
  }

  void write_ends() {
    Json single = Json::array();
    Json used = Json::object();
    const auto add = [&](const char* name) {
      if (const auto id = id_of(name)) {
        const std::string& token = tokens_[static_cast<std::size_t>(*id)];
        single.push_back({{"SpecialToken", {{"id", token}, {"type_id", 0}}}});
        used[token] = {{"id", token},
                       {"ids", Json::array({*id})},
                       {"tokens", Json::array({token})}};
      }
    };
    if (model_.boolean("tokenizer.ggml.add_bos_token").value_or(adds_bos_)) {
      add("bos");
    }
    single.push_back({{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
    if (model_.boolean("tokenizer.ggml.add_eos_token").value_or(false)) {
      add("eos");
    }
    sections_["post_processor"] = {{"type", "TemplateProcessing"},
                                   {"single", std::move(single)},
                                   {"pair", Json::array()},
                                   {"special_tokens", std::move(used)}};
  }

  // By hand, since a tree of so many entries takes long, and a token that is
  // there twice must reach the reader that refuses it.
  std::string text() const {
    std::string out = dump_json(sections_);
    out.pop_back();
    std::string model = dump_json(bpe_);
    model.pop_back();
    out += ",\"model\":" + model + ",\"vocab\":{";
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      out +=
          fmt::format("{}{}:{}", i == 0 ? "" : ",", dump_json(tokens_[i]), i);
    }
    out += "},\"merges\":[";
    for (std::size_t i = 0; i < merges_.size(); ++i) {
      out += fmt::format("{}[{},{}]", i == 0 ? "" : ",",
                         dump_json(merges_[i].first),
                         dump_json(merges_[i].second));
    }
    return out + "]}}";
  }

  const GgufModel& model_;
  std::string kind_;
  std::vector<std::string> tokens_;
  std::vector<std::int64_t> types_;
  std::vector<std::pair<std::string, std::string>> merges_;
  bool adds_bos_ = false;
  Json sections_ = {{"version", "1.0"}};
  Json bpe_;
};

}  // namespace

void gguf_require_fitting_tokens(const GgufModel& model) {
  const GgufTensor* table = model.tensor("token_embd.weight");
  const auto* tokens = model.list(kTokens);
  if (table == nullptr || tokens == nullptr || table->shape.size() != 2 ||
      table->shape[0] == std::ssize(*tokens)) {
    return;
  }
  model.refuse(kTokens,
               fmt::format("has {} tokens, the embedding {} rows",
                           tokens->size(), table->shape[0]),
               "a token for each row",
               "the file was put together from two models; convert the model "
               "anew");
}

std::string gguf_tokenizer_json(const GgufModel& model) {
  return TokenizerWriter(model).write();
}

std::string gguf_tokenizer_config_json(const GgufModel& model) {
  Json config = Json::object();
  const auto* tokens = model.list(kTokens);
  for (const auto& [name, key] :
       {std::pair{"bos_token", "bos"}, std::pair{"eos_token", "eos"},
        std::pair{"unk_token", "unknown"}, std::pair{"pad_token", "padding"}}) {
    const auto id =
        model.integer(fmt::format("tokenizer.ggml.{}_token_id", key));
    if (id && tokens != nullptr && *id >= 0 && *id < std::ssize(*tokens)) {
      config[name] =
          (*tokens)[static_cast<std::size_t>(*id)].string().value_or("");
    }
  }
  if (const auto text = model.string("tokenizer.chat_template")) {
    config["chat_template"] = *text;
  }
  return dump_json(config, 2);
}

}  // namespace veer
