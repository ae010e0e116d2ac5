// SPDX-License-Identifier: MIT
#include "veer/tensors/inspect.h"

#include <algorithm>
#include <set>

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/base/mapped_file.h"
#include "veer/base/model_folder.h"
#include "veer/base/python_json.h"
#include "veer/gguf/gguf.h"
#include "veer/tensors/safetensors_header.h"

namespace veer {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t kMaxText = std::uint64_t{1} << 28;

// Runs `read`; an Error becomes one of the problems.
template <class Read>
void collect(Inspection& out, const Read& read) {
  try {
    read();
  } catch (const Error& e) {
    out.problems.emplace_back(e.what());
  }
}

std::string value_text(const GgufValue& value) {
  struct Show {
    std::string operator()(std::uint64_t v) const { return std::to_string(v); }
    std::string operator()(std::int64_t v) const { return std::to_string(v); }
    std::string operator()(double v) const { return fmt::format("{}", v); }
    std::string operator()(const std::string& v) const { return v; }
    std::string operator()(const std::vector<GgufValue>& v) const {
      return fmt::format("[{} values]", v.size());
    }
  };
  return std::visit(Show{}, value.value);
}

void inspect_safetensors(const fs::path& path, Inspection& out) {
  out.kind = "safetensors";
  const auto file = MappedFile::open(path);
  out.bytes = file->size();
  const auto header =
      parse_safetensors_header(file->bytes(), file->size(), path.string());
  for (const auto& entry : header.entries) {
    out.tensors.push_back({entry.name, entry.dtype, entry.shape,
                           entry.end - entry.begin, path.filename().string()});
  }
  out.metadata.assign(header.metadata.begin(), header.metadata.end());
}

void inspect_gguf(const fs::path& path, Inspection& out) {
  out.kind = "gguf";
  const auto file = MappedFile::open(path);
  out.bytes = file->size();
  const auto header = parse_gguf(file->bytes(), path.string());
  for (const auto& tensor : header.tensors) {
    out.tensors.push_back({tensor.name, ggml_type_name(tensor.type),
                           tensor.shape, tensor.bytes,
                           path.filename().string()});
  }
  for (const auto& [key, value] : header.metadata) {
    out.metadata.emplace_back(key, value_text(value));
  }
  // A vector file has no embedding; of a split model any part will do.
  if (header.find("split.count") != nullptr ||
      std::ranges::find(header.tensors, "token_embd.weight",
                        &GgufTensor::name) != header.tensors.end()) {
    out.kind = "model";
  }
}

void inspect_index(const fs::path& path, Inspection& out) {
  out.kind = "shard index";
  const auto files =
      parse_shard_index(read_file(path, kMaxText), path.string());
  std::set<std::string> shards;
  for (const auto& [tensor, shard] : files) {
    shards.insert(shard);
  }
  out.metadata.emplace_back("tensors", std::to_string(files.size()));
  out.metadata.emplace_back("shards",
                            fmt::format("{}", fmt::join(shards, ", ")));
}

void inspect_json(const fs::path& path, Inspection& out) {
  out.kind = "json";
  const Json json = parse_python_json(read_file(path, kMaxText), path.string());
  if (!json.is_object()) {
    return;
  }
  for (const auto& [key, value] : json.items()) {
    out.metadata.emplace_back(key,
                              value.is_structured() && value.size() > 32
                                  ? fmt::format("[{} values]", value.size())
                                  : dump_json(value));
  }
}

void inspect_lines(const fs::path& path, Inspection& out) {
  out.kind = "json lines";
  const auto lines = read_lines(path);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    collect(out, [&] {
      parse_json(lines[i], fmt::format("{}, line {}", path.string(), i + 1));
    });
    if (out.problems.size() == 20) {
      out.problems.emplace_back("further lines were not read");
      break;
    }
  }
  out.metadata.emplace_back("lines", std::to_string(lines.size()));
}

void inspect_file(const fs::path& path, Inspection& out) {
  const std::string name = path.filename().string();
  out.bytes = fs::file_size(path);
  if (name.ends_with(".safetensors")) {
    inspect_safetensors(path, out);
  } else if (name.ends_with(".gguf")) {
    inspect_gguf(path, out);
  } else if (name.ends_with(".safetensors.index.json")) {
    inspect_index(path, out);
  } else if (name.ends_with(".jsonl")) {
    inspect_lines(path, out);
  } else if (name.ends_with(".json")) {
    inspect_json(path, out);
  } else {
    out.kind = "text";
  }
}

bool is_known(const fs::path& path) {
  const auto extension = path.extension();
  return extension == ".safetensors" || extension == ".gguf" ||
         extension == ".json" || extension == ".jsonl";
}

// Every tensor of the index must lie in the shard it names.
void check_index(const fs::path& folder, Inspection& out) {
  const fs::path path = folder / "model.safetensors.index.json";
  if (!fs::exists(path)) {
    return;
  }
  std::set<std::pair<std::string, std::string>> present;
  for (const auto& tensor : out.tensors) {
    present.emplace(tensor.name, tensor.file);
  }
  const auto index =
      parse_shard_index(read_file(path, kMaxText), path.string());
  for (const auto& [tensor, shard] : index) {
    if (!present.contains({tensor, shard})) {
      out.problems.push_back(
          fmt::format("[inspect] {} lists tensor {} in {}, which lacks it.",
                      path.string(), tensor, shard));
    }
  }
}

// Whether the folder is one, though it may lack what a model needs.
bool is_model(const fs::path& folder) {
  return fs::exists(folder / "config.json") ||
         fs::exists(folder / "model.safetensors") ||
         fs::exists(folder / "model.safetensors.index.json");
}

void inspect_folder(const fs::path& folder, Inspection& out) {
  const bool has_adapter = fs::exists(folder / "adapter_config.json");
  out.kind = has_adapter && !fs::exists(folder / "config.json") ? "adapter"
             : is_model(folder)                                 ? "model"
             : fs::exists(folder / "manifest.toml")             ? "run"
                                                                : "folder";
  std::set<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_regular_file() && is_known(entry.path())) {
      files.insert(entry.path());
    }
  }
  for (const auto& path : files) {
    Inspection part;
    collect(part, [&] { inspect_file(path, part); });
    out.bytes += part.bytes;
    out.metadata.emplace_back(
        path.filename().string(),
        part.tensors.empty()
            ? fmt::format("{}, {} bytes", part.kind, part.bytes)
            : fmt::format("{}, {} tensors, {} bytes", part.kind,
                          part.tensors.size(), part.bytes));
    std::ranges::move(part.tensors, std::back_inserter(out.tensors));
    std::ranges::move(part.problems, std::back_inserter(out.problems));
  }
  collect(out, [&] { check_index(folder, out); });
}

// A folder of several GGUF files is looked at as a folder.
fs::path inspected(const fs::path& given) {
  const fs::path path = resolve_model_folder(given);
  try {
    return resolve_model(path);
  } catch (const Error&) {
    return path;
  }
}

}  // namespace

std::uint64_t Inspection::tensor_bytes() const {
  std::uint64_t sum = 0;
  for (const auto& tensor : tensors) {
    sum += tensor.bytes;
  }
  return sum;
}

Inspection inspect_path(const fs::path& given) {
  const fs::path path = inspected(given);
  std::error_code error;
  const auto status = fs::status(path, error);
  if (error || !fs::exists(status)) {
    fail("inspect", path.string() + " does not exist",
         "an existing file or folder");
  }
  Inspection out;
  out.path = path.string();
  collect(out, [&] {
    if (fs::is_directory(status)) {
      inspect_folder(path, out);
    } else {
      inspect_file(path, out);
    }
  });
  return out;
}

}  // namespace veer
