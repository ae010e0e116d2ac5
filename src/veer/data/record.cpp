// SPDX-License-Identifier: MIT
#include "veer/data/record.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/base/hash.h"
#include "veer/base/json.h"
#include "veer/data/lines.h"
#include "veer/text/near_duplicates.h"

namespace veer {
namespace {

struct Field {
  const char* name;
  std::string QuestionRecord::* member;
};
constexpr Field kFields[] = {{"id", &QuestionRecord::id},
                             {"question", &QuestionRecord::question},
                             {"honest", &QuestionRecord::honest},
                             {"deceptive", &QuestionRecord::deceptive},
                             {"source", &QuestionRecord::source},
                             {"split", &QuestionRecord::split},
                             {"topic", &QuestionRecord::topic},
                             {"unit", &QuestionRecord::unit}};

QuestionRecord record_of(const Json& row, const std::string& place) {
  if (!row.is_object() || !row.contains("question")) {
    fail("read dataset", fmt::format("{}: no \"question\"", place),
         "an object with question, honest, deceptive");
  }
  QuestionRecord out;
  for (const Field& field : kFields) {
    const auto at = row.find(field.name);
    if (at == row.end() || at->is_null()) {
      continue;
    }
    if (!at->is_string()) {
      fail("read dataset",
           fmt::format("{}: \"{}\" is {}", place, field.name, dump_json(*at)),
           "text");
    }
    out.*field.member = at->get<std::string>();
  }
  if (const auto fold = row.find("fold"); fold != row.end()) {
    if (!fold->is_number_integer() || fold->get<std::int64_t>() < 0) {
      fail("read dataset",
           fmt::format("{}: \"fold\" is {}", place, dump_json(*fold)),
           "a number from 1 on");
    }
    out.fold = fold->get<std::int64_t>();
  }
  if (out.id.empty()) {
    out.id = question_id(out.question);
  }
  return out;
}

}  // namespace

std::string question_id(std::string_view question) {
  return fmt::format("q{:016x}", hash64(normalise_text(question)));
}

std::string records_to_jsonl(std::span<const QuestionRecord> records) {
  std::string out;
  for (const QuestionRecord& record : records) {
    Json row = Json::object();
    for (const Field& field : kFields) {
      row[field.name] = record.*field.member;
    }
    if (record.unit.empty() || record.unit == record.id) {
      row.erase("unit");  // stands alone
    }
    if (record.fold > 0) {
      row["fold"] = record.fold;
    }
    out += dump_json(row);
    out += '\n';
  }
  return out;
}

std::vector<QuestionRecord> records_from_jsonl(std::string_view text,
                                               std::string_view origin) {
  std::vector<QuestionRecord> out;
  for_each_line(text, [&](std::string_view line, std::int64_t number) {
    const std::string place = fmt::format("{}, line {}", origin, number);
    out.push_back(record_of(parse_json(line, place), place));
  });
  return out;
}

void write_records(const std::filesystem::path& path,
                   std::span<const QuestionRecord> records) {
  write_file(path, records_to_jsonl(records));
}

std::vector<QuestionRecord> read_records(const std::filesystem::path& path) {
  return records_from_jsonl(read_file(path), path.string());
}

}  // namespace veer
