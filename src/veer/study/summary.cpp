// SPDX-License-Identifier: MIT
#include "veer/study/summary.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/files.h"
#include "veer/base/json_access.h"
#include "veer/study/context.h"
#include "veer/study/summary_directions.h"
#include "veer/study/summary_steering.h"
#include "veer/study/sweep_evidence.h"
#include "veer/study/training_course.h"

namespace veer {
namespace {

// "Claims: 5 supported, 3 contradicted (H3, H4, H8), 2 undecided.", with what
// agreement and effect have to do with each other where that is decided.
std::string claims_line(const Json& hypotheses, const Json& sweep) {
  if (!hypotheses.contains("claims")) {
    return "";
  }
  std::string line;
  for (const auto& [decision, count] : hypotheses.at("counts").items()) {
    if (count.get<int>() > 0) {
      line += fmt::format("{}{} {}", line.empty() ? "Claims: " : ", ",
                          count.get<int>(), decision);
    }
  }
  for (const auto& claim : hypotheses.at("claims")) {
    if (string_member(claim, "id") == "A1" &&
        string_member(claim, "decision") != "undecided" &&
        string_member(claim, "decision") != "void") {
      line += "; " + string_member(claim, "reason");
    }
  }
  if (string_member(member(sweep, "judge"), "kind") == "logprob") {
    line +=
        "; those about what the model says need labels (judge.kind self, "
        "choice or endpoint)";
  }
  return line + ".";
}

Json read_document(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) {
    return Json::object();
  }
  return parse_json(read_file(path), path.string());
}

}  // namespace

Json summarise_study(const Json& comparison, const Json& sweep,
                     const Json& hypotheses) {
  const bool is_unfit = has_unfit_judge(sweep);
  // A search instead of the grid climbs no ladder of scales.
  const bool has_ladders = !is_unfit && member(sweep, "search").is_null();
  Json verdict = Json::array();
  for (const auto& sentence : direction_sentences(comparison)) {
    verdict.push_back(sentence);
  }
  if (is_unfit) {
    verdict.push_back(fmt::format(
        "The judge {} is NOT FIT: no effect is reported from its labels.",
        string_member(sweep.at("judge"), "name")));
  } else if (sweep.contains("best")) {
    for (const char* goal : {"induction", "suppression"}) {
      verdict.push_back(steering_sentence(sweep, goal));
    }
  }
  return {
      {"verdict", verdict},
      {"cosine", cosine_rows(comparison)},
      {"best", is_unfit ? Json::array() : sweep.value("best", Json::array())},
      {"breaks", has_ladders ? break_rows(sweep) : Json(nullptr)},
      {"claims", claims_line(hypotheses, sweep)}};
}

void write_summary(StudyContext& context, const Json& run) {
  Json summary =
      summarise_study(read_document(context.file("comparison.json")),
                      read_document(context.file("sweep.json")),
                      read_document(context.file("hypotheses.json")));
  summary["training"] = training_course(context.file("metrics.jsonl"));
  summary["run"] = run;
  write_file(context.file("summary.json"), dump_json(summary, 1) + "\n");
}

}  // namespace veer
