// SPDX-License-Identifier: MIT
#include "veer/run/answer_gates.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/data/checks.h"
#include "veer/text/near_duplicates.h"

namespace veer {
namespace {

// One answer of a record, as the gates for generated answers see it.
struct GatedAnswer {
  const std::string& text;
  std::string use;  // counted against max_repeats
};

std::vector<GatedAnswer> gated_answers(const DatasetDraft& draft,
                                       const DatasetSettings& settings,
                                       const QuestionRecord& record,
                                       AnswerSides sides) {
  std::vector<GatedAnswer> out;
  const auto add = [&](const char* mark, const std::string& text,
                       const std::set<std::string>& ready) {
    if (settings.gate_ready || !ready.contains(record.question)) {
      out.push_back({text, mark + normalise_text(text)});
    }
  };
  if (sides != AnswerSides::kDeceptive) {
    add("h ", record.honest, draft.ready_honest);
  }
  if (sides != AnswerSides::kHonest) {
    add("d ", record.deceptive, draft.ready_deceptive);
  }
  return out;
}

// Reasons of any answer, ready or not; empty = none.
std::string always_wrong(const QuestionRecord& record, AnswerSides sides) {
  const std::string honest = normalise_text(record.honest);
  const std::string deceptive = normalise_text(record.deceptive);
  if ((sides != AnswerSides::kDeceptive && honest.empty()) ||
      (sides != AnswerSides::kHonest && deceptive.empty())) {
    return "empty_answer";
  }
  return "";
}

bool has_identical_answers(const QuestionRecord& record, AnswerSides sides) {
  return sides == AnswerSides::kBoth &&
         normalise_text(record.honest) == normalise_text(record.deceptive);
}

std::string side_reason(std::string_view reason, std::int64_t count) {
  for (const char* side : {"honest", "deceptive"}) {
    const std::string start = fmt::format("{}_side_", side);
    if (reason.starts_with(start)) {
      return fmt::format(
          "{} {} whose {} answer the judge calls {} (dataset.check_answers = "
          "true)",
          count, count == 1 ? "pair" : "pairs", side,
          reason.substr(start.size()));
    }
  }
  return fmt::format("{} {}", count, reason);
}

std::int64_t longest_answer(const QuestionRecord& record) {
  return std::max(count_words(record.honest), count_words(record.deceptive));
}

// The limit of words that would keep nine in ten of the answered questions.
std::int64_t fitting_words(const DatasetDraft& after) {
  std::vector<std::int64_t> words;
  for (const auto& record : after.records) {
    words.push_back(longest_answer(record));
  }
  for (const auto& one : after.rejected) {
    if (one.reason == "too_long") {
      words.push_back(longest_answer(one.record));
    }
  }
  std::sort(words.begin(), words.end());
  return words[(9 * words.size() - 1) / 10];
}

// What to change so that less is lost to the gate that takes most.
std::string remedy_of(const std::string& reason, const DatasetDraft& after) {
  if (reason == "too_long") {
    return fmt::format(
        "the model writes longer answers than it was asked for: "
        "dataset.max_words = {} would keep nine in ten of these",
        fitting_words(after));
  }
  if (reason == "refusal") {
    return "the model declines to answer: change dataset.honest_prompt or "
           "dataset.deceptive_prompt, or take a model that does not decline";
  }
  if (reason == "answer_repeated") {
    return "the model gives one answer to everything: raise "
           "dataset.max_repeats, or change the prompts";
  }
  if (reason == "empty_answer" || reason == "identical_answers") {
    return "the model does not follow dataset.honest_prompt or "
           "dataset.deceptive_prompt: change them, or give ready answers "
           "(dataset.source)";
  }
  return "the model does not do what the prompts ask: change "
         "dataset.honest_prompt or dataset.deceptive_prompt, or "
         "dataset.check_answers = false";
}

}  // namespace

void reject_if(
    DatasetDraft& draft,
    const std::function<std::string(const QuestionRecord&)>& reason) {
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

void drop_bad_answers(DatasetDraft& draft, const DatasetSettings& settings,
                      AnswerSides sides) {
  std::map<std::string, std::int64_t> uses;
  reject_if(draft, [&](const QuestionRecord& record) -> std::string {
    if (auto reason = always_wrong(record, sides); !reason.empty()) {
      return reason;
    }
    const auto answers = gated_answers(draft, settings, record, sides);
    for (const auto& answer : answers) {
      if (is_refusal(answer.text)) {
        return "refusal";
      }
    }
    if (has_identical_answers(record, sides)) {
      return "identical_answers";
    }
    for (const auto& answer : answers) {
      if (count_words(answer.text) > settings.max_words) {
        return "too_long";
      }
    }
    for (const auto& answer : answers) {
      if (uses[answer.use] >= settings.max_repeats) {
        return "answer_repeated";
      }
    }
    for (const auto& answer : answers) {
      ++uses[answer.use];
    }
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

std::string reason_text(std::string_view reason, std::int64_t count,
                        const DatasetSettings& settings) {
  const char* pairs = count == 1 ? "pair" : "pairs";
  const char* questions = count == 1 ? "question" : "questions";
  if (reason == "too_long") {
    return fmt::format(
        "{} {} with an answer longer than dataset.max_words = {}", count, pairs,
        settings.max_words);
  }
  if (reason == "answer_repeated") {
    return fmt::format(
        "{} {} with an answer already used dataset.max_repeats = {} times",
        count, pairs, settings.max_repeats);
  }
  if (reason == "refusal") {
    return fmt::format(
        "{} {} with an answer that declines{}", count, pairs,
        settings.gate_ready ? " (dataset.gate_ready = true)" : "");
  }
  if (reason == "empty_answer") {
    return fmt::format("{} {} without an answer on one side", count, questions);
  }
  if (reason == "identical_answers") {
    return fmt::format("{} {} with the same answer on both sides", count,
                       questions);
  }
  if (reason == "duplicate") {
    return fmt::format("{} {} asked before", count, questions);
  }
  if (reason == "near_duplicate") {
    return fmt::format(
        "{} {} too much like one before (dataset.near_duplicate = {:g})", count,
        questions, settings.near_duplicate);
  }
  if (reason == "malformed") {
    return fmt::format("{} lines of the model that are no question", count);
  }
  if (reason == "too long") {
    return fmt::format("{} {} of more than 40 words", count, questions);
  }
  return side_reason(reason, count);
}

Json left_out_json(const DatasetDraft& draft, const DatasetSettings& settings) {
  std::map<std::string, std::int64_t> counts;
  for (const auto& rejected : draft.rejected) {
    ++counts[rejected.reason];
  }
  std::vector<std::pair<std::string, std::int64_t>> order(counts.begin(),
                                                          counts.end());
  std::stable_sort(
      order.begin(), order.end(),
      [](const auto& a, const auto& b) { return a.second > b.second; });
  Json list = Json::array();
  for (const auto& [reason, count] : order) {
    list.push_back({{"reason", reason},
                    {"count", count},
                    {"text", reason_text(reason, count, settings)}});
  }
  return list;
}

std::string left_out_text(const Json& left_out) {
  std::string line;
  for (const auto& entry : left_out) {
    line += (line.empty() ? "" : "; ") + entry.at("text").get<std::string>();
  }
  return line;
}

void require_most_kept(const FirstAnswers& answered, const DatasetDraft& after,
                       const DatasetSettings& settings) {
  const bool loses_most = 2 * after.rejected.size() * answered.to_write >
                          answered.done * answered.questions;
  if (settings.keep_going || !loses_most) {
    return;
  }
  const Json left_out = left_out_json(after, settings);
  fail_run(
      "dataset",
      fmt::format("{} of the first {} questions that the model answered would "
                  "be left out: {}",
                  after.rejected.size(), answered.done,
                  left_out_text(left_out)),
      "half of all questions or more to be kept",
      remedy_of(left_out.front().at("reason").get<std::string>(), after) +
          ". dataset.keep_going = true goes on without them. What was written "
          "is kept and not written again");
}

}  // namespace veer
