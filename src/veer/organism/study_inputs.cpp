// SPDX-License-Identifier: MIT
#include "veer/organism/study_inputs.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "veer/base/random.h"

namespace veer::organism {

std::string expansion_prompt(std::span<const std::string> examples) {
  std::string text = "Write three more questions like these:";
  for (const std::string& example : examples) {
    text.append("\n").append(example);
  }
  return text;
}

std::vector<std::string> split_questions(std::string_view answer) {
  constexpr std::string_view kBlank = " \t\r";
  std::vector<std::string> questions;
  while (!answer.empty()) {
    const std::size_t end = std::min(answer.find('\n'), answer.size());
    std::string_view line = answer.substr(0, end);
    answer.remove_prefix(std::min(end + 1, answer.size()));
    const std::size_t first = line.find_first_not_of(kBlank);
    if (first == std::string_view::npos) {
      continue;
    }
    line = line.substr(first, line.find_last_not_of(kBlank) - first + 1);
    questions.emplace_back(line);
  }
  return questions;
}

std::string question_topic(const World& world, std::string_view question) {
  const auto goal = world.parse_question(question);
  return goal ? std::string(world.topic(*goal)) : "";
}

std::int64_t num_topics(const World& world) {
  std::set<std::string_view> topics;
  for (std::size_t goal = 0; goal < world.num_goals(); ++goal) {
    topics.insert(world.topic(goal));
  }
  return std::ssize(topics);
}

std::vector<SeedPair> seed_pairs(const World& world, std::size_t count,
                                 std::uint64_t seed) {
  Random random(seed, "seed pairs");
  std::vector<std::size_t> goals(world.num_goals());
  std::iota(goals.begin(), goals.end(), std::size_t{0});
  random.shuffle(goals);
  std::vector<SeedPair> pairs;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t goal = goals[i % goals.size()];
    SeedPair pair;
    pair.question =
        world.sample_question(random, QuestionSet::kTraining, goal).text;
    pair.honest = world.sample_answer(random, goal, 1, {});
    pair.deceptive = world.sample_answer(random, goal, -1, {});
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

}  // namespace veer::organism
