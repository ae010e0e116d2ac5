// SPDX-License-Identifier: MIT
#include "veer/run/finetuned_source.h"

#include <algorithm>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/base/hash.h"
#include "veer/base/model_folder.h"
#include "veer/gguf/model.h"
#include "veer/run/machine.h"
#include "veer/run/tunings.h"
#include "veer/tensors/safetensors.h"
#include "veer/train/adapter_files.h"
#include "veer/train/bake.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

void write_origin(const fs::path& to, const Json& origin) {
  write_file(to / "origin.json", dump_json(origin, 1) + "\n");
}

// Writes the adapter of `folder` to `to`; returns what it is, for people.
std::string take_adapter(StudyContext& context, const fs::path& folder,
                         const fs::path& to) {
  auto [adapter, info] =
      read_adapter_files(folder, adapter_base(context.model()));
  std::size_t tokens = 0;
  for (const auto& [path, rows] : adapter.tokens) {
    tokens += rows.ids.size();
  }
  write_origin(to, {{"kind", "adapter"},
                    {"from", folder.string()},
                    {"rank", info.rank},
                    {"pairs", adapter.pairs.size()},
                    {"weights", adapter.weights.size()},
                    {"tokens", tokens}});
  write_adapter(to, adapter, info);
  std::string summary = fmt::format("adapter of rank {} taken from {}",
                                    info.rank, folder.string());
  if (!adapter.weights.empty() || tokens > 0) {
    summary += fmt::format(", with {} weights and {} token rows of its own",
                           adapter.weights.size(), tokens);
  }
  return summary;
}

// The same of a full checkpoint.
std::string take_checkpoint(StudyContext& context, const fs::path& folder,
                            const fs::path& to) {
  const auto& manifest = context.manifest();
  const auto rank = manifest.finetune.rank;
  const auto found =
      extract_adapter(read_model_tensors(model_folder(manifest.model.path)),
                      read_model_tensors(folder), rank, context.monitor());
  Json pairs = Json::array();
  double least = 1.0;
  for (const auto& pair : found.pairs) {
    pairs.push_back({{"path", pair.path}, {"energy", pair.energy}});
    least = std::min(least, pair.energy);
  }
  write_origin(to, {{"kind", "checkpoint"},
                    {"from", folder.string()},
                    {"rank", rank},
                    {"energy", found.energy},
                    {"least_energy", least},
                    {"pairs", pairs},
                    {"not_held", found.not_held}});
  write_adapter(to, found.adapter,
                {.base_model = manifest.model.path,
                 .rank = rank,
                 .alpha = static_cast<double>(rank)});
  std::string summary = fmt::format(
      "rank {} holds {:.1f} % of the change in {} (least of a matrix {:.1f} %)",
      rank, 100.0 * found.energy, folder.string(), 100.0 * least);
  if (!found.not_held.empty()) {
    summary +=
        fmt::format(", {} changed tensors left out", found.not_held.size());
  }
  return summary;
}

std::string take(StudyContext& context, const fs::path& given,
                 const fs::path& to) {
  const fs::path folder = resolve_model(given);
  context.model().detach();
  return finetuned_kind(folder) == FinetunedKind::kAdapter
             ? take_adapter(context, folder, to)
             : take_checkpoint(context, folder, to);
}

}  // namespace

FinetunedKind finetuned_kind(const fs::path& given) {
  const fs::path folder = resolve_model(given);
  std::error_code ec;
  if (is_gguf(folder)) {
    return FinetunedKind::kCheckpoint;
  }
  if (fs::exists(folder / "adapter_config.json", ec)) {
    return FinetunedKind::kAdapter;
  }
  if (!fs::exists(folder / "config.json", ec)) {
    fail("model.finetuned",
         fmt::format("{} has neither adapter_config.json nor config.json",
                     folder.string()),
         "a PEFT adapter or a checkpoint in Hugging Face layout",
         "a mistyped path");
  }
  return FinetunedKind::kCheckpoint;
}

std::string finetuned_fingerprint(const fs::path& given) {
  const fs::path folder = resolve_model(given);
  if (is_gguf(folder)) {
    std::string text;
    const GgufModel model = GgufModel::open(folder);
    for (const GgufPart& part : model.parts()) {
      text += fingerprint_file(part.path.string()) + "\n";
    }
    return fingerprint(text);
  }
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto name = entry.path().filename().string();
    if (name.ends_with(".safetensors") || name == "adapter_config.json") {
      files.push_back(name);
    }
  }
  std::ranges::sort(files);
  std::string text;
  for (const auto& name : files) {
    text += name + " " + fingerprint_file((folder / name).string()) + "\n";
  }
  return fingerprint(text);
}

StageResult import_finetuned(StudyContext& context) {
  const auto& manifest = context.manifest();
  std::string twin;
  // First, so that the study's own adapter being there means that all are.
  for (const auto& tuning : further_tunings(manifest)) {
    twin = "; honest twin: " + take(context, manifest.model.finetuned_honest,
                                    adapter_folder(context, tuning));
    context.monitor().message(
        "The honest twin is ready made (model.finetuned_honest): twin vectors "
        "and G3 suppose that both were tuned by one recipe on the same "
        "questions, which is not checked");
  }
  return {
      take(context, manifest.model.finetuned, context.file("adapter")) + twin,
      ""};
}

}  // namespace veer
