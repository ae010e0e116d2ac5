// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "veer/model/config.h"

namespace veer {

// What a checkpoint's tensors are to the model that its config.json names.
struct PlacedCheckpoint {
  // Under the names of weight_shapes(config), as they are stored.
  std::map<std::string, at::Tensor> tensors;
  // What was assumed or ignored, one sentence each.
  std::vector<std::string> notes;
  // Why the model cannot be run, one message each; empty = it can.
  std::vector<std::string> problems;
};

// Finds each weight among the stored tensors as transformers does:
// - names may lack "model." or have it twice, and may lie in a multimodal
//   checkpoint; any other prefix is a problem that names it;
// - of a tied model that stores a head, an equal one is left out; another one
//   is used, and `config.tied_head` becomes false; a head without an embedding
//   is both;
// - value, reward and classification heads, tables that are computed and the
//   other parts of a multimodal model are ignored with a note; every other
//   tensor that the model has no place for is a problem.
// `stored`: every tensor of the checkpoint by its name there.
PlacedCheckpoint place_checkpoint(ModelConfig& config,
                                  std::map<std::string, at::Tensor> stored);

}  // namespace veer
