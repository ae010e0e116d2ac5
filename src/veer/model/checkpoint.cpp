// SPDX-License-Identifier: MIT
#include "veer/model/checkpoint.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <ATen/ops/equal.h>
#include <fmt/format.h>

#include "veer/base/error.h"
#include "veer/model/weight_check.h"
#include "veer/model/weight_names.h"

namespace veer {
namespace {

constexpr const char* kEmbedding = "model.embed_tokens.weight";
constexpr const char* kHead = "lm_head.weight";

using TensorMap = std::map<std::string, at::Tensor>;

// Runs `check`; the Error it throws becomes one of the problems.
template <class Check>
void collect(std::vector<std::string>& problems, const Check& check) {
  try {
    check();
  } catch (const Error& e) {
    problems.emplace_back(e.what());
  }
}

// Part -> the names of its tensors.
using Ignored = std::map<std::string, std::vector<std::string>>;

void note_ignored(const Ignored& ignored, std::vector<std::string>& notes) {
  for (const auto& [what, names] : ignored) {
    notes.push_back(fmt::format(
        "ignored: {} ({}{})", what, names.front(),
        names.size() == 1
            ? ""
            : fmt::format(" and {} more tensors", names.size() - 1)));
  }
}

bool same_numbers(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes()) {
    return false;
  }
  // Eight-bit types know no comparison.
  const bool comparable =
      a.scalar_type() == b.scalar_type() && a.element_size() > 1;
  return comparable ? at::equal(a, b)
                    : at::equal(a.to(at::kFloat), b.to(at::kFloat));
}

void place_tied_head(ModelConfig& config, PlacedCheckpoint& placed) {
  const auto head = placed.tensors.find(kHead);
  if (!config.tied_head || head == placed.tensors.end()) {
    return;
  }
  const auto embedding = placed.tensors.find(kEmbedding);
  if (embedding == placed.tensors.end()) {
    placed.notes.push_back(
        fmt::format("{} is not stored: the tied head {} is used in its place",
                    kEmbedding, kHead));
    placed.tensors[kEmbedding] = head->second;
    placed.tensors.erase(kHead);
    return;
  }
  if (same_numbers(head->second, embedding->second)) {
    placed.tensors.erase(head);
    return;
  }
  config.tied_head = false;
  placed.notes.push_back(
      fmt::format("config.json says that the head is the embedding "
                  "(tie_word_embeddings = true), but {} holds other numbers "
                  "than {}: the stored head is used, as transformers does",
                  kHead, kEmbedding));
}

}  // namespace

PlacedCheckpoint place_checkpoint(ModelConfig& config, TensorMap stored) {
  PlacedCheckpoint placed;
  Ignored ignored;
  std::map<std::string, std::string> origins;
  for (auto& [name, tensor] : stored) {
    const auto plain = language_model_name(name);
    if (!plain) {
      ignored[std::string(ignored_part(name))].push_back(name);
      continue;
    }
    const auto [other, is_new] = origins.emplace(*plain, name);
    if (!is_new) {
      collect(placed.problems, [&] {
        fail("load model",
             fmt::format("{} and {} are the same weight", other->second, name),
             "each weight once", "two checkpoints were mixed");
      });
      continue;
    }
    placed.tensors[*plain] = std::move(tensor);
  }
  note_ignored(ignored, placed.notes);
  place_tied_head(config, placed);
  std::ranges::move(weight_problems(config, placed.tensors),
                    std::back_inserter(placed.problems));
  return placed;
}

}  // namespace veer
