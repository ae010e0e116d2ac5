// SPDX-License-Identifier: MIT
//
// Control vectors of llama.cpp, repeng and EasySteer as steering vectors and
// back. `direction.N` is added to the output of block N, our resid_post.N; a
// file of llama.cpp's own generator was measured one block earlier than where
// it acts and does not say so. Layout: docs/formats/vectors.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "veer/vectors/steering_vector.h"

namespace veer {

struct GgufVectorOptions {
  // Blocks of the model; 0 = the highest direction in the file and one more.
  // Layers without a direction become zero.
  std::int64_t num_layers = 0;
  // Added to N on reading, subtracted on writing. -1 takes vectors of
  // llama.cpp's generator to the block where they were measured.
  std::int64_t layer_offset = 0;
};

// Throws Error{kBadInput} naming the tensor on a file that is no control
// vector: no tensors, names other than direction.N, other types than F32,
// other ranks than 1, lengths that differ, a layer outside the model.
// N = 0 is read (EasySteer writes it).
SteeringVector read_gguf_vector(const std::filesystem::path& path,
                                const GgufVectorOptions& options = {});
SteeringVector parse_gguf_vector(std::string_view bytes,
                                 std::string_view origin,
                                 const GgufVectorOptions& options = {});

// Layers with a zero direction are left out. `model_hint` is what repeng
// calls the model_type. Each thing the format can't say is reported through
// `warn`: layer 0 (llama.cpp refuses it; left out), an operation other than
// addition is the caller's to state. Throws Error{kBadInput} for a point other
// than resid_post, or if no layer is left.
void write_gguf_vector(const std::filesystem::path& path,
                       const SteeringVector& vector,
                       const std::string& model_hint,
                       const GgufVectorOptions& options = {},
                       const std::function<void(std::string_view)>& warn = {});

}  // namespace veer
