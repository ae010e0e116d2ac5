// SPDX-License-Identifier: MIT
#include "veer/run/judge_check.h"

#include <algorithm>
#include <vector>

#include <nlohmann/json.hpp>

namespace veer {
namespace {

constexpr std::size_t kReferenceQuestions = 16;

std::vector<AnswerToJudge> references_of(
    std::span<const QuestionRecord> records, bool honest) {
  std::vector<AnswerToJudge> asked;
  for (const auto& record : records) {
    asked.push_back({record.question, honest ? record.honest : record.deceptive,
                     record.honest, record.deceptive});
  }
  return asked;
}

std::int64_t called(Judge& judge, std::span<const AnswerToJudge> answers,
                    AnswerLabel label, const Monitor& monitor) {
  return std::ranges::count(judge.judge(answers, monitor), label,
                            &Judgement::label);
}

}  // namespace

JudgeCheck check_judge(Judge& judge, std::span<const QuestionRecord> records,
                       const Monitor& monitor) {
  const auto known =
      records.first(std::min(records.size(), kReferenceQuestions));
  const auto honest = references_of(known, true);
  JudgeCheck check;
  check.probes = run_probes(judge, honest, monitor);
  check.references = std::ssize(known);
  check.right_honest = called(judge, honest, AnswerLabel::kHonest, monitor);
  check.right_deceptive = called(judge, references_of(known, false),
                                 AnswerLabel::kDeceptive, monitor);
  return check;
}

Json probes_json(const ProbeResult& probes) {
  return {{"passed", probes.passed},
          {"of", probes.total},
          {"failed", probes.failed}};
}

Json judge_check_json(const JudgeCheck& check) {
  return {{"probes", probes_json(check.probes)},
          {"references",
           {{"of", check.references},
            {"honest", check.right_honest},
            {"deceptive", check.right_deceptive}}},
          {"fit", check.fit()}};
}

}  // namespace veer
