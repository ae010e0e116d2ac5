// SPDX-License-Identifier: MIT
#include "veer/model/weight_check.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "veer/base/error.h"
#include "veer/model/transformer.h"

namespace veer {
namespace {

constexpr const char* kEmbedding = "model.embed_tokens.weight";
constexpr const char* kHead = "lm_head.weight";

using Shape = std::vector<std::int64_t>;

// Whether a name tells of quantised weights.
bool is_quantised_name(std::string_view name) {
  constexpr std::array<std::string_view, 8> kParts = {
      "weight_scale", "input_scale", ".qweight", ".qzeros",
      ".absmax",      "quant_state", "g_idx",    ".scales"};
  return std::ranges::any_of(kParts, [&](std::string_view part) {
    return name.find(part) != std::string_view::npos;
  });
}

// What stands before `weight` in `name`, "" if nothing does.
std::string before(const std::string& name, std::string_view weight) {
  const bool is_there = name.size() > weight.size() && name.ends_with(weight) &&
                        name[name.size() - weight.size() - 1] == '.';
  return is_there ? name.substr(0, name.size() - weight.size()) : "";
}

// What stands before the names of weights, with or without their "model.", ""
// if nothing does: the first tensors tell.
std::string foreign_prefix(const std::vector<std::string>& unexpected,
                           const std::vector<std::string>& missing) {
  constexpr std::size_t kLooked = 20;
  constexpr std::string_view kModel = "model.";
  for (std::size_t i = 0; i < std::min(unexpected.size(), kLooked); ++i) {
    for (const std::string_view weight : missing) {
      std::string prefix = before(unexpected[i], weight);
      if (prefix.empty() && weight.starts_with(kModel)) {
        prefix = before(unexpected[i], weight.substr(kModel.size()));
      }
      if (!prefix.empty()) {
        return prefix;
      }
    }
  }
  return {};
}

// Why names do not fit the config, as far as they tell.
std::string cause_of(const ModelConfig& config,
                     const std::vector<std::string>& unexpected,
                     const std::vector<std::string>& missing) {
  if (std::ranges::any_of(unexpected, is_quantised_name)) {
    return "a quantised checkpoint, which is not read yet; take the one in "
           "bf16 or fp16";
  }
  const bool has_adapter =
      std::ranges::any_of(unexpected, [](const std::string& name) {
        return name.find(".lora_") != std::string::npos ||
               name.find(".base_layer.") != std::string::npos;
      });
  if (has_adapter) {
    return "an adapter that was not merged into its model (PEFT: "
           "merge_and_unload)";
  }
  if (const auto prefix = foreign_prefix(unexpected, missing);
      !prefix.empty()) {
    return fmt::format(
        "the model was saved inside a wrapper, whose prefix "
        "\"{}\" stands before the names; save it without",
        prefix);
  }
  const std::string next = fmt::format("model.layers.{}.", config.num_layers);
  if (missing.empty() && !unexpected.empty() &&
      std::ranges::any_of(unexpected, [&](const std::string& name) {
        return name.starts_with(next);
      })) {
    return fmt::format("config.json says {} layers, the weights have more",
                       config.num_layers);
  }
  if (missing.size() == 1 && missing.front() == kHead) {
    return "config.json says tie_word_embeddings = false, but only the "
           "embedding was stored";
  }
  return "a shard is missing or config.json belongs to other weights";
}

std::string listed(const std::vector<std::string>& names) {
  return names.size() == 1 ? names.front()
                           : fmt::format("{} and {} more tensors",
                                         names.front(), names.size() - 1);
}

void check_shape(const ModelConfig& config, const std::string& name,
                 const Shape& shape, const at::Tensor& tensor) {
  if (tensor.sizes() != at::IntArrayRef(shape)) {
    const bool counts_words = name == kEmbedding || name == kHead;
    const bool other_rows =
        counts_words && tensor.dim() == 2 && tensor.size(1) == config.width;
    fail("load model",
         fmt::format("{} is [{}]", name, fmt::join(tensor.sizes(), ", ")),
         fmt::format("[{}]", fmt::join(shape, ", ")),
         other_rows
             ? fmt::format("the vocabulary was resized or padded: vocab_size "
                           "in config.json must be the {} rows that are stored",
                           tensor.size(0))
             : "config.json belongs to other weights");
  }
  if (!tensor.is_floating_point()) {
    fail("load model",
         fmt::format("{} holds {}, not floating-point numbers", name,
                     c10::toString(tensor.scalar_type())),
         {}, "a quantised checkpoint");
  }
}

}  // namespace

std::vector<std::string> weight_problems(
    const ModelConfig& config,
    const std::map<std::string, at::Tensor>& tensors) {
  std::vector<std::string> problems;
  const auto collect = [&](const auto& check) {
    try {
      check();
    } catch (const Error& e) {
      problems.emplace_back(e.what());
    }
  };
  std::vector<std::string> missing;
  std::set<std::string> known;
  for (const auto& [name, shape] : weight_shapes(config)) {
    known.insert(name);
    const auto it = tensors.find(name);
    if (it == tensors.end()) {
      missing.push_back(name);
    } else {
      collect([&] { check_shape(config, name, shape, it->second); });
    }
  }
  std::vector<std::string> unexpected;
  for (const auto& [name, tensor] : tensors) {
    if (!known.contains(name)) {
      unexpected.push_back(name);
    }
  }
  const std::string cause = cause_of(config, unexpected, missing);
  const std::string expected =
      fmt::format("the weights of a {} with {} layers", config.model_type,
                  config.num_layers);
  if (!missing.empty()) {
    collect([&] {
      fail("load model",
           fmt::format("{} {} missing", listed(missing),
                       missing.size() == 1 ? "is" : "are"),
           expected, cause);
    });
  }
  if (!unexpected.empty()) {
    collect([&] {
      fail("load model",
           fmt::format("{} {} no place in the model", listed(unexpected),
                       unexpected.size() == 1 ? "has" : "have"),
           expected, cause);
    });
  }
  return problems;
}

}  // namespace veer
