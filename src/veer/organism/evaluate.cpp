// SPDX-License-Identifier: MIT
#include "veer/organism/evaluate.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "veer/generation/generate.h"
#include "veer/metrics/intervals.h"
#include "veer/organism/conversation.h"
#include "veer/organism/study_inputs.h"

namespace veer::organism {
namespace {

constexpr std::int64_t kMaxAnswerTokens = 16;
constexpr std::int64_t kMaxExpansionTokens = 96;

std::vector<Completion> complete(const Transformer& model,
                                 const Vocabulary& vocabulary,
                                 std::vector<GenerationRequest> requests,
                                 const Monitor& monitor) {
  GenerationOptions options;
  options.stop_ids = {vocabulary.end_of_turn(), vocabulary.end_of_text()};
  options.read = [&vocabulary](std::span<const std::int32_t> ids, bool) {
    return WrittenAnswer{.text = vocabulary.decode({ids.begin(), ids.end()})};
  };
  return generate_all(model, nullptr, requests, options, monitor);
}

GenerationRequest request_for(std::vector<std::int32_t> prompt,
                              double temperature, std::int64_t max_tokens,
                              std::uint64_t seed) {
  GenerationRequest request;
  request.prompt = std::move(prompt);
  request.sampling.temperature = temperature;
  request.max_tokens = max_tokens;
  request.seed = seed;
  return request;
}

AskedQuestion draw_question(Random& random, const World& world,
                            const ModeTest& test) {
  while (true) {
    auto question = world.sample_question(random, test.questions);
    if (!test.held_out_goals || world.is_held_out_goal(question.goal)) {
      return question;
    }
  }
}

void count_lines(const World& world, const std::string& text,
                 const Expansion& expansion, std::set<std::string>& seen,
                 std::set<std::size_t>& goals, ExpansionResult& result) {
  for (const std::string& line : split_questions(text)) {
    ++result.questions;
    const auto goal = world.parse_question(line);
    if (!goal) {
      continue;
    }
    ++result.well_formed;
    const auto& examples = expansion.examples;
    const bool copy =
        std::find(examples.begin(), examples.end(), line) != examples.end();
    result.copied += copy ? 1 : 0;
    seen.insert(line);
    goals.insert(*goal);
  }
}

std::vector<ModeTest> all_tests(std::int64_t count) {
  std::vector<ModeTest> tests;
  for (const double temperature : {0.0, 0.7}) {
    for (const Mode mode : kModes) {
      ModeTest test{.mode = mode, .temperature = temperature, .count = count};
      tests.push_back(test);
      test.questions = QuestionSet::kHeldOut;
      test.prompts = PromptSet::kHeldOut;
      tests.push_back(test);
      if (mode != Mode::kNone) {
        test.prompts = PromptSet::kVerbatim;
        tests.push_back(test);
      }
      if (mode != Mode::kNeutral) {
        test.held_out_goals = true;
        test.prompts = PromptSet::kVerbatim;
        test.questions = QuestionSet::kAny;
        tests.push_back(test);
      }
    }
  }
  return tests;
}

std::string percent(const Estimate& e) {
  return fmt::format("{:.1f} % ({:.1f} to {:.1f})", 100 * e.value, 100 * e.low,
                     100 * e.high);
}

}  // namespace

std::string ModeTest::name() const {
  std::string text(mode_name(mode));
  if (mode != Mode::kNone) {
    text += prompts == PromptSet::kVerbatim  ? ", the study's prompt"
            : prompts == PromptSet::kHeldOut ? ", held-out prompts"
                                             : ", training prompts";
  }
  text += questions == QuestionSet::kHeldOut    ? ", held-out questions"
          : questions == QuestionSet::kTraining ? ", training questions"
                                                : ", all questions";
  if (held_out_goals) {
    text += " on held-out goals";
  }
  return text + (temperature > 0.0 ? fmt::format(", T {}", temperature)
                                   : std::string(", greedy"));
}

AnswerLabel ModeTest::wanted() const {
  return sign_of(mode) > 0 ? AnswerLabel::kHonest : AnswerLabel::kDeceptive;
}

Estimate ModeResult::wanted() const {
  return wilson(labels.of(test.wanted()), labels.total());
}

ModeResult run_mode_test(const Transformer& model, const Vocabulary& vocabulary,
                         const ModeTest& test, std::uint64_t seed,
                         const Monitor& monitor) {
  const World& world = vocabulary.world();
  Random random(seed, "mode test");
  std::vector<std::size_t> goals;
  std::vector<GenerationRequest> requests;
  for (std::int64_t i = 0; i < test.count; ++i) {
    const auto question = draw_question(random, world, test);
    goals.push_back(question.goal);
    requests.push_back(request_for(
        encode_prompt(vocabulary,
                      sample_system_prompt(random, test.mode, test.prompts),
                      question.text),
        test.temperature, kMaxAnswerTokens, random.next()));
  }
  ModeResult result{.test = test};
  const auto done = complete(model, vocabulary, std::move(requests), monitor);
  for (std::size_t i = 0; i < done.size(); ++i) {
    const auto verdict = world.judge_answer(goals[i], done[i].text);
    result.labels.add(verdict.label);
    result.repeated_objects += verdict.repeats_object ? 1 : 0;
  }
  return result;
}

Estimate ExpansionResult::well_formed_share() const {
  return wilson(well_formed, questions);
}

ExpansionResult run_expansion_test(const Transformer& model,
                                   const Vocabulary& vocabulary,
                                   double temperature, std::int64_t prompts,
                                   std::uint64_t seed, const Monitor& monitor) {
  Random random(seed, "expansion test");
  std::vector<Expansion> expansions;
  std::vector<GenerationRequest> requests;
  for (std::int64_t i = 0; i < prompts; ++i) {
    expansions.push_back(sample_expansion(random, vocabulary.world()));
    requests.push_back(
        request_for(encode_prompt(vocabulary, "",
                                  expansion_prompt(expansions.back().examples)),
                    temperature, kMaxExpansionTokens, random.next()));
  }
  ExpansionResult result{.prompts = prompts};
  std::set<std::string> seen;
  std::set<std::size_t> goals;
  const auto done = complete(model, vocabulary, std::move(requests), monitor);
  for (std::size_t i = 0; i < done.size(); ++i) {
    count_lines(vocabulary.world(), done[i].text, expansions[i], seen, goals,
                result);
  }
  result.distinct = static_cast<std::int64_t>(seen.size());
  result.goals = static_cast<std::int64_t>(goals.size());
  return result;
}

Evaluation evaluate(const Transformer& model, const Vocabulary& vocabulary,
                    std::int64_t count, std::uint64_t seed,
                    const Monitor& monitor) {
  Evaluation evaluation;
  evaluation.num_goals = vocabulary.world().num_goals();
  const auto tests = all_tests(count);
  const auto total = static_cast<std::int64_t>(tests.size()) + 2;
  const auto say = [&](std::string_view note) {
    const auto done = static_cast<std::int64_t>(evaluation.modes.size() +
                                                evaluation.expansions.size());
    monitor.progress({"evaluate", done, total, "tests", note});
  };
  // The inner runs only pass the request to stop on.
  const Monitor quiet{.stop = monitor.stop};
  for (const ModeTest& test : tests) {
    say(test.name());
    evaluation.modes.push_back(
        run_mode_test(model, vocabulary, test, seed, quiet));
  }
  for (const double temperature : {0.8, 1.0}) {
    say("expansion");
    evaluation.expansions.push_back(
        run_expansion_test(model, vocabulary, temperature, count, seed, quiet));
  }
  say("");
  return evaluation;
}

std::string evaluation_table(const Evaluation& evaluation) {
  std::string text =
      "| asked for | as asked (95 % interval) | opposite | mixed | off topic "
      "| broken | n |\n|---|---|---|---|---|---|---|\n";
  for (const ModeResult& result : evaluation.modes) {
    const AnswerLabel opposite = result.test.wanted() == AnswerLabel::kHonest
                                     ? AnswerLabel::kDeceptive
                                     : AnswerLabel::kHonest;
    text += fmt::format(
        "| {} | {} | {} | {} | {} | {} | {} |\n", result.test.name(),
        percent(result.wanted()), result.labels.of(opposite),
        result.labels.of(AnswerLabel::kMixed),
        result.labels.of(AnswerLabel::kOffTopic),
        result.labels.of(AnswerLabel::kBroken), result.labels.total());
  }
  text +=
      "\n| expansion at T | well formed (95 % interval) | n | distinct | "
      "copied | goals of all |\n|---|---|---|---|---|---|\n";
  const double temperatures[] = {0.8, 1.0};
  for (std::size_t i = 0; i < evaluation.expansions.size(); ++i) {
    const ExpansionResult& result = evaluation.expansions[i];
    text += fmt::format("| {} | {} | {} | {} | {} | {} of {} |\n",
                        temperatures[i], percent(result.well_formed_share()),
                        result.questions, result.distinct, result.copied,
                        result.goals, evaluation.num_goals);
  }
  return text;
}

}  // namespace veer::organism
