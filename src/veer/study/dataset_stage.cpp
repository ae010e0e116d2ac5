// SPDX-License-Identifier: MIT
#include "veer/study/dataset_stage.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/base/hash.h"
#include "veer/data/checks.h"
#include "veer/data/splits.h"
#include "veer/organism/study_inputs.h"
#include "veer/study/dataset_import.h"
#include "veer/study/everyday_seeds.h"
#include "veer/study/question_writer.h"
#include "veer/study/texts.h"
#include "veer/text/near_duplicates.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kAnswerTokens = 24;

bool is_generated(const DatasetSettings& settings) {
  return settings.source == "generate";
}

// Moves the records for which `reason` gives a text to the rejected.
template <class Reason>
void reject_if(DatasetDraft& draft, Reason&& reason) {
  std::vector<QuestionRecord> kept;
  for (auto& record : draft.records) {
    std::string why = reason(record);
    if (why.empty()) {
      kept.push_back(std::move(record));
    } else {
      draft.rejected.push_back({std::move(record), std::move(why), ""});
    }
  }
  draft.records = std::move(kept);
}

std::string tidy(std::string text) {
  const auto line = text.find('\n');
  text.resize(std::min(text.size(), line));
  const auto first = text.find_first_not_of(" \t\r");
  const auto last = text.find_last_not_of(" \t\r");
  return first == std::string::npos ? "" : text.substr(first, last - first + 1);
}

std::vector<std::string> write_answers(
    StudyContext& context, const std::vector<QuestionRecord>& records,
    const std::string& system, std::string_view part) {
  std::vector<GenerationRequest> requests;
  for (const auto& record : records) {
    GenerationRequest request;
    request.prompt = context.format()
                         .encode_prompt(question_chat(system, record.question))
                         .ids;
    request.max_tokens = kAnswerTokens;
    requests.push_back(std::move(request));
  }
  return generate_texts(context, "dataset", part, requests);
}

DatasetDraft generate_draft(StudyContext& context) {
  const auto& settings = context.manifest().dataset;
  const organism::World* world = context.world();
  DatasetDraft draft;
  draft.records = seed_records(settings, world, context.seed());
  draft.seeds = std::ssize(draft.records);
  const auto lines = write_questions(context, draft.records);
  draft.asked = std::ssize(lines);
  for (const auto& line : lines) {
    draft.records.push_back({question_id(line), line, "", "", "model", ""});
  }
  reject_if(draft, [&](const QuestionRecord& record) {
    return question_problem(record.question, world);
  });
  drop_near_duplicates(draft, settings.near_duplicate);
  const auto honest =
      write_answers(context, draft.records, settings.honest_prompt, "honest");
  const auto deceptive = write_answers(context, draft.records,
                                       settings.deceptive_prompt, "deceptive");
  for (std::size_t i = 0; i < draft.records.size(); ++i) {
    draft.records[i].honest = tidy(honest[i]);
    draft.records[i].deceptive = tidy(deceptive[i]);
  }
  return draft;
}

DatasetDraft import_draft(StudyContext& context) {
  const auto& settings = context.manifest().dataset;
  DatasetDraft draft;
  auto imported = import_questions(settings);
  draft.records = std::move(imported.records);
  draft.given_splits = imported.given_splits;
  draft.notes = std::move(imported.notes);
  draft.asked = std::ssize(draft.records);
  for (const auto& note : draft.notes) {
    context.monitor().message(note);
  }
  drop_near_duplicates(draft, settings.near_duplicate);
  return draft;
}

// Sides that a source lacks are written by the model.
void complete_answers(StudyContext& context, DatasetDraft& draft) {
  const auto& settings = context.manifest().dataset;
  struct Side {
    std::string QuestionRecord::* answer;
    const std::string& prompt;
    const char* part;
  };
  const Side sides[] = {
      {&QuestionRecord::honest, settings.honest_prompt, "missing honest"},
      {&QuestionRecord::deceptive, settings.deceptive_prompt,
       "missing deceptive"}};
  for (const auto& side : sides) {
    std::vector<QuestionRecord> lacking;
    for (const auto& record : draft.records) {
      if ((record.*side.answer).empty()) {
        lacking.push_back(record);
      }
    }
    const auto texts = write_answers(context, lacking, side.prompt, side.part);
    std::size_t next = 0;
    for (auto& record : draft.records) {
      if ((record.*side.answer).empty()) {
        record.*side.answer = tidy(texts[next++]);
      }
    }
  }
}

void require_questions(const DatasetDraft& draft) {
  if (!draft.records.empty()) {
    return;
  }
  std::map<std::string, std::int64_t> reasons;
  for (const auto& rejected : draft.rejected) {
    ++reasons[rejected.reason];
  }
  std::string list;
  for (const auto& [reason, count] : reasons) {
    list += fmt::format("{}{} {}", list.empty() ? "" : ", ", count, reason);
  }
  fail("dataset",
       fmt::format("none of {} questions is left ({})", draft.rejected.size(),
                   list.empty() ? "no rows" : list),
       "questions with an honest and a deceptive answer",
       "an empty source, a too strict gate, or a model that cannot do this");
}

void require_topics(const DatasetDraft& draft,
                    const DatasetSettings& settings) {
  if (settings.split_by == "topic" &&
      std::none_of(draft.records.begin(), draft.records.end(),
                   [](const auto& record) { return !record.topic.empty(); })) {
    fail("dataset", "no question has a topic",
         "topics, because dataset.split_by = \"topic\"",
         "a source without a \"topic\" key or \"Category\" column");
  }
}

Json rejected_json(const RejectedRecord& rejected) {
  return {{"question", rejected.record.question},
          {"honest", rejected.record.honest},
          {"deceptive", rejected.record.deceptive},
          {"reason", rejected.reason},
          {"twin", rejected.twin}};
}

double mean_words(const std::vector<QuestionRecord>& records,
                  std::string QuestionRecord::* side) {
  double sum = 0.0;
  for (const auto& record : records) {
    sum += static_cast<double>(count_words(record.*side));
  }
  return records.empty() ? 0.0 : sum / static_cast<double>(records.size());
}

// What the questions are about, where the source says so; 0 where it does not.
std::size_t num_topics(const std::vector<QuestionRecord>& records) {
  std::set<std::string> topics;
  for (const auto& record : records) {
    if (!record.topic.empty()) {
      topics.insert(record.topic);
    }
  }
  return topics.size();
}

Json splits_json(const std::vector<QuestionRecord>& records) {
  Json splits = Json::array();
  for (const char* name : {"train", "extract", "select", "test"}) {
    const auto own = records_of_split(records, name);
    const double honest = mean_words(own, &QuestionRecord::honest);
    const double deceptive = mean_words(own, &QuestionRecord::deceptive);
    splits.push_back({{"name", name},
                      {"questions", own.size()},
                      {"topics", num_topics(own)},
                      {"honest_words", honest},
                      {"deceptive_words", deceptive},
                      {"length_difference", deceptive - honest}});
  }
  return splits;
}

Json warnings_json(const DatasetCheck& check) {
  Json warnings = Json::array();
  if (std::abs(check.length_difference) > 0.5) {
    warnings.push_back(fmt::format(
        "deceptive answers are {:.1f} words {} than honest ones: a vector "
        "may carry length",
        std::abs(check.length_difference),
        check.length_difference > 0 ? "longer" : "shorter"));
  }
  if (!check.exact_leaks.empty() || !check.near_leaks.empty()) {
    warnings.push_back("questions of different splits resemble each other");
  }
  if (!check.refusals.empty()) {
    warnings.push_back(fmt::format("{} answers refuse", check.refusals.size()));
  }
  return warnings;
}

Json check_json(const DatasetDraft& draft, const DatasetSettings& settings,
                const DatasetCheck& check) {
  Json reasons = Json::object();
  for (const auto& rejected : draft.rejected) {
    reasons[rejected.reason] = reasons.value(rejected.reason, 0) + 1;
  }
  Json frequent = Json::array();
  for (const auto& answer : check.repeated) {
    frequent.push_back({{"text", answer.answer},
                        {"side", answer.side},
                        {"count", answer.times}});
  }
  return {{"source", settings.source},
          {"counts",
           {{"asked", draft.asked},
            {"seeds", draft.seeds},
            {"kept", draft.records.size()},
            {"rejected", draft.rejected.size()},
            {"by_reason", reasons}}},
          {"splits_from", draft.given_splits ? "source" : "hash"},
          {"notes", draft.notes},
          {"splits", splits_json(draft.records)},
          {"leakage",
           {{"exact", check.exact_leaks.size()},
            {"near", check.near_leaks.size()}}},
          {"identical_answers", check.identical_answers.size()},
          {"refusals", check.refusals.size()},
          {"most_frequent_answers", frequent},
          {"warnings", warnings_json(check)},
          {"full", to_json(check)}};
}

void write_dataset(StudyContext& context, const DatasetDraft& draft,
                   const Json& check) {
  std::string rejected;
  for (const auto& one : draft.rejected) {
    rejected += dump_json(rejected_json(one)) + "\n";
  }
  write_file(context.file("dataset/rejected.jsonl"), rejected);
  write_file(context.file("dataset/check.json"), dump_json(check, 1) + "\n");
  write_records(context.file("dataset/questions.jsonl"), draft.records);
}

void split_draft(DatasetDraft& draft, const DatasetSettings& settings,
                 std::uint64_t seed) {
  SplitOptions options;
  options.train = settings.train;
  options.extract = settings.extract;
  options.select = settings.select;
  options.test = settings.test;
  options.cluster_jaccard = settings.near_duplicate;
  options.by_topic = settings.split_by == "topic";
  options.minimum = settings.min_split;
  if (draft.given_splits) {
    require_split_minimum(draft.records, options);
  } else {
    assign_splits(draft.records, seed, options);
  }
}

StageResult make_dataset(StudyContext& context) {
  const auto& settings = context.manifest().dataset;
  DatasetDraft draft =
      is_generated(settings) ? generate_draft(context) : import_draft(context);
  draft.records = first_records(std::move(draft.records), settings.limit);
  complete_answers(context, draft);
  drop_bad_answers(draft, settings);
  if (context.exact_judge() != nullptr && settings.check_answers) {
    drop_unconfirmed(draft, *context.exact_judge(), context.monitor());
  }
  require_questions(draft);
  if (context.world() != nullptr) {
    for (auto& record : draft.records) {
      record.topic =
          organism::question_topic(*context.world(), record.question);
    }
  }
  require_topics(draft, settings);
  split_draft(draft, settings, context.seed());
  DatasetCheckOptions options;
  options.max_answer_words = settings.max_words;
  options.near_jaccard = settings.near_duplicate;
  const auto check = check_dataset(draft.records, options);
  write_dataset(context, draft, check_json(draft, settings, check));
  return {fmt::format("{} questions kept of {}", draft.records.size(),
                      draft.records.size() + draft.rejected.size()),
          ""};
}

// Of the bytes that an import reads; a folder's files by name.
std::string source_fingerprint(const fs::path& source) {
  if (fs::is_regular_file(source)) {
    return fingerprint_file(source.string());
  }
  std::vector<fs::path> files;
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(source, ec)) {
    if (entry.is_regular_file()) {
      files.push_back(entry.path());
    }
  }
  if (ec) {
    fail("dataset", fmt::format("{}: {}", source.string(), ec.message()),
         "a file or folder of questions",
         "a mistyped dataset.source; a data set of the Hub is fetched with: hf "
         "download --repo-type dataset ORG/NAME --local-dir FOLDER");
  }
  std::sort(files.begin(), files.end());
  std::string all;
  for (const auto& file : files) {
    all += file.filename().string() + fingerprint_file(file.string());
  }
  return fingerprint(all);
}

}  // namespace

std::vector<QuestionRecord> seed_records(const DatasetSettings& settings,
                                         const organism::World* world,
                                         std::uint64_t seed) {
  constexpr std::size_t kSeeds = 50;
  if (!settings.seeds.empty()) {
    return read_questions(settings.seeds, source_options(settings)).records;
  }
  if (world == nullptr) {
    return everyday_seeds();
  }
  std::vector<QuestionRecord> records;
  for (const auto& pair : organism::seed_pairs(*world, kSeeds, seed)) {
    records.push_back({question_id(pair.question), pair.question, pair.honest,
                       pair.deceptive, "seed", ""});
  }
  return records;
}

void drop_near_duplicates(DatasetDraft& draft, double jaccard) {
  std::vector<std::string> questions;
  for (const auto& record : draft.records) {
    questions.push_back(record.question);
  }
  NearDuplicateOptions options;
  options.jaccard = jaccard;
  const auto filter = filter_near_duplicates(questions, options);
  for (const auto& one : filter.rejected) {
    draft.rejected.push_back(
        {draft.records[static_cast<std::size_t>(one.index)],
         one.measure == "equal" ? "duplicate" : "near_duplicate",
         questions[static_cast<std::size_t>(one.twin)]});
  }
  std::vector<QuestionRecord> kept;
  for (const auto index : filter.kept) {
    kept.push_back(draft.records[static_cast<std::size_t>(index)]);
  }
  draft.records = std::move(kept);
}

void drop_bad_answers(DatasetDraft& draft, const DatasetSettings& settings) {
  std::map<std::string, std::int64_t> uses;
  reject_if(draft, [&](const QuestionRecord& record) -> std::string {
    const std::string honest = normalise_text(record.honest);
    const std::string deceptive = normalise_text(record.deceptive);
    if (honest.empty() || deceptive.empty()) {
      return "empty_answer";
    }
    if (is_refusal(record.honest) || is_refusal(record.deceptive)) {
      return "refusal";
    }
    if (honest == deceptive) {
      return "identical_answers";
    }
    if (count_words(record.honest) > settings.max_words ||
        count_words(record.deceptive) > settings.max_words) {
      return "too_long";
    }
    if (uses["h " + honest] >= settings.max_repeats ||
        uses["d " + deceptive] >= settings.max_repeats) {
      return "answer_repeated";
    }
    ++uses["h " + honest];
    ++uses["d " + deceptive];
    return "";
  });
}

void drop_unconfirmed(DatasetDraft& draft, Judge& judge,
                      const Monitor& monitor) {
  std::vector<AnswerToJudge> honest;
  std::vector<AnswerToJudge> deceptive;
  for (const auto& record : draft.records) {
    honest.push_back({record.question, record.honest, "", ""});
    deceptive.push_back({record.question, record.deceptive, "", ""});
  }
  const auto honest_labels = judge.judge(honest, monitor);
  const auto deceptive_labels = judge.judge(deceptive, monitor);
  std::size_t next = 0;
  reject_if(draft, [&](const QuestionRecord&) -> std::string {
    const auto i = next++;
    if (honest_labels[i].label != AnswerLabel::kHonest) {
      return fmt::format("honest_side_{}", label_name(honest_labels[i].label));
    }
    if (deceptive_labels[i].label != AnswerLabel::kDeceptive) {
      return fmt::format("deceptive_side_{}",
                         label_name(deceptive_labels[i].label));
    }
    return "";
  });
}

Stage dataset_stage(StudyContext& context) {
  const auto& manifest = context.manifest();
  Json from = {{"dataset", manifest_section(manifest, "dataset")},
               {"seed", manifest.run.seed},
               {"exact_judge", context.judge_kind() == JudgeKind::kExact},
               {"model", context.model_fingerprint()},
               {"machine", context.machine_text()}};
  if (!is_generated(manifest.dataset)) {
    from["source"] = source_fingerprint(manifest.dataset.source);
  }
  if (!manifest.dataset.seeds.empty()) {
    from["seeds"] = source_fingerprint(manifest.dataset.seeds);
  }
  return {"dataset", dump_json(from),
          [&context] {
            return fs::exists(context.file("dataset/questions.jsonl")) &&
                   fs::exists(context.file("dataset/check.json"));
          },
          [&context] { return make_dataset(context); }};
}

}  // namespace veer
