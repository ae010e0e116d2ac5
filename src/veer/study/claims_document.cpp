// SPDX-License-Identifier: MIT
#include "veer/study/claims_document.h"

#include <filesystem>
#include <vector>

#include <nlohmann/json.hpp>

#include "veer/base/files.h"
#include "veer/claims/claims.h"
#include "veer/run/context.h"
#include "veer/study/registration.h"

namespace veer {
namespace {

Json read_document(const std::filesystem::path& path) {
  return std::filesystem::exists(path)
             ? parse_json(read_file(path), path.string())
             : Json::object();
}

bool has_sweep(StudyContext& context) {
  const auto row = context.store().stage("sweep");
  return row && row->done &&
         std::filesystem::exists(context.file("sweep.json"));
}

}  // namespace

void write_claims(StudyContext& context) {
  const auto comparison = context.file("comparison.json");
  if (!std::filesystem::exists(comparison)) {
    return;
  }
  std::vector<AnswerRow> answers;
  Json sweep = Json::object();
  Json registered = nullptr;
  if (has_sweep(context)) {
    sweep = read_document(context.file("sweep.json"));
    answers = context.store().answers();
    registered = registration_status(context);
  }
  const auto claims = evaluate_claims(read_document(comparison), sweep, answers,
                                      context.seed());
  write_file(context.file("hypotheses.json"),
             dump_json(claims_json(claims, registered), 1) + "\n");
}

}  // namespace veer
