// SPDX-License-Identifier: MIT
#include "cli/look.h"

#include <limits>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/base/json.h"

namespace veer::cli {
namespace {

[[noreturn]] void refuse(const std::filesystem::path& path,
                         const std::string& found) {
  fail("read token ids", fmt::format("{}: {}", path.string(), found),
       "a JSON list of token ids, or a list of such lists");
}

std::vector<std::int32_t> parse_row(const Json& list,
                                    const std::filesystem::path& path) {
  if (!list.is_array() || list.empty()) {
    refuse(path, list.is_array() ? "an empty list"
                                 : fmt::format("a {}", list.type_name()));
  }
  std::vector<std::int32_t> row;
  for (const Json& id : list) {
    if (!id.is_number_integer() ||
        (id.is_number_unsigned() &&
         id.get<std::uint64_t>() > std::numeric_limits<std::int32_t>::max()) ||
        id.get<std::int64_t>() < 0) {
      refuse(path, "the entry " + dump_json(id).substr(0, 40));
    }
    row.push_back(id.get<std::int32_t>());
  }
  return row;
}

}  // namespace

void add_look_options(CLI::App& app, LookOptions& options) {
  app.add_option("--model", options.model,
                 "organism, a folder in Hugging Face layout, or org/name in "
                 "the Hugging Face cache")
      ->required();
  app.add_option("--adapter", options.adapter,
                 "adapter folder, PEFT's or MLX's");
  app.add_option("--ids", options.ids,
                 "JSON file: a list of token ids, or a list of such lists")
      ->required();
  app.add_option("-o,--out", options.out, "safetensors file to write")
      ->required();
  app.add_option("--device", options.device, "auto, cpu, cuda or cuda:N");
  app.add_option("--dtype", options.dtype,
                 "auto (as stored), float32, bfloat16 or float16")
      ->check(CLI::IsMember({"auto", "float32", "bfloat16", "float16"}));
  app.add_option("--threads", options.threads, "CPU threads, 0 = all cores");
}

TokenRows read_token_rows(const std::filesystem::path& path) {
  const Json json =
      parse_json(read_file(path, std::uint64_t{1} << 28), path.string());
  TokenRows result;
  if (!json.is_array() || json.empty()) {
    refuse(path, json.is_array() ? "an empty list"
                                 : fmt::format("a {}", json.type_name()));
  }
  result.is_list = json.front().is_array();
  if (!result.is_list) {
    result.rows.push_back(parse_row(json, path));
    return result;
  }
  for (const Json& list : json) {
    result.rows.push_back(parse_row(list, path));
  }
  return result;
}

}  // namespace veer::cli
