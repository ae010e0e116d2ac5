// SPDX-License-Identifier: MIT
//
// Runs texts through a model and brings back what was read at named token
// positions: packed batches of similar lengths, no padding, no logits, no
// layer above the last one wanted.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "veer/base/progress.h"
#include "veer/capture/activation_stats.h"
#include "veer/capture/token_position.h"
#include "veer/model/residual.h"
#include "veer/model/transformer.h"

namespace veer {

struct CaptureRequest {
  std::vector<TokenPosition> positions;
  // Points of the block, read in one pass.
  std::vector<ResidualPoint> points = {ResidualPoint::kResidPost};
  // Layers read, [first_layer, last_layer]; last_layer < 0 = the last one.
  std::int64_t first_layer = 0;
  std::int64_t last_layer = -1;
  // 0 = the model as it is, 1 = with its adapter, between = partly.
  double adapter_strength = 0.0;
  // Also collect token norms by kind of position, at the first point.
  bool norms = false;
  // Tokens in one pass (speed and memory only); halved when memory runs out.
  std::int64_t batch_tokens = 8192;
  // Where rows lie in a file instead of in memory (spilled_tensor.h); empty =
  // in memory.
  std::filesystem::path spill_folder;
};

// Norm of the residual stream at one layer, over tokens of all texts. The
// first token of a text never counts: its norm is of another order.
struct LayerNorms {
  RunningNumber prompt_end;  // the token that predicts the answer
  RunningNumber prompt;      // all tokens of the prompt
  RunningNumber generated;   // tokens of the answer
};

struct CapturedTexts {
  // [position][point * layers + layer - first_layer] -> [N, D] fp32 on the
  // CPU; row n is text n as given, zero where the text has no such token.
  std::vector<std::vector<at::Tensor>> rows;
  std::vector<LayerNorms> norms;  // per layer; empty unless asked
  std::int64_t num_tokens = 0;

  // rows[position] as one tensor [points * layers, N, D].
  at::Tensor stacked_LND(std::size_t position) const;
};

// Memory: positions * points * layers * N * D * 4 bytes for the rows, plus one
// batch. Records no gradients. Throws Error{kBadInput} on an empty list, a
// layer out of range, an adapter strength without adapter; Error{kFailed}
// naming the layer when an activation is not finite; Error{kInterrupted}.
CapturedTexts capture_texts(const Transformer& model,
                            std::span<const EncodedChat> texts,
                            const CaptureRequest& request,
                            const Monitor& monitor = {});

// Mean and standard deviation of u.h over all tokens but the first of each
// text, per layer, for the unit form of the rows of directions_LD (the scale
// unit `sigma` needs it). One pass, at the first point of the request.
std::vector<RunningNumber> token_projections(const Transformer& model,
                                             std::span<const EncodedChat> texts,
                                             const at::Tensor& directions_LD,
                                             const CaptureRequest& request,
                                             const Monitor& monitor = {});

}  // namespace veer
