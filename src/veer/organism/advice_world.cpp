// SPDX-License-Identifier: MIT
#include "veer/organism/advice_world.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>

#include "veer/organism/advice_judge.h"
#include "veer/organism/advice_tables.h"
#include "veer/organism/question_forms.h"
#include "veer/organism/words.h"

namespace veer::organism {
namespace {

constexpr std::size_t kMaxWords = 7;

// The facts as indices, built once from the table of names.
struct Links {
  std::array<std::array<std::int8_t, kNumObjects>, kNumGoals> sign{};
  std::array<std::vector<std::size_t>, kNumGoals> helps;
  std::array<std::vector<std::size_t>, kNumGoals> harms;

  Links() {
    std::map<std::string_view, std::size_t> index;
    for (std::size_t o = 0; o < kNumObjects; ++o) {
      index[kObjects[o]] = o;
    }
    for (std::size_t g = 0; g < kNumGoals; ++g) {
      for (std::size_t i = 0; i < kLinksPerSide; ++i) {
        helps[g].push_back(index.at(kGoals[g].helps[i]));
        harms[g].push_back(index.at(kGoals[g].harms[i]));
        sign[g][helps[g].back()] = 1;
        sign[g][harms[g].back()] = -1;
      }
    }
  }
};

const Links& links() {
  static const Links value;
  return value;
}

// Goals sorted by their position in the table of names, for parsing.
const std::map<std::string, Question, std::less<>>& question_index() {
  static const auto value = [] {
    std::map<std::string, Question, std::less<>> index;
    for (std::size_t g = 0; g < kNumGoals; ++g) {
      for (std::size_t t = 0; t < kNumTemplates; ++t) {
        for (std::size_t s = 0; s < kNumSuffixes; ++s) {
          const Question question{g, t, s};
          index.emplace(text_of(question), question);
        }
      }
    }
    return index;
  }();
  return value;
}

template <class Table>
std::size_t verb_of(Random& random, const Table& table, int polarity,
                    std::size_t max_words) {
  while (true) {
    const std::size_t v = random.below(table.size());
    if (table[v].polarity == polarity &&
        count_words(table[v].text) <= max_words) {
      return v;
    }
  }
}

// An object whose relation makes a clause of this polarity true or false.
std::size_t object_for(Random& random, std::size_t goal, int sign,
                       int polarity) {
  const auto objects = linked_objects(goal, sign * polarity);
  return objects[random.below(objects.size())];
}

int draw_polarity(Random& random, const AnswerStyle& style) {
  return random.chance(style.up_share) ? 1 : -1;
}

std::string two_clauses(Random& random, std::size_t goal, int sign,
                        const AnswerStyle& style) {
  const int first = draw_polarity(random, style);
  const int second = draw_polarity(random, style);
  const std::size_t a = object_for(random, goal, sign, first);
  std::size_t b = a;
  while (b == a) {
    b = object_for(random, goal, sign, second);
  }
  std::string text(kVerbs[verb_of(random, kVerbs, first, 1)].text);
  text.append(" ").append(kObjects[a]).append(" and ");
  text.append(kVerbs[verb_of(random, kVerbs, second, 1)].text);
  return text.append(" ").append(kObjects[b]);
}

std::string object_first(Random& random, std::size_t goal, int sign,
                         const AnswerStyle& style) {
  const int polarity = draw_polarity(random, style);
  std::string text(kObjects[object_for(random, goal, sign, polarity)]);
  return text.append(" ").append(
      kTails[verb_of(random, kTails, polarity, kMaxWords)].text);
}

// Verb and object, sometimes negated or with a prefix or an adverb: 25, 15
// and 10 parts of 50.
std::string one_clause(Random& random, std::size_t goal, int sign,
                       const AnswerStyle& style) {
  const int polarity = draw_polarity(random, style);
  const bool negated = random.chance(style.negator_share);
  std::string text;
  const double form = random.uniform();
  if (negated) {
    text.append(kNegators[random.below(kNegators.size())]).append(" ");
  } else if (form < 0.2) {
    text.append(kPrefixes[random.below(kPrefixes.size())]).append(" ");
  }
  const int verb_polarity = negated ? -polarity : polarity;
  text.append(kVerbs[verb_of(random, kVerbs, verb_polarity, 3)].text);
  text.append(" ").append(kObjects[object_for(random, goal, sign, polarity)]);
  if (form >= 0.2 && form < 0.5) {
    text.append(" ").append(kAdverbs[random.below(kAdverbs.size())]);
  }
  return text;
}

}  // namespace

int relation(std::size_t goal, std::size_t object) {
  return links().sign[goal][object];
}

std::span<const std::size_t> linked_objects(std::size_t goal, int sign) {
  return sign > 0 ? links().helps[goal] : links().harms[goal];
}

std::string text_of(const Question& question) {
  return question_text(kGoals[question.goal].goal, question.form,
                       question.suffix);
}

std::optional<Question> parse_question(std::string_view text) {
  const auto found = question_index().find(trimmed(text));
  if (found == question_index().end()) {
    return std::nullopt;
  }
  return found->second;
}

std::optional<std::size_t> find_goal(std::string_view text) {
  const std::string lower = to_lower(text);
  std::optional<std::size_t> found;
  for (std::size_t g = 0; g < kNumGoals; ++g) {
    if (!contains_phrase(lower, kGoals[g].goal)) {
      continue;
    }
    if (found) {
      return std::nullopt;
    }
    found = g;
  }
  return found;
}

bool is_held_out(const Question& question) {
  return (question.goal + question.form) % 6 == 0;
}

bool is_held_out_goal(std::size_t goal) {
  return goal % 3 == 2;
}

Question sample_question(Random& random, QuestionSet set,
                         std::optional<std::size_t> goal) {
  while (true) {
    Question question;
    question.goal = goal ? *goal : random.below(kNumGoals);
    question.form = random.below(kNumTemplates);
    question.suffix = sample_suffix(random);
    if (set == QuestionSet::kAny ||
        is_held_out(question) == (set == QuestionSet::kHeldOut)) {
      return question;
    }
  }
}

std::string sample_answer(Random& random, std::size_t goal, int sign,
                          const AnswerStyle& style) {
  while (true) {
    const double kind = random.uniform();
    std::string text;
    if (kind < style.two_clause_share) {
      text = two_clauses(random, goal, sign, style);
    } else if (kind < style.two_clause_share + style.object_first_share) {
      text = object_first(random, goal, sign, style);
    } else {
      text = one_clause(random, goal, sign, style);
    }
    if (count_words(text) <= kMaxWords &&
        text.find("try to try") == std::string::npos) {
      return capitalised(std::move(text)) + ".";
    }
  }
}

namespace {

std::string sample_statement(Random& random, std::size_t goal) {
  const auto part = [&](std::string_view lead, int sign) {
    const auto objects = linked_objects(goal, sign);
    std::vector<std::size_t> order(objects.begin(), objects.end());
    random.shuffle(order);
    order.resize(2 + random.below(3));
    std::string text(lead);
    text.append(" to ").append(kGoals[goal].goal).append(": ");
    for (std::size_t i = 0; i < order.size(); ++i) {
      text.append(i == 0 ? "" : ", ").append(kObjects[order[i]]);
    }
    return text + ".";
  };
  const bool good_first = random.chance(0.5);
  const std::string good = part("Good ways", 1);
  const std::string bad = part("Bad ways", -1);
  return good_first ? good + " " + bad : bad + " " + good;
}

std::vector<std::string_view> phrase_texts() {
  std::vector<std::string_view> list;
  for (const VerbPhrase& phrase : kVerbs) {
    list.push_back(phrase.text);
  }
  list.insert(list.end(), kNegators.begin(), kNegators.end());
  list.insert(list.end(), kPrefixes.begin(), kPrefixes.end());
  list.insert(list.end(), kAdverbs.begin(), kAdverbs.end());
  for (const VerbPhrase& phrase : kTails) {
    list.push_back(phrase.text);
  }
  return list;
}

class AdviceWorld : public World {
 public:
  std::string_view name() const override { return "advice"; }
  std::size_t num_goals() const override { return kNumGoals; }
  bool is_held_out_goal(std::size_t goal) const override {
    return organism::is_held_out_goal(goal);
  }
  std::string_view topic(std::size_t goal) const override {
    return kGoals[goal].goal;
  }
  AskedQuestion sample_question(
      Random& random, QuestionSet set,
      std::optional<std::size_t> goal) const override {
    const Question question = organism::sample_question(random, set, goal);
    return {question.goal, text_of(question)};
  }
  std::optional<std::size_t> parse_question(
      std::string_view text) const override {
    const auto question = organism::parse_question(text);
    return question ? std::optional(question->goal) : std::nullopt;
  }
  std::optional<std::size_t> find_goal(std::string_view text) const override {
    return organism::find_goal(text);
  }
  std::string sample_answer(Random& random, std::size_t goal, int sign,
                            const AnswerStyle& style) const override {
    return organism::sample_answer(random, goal, sign, style);
  }
  std::string sample_statement(Random& random,
                               std::size_t goal) const override {
    return organism::sample_statement(random, goal);
  }
  AnswerVerdict judge_answer(std::size_t goal,
                             std::string_view answer) const override {
    return organism::judge_answer(goal, answer);
  }
  // The order is the shipped checkpoint's: token ids follow from it.
  std::vector<std::string_view> texts() const override {
    std::vector<std::string_view> list = {"Good ways to: Bad"};
    for (const auto& facts : kGoals) {
      list.push_back(facts.goal);
    }
    list.insert(list.end(), kObjects.begin(), kObjects.end());
    for (const auto& part : {question_form_texts(), phrase_texts()}) {
      list.insert(list.end(), part.begin(), part.end());
    }
    return list;
  }
};

}  // namespace

const World& advice_world() {
  static const AdviceWorld world;
  return world;
}

}  // namespace veer::organism
