// SPDX-License-Identifier: MIT
#include "veer/model/load.h"

#include <utility>

#include "veer/base/files.h"
#include "veer/base/model_folder.h"
#include "veer/model/weights.h"
#include "veer/tensors/safetensors.h"

namespace veer {
namespace {

constexpr std::int64_t kMaxTurnedBytes = std::int64_t{1} << 30;

at::ScalarType working_dtype(const TensorMap& tensors,
                             std::optional<at::ScalarType> wanted,
                             at::Device device) {
  if (wanted) {
    return *wanted;
  }
  const auto it = tensors.find("model.embed_tokens.weight");
  const at::ScalarType stored =
      it == tensors.end() ? at::kFloat : it->second.scalar_type();
  return stored == at::kHalf && device.is_cpu() ? at::kFloat : stored;
}

}  // namespace

Transformer transformer_of(const std::filesystem::path& folder,
                           std::map<std::string, at::Tensor> given,
                           std::optional<at::ScalarType> dtype,
                           at::Device device) {
  const auto path = folder / "config.json";
  const ModelConfig config =
      parse_model_config(read_file(path, 1 << 24), path.string());
  TensorMap tensors = language_model_part(std::move(given));
  const at::ScalarType to = working_dtype(tensors, dtype, device);
  for (auto& [name, tensor] : tensors) {
    if (tensor.is_floating_point()) {
      // No copy where dtype and device already agree.
      tensor = tensor.to(device, to);
    }
  }
  return Transformer(config, std::move(tensors));
}

Transformer load_transformer(const std::filesystem::path& given,
                             std::optional<at::ScalarType> dtype,
                             at::Device device) {
  const auto folder = resolve_model_folder(given);
  auto model =
      transformer_of(folder, read_model_tensors(folder), dtype, device);
  model.keep_turned_weights(kMaxTurnedBytes);
  return model;
}

}  // namespace veer
