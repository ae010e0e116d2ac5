// SPDX-License-Identifier: MIT
#include "veer/study/registration.h"

#include <ctime>
#include <filesystem>
#include <limits>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/files.h"
#include "veer/base/hash.h"
#include "veer/base/json_access.h"
#include "veer/study/context.h"
#include "veer/vectors/hypotheses.h"

namespace veer {
namespace {

constexpr const char* kFile = "claims_registered.json";

std::string now_utc() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%F %T UTC", &parts);
  return text;
}

Json document_of(StudyContext& context) {
  const auto& manifest = context.manifest();
  return registration_document(Json(manifest.extract.vectors),
                               {{"sweep", manifest_section(manifest, "sweep")},
                                {"judge", manifest_section(manifest, "judge")},
                                {"seed", manifest.run.seed}});
}

Json read_file_of(StudyContext& context) {
  const auto path = context.file(kFile);
  return std::filesystem::exists(path)
             ? parse_json(read_file(path), path.string())
             : Json(nullptr);
}

// What a file says, without what was added to it.
Json said_by(Json file) {
  file.erase("time");
  file.erase("hash");
  return file;
}

const Json* claim_of(const Json& document, const Json& id) {
  for (const auto& claim : member(document, "claims")) {
    if (member(claim, "id") == id) {
      return &claim;
    }
  }
  return nullptr;
}

}  // namespace

Json registration_document(const Json& vectors, const Json& settings) {
  Json claims = Json::array();
  for (const auto& definition : claim_definitions()) {
    claims.push_back(definition_json(definition));
  }
  return {{"claims", claims}, {"vectors", vectors}, {"settings", settings}};
}

Json registration_file(const Json& document, const std::string& time) {
  Json file = {{"time", time}, {"hash", fingerprint(dump_json(document))}};
  file.update(document);
  return file;
}

Json compare_registrations(const Json& file, const Json& document) {
  if (!file.is_object()) {
    return nullptr;
  }
  const Json said = said_by(file);
  Json differs = Json::array();
  if (string_member(file, "hash") != fingerprint(dump_json(said))) {
    differs.push_back("file");
  }
  for (const auto& claim : member(document, "claims")) {
    const Json* registered = claim_of(said, member(claim, "id"));
    if (registered == nullptr || *registered != claim) {
      differs.push_back(member(claim, "id"));
    }
  }
  for (const auto& claim : member(said, "claims")) {
    const auto id = string_member(claim, "id");
    if (id.empty()) {  // no claim of Veer's: the file was edited
      if (differs.empty() || differs.front() != Json("file")) {
        differs.insert(differs.begin(), "file");
      }
    } else if (claim_of(document, id) == nullptr) {
      differs.push_back(id);
    }
  }
  for (const char* part : {"vectors", "settings"}) {
    if (member(said, part) != member(document, part)) {
      differs.push_back(part);
    }
  }
  const bool matches = differs.empty();
  return {{"file", kFile},
          {"hash", string_member(file, "hash")},
          {"matches", matches},
          {"differs", std::move(differs)}};
}

void register_claims(StudyContext& context) {
  const auto file = read_file_of(context);
  const Json document = document_of(context);
  const bool was_read = context.store().count_answers(
                            0, std::numeric_limits<std::int64_t>::max()) > 0;
  if (was_read || (file.is_object() && said_by(file) == document)) {
    return;
  }
  write_file(context.file(kFile),
             dump_json(registration_file(document, now_utc()), 1) + "\n");
}

Json registration_status(StudyContext& context) {
  return compare_registrations(read_file_of(context), document_of(context));
}

std::string registration_sentence(const Json& status, const std::string& time) {
  if (!status.is_object()) {
    return "The claims were not registered before the sweep asked the test "
           "questions.";
  }
  std::string text = fmt::format(
      "The claims were registered on {}, before the sweep asked a test "
      "question "
      "(hash {}); what vectors say of directions was computed before.",
      time, string_member(status, "hash").substr(0, 8));
  if (member(status, "matches") != Json(true)) {
    std::string names;
    for (const auto& name : member(status, "differs")) {
      names += (names.empty() ? "" : ", ") + name.get<std::string>();
    }
    text += " They are DECIDED BY OTHER RULES than registered: " + names + ".";
  }
  return text;
}

}  // namespace veer
