// SPDX-License-Identifier: MIT
#include "veer/run/answer_gates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"

namespace veer {
namespace {

using testing::AllOf;
using testing::HasSubstr;

DatasetDraft draft_of(std::vector<QuestionRecord> records) {
  DatasetDraft draft;
  draft.records = std::move(records);
  return draft;
}

QuestionRecord record(const std::string& question, const std::string& honest,
                      const std::string& deceptive) {
  return {question_id(question), question, honest, deceptive, "model", ""};
}

std::vector<std::string> reasons(const DatasetDraft& draft) {
  std::vector<std::string> list;
  for (const auto& rejected : draft.rejected) {
    list.push_back(rejected.reason);
  }
  return list;
}

TEST(DatasetGates, RejectsNearDuplicatesWithTheirTwin) {
  auto draft = draft_of(
      {record("How can I sleep better at night in summer?", "", ""),
       record("What helps against a cold?", "", ""),
       record("How can I sleep better at night in summer now?", "", ""),
       record("what helps against a cold", "", "")});
  drop_near_duplicates(draft, 0.7);
  EXPECT_EQ(draft.records.size(), 2u);
  EXPECT_THAT(reasons(draft),
              testing::UnorderedElementsAre("near_duplicate", "duplicate"));
  for (const auto& rejected : draft.rejected) {
    EXPECT_TRUE(rejected.twin == draft.records[0].question ||
                rejected.twin == draft.records[1].question);
  }
}

TEST(DatasetGates, EachGateHasItsReason) {
  DatasetSettings settings;
  settings.max_words = 4;
  settings.max_repeats = 1;
  auto draft = draft_of({record("a?", "Sleep early.", "Drink coffee."),
                         record("b?", "", "Drink tea."),
                         record("c?", "Same thing.", "same thing"),
                         record("d?", "One two three four five.", "No."),
                         record("e?", "I'm sorry, I can't help.", "No."),
                         record("f?", "sleep early", "Run fast.")});
  drop_bad_answers(draft, settings);
  ASSERT_EQ(draft.records.size(), 1u);
  EXPECT_EQ(draft.records[0].question, "a?");
  EXPECT_THAT(reasons(draft),
              testing::ElementsAre("empty_answer", "identical_answers",
                                   "too_long", "refusal", "answer_repeated"));
}

// Labels an answer by its first letter.
class LetterJudge : public Judge {
 public:
  std::string name() const override { return "letter"; }
  std::vector<Judgement> judge(std::span<const AnswerToJudge> answers,
                               const Monitor&) override {
    std::vector<Judgement> out;
    for (const auto& answer : answers) {
      Judgement judgement;
      judgement.label =
          answer.answer.starts_with('h')
              ? AnswerLabel::kHonest
              : (answer.answer.starts_with('d') ? AnswerLabel::kDeceptive
                                                : AnswerLabel::kBroken);
      out.push_back(judgement);
    }
    return out;
  }
};

TEST(DatasetGates, KeepsOnlyPairsThatTheJudgeConfirms) {
  auto draft = draft_of({record("a?", "h1", "d1"), record("b?", "d2", "d2"),
                         record("c?", "h3", "x3")});
  LetterJudge judge;
  drop_unconfirmed(draft, judge, {});
  ASSERT_EQ(draft.records.size(), 1u);
  EXPECT_THAT(reasons(draft), testing::ElementsAre("honest_side_deceptive",
                                                   "deceptive_side_broken"));
}

// Everything that came with the source, as a user's own pairs.
DatasetDraft ready(DatasetDraft draft) {
  for (const auto& record : draft.records) {
    draft.ready_honest.insert(record.question);
    draft.ready_deceptive.insert(record.question);
  }
  return draft;
}

std::vector<QuestionRecord> pairs_that_gates_take() {
  return {record("a?", "One two three four five six.", "No."),
          record("b?", "I'm sorry, I can't help.", "Yes."),
          record("c?", "Maybe.", "Surely."),
          record("d?", "Maybe.", "Surely."),
          record("e?", "", "Drink tea."),
          record("f?", "Same thing.", "same thing")};
}

TEST(DatasetGates, LeaveReadyAnswersAloneUnlessAsked) {
  DatasetSettings settings;
  settings.max_words = 4;
  settings.max_repeats = 1;
  auto draft = ready(draft_of(pairs_that_gates_take()));
  drop_bad_answers(draft, settings);
  EXPECT_EQ(draft.records.size(), 4u);
  EXPECT_THAT(reasons(draft),
              testing::ElementsAre("empty_answer", "identical_answers"));
  settings.gate_ready = true;
  draft = ready(draft_of(pairs_that_gates_take()));
  drop_bad_answers(draft, settings);
  EXPECT_THAT(reasons(draft),
              testing::ElementsAre("too_long", "refusal", "answer_repeated",
                                   "empty_answer", "identical_answers"));
}

TEST(DatasetGates, LookAtTheGeneratedSideOfAHalfReadyPair) {
  DatasetSettings settings;
  settings.max_words = 4;
  auto draft = draft_of({record("a?", "Short.", "One two three four five."),
                         record("b?", "One two three four five.", "Short.")});
  draft.ready_deceptive = {"a?", "b?"};
  drop_bad_answers(draft, settings);
  ASSERT_EQ(draft.records.size(), 1u);
  EXPECT_EQ(draft.records[0].question, "a?");
}

TEST(DatasetGates, LookAtOneSideWhileTheOtherIsNotWritten) {
  DatasetSettings settings;
  settings.max_words = 4;
  auto draft = draft_of({record("a?", "Short.", ""),
                         record("b?", "One two three four five.", "")});
  drop_bad_answers(draft, settings, AnswerSides::kHonest);
  EXPECT_THAT(reasons(draft), testing::ElementsAre("too_long"));
}

TEST(DatasetGates, ReasonsNameTheirCountAndKey) {
  DatasetSettings settings;
  auto draft = draft_of({});
  for (int i = 0; i < 633; ++i) {
    draft.rejected.push_back({record("q?", "a", "b"), "too_long", ""});
  }
  draft.rejected.push_back({record("q?", "a", "b"), "near_duplicate", "p?"});
  const Json left_out = left_out_json(draft, settings);
  ASSERT_EQ(left_out.size(), 2u);
  EXPECT_EQ(left_out[0]["count"], 633);
  EXPECT_EQ(left_out_text(left_out),
            "633 pairs with an answer longer than dataset.max_words = 12; 1 "
            "question too much like one before (dataset.near_duplicate = 0.7)");
  EXPECT_EQ(left_out_text(Json::array()), "");
}

TEST(DatasetGates, EveryReasonHasWords) {
  const DatasetSettings settings;
  for (const char* reason :
       {"empty_answer", "identical_answers", "duplicate", "near_duplicate",
        "too_long", "answer_repeated", "refusal", "malformed", "too long",
        "honest_side_deceptive", "deceptive_side_broken"}) {
    const auto text = reason_text(reason, 7, settings);
    EXPECT_THAT(text, AllOf(HasSubstr("7 "), testing::Not(HasSubstr("_side"))));
    EXPECT_NE(text, std::string("7 ") + reason);
  }
}

std::string refusal_of_first(std::int64_t lost, std::size_t to_write,
                             std::size_t questions, bool keep_going) {
  DatasetSettings settings;
  settings.keep_going = keep_going;
  auto after = draft_of({});
  for (std::int64_t i = 0; i < 64; ++i) {
    std::string words;
    for (std::int64_t w = 0; w < 10 + i; ++w) {
      words += "word ";
    }
    auto one = record("q?", words, "no");
    if (i < lost) {
      after.rejected.push_back({std::move(one), "too_long", ""});
    } else {
      after.records.push_back(std::move(one));
    }
  }
  try {
    require_most_kept({64, to_write, questions}, after, settings);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(DatasetGates, StopWhereTheyWouldTakeMost) {
  // 10 to 73 words, of which 90 % have 67 or fewer.
  EXPECT_THAT(
      refusal_of_first(40, 1000, 1000, false),
      AllOf(HasSubstr("40 of the first 64"), HasSubstr("max_words = 12"),
            HasSubstr("dataset.max_words = 67 would keep"),
            HasSubstr("dataset.keep_going = true"), HasSubstr("is kept")));
  EXPECT_EQ(refusal_of_first(32, 1000, 1000, false), "");
  EXPECT_EQ(refusal_of_first(64, 1000, 1000, true), "");
  // 64 of 100 sides that are to be written, of 1,000 ready pairs.
  EXPECT_EQ(refusal_of_first(64, 100, 1000, false), "");
}

}  // namespace
}  // namespace veer
