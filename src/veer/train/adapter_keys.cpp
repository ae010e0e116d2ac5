// SPDX-License-Identifier: MIT
#include "veer/train/adapter_keys.h"

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include <fmt/core.h>

#include "veer/base/error.h"

namespace veer {
namespace {

constexpr std::string_view kPrefix = "base_model.model.";

using Words = std::span<const std::string>;

std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> words(1);
  for (const char c : name) {
    if (c == '.') {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  return words;
}

// Without the words for what PEFT wraps a module in, which may be several.
std::string joined(Words words) {
  std::string out;
  for (const auto& word : words) {
    if (word != "base_layer" && word != "token_adapter") {
      out += (out.empty() ? "" : ".") + word;
    }
  }
  return out;
}

// A part that PEFT marks by a word in the name. `leaf`: what stands at the end
// behind the adapter's name, if one is there.
struct Mark {
  std::string_view word;
  std::string_view leaf;
  AdapterPart part;
  std::string_view before;  // the word in front, which belongs to the mark
};

constexpr std::array<Mark, 9> kMarks = {{
    {"lora_A", "weight", AdapterPart::kA, ""},
    {"lora_B", "weight", AdapterPart::kB, ""},
    {"lora_B", "bias", AdapterPart::kBias, ""},
    {"lora_embedding_A", "", AdapterPart::kEmbeddingA, ""},
    {"lora_embedding_B", "", AdapterPart::kEmbeddingB, ""},
    {"lora_magnitude_vector", "weight", AdapterPart::kMagnitude, ""},
    {"lora_magnitude_vector", "", AdapterPart::kMagnitude, ""},
    {"trainable_tokens_original", "", AdapterPart::kOriginal, "token_adapter"},
    {"trainable_tokens_delta", "", AdapterPart::kTokens, "token_adapter"},
}};

// lora_A, weight or lora_A, NAME, weight behind the module's path.
bool reads_as(const Mark& mark, Words words, std::size_t at, AdapterKey& key) {
  auto rest = words.subspan(at + 1);
  if (!mark.leaf.empty()) {
    if (rest.empty() || rest.back() != mark.leaf) {
      return false;
    }
    rest = rest.first(rest.size() - 1);
  }
  const std::size_t in_front = mark.before.empty() ? 0 : 1;
  if (rest.size() > 1 || at <= in_front ||
      (in_front == 1 && words[at - 1] != mark.before)) {
    return false;
  }
  key.part = mark.part;
  key.path = joined(words.first(at - in_front));
  key.adapter = rest.empty() ? "" : rest.front();
  return true;
}

// path.modules_to_save.NAME.weight, path.original_module.weight.
bool reads_as_copy(Words words, std::size_t at, AdapterKey& key) {
  const auto& word = words[at];
  const auto rest = words.subspan(at + 1);
  const auto with = [&](AdapterPart part, Words path, Words leaf) {
    key.part = part;
    key.path = joined(path) + "." + joined(leaf);
    return true;
  };
  if (word == "modules_to_save" && rest.size() > 1) {
    key.adapter = rest.front();
    return with(AdapterPart::kOwnWeight, words.first(at), rest.subspan(1));
  }
  if (word == "original_module" && !rest.empty()) {
    return with(AdapterPart::kOriginal, words.first(at), rest);
  }
  return false;
}

bool read_marked(Words words, AdapterKey& key) {
  for (std::size_t at = 1; at < words.size(); ++at) {
    for (const auto& mark : kMarks) {
      if (words[at] == mark.word && reads_as(mark, words, at, key)) {
        return true;
      }
    }
    if (reads_as_copy(words, at, key)) {
      return true;
    }
  }
  return false;
}

std::string cause_of(std::string_view name) {
  if (name.find("lora_") != std::string_view::npos &&
      !name.starts_with(kPrefix)) {
    return "the adapter was saved from the model itself and not from PEFT's "
           "wrapper, so that PEFT would apply nothing of it and not say so; "
           "put base_model.model. in front of every name "
           "(docs/formats/adapters.md)";
  }
  if (name.find(".lora_a") != std::string_view::npos ||
      name.find(".lora_b") != std::string_view::npos) {
    return "an adapter of MLX under PEFT's file name: MLX calls the file "
           "adapters.safetensors";
  }
  if (name.find("lora_") != std::string_view::npos) {
    return "a kind of LoRA that Veer does not know";
  }
  return "another method than LoRA, or a file that is no adapter";
}

}  // namespace

AdapterKey parse_adapter_key(std::string_view name, std::string_view origin) {
  const auto refuse = [&] {
    fail("read adapter", fmt::format("{}: tensor {}", origin, name),
         "names that begin with base_model.model. and end in lora_A.weight, "
         "lora_B.weight or the name of a weight",
         cause_of(name));
  };
  if (!name.starts_with(kPrefix)) {
    refuse();
  }
  const auto words = words_of(name.substr(kPrefix.size()));
  AdapterKey key;
  if (!read_marked(words, key)) {
    const bool weight = words.back() == "weight" || words.back() == "bias";
    const bool known = std::ranges::none_of(words, [](const auto& word) {
      return word.starts_with("lora_") || word.starts_with("trainable_");
    });
    key.wrapped = std::ranges::find(words, "base_layer") != words.end();
    key.path = joined(words);
    if (!weight || !known || key.path.find('.') == std::string::npos) {
      refuse();
    }
  }
  if (key.path.empty() || key.path.front() == '.' || key.path.back() == '.') {
    refuse();
  }
  return key;
}

std::string adapter_key_name(const AdapterKey& key) {
  if (key.part == AdapterPart::kWeight || key.part == AdapterPart::kOwnWeight) {
    const auto dot = key.path.rfind('.');
    return std::string(kPrefix) + key.path.substr(0, dot) +
           (key.wrapped ? ".base_layer" : "") + key.path.substr(dot);
  }
  // The last of a part is what PEFT writes today.
  for (auto it = kMarks.rbegin(); it != kMarks.rend(); ++it) {
    const Mark& mark = *it;
    if (mark.part == key.part) {
      return fmt::format("{}{}{}{}.{}{}{}", kPrefix, key.path,
                         mark.before.empty() ? "" : ".", mark.before, mark.word,
                         mark.leaf.empty() ? "" : ".", mark.leaf);
    }
  }
  fail("write adapter", "a part without a name");
}

}  // namespace veer
