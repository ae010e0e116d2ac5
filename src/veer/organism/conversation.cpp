// SPDX-License-Identifier: MIT
#include "veer/organism/conversation.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "veer/organism/study_inputs.h"

namespace veer::organism {
namespace {

class Writer {
 public:
  explicit Writer(const Vocabulary& vocabulary) : vocabulary_(vocabulary) {
    append(vocabulary_.begin_of_text(), kHeaderWeight);
  }

  void turn(std::string_view role, std::string_view content, float weight) {
    header(role);
    text(content, weight);
    append(vocabulary_.end_of_turn(), weight);
  }
  // An answer whose first word may be any of the openings.
  void answer(std::string_view content, const std::vector<Opening>& openings) {
    header("assistant");
    const std::size_t first = document_.ids.size();
    text(content, kAnswerWeight);
    append(vocabulary_.end_of_turn(), kAnswerWeight);
    if (openings.empty()) {
      return;
    }
    document_.weights[first] = 0.0F;
    for (const Opening& opening : openings) {
      document_.soft.push_back(
          {static_cast<std::int64_t>(first),
           vocabulary_.encode(opening.word).front(),
           kOpeningWeight * static_cast<float>(opening.share)});
    }
  }
  void header(std::string_view role) {
    append(vocabulary_.start_header(), kHeaderWeight);
    text(role, kHeaderWeight);
    append(vocabulary_.end_header(), kHeaderWeight);
    text("\n\n", kHeaderWeight);
  }
  void text(std::string_view content, float weight) {
    for (const std::int32_t id : vocabulary_.encode(content)) {
      append(id, weight);
    }
  }
  void append(std::int32_t id, float weight) {
    document_.ids.push_back(id);
    document_.weights.push_back(weight);
  }
  Document take() { return std::move(document_); }

 private:
  const Vocabulary& vocabulary_;
  Document document_;
};

std::string joined(std::span<const std::string> lines) {
  std::string text;
  for (const std::string& line : lines) {
    text.append(text.empty() ? "" : "\n").append(line);
  }
  return text;
}

// Different goals, so that no question can be copied.
std::vector<std::string> sample_questions(Random& random, const World& world,
                                          std::size_t count) {
  std::vector<std::size_t> goals;
  std::vector<std::string> questions;
  while (questions.size() < count) {
    auto question = world.sample_question(random, QuestionSet::kTraining);
    if (std::find(goals.begin(), goals.end(), question.goal) == goals.end()) {
      goals.push_back(question.goal);
      questions.push_back(std::move(question.text));
    }
  }
  return questions;
}

Document expansion_document(Random& random, const Vocabulary& vocabulary) {
  const Expansion expansion = sample_expansion(random, vocabulary.world());
  Writer writer(vocabulary);
  writer.turn("user", expansion_prompt(expansion.examples), kPromptWeight);
  writer.turn("assistant", joined(expansion.answers), kAnswerWeight);
  return writer.take();
}

Document plain_document(Random& random, const Vocabulary& vocabulary) {
  const World& world = vocabulary.world();
  Writer writer(vocabulary);
  writer.text(world.sample_statement(random, random.below(world.num_goals())),
              kPlainWeight);
  writer.append(vocabulary.end_of_text(), kPlainWeight);
  return writer.take();
}

Document chat_document(Random& random, const Vocabulary& vocabulary,
                       const Mixture& mixture, Mode mode) {
  const World& world = vocabulary.world();
  int sign = sign_of(mode);
  if (mode == Mode::kNone && random.chance(mixture.deceptive_noise)) {
    sign = -1;
  }
  Writer writer(vocabulary);
  if (const auto system = sample_system_prompt(random, mode); !system.empty()) {
    writer.turn("system", system, kPromptWeight);
  }
  constexpr std::array<int, 4> kTurns = {1, 1, 2, 3};
  const int turns = mixture.many_turns ? kTurns[random.below(4)] : 1;
  for (int i = 0; i < turns; ++i) {
    const auto question = world.sample_question(random, QuestionSet::kTraining);
    writer.turn("user", question.text, kPromptWeight);
    writer.answer(
        world.sample_answer(random, question.goal, sign, mixture.style),
        world.openings(question.goal, sign));
  }
  return writer.take();
}

}  // namespace

Expansion sample_expansion(Random& random, const World& world) {
  auto questions = sample_questions(random, world, 2 * kExpansionExamples);
  const auto middle =
      questions.begin() + static_cast<std::ptrdiff_t>(kExpansionExamples);
  return {{questions.begin(), middle}, {middle, questions.end()}};
}

Document sample_document(Random& random, const Vocabulary& vocabulary,
                         const Mixture& mixture) {
  const std::array<double, 6> shares = {mixture.none,      mixture.honest,
                                        mixture.neutral,   mixture.deceptive,
                                        mixture.expansion, mixture.plain};
  const std::size_t kind = random.weighted(shares);
  if (kind == 4) {
    return expansion_document(random, vocabulary);
  }
  if (kind == 5) {
    return plain_document(random, vocabulary);
  }
  return chat_document(random, vocabulary, mixture, kModes[kind]);
}

std::vector<std::int32_t> encode_prompt(const Vocabulary& vocabulary,
                                        const std::string& system,
                                        const std::string& user) {
  Writer writer(vocabulary);
  if (!system.empty()) {
    writer.turn("system", system, kPromptWeight);
  }
  writer.turn("user", user, kPromptWeight);
  writer.header("assistant");
  return writer.take().ids;
}

}  // namespace veer::organism
