// SPDX-License-Identifier: MIT
//
// A steering vector from whatever file holds one: the one place that every verb
// reads vectors through.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "veer/vectors/foreign_layers.h"

namespace veer {

struct VectorFile {
  SteeringVector vector;
  std::string format;  // "veer", "gguf", "svec" or "plain"
};

// Reads our own safetensors, GGUF control vectors, .svec and plain safetensors;
// the first bytes decide, not the file's ending. `options` and `layer` are for
// files of other tools (foreign_layers.h, plain_vectors.h). Throws
// Error{kBadInput} on a file that is none of these; for the formats of Python
// that can run code or are no vector's (.pt, .bin, .pkl, .npy, .npz) the
// message holds the line of Python that converts them.
VectorFile read_vector_file(const std::filesystem::path& path,
                            const ForeignVectorOptions& options = {},
                            std::optional<std::int64_t> layer = {},
                            const VectorWarning& warn = {});

}  // namespace veer
