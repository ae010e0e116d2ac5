// SPDX-License-Identifier: MIT
#include <fmt/core.h>

#include "veer/base/files.h"
#include "veer/report/html.h"
#include "veer/report/sections.h"
#include "veer/report/wording.h"

namespace veer {
namespace {

std::string stage_table(const Json& facts) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& stage : member(facts, "stages")) {
    rows.push_back({escape_html(text_of(stage, "name")),
                    escape_html(text_of(stage, "summary")),
                    decimal(member(stage, "seconds"), 1),
                    escape_html(text_of(stage, "fingerprint"))});
  }
  return html_table({{"stage", false},
                     {"result", false},
                     {"seconds", true},
                     {"fingerprint", false}},
                    rows);
}

std::string vector_table(const Json& comparison) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& vector : member(comparison, "vectors")) {
    rows.push_back(
        {escape_html(text_of(vector, "name")),
         escape_html(text_of(vector, "position")), text_of(vector, "n"),
         "<code>" + escape_html(text_of(vector, "fingerprint")) + "</code>"});
  }
  return html_table({{"vector", false},
                     {"token position", false},
                     {"n", true},
                     {"fingerprint", false}},
                    rows);
}

}  // namespace

std::string provenance_section(const RunData& run) {
  const Json& facts = member(run.summary, "run");
  std::string body;
  if (member(facts, "stages").is_array()) {
    body += stage_table(facts);
  }
  if (member(run.comparison, "vectors").is_array()) {
    body += "<h3>Vectors</h3>\n" + vector_table(run.comparison);
  }
  const std::string command = text_of(facts, "command");
  if (!command.empty()) {
    body += "<h3>The command that repeats it</h3>\n<pre>" +
            escape_html(command) + "</pre>\n";
  }
  body += "<h3>Every setting</h3>\n<pre>" +
          escape_html(read_file(run.folder / "manifest.toml")) + "</pre>\n";
  return html_section("made", "How this was made", body);
}

}  // namespace veer
