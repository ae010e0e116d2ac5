// SPDX-License-Identifier: MIT
#include "veer/study/registration.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <filesystem>
#include <limits>
#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/files.h"
#include "veer/base/hash.h"
#include "veer/base/json_access.h"
#include "veer/claims/hypotheses.h"
#include "veer/run/context.h"
#include "veer/run/finetuned_source.h"
#include "veer/study/finetune/stage.h"

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

// Settings without those that decide whether there is a result, not which.
Json deciding_section(const Manifest& manifest, const char* name) {
  Json section = manifest_section(manifest, name);
  section.erase("keep_going");
  return section;
}

Json document_of(StudyContext& context) {
  const auto& manifest = context.manifest();
  Json settings = {
      {"seed", manifest.run.seed},
      {"model", context.model_fingerprint()},
      {"questions",
       fingerprint_file(context.file("dataset/questions.jsonl").string())}};
  for (const char* name : {"dataset", "extract", "compare", "sweep", "judge"}) {
    settings[name] = deciding_section(manifest, name);
  }
  settings["finetune"] = finetune_identity(manifest);
  if (!manifest.model.finetuned.empty()) {
    settings["finetuned"] = finetuned_fingerprint(manifest.model.finetuned);
    if (!manifest.model.finetuned_honest.empty()) {
      settings["finetuned_honest"] =
          finetuned_fingerprint(manifest.model.finetuned_honest);
    }
  }
  return registration_document(Json(manifest.extract.vectors), settings);
}

constexpr std::array<const char*, 3> kReadNames = {"nothing", "detection",
                                                   "answers"};

const char* name_of(TestRead read) {
  return kReadNames.at(static_cast<std::size_t>(read));
}

// What a file registers.
Json said_by(const Json& file) {
  Json said = Json::object();
  for (const char* part : {"claims", "vectors", "settings"}) {
    if (file.contains(part)) {
      said[part] = file.at(part);
    }
  }
  return said;
}

std::string seal_of(Json file) {
  file.erase("seal");
  return fingerprint(dump_json(file));
}

// Whether a file is as it was written. Files of an earlier version have no
// seal, and their hash is of all but the time.
bool is_intact(const Json& file) {
  if (file.contains("seal")) {
    return string_member(file, "seal") == seal_of(file) &&
           string_member(file, "hash") == fingerprint(dump_json(said_by(file)));
  }
  Json said = file;
  said.erase("time");
  said.erase("hash");
  return string_member(file, "hash") == fingerprint(dump_json(said));
}

// Names of what is registered otherwise: settings by section, "settings" where
// they are no table.
void add_other_settings(const Json& said, const Json& document, Json& differs) {
  const Json& before = member(said, "settings");
  const Json& now = member(document, "settings");
  if (!before.is_object()) {
    differs.push_back("settings");
    return;
  }
  for (const auto& [name, value] : before.items()) {
    if (!now.contains(name) || now.at(name) != value) {
      differs.push_back(name);
    }
  }
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

Json registration_file(const Json& document, const std::string& time,
                       TestRead read, const Json& before) {
  Json file = {{"time", time},
               {"read", name_of(read)},
               {"hash", fingerprint(dump_json(document))},
               {"earlier", Json::array()}};
  file.update(document);
  if (before.is_object()) {
    Json last = before;
    if (const Json& older = member(before, "earlier"); older.is_array()) {
      file["earlier"] = older;
    }
    last.erase("earlier");
    file["earlier"].push_back(std::move(last));
  }
  file["seal"] = seal_of(file);
  return file;
}

Json compare_registrations(const Json& file, const Json& document) {
  if (!file.is_object()) {
    return nullptr;
  }
  const Json said = said_by(file);
  bool edited = !is_intact(file);
  Json differs = Json::array();
  for (const auto& claim : member(document, "claims")) {
    const Json* registered = claim_of(said, member(claim, "id"));
    if (registered == nullptr || *registered != claim) {
      differs.push_back(member(claim, "id"));
    }
  }
  for (const auto& claim : member(said, "claims")) {
    const auto id = string_member(claim, "id");
    edited = edited || id.empty();  // no claim of Veer's
    if (!id.empty() && claim_of(document, id) == nullptr) {
      differs.push_back(id);
    }
  }
  if (member(said, "vectors") != member(document, "vectors")) {
    differs.push_back("vectors");
  }
  add_other_settings(said, document, differs);
  if (edited) {
    differs.insert(differs.begin(), "file");
  }
  const Json& earlier = member(file, "earlier");
  const bool matches = differs.empty();
  return {{"file", kFile},
          {"hash", string_member(file, "hash")},
          {"matches", matches},
          {"edited", edited},
          {"anew", earlier.is_array() ? earlier.size() : 0},
          {"read", string_member(file, "read")},
          {"differs", std::move(differs)}};
}

void register_claims(StudyContext& context, TestRead read) {
  const Json before = registered_file(context);
  const Json document = document_of(context);
  if (member(compare_registrations(before, document), "matches") ==
      Json(true)) {
    return;
  }
  write_file(
      context.file(kFile),
      dump_json(registration_file(document, now_utc(), read, before), 1) +
          "\n");
}

bool has_test_answers(StudyContext& context) {
  // What the sweep left counts also where its store is gone.
  return std::filesystem::exists(context.file("sweep.json")) ||
         context.store().count_answers(
             0, std::numeric_limits<std::int64_t>::max()) > 0;
}

Json registered_file(const StudyContext& context) {
  const auto path = context.file(kFile);
  if (!std::filesystem::exists(path)) {
    return nullptr;
  }
  // An edited file may be no JSON any more.
  Json file = Json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
  return file.is_object() ? file : Json::object();
}

Json registration_status(StudyContext& context) {
  return compare_registrations(registered_file(context), document_of(context));
}

std::string registration_sentence(const Json& status, const Json& file) {
  if (!status.is_object()) {
    return "The claims were not registered before the sweep asked the test "
           "questions.";
  }
  const auto time = string_member(file, "time");
  const auto hash = string_member(status, "hash").substr(0, 8);
  const auto read = string_member(status, "read");
  std::string text = fmt::format("The claims were registered on {}, ", time);
  // Files of an earlier version do not say what had been read.
  const bool is_told =
      std::ranges::find(kReadNames, read) != kReadNames.end() ||
      (read.empty() && member(status, "edited") != Json(true));
  if (!is_told) {
    return fmt::format(
        "The file {} IS DAMAGED: what was registered, when and after what "
        "cannot be told.",
        kFile);
  }
  if (read == name_of(TestRead::kAnswers)) {
    text = fmt::format(
        "The claims were REGISTERED ANEW on {}, AFTER answers to test "
        "questions had been read (hash {}).",
        time, hash);
  } else if (read == name_of(TestRead::kNothing)) {
    text += fmt::format("before a test question was answered (hash {}).", hash);
  } else {
    text += fmt::format(
        "before the sweep asked a test question (hash {}); what vectors say of "
        "directions was computed before.",
        hash);
  }
  std::string times;
  for (const auto& earlier : member(file, "earlier")) {
    const auto then = string_member(earlier, "time");
    times += (times.empty() ? "" : ", ") +
             (then.empty() ? "a time that a damaged file did not keep" : then);
  }
  if (!times.empty()) {
    text += fmt::format(
        " They had been registered otherwise on {}; the file keeps that too.",
        times);
  }
  if (member(status, "edited") == Json(true)) {
    text += fmt::format(" The file {} WAS EDITED after it was written.", kFile);
  }
  std::string names;
  for (const auto& name : member(status, "differs")) {
    if (name != Json("file")) {
      names += (names.empty() ? "" : ", ") + name.get<std::string>();
    }
  }
  if (!names.empty()) {
    text += " They are DECIDED BY OTHER RULES than registered: " + names + ".";
  }
  return text;
}

}  // namespace veer
