// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

#include "veer/model/transformer.h"

namespace veer {

// Hears what was assumed or ignored while a model was read, one sentence each.
using LoadNotes = std::function<void(std::string_view)>;

// float32, bfloat16 or float16 as torch's; none for another text.
std::optional<at::ScalarType> dtype_named(std::string_view name);
// The other way round; torch's own name of another one.
std::string dtype_name(at::ScalarType dtype);

// load_transformer() of transformer.h, which tells `on_note` what it does.
Transformer load_transformer(const std::filesystem::path& folder,
                             std::optional<at::ScalarType> dtype,
                             at::Device device, const LoadNotes& on_note);

// What load_transformer() gives for `folder`, whose tensors were read already:
// all of them, as read_model_tensors() gives them. They stay as they are, and
// no turned weights are kept beside them. `stored`: what the files hold where
// that is something else (gguf_tensors.h), for the fingerprint.
Transformer transformer_of(const std::filesystem::path& folder,
                           std::map<std::string, at::Tensor> tensors,
                           std::optional<at::ScalarType> dtype = {},
                           at::Device device = at::kCPU,
                           const LoadNotes& on_note = {},
                           std::map<std::string, at::Tensor> stored = {});

// Whether a model can be run, found out by load_transformer()'s own checks.
struct ModelCheck {
  std::optional<ModelConfig> config;  // none: config.json is refused
  std::string dtype;  // "bfloat16": what it would run in on a CPU
  std::vector<std::string> notes;
  std::vector<std::string> problems;  // empty = it can be run
};

// Reads the folder's config.json and the headers of its weights, or a GGUF
// file; never throws for what is inside of them.
ModelCheck check_model_folder(const std::filesystem::path& folder);

}  // namespace veer
