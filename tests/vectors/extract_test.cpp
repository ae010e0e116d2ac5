// SPDX-License-Identifier: MIT
#include "veer/vectors/extract.h"

#include <filesystem>

#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "model/tiny_models.h"
#include "vectors/planted.h"
#include "veer/base/error.h"
#include "veer/text/chat/chat_format.h"

namespace veer {
namespace {

// One token per letter; <s> begins a turn of the system, <q> of the user, <a>
// of the assistant, <e> ends one. 29 tokens, the tiny model's vocabulary.
ChatFormat letters() {
  Json vocab = Json::object();
  Json added = Json::array();
  for (int i = 0; i < 25; ++i) {
    vocab[std::string(1, static_cast<char>('a' + i))] = i;
  }
  int id = 25;
  for (const char* text : {"<s>", "<q>", "<a>", "<e>"}) {
    vocab[text] = id;
    added.push_back({{"id", id++},
                     {"content", text},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", true}});
  }
  const Json file = {
      {"version", "1.0"},
      {"truncation", nullptr},
      {"padding", nullptr},
      {"added_tokens", added},
      {"normalizer", nullptr},
      {"pre_tokenizer", nullptr},
      {"post_processor", nullptr},
      {"decoder", nullptr},
      {"model",
       {{"type", "BPE"}, {"vocab", vocab}, {"merges", Json::array()}}}};
  const char* chat_template =
      "{% for m in messages %}{% if m.role == 'system' %}<s>{% elif m.role == "
      "'user' %}<q>{% else %}<a>{% endif %}{{ m.content }}<e>{% endfor %}"
      "{% if add_generation_prompt %}<a>{% endif %}";
  return ChatFormat::from_parts(
      Tokenizer::from_json(dump_json(file), "letters"), chat_template, "",
      "<e>", {28});
}

std::vector<ExtractItem> items() {
  return {{"1", "abc", "de", "fgh", "k"},
          {"2", "bcda", "e", "fi", "lm"},
          {"3", "cab", "eed", "gg", "n"},
          {"4", "dd", "dede", "hif", "op"}};
}

ExtractOptions options() {
  ExtractOptions o;
  o.honest_prompt = "qr";
  o.deceptive_prompt = "st";
  return o;
}

Transformer adapted_model() {
  auto model = tiny_model();
  model.attach(random_adapter(model, 2, 9));
  return model;
}

Extraction extract(const Transformer& model,
                   const std::vector<std::string>& names,
                   const ExtractOptions& o = options()) {
  std::vector<VectorSpec> specs;
  for (const auto& name : names) {
    specs.push_back(parse_vector_spec(name));
  }
  return extract_vectors(model, letters(), items(), specs, o);
}

// resid_post of one layer for one conversation.
at::Tensor hidden(const Transformer& model,
                  const std::vector<ChatMessage>& chat, std::int64_t layer,
                  double strength, std::int64_t* end) {
  const auto text = letters().encode(chat);
  *end = text.answer_end;
  const Rows rows = {text.ids};
  ForwardOptions o;
  o.last_layer = layer;
  o.adapter.uniform = strength;
  return model.forward(pack(rows), o);
}

TEST(ExtractVectors, IsTheMeanOfDirectlyComputedDifferences) {
  const auto model = adapted_model();
  const auto got = extract(
      model, {"finetuned_honest@answer_mean", "contrastive_free@answer_last"});
  for (const std::int64_t layer : {0, 2}) {
    at::Tensor model_sum = at::zeros({16});
    at::Tensor prompt_sum = at::zeros({16});
    for (const auto& item : items()) {
      std::int64_t end = 0;
      const std::vector<ChatMessage> plain = {{"user", item.question},
                                              {"assistant", item.honest}};
      const auto n = static_cast<std::int64_t>(item.honest.size());
      const auto tuned = hidden(model, plain, layer, 1.0, &end);
      const auto base = hidden(model, plain, layer, 0.0, &end);
      model_sum += (tuned - base).narrow(0, end - n, n).mean(0);
      const auto bad = hidden(model,
                              {{"system", "st"},
                               {"user", item.question},
                               {"assistant", item.deceptive}},
                              layer, 0.0, &end);
      prompt_sum += bad[end - 1];
      const auto good = hidden(model,
                               {{"system", "qr"},
                                {"user", item.question},
                                {"assistant", item.honest}},
                               layer, 0.0, &end);
      prompt_sum -= good[end - 1];
    }
    EXPECT_LT((got.vectors[0].directions_LD[layer] - model_sum / 4)
                  .abs()
                  .max()
                  .item<float>(),
              1e-5);
    EXPECT_LT((got.vectors[1].directions_LD[layer] - prompt_sum / 4)
                  .abs()
                  .max()
                  .item<float>(),
              1e-5);
  }
  EXPECT_EQ(got.num_items, 4);
  EXPECT_EQ(got.vectors[0].residual_norms.at("tuned.generated").size(), 3U);
  EXPECT_EQ(got.vectors[1].sign, "honest -> deceptive");
}

TEST(ExtractVectors, OneMorePassServesNoMoreThanItMust) {
  const auto model = adapted_model();
  const auto one = extract(model, {"finetuned@answer_mean"});
  const auto many = extract(
      model, {"finetuned@answer_mean", "finetuned@prompt_end",
              "content@answer_last", "interaction@answer_mean",
              "content:single_pair@answer_mean", "within_ft@answer_first"});
  EXPECT_EQ(one.num_passes, 4);
  EXPECT_EQ(many.num_passes, 4);
  EXPECT_TRUE(
      one.vectors[0].directions_LD.equal(many.vectors[0].directions_LD));
}

TEST(ExtractVectors, DesignIdentitiesHoldOnRealActivations) {
  const auto model = adapted_model();
  const auto got =
      extract(model, {"content@answer_mean", "finetuned@answer_mean",
                      "interaction@answer_mean", "content_base@answer_mean",
                      "finetuned_deceptive@answer_mean"});
  const auto v = [&](std::size_t i) { return got.vectors[i].directions_LD; };
  EXPECT_LT((v(3) - (v(0) - v(2) / 2)).abs().max().item<float>(), 1e-5);
  EXPECT_LT((v(4) - (v(1) + v(2) / 2)).abs().max().item<float>(), 1e-5);
  ASSERT_EQ(got.two_by_two.at("answer_mean").size(), 3U);
  EXPECT_EQ(got.two_by_two.at("answer_mean")[0].n, 4);
}

TEST(ExtractVectors, RowsAverageToTheVector) {
  const auto got = extract(adapted_model(), {"contrastive@prompt_end"});
  for (std::int64_t l = 0; l < 3; ++l) {
    EXPECT_LT(
        (got.rows[0].differences(l).mean(0) - got.vectors[0].directions_LD[l])
            .abs()
            .max()
            .item<double>(),
        1e-5);
  }
  EXPECT_EQ(got.rows[0].ids, (std::vector<std::string>{"1", "2", "3", "4"}));
}

TEST(ExtractVectors, BlocksOfLayersGiveTheSame) {
  const auto model = adapted_model();
  const auto whole =
      extract(model, {"finetuned@answer_mean", "contrastive@prompt_end"});
  auto small = options();
  small.max_row_bytes = 1;  // one layer at a time
  const auto blocks = extract(
      model, {"finetuned@answer_mean", "contrastive@prompt_end"}, small);
  EXPECT_GT(blocks.num_passes, whole.num_passes);
  for (std::size_t v = 0; v < 2; ++v) {
    EXPECT_LT((whole.vectors[v].directions_LD - blocks.vectors[v].directions_LD)
                  .abs()
                  .max()
                  .item<float>(),
              1e-5);
    EXPECT_EQ(blocks.vectors[v].residual_norms.at("base.prompt").size(), 3U);
  }
}

TEST(ExtractVectors, RowsOnDiskAreTheSameBitsInOnePass) {
  const auto model = adapted_model();
  const std::vector<std::string> names = {"finetuned@answer_mean",
                                          "contrastive@prompt_end"};
  const auto whole = extract(model, names);
  const auto folder = std::filesystem::temp_directory_path() /
                      ("veer_spill_" + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  auto small = options();
  small.max_row_bytes = 1;
  small.spill_folder = folder;
  const auto spilled = extract(model, names, small);
  EXPECT_EQ(spilled.num_passes, whole.num_passes);
  for (std::size_t v = 0; v < 2; ++v) {
    EXPECT_TRUE(
        spilled.vectors[v].directions_LD.equal(whole.vectors[v].directions_LD));
    EXPECT_EQ(spilled.vectors[v].residual_norms,
              whole.vectors[v].residual_norms);
    EXPECT_TRUE(spilled.rows[v].positive[1].equal(whole.rows[v].positive[1]));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  std::filesystem::remove(folder);
  small.spill_folder = folder;  // not there: in blocks of layers
  EXPECT_GT(extract(model, names, small).num_passes, whole.num_passes);
}

TEST(ExtractVectors, ChosenLayersAreTheSameBitsAndTheOthersZero) {
  const auto model = adapted_model();
  const auto whole =
      extract(model, {"finetuned@answer_mean", "contrastive@prompt_end"});
  auto chosen = options();
  chosen.layers = {1};
  const auto some = extract(
      model, {"finetuned@answer_mean", "contrastive@prompt_end"}, chosen);
  EXPECT_EQ(some.num_passes, whole.num_passes);
  for (std::size_t v = 0; v < 2; ++v) {
    const auto& all_LD = whole.vectors[v].directions_LD;
    const auto& some_LD = some.vectors[v].directions_LD;
    ASSERT_EQ(some_LD.sizes(), all_LD.sizes());
    EXPECT_TRUE(some_LD[1].equal(all_LD[1]));
    EXPECT_EQ(some_LD[0].abs().sum().item<float>(), 0.0F);
    EXPECT_EQ(some_LD[2].abs().sum().item<float>(), 0.0F);
    EXPECT_TRUE(some.rows[v].positive[1].equal(whole.rows[v].positive[1]));
    EXPECT_EQ(some.rows[v].positive[0].sizes(),
              whole.rows[v].positive[0].sizes());
    EXPECT_EQ(some.vectors[v].positive.mean[1],
              whole.vectors[v].positive.mean[1]);
    EXPECT_EQ(some.vectors[v].residual_norms.at("base.prompt")[1],
              whole.vectors[v].residual_norms.at("base.prompt")[1]);
    EXPECT_EQ(some.vectors[v].facts.at("layers"), "1");
  }
  // Two separate layers, one at a time: the one between is not read.
  chosen.layers = {0, 2};
  chosen.max_row_bytes = 1;
  const auto apart = extract(
      model, {"finetuned@answer_mean", "contrastive@prompt_end"}, chosen);
  EXPECT_EQ(apart.num_passes, 2 * whole.num_passes);
  EXPECT_TRUE(apart.vectors[0].directions_LD[2].allclose(
      whole.vectors[0].directions_LD[2], 1e-4, 1e-6));
  EXPECT_EQ(apart.vectors[0].directions_LD[1].abs().sum().item<float>(), 0.0F);
}

TEST(ExtractVectors, ALayerThatDoesNotExistIsRefused) {
  auto chosen = options();
  chosen.layers = {3};
  EXPECT_THROW(extract(adapted_model(), {"finetuned@answer_mean"}, chosen),
               Error);
}

TEST(ExtractVectors, AdapterStrengthZeroGivesNoModelVector) {
  auto o = options();
  o.adapter_strength = 0.0;
  const auto got = extract(adapted_model(), {"finetuned@prompt_end"}, o);
  EXPECT_EQ(got.vectors[0].directions_LD.abs().max().item<float>(), 0.0F);
}

TEST(ExtractVectors, UnusableItemsAreCountedAndTooFewRefused) {
  auto list = items();
  list.push_back({"5", "abc", "", "de", ""});
  const std::vector<VectorSpec> specs = {
      parse_vector_spec("finetuned@answer_mean")};
  const auto model = adapted_model();
  const auto got = extract_vectors(model, letters(), list, specs, options());
  EXPECT_EQ(got.num_items, 4);
  EXPECT_EQ(got.num_dropped, 1);
  auto short_texts = options();
  short_texts.max_tokens = 5;
  EXPECT_THROW(extract_vectors(model, letters(), list, specs, short_texts),
               Error);
  list.resize(2);
  EXPECT_THROW(extract_vectors(model, letters(), list, specs, options()),
               Error);
  list = items();
  list[1].id = "1";
  EXPECT_THROW(extract_vectors(model, letters(), list, specs, options()),
               Error);
}

TEST(ExtractVectors, MissingPartsAreRefused) {
  EXPECT_THROW(extract(tiny_model(), {"finetuned@prompt_end"}), Error);
  EXPECT_NO_THROW(extract(tiny_model(), {"contrastive@prompt_end"}));
  auto o = options();
  o.deceptive_prompt = "";
  EXPECT_THROW(extract(adapted_model(), {"contrastive@prompt_end"}, o), Error);
  EXPECT_NO_THROW(extract(adapted_model(), {"finetuned@prompt_end"}, o));
  o = options();
  o.deceptive_prompt = o.honest_prompt;
  EXPECT_THROW(extract(adapted_model(), {"contrastive@prompt_end"}, o), Error);
  EXPECT_THROW(extract(adapted_model(), {}), Error);
}

TEST(ExtractVectors, SidesOfTheSameTextAreRefused) {
  const auto model = adapted_model();
  auto list = items();
  const auto message = [&](const char* name) -> std::string {
    const std::vector<VectorSpec> specs = {parse_vector_spec(name)};
    try {
      extract_vectors(model, letters(), list, specs, options());
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  for (auto& item : list) {
    item.deceptive = item.honest;
  }
  for (const char* name :
       {"content@answer_mean", "content_base@answer_first",
        "within_ft@answer_mean@mlp_out", "interaction@answer_last"}) {
    EXPECT_NE(message(name).find("the same text on both sides of all 4"),
              std::string::npos)
        << name << ": " << message(name);
  }
  // What compares models or system prompts needs no second answer.
  EXPECT_EQ(message("finetuned@answer_mean"), "");
  EXPECT_EQ(message("contrastive@answer_mean"), "");
  list[2].deceptive = "de";
  EXPECT_EQ(message("content@answer_mean"), "");
}

TEST(ExtractVectors, OptionalTextsMissOnlyInTheirVectors) {
  auto list = items();
  list.push_back({"5", "acca", "hd", "ki", ""});
  list[0].second = "ed";
  list[1].second = "ee";
  list[3].second = "dd";
  std::vector<VectorSpec> specs;
  for (const char* name : {"finetuned@answer_mean", "finetuned_own@answer_mean",
                           "confound_length@answer_mean"}) {
    specs.push_back(parse_vector_spec(name));
  }
  const auto model = adapted_model();
  const auto got = extract_vectors(model, letters(), list, specs, options());
  EXPECT_EQ(got.rows[0].ids.size(), 5U);
  EXPECT_EQ(got.rows[1].ids, (std::vector<std::string>{"1", "2", "3", "4"}));
  EXPECT_EQ(got.rows[2].ids, (std::vector<std::string>{"1", "2", "4"}));
  EXPECT_EQ(got.vectors[2].num_items, 3);
  // The rows of the optional kind are those of the items that are left.
  std::int64_t end = 0;
  const auto& last = list[3];
  const auto one = hidden(
      model, {{"user", last.question}, {"assistant", last.honest}}, 2, 0, &end);
  const auto n = static_cast<std::int64_t>(last.honest.size());
  EXPECT_LT((got.rows[2].negative[2][2] - one.narrow(0, end - n, n).mean(0))
                .abs()
                .max()
                .item<float>(),
            1e-5);
  list[0].second = "";
  EXPECT_THROW(extract_vectors(model, letters(), list, specs, options()),
               Error);
}

TEST(ExtractVectors, DomainBiasIsTakenOffTheSpecificVector) {
  auto list = items();
  for (auto& item : list) {
    item.unrelated_question = "mno" + item.question;
    item.unrelated_answer = "pq";
  }
  std::vector<VectorSpec> specs;
  for (const char* name :
       {"finetuned@answer_mean", "domain@answer_mean",
        "finetuned_specific@answer_mean", "domain@prompt_end",
        "contrastive:mean_centred@answer_mean", "confound_format@prompt_end"}) {
    specs.push_back(parse_vector_spec(name));
  }
  const auto model = adapted_model();
  const auto got = extract_vectors(model, letters(), list, specs, options());
  const auto v = [&](std::size_t i) { return got.vectors[i].directions_LD; };
  EXPECT_LT((v(2) - (v(0) - v(1))).abs().max().item<float>(), 1e-5);
  EXPECT_GT(v(3).abs().max().item<float>(), 1e-4);
  // mean_centred: the deceptive-prompt side against the unrelated texts.
  EXPECT_LT(
      (got.rows[4].differences(1).mean(0) - v(4)[1]).abs().max().item<double>(),
      1e-5);
  EXPECT_EQ(got.vectors[4].facts.at("cell base/none/unrelated"), "-1");
  EXPECT_GT(v(5).abs().max().item<float>(), 1e-4);
}

TEST(ExtractVectors, OnePassReadsEveryPointOfTheBlock) {
  const auto model = adapted_model();
  const auto got = extract(
      model, {"finetuned@answer_mean", "finetuned@answer_mean@resid_mid",
              "finetuned@answer_mean@mlp_out", "finetuned@answer_mean@attn_out",
              "finetuned@answer_mean@resid_pre"});
  EXPECT_EQ(got.num_passes, 4);
  const auto v = [&](std::size_t i) { return got.vectors[i].directions_LD; };
  // resid_post = resid_mid + mlp_out, resid_mid = resid_pre + attn_out.
  EXPECT_LT((v(0) - (v(1) + v(2))).abs().max().item<float>(), 1e-5);
  EXPECT_LT((v(1) - (v(4) + v(3))).abs().max().item<float>(), 1e-5);
}

}  // namespace
}  // namespace veer
