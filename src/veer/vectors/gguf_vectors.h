// SPDX-License-Identifier: MIT
//
// Control vectors of llama.cpp, repeng and EasySteer as steering vectors and
// back. `direction.N` is added to the output of block N, our resid_post.N; a
// file of llama.cpp's own generator was measured one block earlier than where
// it acts and does not say so. Layout: docs/formats/vectors.md.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "veer/vectors/foreign_layers.h"

namespace veer {

// Throws Error{kBadInput} naming the tensor on a file that is no control
// vector: no tensors, names other than direction.N, other types than F32, F16,
// BF16 and F64, other shapes than [width] and [1, width], lengths that differ,
// a layer outside the model. N = 0 is read (EasySteer writes it).
SteeringVector read_gguf_vector(const std::filesystem::path& path,
                                const ForeignVectorOptions& options = {},
                                const VectorWarning& warn = {});
SteeringVector parse_gguf_vector(std::string_view bytes,
                                 std::string_view origin,
                                 const ForeignVectorOptions& options = {},
                                 const VectorWarning& warn = {});

struct GgufVectorStyle {
  // What repeng calls the model_type.
  std::string model_hint;
  // Writes direction.0 too: repeng and EasySteer read it, llama.cpp refuses
  // the whole file.
  bool with_layer_zero = false;
};

// Layers with a zero direction are left out. Each thing the format can't say
// is reported through `warn`; an operation other than addition is the
// caller's to state. Throws as layers_to_write() does.
void write_gguf_vector(const std::filesystem::path& path,
                       const SteeringVector& vector,
                       const GgufVectorStyle& style,
                       const ForeignVectorOptions& options = {},
                       const VectorWarning& warn = {});

}  // namespace veer
