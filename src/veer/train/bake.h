// SPDX-License-Identifier: MIT
//
// Between adapters and full checkpoints, both ways. Neither is used for
// measuring: a merged weight carries the rounding of its dtype.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "veer/base/progress.h"
#include "veer/model/adapter.h"
#include "veer/tensors/safetensors.h"

namespace veer {

// What rounding did to one merged matrix.
struct BakeError {
  std::string path;
  // |rounded - exact| / |exact - base|, Frobenius norms: the share of what the
  // adapter changes that the weight's dtype could not hold.
  double relative = 0.0;
};

struct BakeResult {
  TensorMap weights;              // unchanged ones are the tensors given
  std::vector<BakeError> errors;  // one per changed weight, by module
  // A head that was the embedding is stored by itself now: the config has to
  // say so (untied_config).
  bool unties_head = false;
};

// The tuned model's weights, computed in fp64 and rounded once to the dtype of
// the base's. A multimodal checkpoint keeps its names and other parts. Throws
// Error if a path has no weight or a shape does not fit.
BakeResult bake_adapter(const TensorMap& weights, const Adapter& adapter,
                        const Monitor& monitor = {});

struct ExtractedPair {
  std::string path;
  // Share of |tuned - base|^2 that the pair holds, 1 = all of it.
  double energy = 1.0;
};

struct ExtractResult {
  Adapter adapter;  // scale 1; matrices that do not differ have no pair
  std::vector<ExtractedPair> pairs;
  // Tensors that differ and that no pair can hold (norms, embeddings, head),
  // with |tuned - base| / |base|.
  std::map<std::string, double> not_held;
  // Share of |tuned - base|^2 over all tensors that the pairs hold.
  double energy = 1.0;
};

// The best adapter of `rank` between two checkpoints of one architecture: per
// matrix of a block the truncated singular value decomposition of tuned -
// base, B = U sqrt(S), A = sqrt(S) V'. Exact up to 512 on the shorter side,
// else by randomised subspace iteration (Halko et al., arXiv 0909.4061) with
// 16 extra columns and four passes, seeded. A head that only one of the two
// stores is the other's embedding (tied). Throws Error if names or shapes of
// the two differ, or nothing differs. Of multimodal checkpoints the language
// models are compared.
ExtractResult extract_adapter(const TensorMap& base, const TensorMap& tuned,
                              std::int64_t rank, const Monitor& monitor = {});

// Writes a model folder: `weights` as model.safetensors beside copies of the
// other small files (JSON, text, tokenizer) of `from`, or what the metadata of
// a GGUF file say in their place.
void write_model_folder(const std::filesystem::path& folder,
                        const TensorMap& weights,
                        const std::filesystem::path& from);

}  // namespace veer
