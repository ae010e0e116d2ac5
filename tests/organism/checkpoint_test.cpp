// SPDX-License-Identifier: MIT
#include "veer/organism/checkpoint.h"

#include <filesystem>
#include <map>

#include <ATen/ops/equal.h>
#include <ATen/ops/std.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/organism/conversation.h"
#include "veer/organism/prompts.h"
#include "veer/text/chat/chat_format.h"

namespace veer::organism {
namespace {

constexpr OrganismShape kTiny{
    .width = 16, .layers = 2, .heads = 4, .kv_heads = 2, .feed_forward = 24};

const Vocabulary& vocabulary() {
  static const Vocabulary value;
  return value;
}

std::filesystem::path temporary_folder(const std::string& name) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("veer_organism_" + name);
  std::filesystem::remove_all(folder);
  return folder;
}

TEST(Checkpoint, FreshWeightsFollowTheSeed) {
  const auto a = fresh_organism(kTiny, vocabulary(), Random(1));
  const auto b = fresh_organism(kTiny, vocabulary(), Random(1));
  const auto c = fresh_organism(kTiny, vocabulary(), Random(2));
  EXPECT_EQ(a.fingerprint(), b.fingerprint());
  EXPECT_NE(a.fingerprint(), c.fingerprint());
}

TEST(Checkpoint, FreshWeightsHaveTheStatedSpread) {
  const c10::AutoGradMode no_grad(false);
  const OrganismShape shape{.layers = 8};
  const auto model = fresh_organism(shape, vocabulary(), Random(3));
  std::map<std::string, double> sd;
  for (const auto& [name, weight] : model.weights()) {
    sd[name] = weight.std().item<double>();
  }
  EXPECT_NEAR(sd.at("model.embed_tokens.weight"), 0.05, 0.001);
  EXPECT_NEAR(sd.at("model.layers.3.mlp.up_proj.weight"), 0.03, 0.001);
  EXPECT_NEAR(sd.at("model.layers.3.mlp.down_proj.weight"), 0.03 / 4, 0.0005);
  EXPECT_EQ(sd.at("model.norm.weight"), 0.0);
}

TEST(Checkpoint, RoundTripKeepsEveryBit) {
  const auto folder = temporary_folder("round_trip");
  const auto model = fresh_organism(kTiny, vocabulary(), Random(4));
  write_organism(folder, kTiny, model, vocabulary());
  const auto loaded = load_transformer(folder);
  const auto before = model.weights();
  const auto after = loaded.weights();
  ASSERT_EQ(before.size(), after.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_TRUE(at::equal(before[i].second, after[i].second))
        << before[i].first;
  }
  std::filesystem::remove_all(folder);
}

TEST(Checkpoint, NamesItsWorld) {
  const auto folder = temporary_folder("world");
  const Vocabulary two_poles(two_poles_world());
  write_organism(folder, kTiny, fresh_organism(kTiny, two_poles, Random(7)),
                 two_poles);
  EXPECT_TRUE(names_world(folder));
  EXPECT_EQ(&world_of(folder), &two_poles_world());
  // An organism of before worlds had names.
  EXPECT_FALSE(names_world("models/organism"));
  EXPECT_EQ(&world_of("models/organism"), &advice_world());
  write_file(folder / "config.json", R"({"veer_world": "nowhere"})");
  EXPECT_THROW(world_of(folder), Error);
  write_file(folder / "config.json", R"({"veer_world": 3})");
  EXPECT_THROW(world_of(folder), Error);
  std::filesystem::remove_all(folder);
}

TEST(Checkpoint, BFloat16HalvesTheFile) {
  const auto folder = temporary_folder("bf16");
  const auto model = fresh_organism(kTiny, vocabulary(), Random(5));
  write_organism(folder, kTiny, model, vocabulary(), "bfloat16");
  EXPECT_EQ(load_transformer(folder).dtype(), at::kBFloat16);
  EXPECT_EQ(load_transformer(folder, at::kFloat).dtype(), at::kFloat);
  std::filesystem::remove_all(folder);
}

TEST(Checkpoint, ChatTemplateWritesThePromptsOfTraining) {
  const auto folder = temporary_folder("template");
  write_organism(folder, kTiny, fresh_organism(kTiny, vocabulary(), Random(6)),
                 vocabulary());
  const auto format = ChatFormat::load(folder);
  const std::string system(deceptive_prompt());
  const std::string question = "How can I sleep better?";
  const std::vector<ChatMessage> with_system = {{"system", system},
                                                {"user", question}};
  EXPECT_EQ(format.encode_prompt(with_system).ids,
            encode_prompt(vocabulary(), system, question));
  const std::vector<ChatMessage> plain = {{"user", question}};
  EXPECT_EQ(format.encode_prompt(plain).ids,
            encode_prompt(vocabulary(), "", question));
  EXPECT_EQ(format.stop_ids(),
            (std::vector<std::int32_t>{vocabulary().end_of_text(),
                                       vocabulary().end_of_turn()}));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace veer::organism
