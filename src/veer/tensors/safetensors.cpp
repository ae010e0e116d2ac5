// SPDX-License-Identifier: MIT
#include "veer/tensors/safetensors.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <set>
#include <utility>

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/base/json.h"
#include "veer/base/mapped_file.h"
#include "veer/base/model_folder.h"
#include "veer/tensors/gguf_tensors.h"
#include "veer/tensors/safetensors_header.h"

namespace veer {
namespace fs = std::filesystem;
namespace {

constexpr std::array<std::pair<std::string_view, at::ScalarType>, 12> kTypes = {
    {{"F64", at::kDouble},
     {"F32", at::kFloat},
     {"F16", at::kHalf},
     {"BF16", at::kBFloat16},
     {"I64", at::kLong},
     {"I32", at::kInt},
     {"I16", at::kShort},
     {"I8", at::kChar},
     {"U8", at::kByte},
     {"BOOL", at::kBool},
     {"F8_E4M3", at::kFloat8_e4m3fn},
     {"F8_E5M2", at::kFloat8_e5m2}}};

std::optional<at::ScalarType> scalar_type(std::string_view name) {
  for (const auto& [type_name, type] : kTypes) {
    if (type_name == name) {
      return type;
    }
  }
  return std::nullopt;
}

std::string_view type_name(const std::string& tensor, at::ScalarType type) {
  for (const auto& [name, scalar] : kTypes) {
    if (scalar == type) {
      return name;
    }
  }
  fail("write safetensors",
       fmt::format("tensor {} has dtype {}", tensor, c10::toString(type)),
       "a dtype that the format can hold");
}

at::Tensor view_entry(const SafetensorsEntry& entry, std::uint64_t data_begin,
                      const std::shared_ptr<const MappedFile>& file,
                      const fs::path& path) {
  const auto type = scalar_type(entry.dtype);
  if (!type) {
    fail("read safetensors",
         fmt::format("{}: tensor {} has dtype {}", path.string(), entry.name,
                     entry.dtype),
         "F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL F8_E4M3 or F8_E5M2");
  }
  if (entry.begin == entry.end) {
    return at::empty(entry.shape, *type);
  }
  char* data = static_cast<char*>(file->data()) + data_begin + entry.begin;
  const auto width = c10::elementSize(*type);
  if (reinterpret_cast<std::uintptr_t>(data) % width != 0) {
    const at::Tensor copy = at::empty(entry.shape, *type);
    std::memcpy(copy.data_ptr(), data, entry.end - entry.begin);
    return copy;
  }
  return at::from_blob(
      data, entry.shape, [file](void*) { /* keeps the mapping alive */ },
      at::TensorOptions(*type));
}

using Named = std::pair<std::string, at::Tensor>;

std::string header_text(const std::vector<Named>& tensors,
                        std::map<std::string, std::string> metadata) {
  metadata.emplace("format", "pt");
  Json header = Json::object();
  header["__metadata__"] = metadata;
  std::uint64_t position = 0;
  for (const auto& [name, tensor] : tensors) {
    Json& entry = header[name];
    const std::uint64_t end = position + tensor.nbytes();
    entry["dtype"] = type_name(name, tensor.scalar_type());
    entry["shape"] = tensor.sizes().vec();
    entry["data_offsets"] = {position, end};
    position = end;
  }
  try {
    std::string text = header.dump();
    text.append((8 - text.size() % 8) % 8, ' ');
    return text;
  } catch (const nlohmann::json::exception&) {
    fail("write safetensors", "a name or metadata value is not UTF-8");
  }
}

bool same_bytes(const at::Tensor& a, const at::Tensor& b) {
  return a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() &&
         std::memcmp(a.const_data_ptr(), b.const_data_ptr(), a.nbytes()) == 0;
}

// A tensor that lies in two shards: one copy is as good as the other, or
// nobody can know which is meant.
void require_same_copies(const std::string& name, const fs::path& folder,
                         const std::string& first, const std::string& second,
                         const at::Tensor& a, const at::Tensor& b) {
  if (!same_bytes(a, b)) {
    fail("read model tensors",
         fmt::format("{} and {} both hold tensor {}, with different numbers",
                     (folder / first).string(), (folder / second).string(),
                     name),
         "each tensor in one shard",
         "shards of two checkpoints were mixed; fetch or save the model anew");
  }
}

TensorMap read_shards(const fs::path& folder, const fs::path& index_path,
                      const std::function<void(std::string_view)>& warn) {
  const auto index =
      parse_shard_index(read_file(index_path), index_path.string());
  std::set<std::string> shards;
  for (const auto& [tensor, shard] : index) {
    shards.insert(shard);
  }
  TensorMap all;
  std::map<std::string, std::string> places;
  const auto tell = [&](const std::string& text) {
    if (warn) {
      warn(text);
    }
  };
  for (const auto& shard : shards) {
    for (auto& [name, tensor] : read_safetensors(folder / shard).tensors) {
      const auto [place, is_new] = places.emplace(name, shard);
      if (!is_new) {
        require_same_copies(name, folder, place->second, shard, all.at(name),
                            tensor);
        tell(
            fmt::format("tensor {} lies in {} and in {}, with the same "
                        "numbers",
                        name, place->second, shard));
      } else if (!index.contains(name)) {
        tell(
            fmt::format("{} holds tensor {}, which the index does not list: "
                        "it is read, as transformers does",
                        shard, name));
      }
      all[name] = std::move(tensor);
    }
  }
  for (const auto& [tensor, shard] : index) {
    if (!all.contains(tensor)) {
      fail("read model tensors",
           fmt::format("{} lacks tensor {}", (folder / shard).string(), tensor),
           "every tensor of the index in its shard",
           "shards of two checkpoints were mixed");
    }
  }
  return all;
}

}  // namespace

SafetensorsFile read_safetensors(const fs::path& path) {
  const auto file = MappedFile::open(path);
  SafetensorsHeader header =
      parse_safetensors_header(file->bytes(), file->size(), path.string());
  SafetensorsFile out;
  for (const auto& entry : header.entries) {
    out.tensors[entry.name] = view_entry(entry, header.data_begin, file, path);
  }
  out.metadata = std::move(header.metadata);
  return out;
}

TensorMap read_model_tensors(
    const fs::path& given,
    const std::function<void(std::string_view)>& on_warning) {
  const fs::path folder = resolve_model(given);
  if (is_gguf(folder)) {
    return read_gguf_tensors(GgufModel::open(folder), at::kFloat).tensors;
  }
  const fs::path single = folder / "model.safetensors";
  const fs::path index = folder / "model.safetensors.index.json";
  if (fs::exists(single)) {
    return read_safetensors(single).tensors;
  }
  if (fs::exists(index)) {
    return read_shards(folder, index, on_warning);
  }
  fail("read model tensors", folder.string() + " holds no weights",
       "model.safetensors or model.safetensors.index.json",
       fs::exists(folder) ? "weights in another format, such as .bin"
                          : "the folder does not exist");
}

void write_safetensors(const fs::path& path, const TensorMap& tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<Named> ordered;
  for (const auto& [name, tensor] : tensors) {
    ordered.emplace_back(name, tensor.detach().cpu().contiguous());
  }
  std::ranges::stable_sort(ordered, std::ranges::greater{}, [](const Named& n) {
    return n.second.element_size();
  });
  const std::string header = header_text(ordered, metadata);
  std::string length(8, '\0');
  for (int i = 0; i < 8; ++i) {
    length[i] = static_cast<char>(header.size() >> (8 * i) & 0xff);
  }
  AtomicFile file(path);
  file.write(length);
  file.write(header);
  for (const auto& [name, tensor] : ordered) {
    if (tensor.nbytes() > 0) {
      file.write(
          {static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes()});
    }
  }
  file.commit();
}

}  // namespace veer
