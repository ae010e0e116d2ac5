// SPDX-License-Identifier: MIT
#include "veer/model/load.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "veer/base/error.h"
#include "veer/base/model_folder.h"
#include "veer/gguf/model_text.h"
#include "veer/model/checkpoint.h"
#include "veer/model/weights.h"
#include "veer/tensors/device.h"
#include "veer/tensors/gguf_tensors.h"
#include "veer/tensors/safetensors.h"
#include "veer/tensors/upload.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMaxTurnedBytes = std::int64_t{1} << 30;

ModelConfig read_config(const fs::path& folder) {
  const ModelText config = read_config_text(folder);
  return parse_model_config(config.text, config.origin);
}

// Numbers stored in each dtype, of the floating-point weights.
std::map<at::ScalarType, std::int64_t> counts_by_dtype(
    const TensorMap& tensors) {
  std::map<at::ScalarType, std::int64_t> counts;
  for (const auto& [name, tensor] : tensors) {
    if (tensor.is_floating_point()) {
      counts[tensor.scalar_type()] += tensor.numel();
    }
  }
  return counts;
}

// The dtype of config.json, else the one that most of the weights have.
at::ScalarType natural_dtype(
    const ModelConfig& config,
    const std::map<at::ScalarType, std::int64_t>& counts) {
  if (const auto named = dtype_named(config.stored_dtype)) {
    return *named;
  }
  const auto most = std::ranges::max_element(
      counts, {}, [](const auto& entry) { return entry.second; });
  const bool computes = most != counts.end() && (most->first == at::kHalf ||
                                                 most->first == at::kBFloat16);
  return computes ? most->first : at::kFloat;
}

at::ScalarType working_dtype(const ModelConfig& config,
                             const TensorMap& tensors, at::Device device,
                             const LoadNotes& on_note) {
  const auto counts = counts_by_dtype(tensors);
  const at::ScalarType natural = natural_dtype(config, counts);
  if (natural == at::kBFloat16 && !computes_in_bfloat16(device)) {
    if (on_note) {
      on_note(
          "the model runs in float16, because this card does not compute in "
          "bfloat16, in which the weights are stored; float16 ends at 65504 "
          "(--dtype decides)");
    }
    return at::kHalf;
  }
  // A CPU has no fast arithmetic for it.
  const bool widened = natural == at::kHalf && device.is_cpu();
  const at::ScalarType to = widened ? at::kFloat : natural;
  std::string others;
  for (const auto& [stored, numbers] : counts) {
    if (stored != to && !(widened && stored == at::kHalf)) {
      others += fmt::format("{}{} numbers in {}", others.empty() ? "" : ", ",
                            numbers, dtype_name(stored));
    }
  }
  if (!others.empty() && on_note) {
    on_note(fmt::format(
        "the model runs in {}, {}; the file also stores {} (--dtype decides)",
        dtype_name(to),
        dtype_named(config.stored_dtype) ? "the dtype of config.json"
                                         : "which most of its weights have",
        others));
  }
  return to;
}

[[noreturn]] void refuse(const std::vector<std::string>& problems) {
  throw Error(
      ErrorKind::kBadInput,
      problems.size() == 1
          ? problems.front()
          : fmt::format(
                "{} There {} more: `veer inspect` lists all.", problems.front(),
                problems.size() == 2
                    ? "is one problem"
                    : fmt::format("are {} problems", problems.size() - 1)));
}

// The weights of a folder as they are stored. The blocks of a GGUF file become
// the dtype in which the model will run, or what an unquantised checkpoint
// would have.
GgufTensors read_tensors(const fs::path& model,
                         std::optional<at::ScalarType> dtype, at::Device device,
                         const LoadNotes& on_note) {
  if (!is_gguf(model)) {
    return {.tensors = read_model_tensors(model, on_note), .stored = {}};
  }
  const auto usual = computes_in_bfloat16(device) ? at::kBFloat16 : at::kHalf;
  const auto to = dtype.value_or(usual);
  const GgufModel file = GgufModel::open(model);
  std::set<std::string> packings;
  for (const GgufPart& part : file.parts()) {
    for (const GgufTensor& tensor : part.header.tensors) {
      if (is_quantised(tensor.type)) {
        packings.insert(ggml_type_name(tensor.type));
      }
    }
  }
  if (!packings.empty() && on_note) {
    on_note(
        fmt::format("weights packed as {} are unpacked to {} (--dtype "
                    "decides)",
                    fmt::join(packings, ", "), dtype_name(to)));
  }
  return read_gguf_tensors(file, to);
}

void note_adapter(const fs::path& folder, const LoadNotes& on_note) {
  std::error_code ignored;
  if (on_note && fs::exists(folder / "adapter_config.json", ignored)) {
    on_note(
        fmt::format("{} also holds an adapter, which is not applied "
                    "unless --adapter names it",
                    folder.string()));
  }
}

}  // namespace

std::optional<at::ScalarType> dtype_named(std::string_view name) {
  if (name == "float32") {
    return at::kFloat;
  }
  if (name == "bfloat16") {
    return at::kBFloat16;
  }
  return name == "float16" ? std::optional(at::kHalf) : std::nullopt;
}

std::string dtype_name(at::ScalarType dtype) {
  for (const char* name : {"float32", "bfloat16", "float16"}) {
    if (dtype_named(name) == dtype) {
      return name;
    }
  }
  return c10::toString(dtype);
}

Transformer transformer_of(const fs::path& folder,
                           std::map<std::string, at::Tensor> given,
                           std::optional<at::ScalarType> dtype,
                           at::Device device, const LoadNotes& on_note,
                           std::map<std::string, at::Tensor> stored) {
  ModelConfig config = read_config(folder);
  auto [tensors, notes, problems] = place_checkpoint(config, std::move(given));
  if (!problems.empty()) {
    refuse(problems);
  }
  for (const auto& note : notes) {
    if (on_note) {
      on_note(note);
    }
  }
  // Of a GGUF file its reader has told; its norms are fp32 in any case.
  const bool is_told = !stored.empty();
  const at::ScalarType to =
      dtype ? *dtype
            : working_dtype(config, tensors, device,
                            is_told ? LoadNotes{} : on_note);
  if (stored.empty()) {
    stored = tensors;
  }
  const auto joined =
      device.is_cpu() ? std::set<std::string>() : joined_weights(config);
  for (auto& [name, tensor] : tensors) {
    // No copy where dtype and device already agree. What a card joins is copied
    // once, to its place there.
    if (!joined.contains(name)) {
      tensor = uploaded(tensor, device, to);
    }
  }
  return Transformer(std::move(config), std::move(tensors), std::move(stored));
}

Transformer load_transformer(const fs::path& given,
                             std::optional<at::ScalarType> dtype,
                             at::Device device, const LoadNotes& on_note) {
  const auto folder = find_model_folder(given);
  note_adapter(folder, on_note);
  auto [tensors, stored] = read_tensors(folder, dtype, device, on_note);
  auto model = transformer_of(folder, std::move(tensors), dtype, device,
                              on_note, std::move(stored));
  model.keep_turned_weights(kMaxTurnedBytes);
  return model;
}

Transformer load_transformer(const fs::path& folder,
                             std::optional<at::ScalarType> dtype,
                             at::Device device) {
  return load_transformer(folder, dtype, device, {});
}

ModelCheck check_model_folder(const fs::path& given) {
  ModelCheck check;
  const LoadNotes on_note = [&](std::string_view note) {
    check.notes.emplace_back(note);
  };
  const auto collect = [&](const auto& part) {
    try {
      part();
    } catch (const Error& e) {
      check.problems.emplace_back(e.what());
    }
  };
  fs::path folder = given;
  TensorMap stored;
  bool is_read = false;
  collect([&] {
    folder = find_model_folder(given);
    note_adapter(folder, on_note);
    check.config = read_config(folder);
  });
  collect([&] {
    stored = read_tensors(folder, {}, at::kCPU, on_note).tensors;
    is_read = true;
  });
  if (!check.config || !is_read) {
    return check;
  }
  auto placed = place_checkpoint(*check.config, std::move(stored));
  std::ranges::move(placed.notes, std::back_inserter(check.notes));
  std::ranges::move(placed.problems, std::back_inserter(check.problems));
  check.dtype =
      dtype_name(working_dtype(*check.config, placed.tensors, at::kCPU,
                               is_gguf(folder) ? LoadNotes{} : on_note));
  return check;
}

}  // namespace veer
