// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include "veer/gguf/model.h"
#include "veer/tensors/safetensors.h"

namespace veer {

// The weights of a model in a GGUF file.
struct GgufTensors {
  // Under the names and with the rows of a Hugging Face checkpoint (gguf_place
  // of gguf/config.h), on the CPU.
  TensorMap tensors;
  // The same names with what the file holds: blocks as bytes, for fingerprints.
  TensorMap stored;
};

// Blocks become numbers of `dtype` (fp32, bf16 or fp16), rounded once from the
// fp32 values of dequantise_blocks(), on all threads, straight into their
// tensor; F32, F16 and BF16 tensors keep their dtype and lie in the mapped
// file where nothing about them changes. Throws Error{kBadInput} on a type that
// is not read.
GgufTensors read_gguf_tensors(const GgufModel& model, at::ScalarType dtype);

}  // namespace veer
