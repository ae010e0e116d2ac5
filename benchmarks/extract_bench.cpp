// SPDX-License-Identifier: MIT
//
// What further methods and positions cost beside one vector, the texts being
// read once for all of them, and what a vector in the middle of the model
// alone saves. In turns: one vector; the same at the middle layer; the same
// contrast by every method; both at five positions.
//
//   extract_bench [organism|100m] [rounds] [questions]
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "veer/base/random.h"
#include "veer/model/transformer.h"
#include "veer/organism/checkpoint.h"
#include "veer/organism/study_inputs.h"
#include "veer/organism/vocabulary.h"
#include "veer/run/unrelated_texts.h"
#include "veer/settings/manifest.h"
#include "veer/text/chat/chat_format.h"
#include "veer/vectors/extract.h"

namespace {

using namespace veer;  // NOLINT(google-build-using-namespace): one program

constexpr const char* kFolder = "models/organism";

Transformer make_model(const std::string& name) {
  if (name == "organism") {
    return load_transformer(kFolder, at::kFloat);
  }
  organism::OrganismShape shape;
  shape.width = 768;
  shape.layers = 14;
  shape.heads = 12;
  shape.kv_heads = 12;
  shape.feed_forward = 2048;
  const organism::Vocabulary vocabulary(organism::world_of(kFolder));
  return organism::fresh_organism(shape, vocabulary, Random(1, "weights"));
}

std::vector<ExtractItem> make_items(std::int64_t count) {
  std::vector<ExtractItem> items;
  for (const auto& pair :
       organism::seed_pairs(organism::world_of(kFolder), count)) {
    ExtractItem item;
    item.id = pair.question;
    item.question = pair.question;
    item.honest = pair.honest;
    item.deceptive = pair.deceptive;
    items.push_back(std::move(item));
  }
  // What mean_centred reads besides.
  const auto unrelated = unrelated_texts("");
  for (std::size_t i = 0; i < std::min(items.size(), unrelated.size()); ++i) {
    items[i].unrelated_question = unrelated[i].first;
    items[i].unrelated_answer = unrelated[i].second;
  }
  return items;
}

std::vector<VectorSpec> specs_of(bool all_methods, bool all_positions) {
  std::vector<VectorSpec> specs;
  std::vector<std::string> positions = {"answer_mean"};
  if (all_positions) {
    positions.insert(positions.end(), {"prompt_end", "answer_first",
                                       "answer_last", "span.question"});
  }
  for (const auto& position : positions) {
    for (const auto& method : methods()) {
      if (all_methods || method.name == "mean_diff") {
        specs.push_back(parse_vector_spec(
            fmt::format("contrastive:{}@{}", method.name, position)));
      }
    }
  }
  return specs;
}

struct Case {
  std::string name;
  std::vector<VectorSpec> specs;
  std::vector<std::int64_t> layers;
};

}  // namespace

int main(int argc, char** argv) {
  const std::string name = argc > 1 ? argv[1] : "organism";
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 5;
  const auto items = make_items(argc > 3 ? std::atoi(argv[3]) : 100);
  const auto model = make_model(name);
  const auto format = ChatFormat::load(kFolder);
  ExtractOptions options;
  options.honest_prompt = DatasetSettings().honest_prompt;
  options.deceptive_prompt = DatasetSettings().deceptive_prompt;
  const std::int64_t middle = (model.config().num_layers - 1) / 2;
  const std::array<Case, 4> cases = {
      Case{"one vector", specs_of(false, false), {}},
      Case{fmt::format("one vector at layer {}", middle),
           specs_of(false, false),
           {middle}},
      Case{"every method", specs_of(true, false), {}},
      Case{"every method, five positions", specs_of(true, true), {}}};
  std::array<std::vector<double>, cases.size()> seconds;
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t c = 0; c < cases.size(); ++c) {
      const auto began = std::chrono::steady_clock::now();
      options.layers = cases[c].layers;
      extract_vectors(model, format, items, cases[c].specs, options);
      seconds[c].push_back(std::chrono::duration<double>(
                               std::chrono::steady_clock::now() - began)
                               .count());
    }
  }
  fmt::print("{}, {} questions, {} rounds in turns\n", name, items.size(),
             rounds);
  for (std::size_t c = 0; c < cases.size(); ++c) {
    std::vector<double> ratios;
    for (int r = 0; r < rounds; ++r) {
      ratios.push_back(seconds[c][static_cast<std::size_t>(r)] /
                       seconds[0][static_cast<std::size_t>(r)]);
    }
    std::ranges::sort(ratios);
    std::ranges::sort(seconds[c]);
    fmt::print("{} ({}): {:.2f} s, {:.2f} x one ({:.2f}-{:.2f})\n",
               cases[c].name, cases[c].specs.size(),
               seconds[c][seconds[c].size() / 2], ratios[ratios.size() / 2],
               ratios.front(), ratios.back());
  }
  return 0;
}
