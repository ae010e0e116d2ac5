// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "model/family_fixtures.h"
#include "veer/generation/generate.h"
#include "veer/model/transformer.h"

namespace veer {
namespace {

class GreedyFamilies : public testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(All, GreedyFamilies, testing::ValuesIn(family_names()),
                         [](const auto& info) { return info.param; });

TEST_P(GreedyFamilies, GivesTheIdsOfTransformers) {
  const FamilyFixture family = read_family(GetParam());
  const auto model = load_transformer(family.folder, at::kFloat);
  GenerationRequest request;
  request.prompt = family.ids[0];
  request.max_tokens = static_cast<std::int64_t>(family.greedy.size());
  const auto texts = generate_all(model, nullptr, {&request, 1}, {});
  EXPECT_EQ(texts.at(0).ids, family.greedy);
}

}  // namespace
}  // namespace veer
