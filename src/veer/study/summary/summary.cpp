// SPDX-License-Identifier: MIT
#include "veer/study/summary/summary.h"

#include <algorithm>
#include <cctype>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/files.h"
#include "veer/base/json_access.h"
#include "veer/claims/sweep_evidence.h"
#include "veer/run/context.h"
#include "veer/study/finetune/training_course.h"
#include "veer/study/registration.h"
#include "veer/study/summary/directions.h"
#include "veer/study/summary/doubts.h"
#include "veer/study/summary/model_note.h"
#include "veer/study/summary/steering.h"

namespace veer {
namespace {

// What A1 says of the primary pair, as far as it says anything.
std::string agreement_text(const Json& hypotheses) {
  for (const auto& claim : hypotheses.at("claims")) {
    const auto reason = string_member(claim, "reason");
    if (string_member(claim, "id") == "A1" &&
        string_member(claim, "decision") != "void" &&
        string_member(member(claim, "effect"), "reason") != "not measured") {
      return reason.substr(0, reason.find(';'));
    }
  }
  return "";
}

// " (2 of them for want of room)"
std::string room_text(const Json& hypotheses) {
  const auto count =
      std::ranges::count_if(hypotheses.at("claims"), [](const Json& claim) {
        return string_member(claim, "role") == "finding" &&
               string_member(claim, "decision") == "undecided" &&
               string_member(claim, "reason").starts_with("no room");
      });
  return count == 0 ? "" : fmt::format(" ({} for want of room)", count);
}

// ". Corrected for testing all of them, 4 supported and 3 contradicted remain
// (1 has no p to correct)"
std::string corrected_text(const Json& corrected) {
  const int without = corrected.value("without p", 0);
  return fmt::format(
      ". Corrected for testing all of them, {} supported and {} contradicted "
      "remain{}",
      corrected.value("supported", 0), corrected.value("contradicted", 0),
      without == 0 ? ""
                   : fmt::format(" ({} more ha{} no p to correct)", without,
                                 without == 1 ? "s" : "ve"));
}

// A vector's name stays as it is written everywhere else.
std::string capitalised(std::string text) {
  if (text.substr(0, text.find(' ')).find('@') != std::string::npos) {
    return text;
  }
  text[0] =
      static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

// "Findings: 5 supported, 3 contradicted, 2 undecided (1 for want of room)",
// what remains of them when corrected, "agreement with effect at layer 3."
std::string claims_line(const Json& hypotheses, const Json& sweep) {
  if (!hypotheses.contains("claims")) {
    return "";
  }
  std::string line;
  for (const auto& [decision, count] : hypotheses.at("counts").items()) {
    if (count.get<int>() > 0) {
      line += fmt::format("{}{} {}{}", line.empty() ? "Findings: " : ", ",
                          count.get<int>(), decision,
                          decision == "undecided" ? room_text(hypotheses) : "");
    }
  }
  const Json& corrected = member(hypotheses, "corrected");
  if (corrected.is_object()) {
    line += corrected_text(corrected);
  }
  if (const auto agreement = agreement_text(hypotheses); !agreement.empty()) {
    line += ". " + capitalised(agreement);
  }
  if (string_member(member(sweep, "judge"), "kind") == "logprob") {
    line +=
        ". Those about what the model says need labels (judge.kind self, "
        "choice or endpoint)";
  }
  return line + ".";
}

// The plain additions of "groups".
Json additions_of(const Json& sweep) {
  Json list = Json::array();
  for (const auto& entry : member(sweep, "groups")) {
    if (string_member(entry, "group") == "linear") {
      list.push_back(entry);
    }
  }
  return list;
}

Json answer_json(const SummaryAnswer& answer) {
  return {{"id", answer.id},
          {"question", answer.question},
          {"answer", answer.answer},
          {"numbers", answer.numbers}};
}

Json read_document(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) {
    return Json::object();
  }
  return parse_json(read_file(path), path.string());
}

}  // namespace

Json summarise_study(const Json& comparison, const Json& sweep,
                     const Json& hypotheses, const SummaryFacts& facts) {
  const bool is_unfit = has_unfit_judge(sweep);
  // A search instead of the grid climbs no ladder of scales.
  const bool has_ladders = !is_unfit && member(sweep, "search").is_null();
  Json answers = Json::array();
  Json remarks = Json::array();
  answers.push_back(
      answer_json(agreement_answer(comparison, hypotheses, facts.from_prompt)));
  if (is_unfit) {
    remarks.push_back(fmt::format(
        "The judge {} is NOT FIT: no effect is reported from its labels.",
        string_member(sweep.at("judge"), "name")));
  } else if (sweep.contains("best")) {
    for (const char* goal : {"induction", "suppression"}) {
      answers.push_back(
          answer_json(steering_answer(comparison, sweep, hypotheses, goal)));
    }
    if (!facts.topics.empty()) {
      remarks.push_back(facts.topics);
    }
  }
  answers.push_back(answer_json(tuning_answer(comparison, hypotheses)));
  return {
      {"model", model_note(facts.model)},
      {"answers", answers},
      {"remarks", remarks},
      {"cosine", cosine_rows(comparison)},
      {"additions", is_unfit ? Json::array() : additions_of(sweep)},
      {"best", is_unfit ? Json::array() : sweep.value("best", Json::array())},
      {"baselines",
       is_unfit ? Json::array() : sweep.value("baselines", Json::array())},
      {"breaks", has_ladders ? break_rows(sweep) : Json(nullptr)},
      {"claims", claims_line(hypotheses, sweep)},
      {"registered", sweep.contains("best")
                         ? Json(facts.registered.empty()
                                    ? registration_sentence(nullptr, nullptr)
                                    : facts.registered)
                         : Json(nullptr)}};
}

void write_summary(StudyContext& context, const Json& run) {
  const auto& manifest = context.manifest();
  SummaryFacts facts;
  facts.model = manifest.model.path;
  // How a ready adapter was trained nobody here knows.
  facts.from_prompt =
      manifest.dataset.source == "generate" && manifest.model.finetuned.empty();
  const Json hypotheses = read_document(context.file("hypotheses.json"));
  facts.registered = registration_sentence(member(hypotheses, "registered"),
                                           registered_file(context));
  facts.topics =
      topics_sentence(read_document(context.file("dataset/check.json")));
  Json summary = summarise_study(read_document(context.file("comparison.json")),
                                 read_document(context.file("sweep.json")),
                                 hypotheses, facts);
  summary["training"] = training_course(context.file("metrics.jsonl"));
  summary["run"] = run;
  write_file(context.file("summary.json"), dump_json(summary, 1) + "\n");
}

}  // namespace veer
