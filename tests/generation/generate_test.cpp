// SPDX-License-Identifier: MIT
#include "veer/generation/generate.h"

#include <cmath>
#include <set>
#include <stop_token>

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "generation/support.h"
#include "interventions/support.h"
#include "tensors/failing_allocator.h"
#include "veer/base/error.h"

namespace veer {
namespace {

using testing::add_to;
using testing::continue_plainly;

constexpr std::int32_t kStop = 3;

class Generate : public ::testing::Test {
 protected:
  Generate() {
    at::set_num_threads(1);  // tensors this small gain nothing from more
    model_.attach(random_full_adapter(model_, 2, 5));
  }

  // A mixture of prompts, operators, scopes and strengths.
  std::vector<GenerationRequest> mixture() {
    const auto& config = model_.config();
    std::vector<std::int64_t> configurations = {
        -1,
        add_to(table_, config, "add", 4.0, 1, "all"),
        add_to(table_, config, "add", -4.0, 0, "generated"),
        add_to(table_, config, "ablate", 1.0, 2, "all", 7),
        add_to(table_, config, "add_keep_norm", 2.0, 1, "prompt", 8),
        add_to(table_, config, "slerp", 0.6, 1, "first:2", 9)};
    const auto prompts = random_rows({4, 9, 1, 6}, config.vocab_size, 11);
    std::vector<GenerationRequest> requests;
    for (const double strength : {0.0, 1.0, 0.5}) {
      for (const auto configuration : configurations) {
        for (const auto& prompt : prompts) {
          GenerationRequest request;
          request.prompt = prompt;
          request.configuration = configuration;
          request.adapter_strength = strength;
          request.max_tokens =
              3 + static_cast<std::int64_t>(requests.size()) % 9;
          request.seed = requests.size();
          requests.push_back(request);
        }
      }
    }
    return requests;
  }

  static GenerationOptions options(std::int64_t max_rows = 256) {
    GenerationOptions options;
    options.stop_ids = {kStop};
    options.max_rows = max_rows;
    return options;
  }

  Transformer model_ = tiny_model();
  InterventionTable table_{3, 16};
};

TEST_F(Generate, ARepetitionPenaltyCountsPromptAndAnswerWhateverTheBatch) {
  const auto requests = mixture();
  const auto plain = generate_all(model_, &table_, requests, options());
  std::int64_t changed = 0;
  for (const std::int64_t max_rows : {256, 5}) {
    auto penalised = options(max_rows);
    penalised.repetition_penalty = 1.7;
    const auto all = generate_all(model_, &table_, requests, penalised);
    for (std::size_t i = 0; i < requests.size(); ++i) {
      EXPECT_EQ(all[i].ids,
                continue_plainly(model_, &table_, requests[i], {kStop}, 1.7))
          << "request " << i << " rows " << max_rows;
      changed += all[i].ids != plain[i].ids ? 1 : 0;
    }
  }
  EXPECT_GT(changed, 0);
}

TEST_F(Generate, RefusesAPenaltyThatIsNone) {
  auto wrong = options();
  wrong.repetition_penalty = 0.0;
  EXPECT_THROW(generate_all(model_, &table_, mixture(), wrong), Error);
}

TEST_F(Generate, EqualsWholeForwardPassesWhateverTheBatch) {
  const auto requests = mixture();
  for (const std::int64_t max_rows : {256, 5, 1}) {
    const auto all = generate_all(model_, &table_, requests, options(max_rows));
    for (std::size_t i = 0; i < requests.size(); ++i) {
      EXPECT_EQ(all[i].ids,
                continue_plainly(model_, &table_, requests[i], {kStop}))
          << "request " << i << " rows " << max_rows;
    }
  }
}

TEST_F(Generate, SampledTextDoesNotDependOnTheBatch) {
  auto requests = mixture();
  for (auto& request : requests) {
    request.sampling.temperature = 1.0;
    request.sampling.top_p = request.seed % 2 == 0 ? 0.9 : 1.0;
    request.sampling.top_k = request.seed % 3 == 0 ? 7 : 0;
  }
  const auto together = generate_all(model_, &table_, requests, options());
  const auto in_small = generate_all(model_, &table_, requests, options(3));
  std::set<std::vector<std::int32_t>> different;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const auto alone =
        generate_all(model_, &table_, {&requests[i], 1}, options());
    EXPECT_EQ(together[i].ids, alone[0].ids) << i;
    EXPECT_EQ(together[i].ids, in_small[i].ids) << i;
    different.insert(together[i].ids);
  }
  EXPECT_GT(different.size(), 20U);
}

// Of every operator: the text that a row writes among all the others is the
// text that it writes alone.
TEST_F(Generate, NoOperatorReachesIntoAnotherRow) {
  const auto input = testing::full_input();
  const auto model =
      tiny_model(fmt::format(R"(, "hidden_size": {})", testing::kWidth));
  InterventionTable table(testing::kLayers, testing::kWidth);
  const auto prompts = random_rows({5, 8, 3}, model.config().vocab_size, 12);
  std::vector<GenerationRequest> requests;
  std::set<std::vector<std::int32_t>> different;
  for (const auto& row : operator_table()) {
    if (row.code == EditCode::kPatch) {
      continue;
    }
    const auto configuration =
        table.add(compile(testing::at_layer(std::string(row.name), 0.9), input,
                          testing::kLayers));
    for (const auto& prompt : prompts) {
      GenerationRequest request;
      request.prompt = prompt;
      request.configuration = configuration;
      request.max_tokens = 8;
      requests.push_back(request);
    }
  }
  const auto together = generate_all(model, &table, requests, options());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const auto alone =
        generate_all(model, &table, {&requests[i], 1}, options());
    EXPECT_EQ(together[i].ids, alone[0].ids) << i;
    different.insert(together[i].ids);
  }
  EXPECT_GT(different.size(), 10U);
}

TEST_F(Generate, LogProbsAreThoseOfTheSteeredModel) {
  const auto requests = mixture();
  const auto all = generate_all(model_, &table_, requests, options());
  const auto& request = requests[6];
  ASSERT_GE(request.configuration, 0);
  const auto log_probs =
      testing::whole_log_probs(model_, &table_, request.prompt, all[6].ids,
                               request.configuration, request.adapter_strength);
  for (std::size_t i = 0; i < all[6].ids.size(); ++i) {
    const auto at = static_cast<std::int64_t>(request.prompt.size() + i) - 1;
    EXPECT_NEAR(all[6].log_probs[i], log_probs[at][all[6].ids[i]].item<float>(),
                1e-4);
  }
}

TEST_F(Generate, EndsAtAStopTokenOrTheLimit) {
  const auto requests = mixture();
  std::size_t stopped = 0;
  for (const auto& text : generate_all(model_, &table_, requests, options())) {
    const auto& request = requests[text.request];
    EXPECT_THAT(text.ids, ::testing::Not(::testing::Contains(kStop)));
    if (text.reason == StopReason::kStopToken) {
      ++stopped;
      EXPECT_EQ(text.log_probs.size(), text.ids.size() + 1);
    } else {
      EXPECT_EQ(static_cast<std::int64_t>(text.ids.size()), request.max_tokens);
      EXPECT_EQ(text.log_probs.size(), text.ids.size());
    }
  }
  EXPECT_GT(stopped, 0U);
  EXPECT_LT(stopped, requests.size());
}

TEST_F(Generate, PrefillsASharedPromptOnce) {
  const auto& config = model_.config();
  std::vector<GenerationRequest> requests;
  const auto prompt = random_rows({10}, config.vocab_size, 2)[0];
  for (int i = 0; i < 12; ++i) {
    GenerationRequest request;
    request.prompt = prompt;
    request.max_tokens = 4;
    request.configuration =
        add_to(table_, config, "add", 1.0 + i, 1, "generated");
    requests.push_back(request);
  }
  const auto nothing = [](std::vector<Completion>) {};
  auto report = generate(model_, &table_, requests, options(5), nothing);
  EXPECT_EQ(report.prefilled_tokens, 9);
  EXPECT_EQ(report.shared_tokens, 11 * 9);
  for (auto& request : requests) {
    request.configuration = add_to(table_, config, "add", 1.0, 1, "all");
  }
  report = generate(model_, &table_, requests, options(5), nothing);
  EXPECT_EQ(report.prefilled_tokens, 12 * 9);
}

// Batches that all end at once and begin in the middle of a prompt's rows: the
// prompt then lies in slots behind those that it is copied to.
TEST_F(Generate, PromptsGoOnAcrossBatches) {
  const auto prompts = random_rows({6, 6, 6}, model_.config().vocab_size, 11);
  std::vector<GenerationRequest> requests;
  for (const auto& prompt : prompts) {
    for (int i = 0; i < 7; ++i) {
      GenerationRequest request;
      request.prompt = prompt;
      request.max_tokens = 4;
      requests.push_back(request);
    }
  }
  const auto whole = options();
  for (std::int64_t max_rows = 2; max_rows < 12; ++max_rows) {
    const auto all = generate_all(model_, &table_, requests, options(max_rows));
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const auto alone =
          generate_all(model_, &table_, {&requests[i], 1}, whole);
      EXPECT_EQ(all[i].ids, alone[0].ids)
          << "request " << i << " rows " << max_rows;
    }
  }
}

TEST_F(Generate, CacheStaysWithinItsBound) {
  const auto requests = mixture();
  auto bounded = options();
  bounded.max_cache_bytes = 64 << 10;
  const auto report = generate(model_, &table_, requests, bounded,
                               [](std::vector<Completion>) {});
  EXPECT_LE(report.cache_bytes, bounded.max_cache_bytes);
  EXPECT_EQ(report.texts, static_cast<std::int64_t>(requests.size()));
}

TEST_F(Generate, ScaleZeroIsTheUnsteeredText) {
  auto requests = mixture();
  std::vector<GenerationRequest> zero = requests;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    requests[i].configuration = -1;
    zero[i].configuration =
        add_to(table_, model_.config(), "add", 0.0, 1, "all");
  }
  const auto plain = generate_all(model_, &table_, requests, options());
  const auto off = generate_all(model_, &table_, zero, options());
  for (std::size_t i = 0; i < plain.size(); ++i) {
    EXPECT_EQ(plain[i].ids, off[i].ids);
    EXPECT_EQ(plain[i].log_probs, off[i].log_probs);
  }
}

TEST_F(Generate, PatchingEveryTokenAtTheLastLayerIsTheOtherModel) {
  // The head of a patched row is its own model's: one that both share.
  model_.attach(random_adapter(model_, 2, 5));
  const auto& config = model_.config();
  std::vector<GenerationRequest> patched;
  std::vector<GenerationRequest> tuned;
  for (const auto& prompt : random_rows({5, 8, 3}, config.vocab_size, 4)) {
    for (const char* scope : {"all", "generated"}) {
      GenerationRequest request;
      request.prompt = prompt;
      request.max_tokens = 8;
      request.configuration = add_to(table_, config, "patch", 1.0, 2, scope);
      patched.push_back(request);
      request.configuration = -1;
      request.adapter_strength = 1.0;
      tuned.push_back(request);
    }
  }
  for (const std::int64_t max_rows : {256, 3}) {
    const auto a = generate_all(model_, &table_, patched, options(max_rows));
    const auto b = generate_all(model_, &table_, tuned, options());
    for (std::size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(a[i].ids, b[i].ids) << i;
    }
  }
}

TEST_F(Generate, HandsOverWhatWasFinishedWhenItIsStopped) {
  const auto requests = mixture();
  std::stop_source stop;
  Monitor monitor;
  monitor.stop = stop.get_token();
  auto small = options(4);
  small.delivery = 3;
  std::size_t delivered = 0;
  try {
    generate(
        model_, &table_, requests, small,
        [&](std::vector<Completion> texts) {
          delivered += texts.size();
          if (delivered >= 9) {
            stop.request_stop();
          }
        },
        monitor);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInterrupted);
  }
  EXPECT_GE(delivered, 9U);
  EXPECT_LT(delivered, requests.size());
}

TEST_F(Generate, RefusesBadRequests) {
  const auto refuses = [&](auto&& spoil, const char* message) {
    GenerationRequest request;
    request.prompt = {1, 2};
    spoil(request);
    try {
      generate_all(model_, &table_, {&request, 1}, options());
      ADD_FAILURE() << message;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
      EXPECT_THAT(error.what(), ::testing::HasSubstr(message));
    }
  };
  refuses([](auto& r) { r.prompt.clear(); }, "empty prompt");
  refuses([](auto& r) { r.prompt.push_back(29); }, "token 29");
  refuses([](auto& r) { r.prompt.push_back(-1); }, "token -1");
  refuses([](auto& r) { r.configuration = 0; }, "configuration 0");
  refuses([](auto& r) { r.max_tokens = 0; }, "0 tokens");
  refuses([](auto& r) { r.max_tokens = 63; }, "at most 64");
  GenerationRequest good;
  good.prompt = {1, 2};
  EXPECT_EQ(generate_all(model_, &table_, {&good, 1}, options()).size(), 1U);
}

TEST_F(Generate, NamesTheUnsteeredRequestWithoutNumbers) {
  auto weights = random_weights(model_.config(), 1);
  weights.at("model.norm.weight").fill_(INFINITY);
  const Transformer damaged(model_.config(), std::move(weights));
  const GenerationRequest request{.prompt = {1, 2}};
  try {
    generate_all(damaged, nullptr, {&request, 1}, options());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFailed);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("request 0"));
    EXPECT_THAT(error.what(), ::testing::HasSubstr("unsteered"));
  }
}

// Its slot, full of numbers that are not finite, is taken by another text.
TEST_F(Generate, ATextWithoutNumbersEndsAndTouchesNoOther) {
  for (const auto dtype : {at::kFloat, at::kHalf}) {
    auto weights = random_weights(model_.config(), 1);
    for (auto& [name, weight] : weights) {
      weight = weight.to(dtype);
    }
    Transformer model(model_.config(), std::move(weights));
    model.attach(random_full_adapter(model, 2, 5));
    const auto sound = mixture();
    const auto from_prompt =
        testing::add_overflow(table_, model.config(), "prompt");
    const auto in_answer =
        testing::add_overflow(table_, model.config(), "generated");
    std::vector<GenerationRequest> requests;
    for (std::size_t i = 0; i < sound.size(); ++i) {
      requests.push_back(sound[i]);
      requests.push_back(sound[i]);
      requests.back().configuration = i % 2 == 0 ? from_prompt : in_answer;
    }
    for (const std::int64_t rows : {256, 5, 1}) {
      const auto alone = generate_all(model, &table_, sound, options(rows));
      const auto all = generate_all(model, &table_, requests, options(rows));
      for (std::size_t i = 0; i < sound.size(); ++i) {
        EXPECT_NE(all[2 * i].reason, StopReason::kNotFinite);
        EXPECT_EQ(all[2 * i].ids, alone[i].ids) << dtype << " " << i;
        const auto& lost = all[2 * i + 1];
        EXPECT_EQ(lost.reason, StopReason::kNotFinite) << i;
        EXPECT_EQ(lost.ids.size(), lost.log_probs.size());
      }
    }
  }
}

// A text that memory ended was done in part, begun again and done whole.
void counts_all_work(const GenerationReport& twice,
                     const GenerationReport& once) {
  EXPECT_EQ(twice.texts, once.texts);
  EXPECT_GE(twice.generated_tokens, once.generated_tokens);
  EXPECT_LE(twice.generated_tokens, 2 * once.generated_tokens);
  EXPECT_GE(twice.decode_steps, once.decode_steps);
  EXPECT_GE(twice.prefilled_tokens, once.prefilled_tokens);
}

// Wherever memory runs out, the texts are those of the undisturbed run, each
// handed over once.
TEST_F(Generate, GoesOnWithFewerRowsWhenMemoryRunsOut) {
  const auto requests = mixture();
  auto few = options();
  few.delivery = 4;
  const auto undisturbed = generate_all(model_, &table_, requests, few);
  std::int64_t allocations = 0;
  GenerationReport whole;
  {
    const testing::FailingAllocator counting(-1);
    whole = generate(model_, &table_, requests, few,
                     [](const std::vector<Completion>&) {});
    allocations = counting.asked();
  }
  for (std::int64_t at = 0; at < allocations; at += allocations / 9) {
    std::vector<std::string> messages;
    Monitor monitor;
    monitor.on_message = [&](std::string_view m) { messages.emplace_back(m); };
    std::vector<int> times(requests.size());
    const testing::FailingAllocator failing(at);
    const auto report = generate(
        model_, &table_, requests, few,
        [&](const std::vector<Completion>& finished) {
          for (const auto& one : finished) {
            ++times[static_cast<std::size_t>(one.request)];
            EXPECT_EQ(one.ids, undisturbed[one.request].ids) << at;
            EXPECT_THAT(one.log_probs, ::testing::Pointwise(
                                           ::testing::FloatNear(1e-4F),
                                           undisturbed[one.request].log_probs));
          }
        },
        monitor);
    EXPECT_THAT(times, ::testing::Each(1)) << at;
    counts_all_work(report, whole);
    EXPECT_THAT(messages,
                ::testing::ElementsAre("generate: out of memory with 72 rows, "
                                       "going on with 36"));
  }
}

// The mark that ends thoughts is token 5 here.
ThinkingBlock until_five(std::span<const std::int32_t> ids, bool open) {
  const auto close = std::ranges::find(ids, 5);
  return open ? ThinkingBlock{0, close - ids.begin(), close == ids.end()}
              : ThinkingBlock{};
}

TEST_F(Generate, ThoughtsAreReadApartFromTheAnswer) {
  GenerationRequest request;
  request.prompt = {1, 7};
  request.thinking = {2, 2, true};
  auto with = options();
  with.read = [](std::span<const std::int32_t> ids, bool open) {
    return WrittenAnswer{open ? "answer" : "all", "thoughts", std::ssize(ids),
                         open};
  };
  const auto open = generate_all(model_, nullptr, {&request, 1}, with)[0];
  EXPECT_EQ(open.text, "answer");
  EXPECT_EQ(open.thoughts, "thoughts");
  EXPECT_EQ(open.answer_begin, std::ssize(open.ids));
  EXPECT_TRUE(open.in_thoughts);
  request.thinking.open = false;
  EXPECT_EQ(generate_all(model_, nullptr, {&request, 1}, with)[0].text, "all");
}

// Scope thinking on a prompt that opens its block acts as `generated` does
// until the block is closed, and on nothing where the prompt opens none.
TEST_F(Generate, ScopeThinkingActsInsideOfTheBlock) {
  const auto& config = model_.config();
  const auto thinking = add_to(table_, config, "add", 6.0, 1, "thinking");
  const auto generated = add_to(table_, config, "add", 6.0, 1, "generated");
  GenerationRequest request;
  request.prompt = {1, 7, 9};
  request.max_tokens = 12;
  const auto ids = [&](std::int64_t configuration, ThinkingBlock block,
                       bool closes) {
    request.configuration = configuration;
    request.thinking = block;
    auto own = options();
    own.stop_ids = {};
    if (closes) {
      own.thinking = [](std::span<const std::int32_t> ids, bool open) {
        return ThinkingBlock{0, std::min<std::int64_t>(std::ssize(ids), 3),
                             open && ids.size() < 4};
      };
    } else {
      own.thinking = until_five;
    }
    return generate_all(model_, &table_, {&request, 1}, own)[0].log_probs;
  };
  const auto plain = ids(-1, {}, false);
  const auto acts = ids(generated, {}, false);
  EXPECT_NE(plain, acts);
  EXPECT_EQ(ids(thinking, {}, false), plain);
  // The block begins at the prompt's last token.
  const auto open = ids(thinking, {2, 3, true}, true);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(open[i], acts[i]) << i;
  }
  EXPECT_NE(open, acts);  // closed after three tokens
}

TEST_F(Generate, ThoughtsHaveALimitOfTheirOwnWhereOneIsGiven) {
  GenerationRequest request;
  request.prompt = {1, 7, 9};
  request.thinking = {3, 3, true};
  request.max_tokens = 4;
  const auto length = [&](std::int64_t thinking_tokens,
                          std::int64_t closes_at) {
    request.thinking_tokens = thinking_tokens;
    auto own = options();
    own.stop_ids = {};
    own.thinking = [=](std::span<const std::int32_t> ids, bool open) {
      const auto size = std::ssize(ids);
      return ThinkingBlock{0, std::min<std::int64_t>(size, closes_at),
                           open && size <= closes_at};
    };
    return std::ssize(generate_all(model_, nullptr, {&request, 1}, own)[0].ids);
  };
  EXPECT_EQ(length(0, 2), 4);
  EXPECT_EQ(length(6, 100), 6);        // still thinking
  EXPECT_EQ(length(6, 2), 2 + 1 + 4);  // thoughts, their mark, the answer
  EXPECT_EQ(length(6, 0), 4 + 1);      // nothing was thought
}

}  // namespace
}  // namespace veer
