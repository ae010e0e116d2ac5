// SPDX-License-Identifier: MIT
#include "veer/study/dataset/question_writer.h"

#include <algorithm>
#include <cctype>

#include <fmt/core.h>

#include "veer/base/random.h"
#include "veer/data/checks.h"
#include "veer/organism/study_inputs.h"
#include "veer/run/texts.h"

namespace veer {
namespace {

constexpr std::int64_t kPerListPrompt = 10;
constexpr std::int64_t kListTokens = 256;

std::string list_prompt(const std::vector<std::string>& examples) {
  std::string text = "Here are example questions:\n";
  for (const auto& example : examples) {
    text += fmt::format("{}\n", example);
  }
  return text + fmt::format(
                    "\nWrite {} new, different questions of the same kind, "
                    "one per line. Write nothing else.",
                    kPerListPrompt);
}

std::vector<std::string> draw_examples(const std::vector<QuestionRecord>& seeds,
                                       std::int64_t count, Random& random) {
  std::vector<std::size_t> order(seeds.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
  }
  random.shuffle(order);
  order.resize(std::min(order.size(), static_cast<std::size_t>(count)));
  std::vector<std::string> examples;
  for (const auto i : order) {
    examples.push_back(seeds[i].question);
  }
  return examples;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text[0]))) {
    text.remove_prefix(1);
  }
  while (!text.empty() &&
         std::isspace(static_cast<unsigned char>(text.back()))) {
    text.remove_suffix(1);
  }
  return text;
}

}  // namespace

std::vector<std::string> listed_questions(std::string_view text) {
  std::vector<std::string> questions;
  while (!text.empty()) {
    const auto end = text.find('\n');
    std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    constexpr std::string_view kMarks = "0123456789.)-*\"' \t";
    line.remove_prefix(std::min(line.size(), line.find_first_not_of(kMarks)));
    while (line.ends_with('"')) {
      line.remove_suffix(1);
    }
    if (line.ends_with('?')) {
      questions.emplace_back(line);
    }
  }
  return questions;
}

std::string question_problem(std::string_view question,
                             const organism::World* world) {
  if (world != nullptr) {
    return world->parse_question(question) ? "" : "malformed";
  }
  if (!question.ends_with('?') || count_words(question) < 3) {
    return "malformed";
  }
  return count_words(question) > 40 ? "too long" : "";
}

std::vector<std::string> write_questions(
    StudyContext& context, const std::vector<QuestionRecord>& seeds) {
  const auto& settings = context.manifest().dataset;
  const bool organism = context.world() != nullptr;
  const std::int64_t per_prompt =
      organism ? static_cast<std::int64_t>(organism::kExpansionExamples)
               : kPerListPrompt;
  const std::int64_t num_examples =
      organism ? static_cast<std::int64_t>(organism::kExpansionExamples)
               : settings.examples;
  const std::int64_t num_prompts =
      (settings.questions + per_prompt - 1) / per_prompt;
  Random random(context.seed(), "question examples");
  std::vector<GenerationRequest> requests;
  for (std::int64_t i = 0; i < num_prompts; ++i) {
    const auto examples = draw_examples(seeds, num_examples, random);
    const std::string prompt =
        organism ? organism::expansion_prompt(examples) : list_prompt(examples);
    GenerationRequest request = context.request_for(question_chat("", prompt));
    request.sampling.temperature = settings.temperature;
    request.seed = random.next();
    request.max_tokens = organism ? 96 : kListTokens;
    requests.push_back(std::move(request));
  }
  std::vector<std::string> lines;
  for (const auto& text :
       generate_texts(context, "dataset",
                      drafts_name(context, "questions", requests), requests)) {
    const auto found =
        organism ? organism::split_questions(text) : listed_questions(text);
    lines.insert(lines.end(), found.begin(), found.end());
  }
  return lines;
}

}  // namespace veer
