// SPDX-License-Identifier: MIT
//
// Vector files that hold plain numbers and run no code: .svec of IBM's
// activation-steering (JSON), and safetensors with one tensor per layer, the
// exchange form for Python tools. Layouts and loaders for the common tools:
// docs/formats/vectors.md.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "veer/vectors/foreign_layers.h"

namespace veer {

// `.svec`: number L = added to the input of block L = resid_post of layer
// L - 1. (Measured there at the output of block L: layer_offset 1 puts a
// vector where it was measured.) Number 0 acts on the embeddings; it is left
// out with a warning. Throws Error{kBadInput} on other JSON.
SteeringVector parse_svec(std::string_view json, std::string_view origin,
                          const ForeignVectorOptions& options = {},
                          const VectorWarning& warn = {});
void write_svec(const std::filesystem::path& path, const SteeringVector& vector,
                const std::string& model_type,
                const ForeignVectorOptions& options = {},
                const VectorWarning& warn = {});

// Safetensors of others, any float type; axes of size 1 before the width are
// dropped ([1, width], [layers, 1, width]):
//   - one tensor [width] per layer, named as layer_of_name() reads it;
//   - one tensor [layers, width]: row N = resid_post of N (hidden_states of
//     Hugging Face have the embedding as row 0: layer_offset -1);
//   - one tensor [width]: at `layer`, or at every layer with one_serves_all.
// Throws Error{kBadInput} naming the tensor on anything else.
SteeringVector read_plain_vector(const std::filesystem::path& path,
                                 const ForeignVectorOptions& options = {},
                                 std::optional<std::int64_t> layer = {},
                                 const VectorWarning& warn = {});

// Tensors direction.N, F32 [width], N = layer - offset; metadata name, sign,
// model_type, point.
void write_plain_vector(const std::filesystem::path& path,
                        const SteeringVector& vector,
                        const std::string& model_type,
                        const ForeignVectorOptions& options = {},
                        const VectorWarning& warn = {});

}  // namespace veer
