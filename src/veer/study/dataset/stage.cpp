// SPDX-License-Identifier: MIT
#include "veer/study/dataset/stage.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/base/hash.h"
#include "veer/data/checks.h"
#include "veer/data/question_units.h"
#include "veer/data/splits.h"
#include "veer/organism/study_inputs.h"
#include "veer/run/answer_line.h"
#include "veer/run/texts.h"
#include "veer/run/trained_directions.h"
#include "veer/run/tuned_model.h"
#include "veer/study/dataset/everyday_seeds.h"
#include "veer/study/dataset/import.h"
#include "veer/study/dataset/question_writer.h"
#include "veer/study/dataset/splits.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

// Answers of a side after which the stage looks what its gates would take; of
// fewer than the second number nothing is concluded.
constexpr std::size_t kFirstAnswers = 64;
constexpr std::size_t kFewestFirstAnswers = 16;

bool is_generated(const DatasetSettings& settings) {
  return settings.source == "generate";
}

// A side of the answers: where it stands, and what the model is told to write
// it.
struct Side {
  std::string QuestionRecord::* answer;
  const std::string& prompt;
  const char* part;
  AnswerSides gates;
  std::set<std::string> DatasetDraft::* ready;
};

std::vector<Side> sides_of(const DatasetSettings& settings) {
  return {{&QuestionRecord::honest, settings.honest_prompt, "honest",
           AnswerSides::kHonest, &DatasetDraft::ready_honest},
          {&QuestionRecord::deceptive, settings.deceptive_prompt, "deceptive",
           AnswerSides::kDeceptive, &DatasetDraft::ready_deceptive}};
}

// A side of the records that lack it, being written by the model.
class SideWriter {
 public:
  SideWriter(StudyContext& context, DatasetDraft& draft, const Side& side)
      : context_(context), draft_(draft), side_(side) {
    for (std::size_t i = 0; i < draft.records.size(); ++i) {
      auto& record = draft.records[i];
      if ((record.*side.answer).empty()) {
        lacking_.push_back(i);
        requests_.push_back(request(record.question));
      } else {
        (draft.*side.ready).insert(record.question);
      }
    }
    // Texts of a stage that was stopped are kept by what they were asked for:
    // with other gates the same are asked for again.
    part_ = drafts_name(context, side.part, requests_);
  }

  std::size_t size() const { return lacking_.size(); }
  const char* part() const { return side_.part; }

  // The first `count` answers; those that are there already stay.
  void write(std::size_t count) {
    count = std::min(count, requests_.size());
    const auto texts = generate_texts(context_, "dataset", part_,
                                      std::span(requests_).first(count));
    for (std::size_t i = 0; i < count; ++i) {
      draft_.records[lacking_[i]].*side_.answer = answer_line(texts[i]);
    }
  }

  // Stops the stage when the gates would take most of all questions, told by
  // the first `count` answers.
  void require_most_kept(std::size_t count) {
    DatasetDraft first;
    first.ready_honest = draft_.ready_honest;
    first.ready_deceptive = draft_.ready_deceptive;
    bool is_whole = true;
    for (std::size_t i = 0; i < count; ++i) {
      const auto& record = draft_.records[lacking_[i]];
      first.records.push_back(record);
      is_whole =
          is_whole && !record.honest.empty() && !record.deceptive.empty();
    }
    const auto& settings = context_.manifest().dataset;
    drop_bad_answers(first, settings,
                     is_whole ? AnswerSides::kBoth : side_.gates);
    if (is_whole && settings.check_answers &&
        context_.exact_judge() != nullptr) {
      drop_unconfirmed(first, *context_.exact_judge(), context_.monitor());
    }
    const FirstAnswers answered{count, size(), draft_.records.size()};
    veer::require_most_kept(answered, first, settings);
  }

 private:
  GenerationRequest request(const std::string& question) {
    GenerationRequest request =
        context_.request_for(question_chat(side_.prompt, question));
    request.max_tokens = kAnswerTokens;
    return request;
  }

  StudyContext& context_;
  DatasetDraft& draft_;
  Side side_;
  std::vector<std::size_t> lacking_;
  std::vector<GenerationRequest> requests_;
  std::string part_;
};

// Sides that are missing are written by the model, a few first: a gate that
// would take most of them is told of before the rest is made. Returns how many
// of each side it wrote.
Json complete_answers(StudyContext& context, DatasetDraft& draft) {
  std::vector<SideWriter> writers;
  for (const auto& side : sides_of(context.manifest().dataset)) {
    writers.emplace_back(context, draft, side);
  }
  for (auto& writer : writers) {
    const auto first = std::min(writer.size(), kFirstAnswers);
    writer.write(first);
    if (first >= kFewestFirstAnswers) {
      writer.require_most_kept(first);
    }
  }
  Json written = Json::object();
  for (auto& writer : writers) {
    writer.write(writer.size());
    written[writer.part()] = writer.size();
  }
  return written;
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
  for (auto& record : draft.records) {
    record.honest.clear();
    record.deceptive.clear();
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

// All questions of a ready source lie outside the world that an embedded model
// and its judge know: no gate's value would help.
bool is_another_world(StudyContext& context, const DatasetDraft& draft) {
  return context.judge_kind() == JudgeKind::kExact &&
         !is_generated(context.manifest().dataset) && !draft.rejected.empty() &&
         std::ranges::all_of(draft.rejected, [](const auto& one) {
           return one.reason.ends_with("_side_unjudged");
         });
}

void require_questions(StudyContext& context, const DatasetDraft& draft,
                       const Json& left_out) {
  if (!draft.records.empty()) {
    return;
  }
  if (is_another_world(context, draft)) {
    fail("dataset",
         fmt::format("none of the {} questions of {} is about the invented "
                     "world of {}",
                     draft.rejected.size(), context.manifest().dataset.source,
                     context.manifest().model.path),
         "questions that this embedded model and its exact judge know",
         "a real data set on a calibration model; take a real model with "
         "--model FOLDER, or leave dataset.source out; with judge.kind = "
         "logprob and dataset.check_answers = false they are kept");
  }
  const std::string text = left_out_text(left_out);
  fail("dataset",
       fmt::format("none of {} questions is left: {}", draft.rejected.size(),
                   text.empty() ? "the source has no rows" : text),
       "questions with an honest and a deceptive answer",
       text.empty() ? "an empty source"
                    : "the gates whose keys are named; other values of them "
                      "keep more");
}

// Questions of an embedded model whose source names no topic get that of its
// world. One that the source names stays.
void add_world_topics(StudyContext& context, DatasetDraft& draft) {
  if (context.world() == nullptr) {
    return;
  }
  std::int64_t added = 0;
  for (auto& record : draft.records) {
    if (record.topic.empty()) {
      record.topic =
          organism::question_topic(*context.world(), record.question);
      added += record.topic.empty() ? 0 : 1;
    }
  }
  if (added > 0 && added < std::ssize(draft.records) &&
      !is_generated(context.manifest().dataset)) {
    context.monitor().message(fmt::format(
        "{} of {} questions had no topic in the source and have the one that "
        "the embedded model's world says",
        added, draft.records.size()));
  }
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

// Answers of test questions that stand in train too, as people are told it;
// empty where they are few.
std::string answer_leak_text(const AnswerLeak& leak) {
  constexpr std::int64_t kFew = 10;  // one in so many
  if (leak.test == 0 || kFew * leak.either_in_train <= leak.test) {
    return "";
  }
  return fmt::format(
      "{} of {} test questions have a reference answer that also stands in "
      "\"train\" word for word: what was trained on is not far from what is "
      "tested",
      leak.either_in_train, leak.test);
}

Json warnings_json(const DatasetCheck& check) {
  Json warnings = Json::array();
  if (const auto text = answer_leak_text(check.answer_leak); !text.empty()) {
    warnings.push_back(text);
  }
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
                const DatasetCheck& check, const Json& left_out) {
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
          {"left_out", left_out},
          {"splits", splits_json(draft.records)},
          {"leakage",
           {{"exact", check.exact_leaks.size()},
            {"near", check.near_leaks.size()},
            {"answers", to_json(check.answer_leak)}}},
          {"identical_answers", check.identical_answers.size()},
          {"refusals", check.refusals.size()},
          {"most_frequent_answers", frequent},
          {"warnings", warnings_json(check)},
          {"full", to_json(check)}};
}

Json units_json(const UnitChoice& units) {
  return {{"kind", units.kind},
          {"questions", units.questions},
          {"units", units.units},
          {"largest", units.largest},
          {"text", units.text},
          {"generic_pairs", units.generic_pairs},
          {"all_topics", units.all_topics},
          {"without_topic", units.without_topic}};
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

bool trains(const Manifest& manifest) {
  return manifest.model.finetuned.empty() && needs_tuned(manifest, "report");
}

// Questions have to be set aside where something is fine-tuned.
SplitNeeds split_needs(const Manifest& manifest, const DatasetDraft& draft) {
  SplitNeeds needs;
  needs.given = draft.given_splits;
  needs.training = trains(manifest);
  for (const auto& name : manifest.extract.vectors) {
    if (is_trained_direction(name)) {
      needs.trained_vectors.push_back(name);
    }
  }
  return needs;
}

StageResult make_dataset(StudyContext& context) {
  const auto& settings = context.manifest().dataset;
  DatasetDraft draft =
      is_generated(settings) ? generate_draft(context) : import_draft(context);
  draft.records = first_records(std::move(draft.records), settings.limit);
  const Json written = complete_answers(context, draft);
  drop_bad_answers(draft, settings);
  if (context.exact_judge() != nullptr && settings.check_answers) {
    drop_unconfirmed(draft, *context.exact_judge(), context.monitor());
  }
  const Json left_out = left_out_json(draft, settings);
  require_questions(context, draft, left_out);
  if (!left_out.empty()) {
    context.monitor().message(fmt::format(
        "{} questions kept of {}. Left out: {}", draft.records.size(),
        draft.records.size() + draft.rejected.size(), left_out_text(left_out)));
  }
  add_world_topics(context, draft);
  require_topics(draft, settings);
  const auto choice = split_questions(draft.records, context.seed(), settings,
                                      split_needs(context.manifest(), draft));
  const auto* world = context.world();
  const auto units =
      assign_units(draft.records, settings.near_duplicate,
                   world == nullptr ? 0 : organism::num_topics(*world));
  draft.records = spread_over_units(std::move(draft.records));
  for (const auto& text : {choice.text, choice.note, units.text}) {
    if (!text.empty()) {
      context.monitor().message(text);
    }
  }
  DatasetCheckOptions options;
  options.max_answer_words = settings.max_words;
  options.near_jaccard = settings.near_duplicate;
  const auto check = check_dataset(draft.records, options);
  if (const auto text = answer_leak_text(check.answer_leak); !text.empty()) {
    context.monitor().message(text);
  }
  Json document = check_json(draft, settings, check, left_out);
  document["written"] = written;
  document["units"] = units_json(units);
  document["split_by"] = choice.by;
  document["split_note"] = choice.note;
  document["folds"] = folds_json(draft.records, choice);
  if (choice.folds > 0) {
    document["splits_from"] = "folds";
  }
  write_dataset(context, draft, document);
  return {fmt::format(
              "{} questions kept of {}{}", draft.records.size(),
              draft.records.size() + draft.rejected.size(),
              choice.folds == 0 ? "" : fmt::format(", {} folds", choice.folds)),
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

Stage dataset_stage(StudyContext& context) {
  const auto& manifest = context.manifest();
  Json section = manifest_section(manifest, "dataset");
  section.erase("keep_going");  // decides whether there is a result, not which
  Json from = {{"dataset", section},
               {"seed", manifest.run.seed},
               {"exact_judge", context.judge_kind() == JudgeKind::kExact},
               {"model", context.model_fingerprint()},
               {"machine", context.machine_text()}};
  // Only folds ask whether questions are set aside for training.
  if (!trains(manifest) && manifest.dataset.folds != 1) {
    from["training"] = false;
  }
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
          [&context] { return make_dataset(context); },
          /*clear=*/{},
          // What the model wrote is kept by what it was asked for.
          /*has_partial=*/[] { return false; },
          /*keeps_drafts=*/true,
          /*documents=*/{"dataset/check.json"}};
}

}  // namespace veer
