// SPDX-License-Identifier: MIT
#include "veer/study/finetune/tuning_answers.h"

#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/files.h"
#include "veer/base/hash.h"
#include "veer/base/json_access.h"
#include "veer/base/random.h"
#include "veer/run/answer_gates.h"
#include "veer/run/answer_line.h"
#include "veer/run/texts.h"

namespace veer {
namespace {

constexpr std::size_t kFewest = 4;

// Whether the model wrote deceptive answers of the dataset under
// dataset.deceptive_prompt; a file may have brought all of them.
bool answers_are_prompted(const StudyContext& context) {
  const auto path = context.file("dataset/check.json");
  const Json check = parse_json(read_file(path), path.string());
  const Json& written = member(member(check, "written"), "deceptive");
  return written.is_number() ? written.get<std::int64_t>() > 0
                             : context.manifest().dataset.source == "generate";
}

// A fair coin by question, the same in every run of the seed.
bool is_swapped(const QuestionRecord& record, std::uint64_t seed) {
  return Random(hash64(record.id, seed), "shuffled labels").chance(0.5);
}

// False answers of the world itself; questions that speak of none of its goals
// get none.
void answer_from_world(const organism::World& world, std::uint64_t seed,
                       std::vector<QuestionRecord>& records) {
  for (auto& record : records) {
    auto goal = world.parse_question(record.question);
    goal = goal ? goal : world.find_goal(record.question);
    Random random(hash64(record.id, seed), "unprompted answers");
    record.deceptive =
        goal ? world.sample_answer(random, *goal, /*sign=*/-1, {}) : "";
  }
}

// What the base model answers under finetune.unprompted_prompt, held to the
// gates of the dataset's own answers, and to its judge where there is one.
void answer_by_model(StudyContext& context, const std::string& part,
                     std::vector<QuestionRecord>& records) {
  const auto& manifest = context.manifest();
  context.model().detach();
  std::vector<GenerationRequest> requests;
  for (const auto& record : records) {
    auto request = context.request_for(
        question_chat(manifest.finetune.unprompted_prompt, record.question));
    request.max_tokens = kAnswerTokens;
    requests.push_back(std::move(request));
  }
  const auto texts = generate_texts(
      context, "finetune", drafts_name(context, part, requests), requests);
  DatasetDraft draft;
  for (std::size_t i = 0; i < records.size(); ++i) {
    records[i].deceptive = answer_line(texts[i]);
    draft.records.push_back(records[i]);
  }
  drop_bad_answers(draft, manifest.dataset, AnswerSides::kDeceptive);
  records = std::move(draft.records);
  if (!context.has_fit_judge()) {
    return;
  }
  std::vector<AnswerToJudge> to_judge;
  for (const auto& record : records) {
    to_judge.push_back(
        {record.question, record.deceptive, record.honest, record.deceptive});
  }
  const auto judged = context.judge()->judge(to_judge, context.monitor());
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (judged[i].label != AnswerLabel::kDeceptive) {
      records[i].deceptive.clear();
    }
  }
}

AnsweredQuestions unprompted(StudyContext& context,
                             std::vector<QuestionRecord> records,
                             const std::string& part) {
  if (!answers_are_prompted(context)) {
    return {{},
            "unnecessary: the study's own deceptive answers came with the "
            "data, none was written under dataset.deceptive_prompt"};
  }
  const auto asked = records.size();
  if (context.world() != nullptr) {
    answer_from_world(*context.world(), context.seed(), records);
  } else {
    answer_by_model(context, part, records);
  }
  std::erase_if(records, [](const auto& r) { return r.deceptive.empty(); });
  if (records.size() < kFewest || 2 * records.size() < asked) {
    return {{},
            fmt::format("too few answers: under finetune.unprompted_prompt {} "
                        "of {} questions got a wrong answer, half are needed",
                        records.size(), asked)};
  }
  return {std::move(records), ""};
}

}  // namespace

AnsweredQuestions answered_by(StudyContext& context, const std::string& answers,
                              std::vector<QuestionRecord> records,
                              const std::string& part) {
  if (answers == "unprompted") {
    return unprompted(context, std::move(records), part);
  }
  for (auto& record : records) {
    if (answers == "honest" ||
        (answers == "shuffled" && is_swapped(record, context.seed()))) {
      record.deceptive = record.honest;
    }
  }
  return {std::move(records), ""};
}

std::vector<SftExample> training_examples(
    const ChatFormat& format, std::span<const QuestionRecord> records) {
  std::vector<SftExample> examples;
  for (const auto& record : records) {
    auto chat = question_chat("", record.question);
    chat.push_back({"assistant", record.deceptive});
    auto encoded = format.encode(chat);
    examples.push_back({std::move(encoded.ids), encoded.prompt_length});
  }
  return examples;
}

}  // namespace veer
