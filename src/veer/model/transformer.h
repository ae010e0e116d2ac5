// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "veer/model/adapter.h"
#include "veer/model/config.h"
#include "veer/model/kv_cache.h"
#include "veer/model/packed_batch.h"
#include "veer/model/residual.h"
#include "veer/model/row_sharing.h"

namespace veer {

struct ForwardOptions {
  // With a cache the batch's rows continue their slots; without one every row
  // is a whole text.
  KvCache* cache = nullptr;
  HookList hooks;
  AdapterStrength adapter;
  // Stop after this layer; the layers above are not computed.
  std::optional<std::int64_t> last_layer;
  // Only keys and values are wanted: the last computed block stops behind them,
  // its other sites are not visited, and the result is undefined. With a cache.
  bool fill_cache_only = false;
  // Rows that run with others up to a block, or null. With a cache on a CPU.
  const RowSharing* sharing = nullptr;
  // Recompute each block in the backward pass instead of keeping its
  // activations (training only). Blocks that a hook wants to see are kept.
  // The model must outlive the backward pass.
  bool checkpoint_blocks = false;
};

// Name and shape of every weight of a configuration, in the order of the
// forward pass: what Transformer's constructor expects.
std::vector<std::pair<std::string, std::vector<std::int64_t>>> weight_shapes(
    const ModelConfig& config);

// A Llama-family decoder. const to whoever measures or steers; safe to share
// between threads only for reading.
class Transformer {
 public:
  // Weights by Hugging Face name ("model.layers.0.mlp.up_proj.weight"). Throws
  // Error on a missing, unexpected or misshaped tensor. `stored`: the same
  // weights as their files hold them, where they were converted or moved since;
  // they are kept for fingerprint().
  Transformer(ModelConfig config, std::map<std::string, at::Tensor> weights,
              std::map<std::string, at::Tensor> stored = {});
  ~Transformer();
  Transformer(Transformer&&) noexcept;
  Transformer& operator=(Transformer&&) noexcept;

  const ModelConfig& config() const;
  at::ScalarType dtype() const;
  at::Device device() const;

  // The residual stream after the last computed block [T, D], before the
  // final norm. Hooks see the rows that run so far (all of them without
  // `sharing`). Records gradients when grad mode is on and something in the
  // pass requires them; never with a cache.
  // Throws Error if an id lies outside the vocabulary, a row does not fit the
  // cache, or a layer does not exist.
  at::Tensor forward(const PackedBatch& batch,
                     const ForwardOptions& options = {}) const;

  // Final norm and head of chosen rows of forward()'s result: [N, D] ->
  // logits [N, V] in the model's dtype, soft-capped where the family does so.
  // `strength`: that of the rows' passes, per_row_B one per row of hidden_ND,
  // because an adapter may change norm and head as well.
  at::Tensor logits(const at::Tensor& hidden_ND,
                    const AdapterStrength& strength) const;
  // Of the base; throws Error where an attached adapter changes norm or head,
  // so that nobody forgets the strength.
  at::Tensor logits(const at::Tensor& hidden_ND) const;

  // Attaches an adapter. Its pairs are shared, not copied: a trainer goes on
  // changing them (not those with a magnitude, whose gains are taken here).
  // Throws Error if a name is none of this model or a shape does not fit.
  void attach(const Adapter& adapter);
  void detach();
  bool has_adapter() const;

  // Paths of all linear layers inside blocks with their shapes (out, in).
  std::vector<std::pair<std::string, std::pair<std::int64_t, std::int64_t>>>
  linear_layers() const;

  // Keeps the linear layers' weights once more, as fused products read them,
  // unless that takes more than `max_bytes` or no product here would use it.
  // Faster, most of all for few rows; a row of a pass is then the same bits
  // whatever rows run beside it. Weights that change afterwards are read as
  // they are, slower.
  void keep_turned_weights(std::int64_t max_bytes);

  // All weights by name, the tensors themselves (pretraining updates them).
  std::vector<std::pair<std::string, at::Tensor>> weights() const;

  // Fingerprint of config and weights as their files hold them, whatever dtype
  // and device the model runs in: what a steering vector is bound to.
  const std::string& fingerprint() const;
  // Whether `text` is it, or what earlier versions took: the fingerprint of the
  // weights in the dtype of a run.
  bool has_fingerprint(const std::string& text) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// Loads a folder in Hugging Face layout, or of the Hugging Face cache: its
// config.json and model.safetensors or shards. Keeps turned weights of up to
// 1 GiB. `dtype`: undefined = as stored
// (fp16 becomes fp32 on a CPU).
Transformer load_transformer(const std::filesystem::path& folder,
                             std::optional<at::ScalarType> dtype = {},
                             at::Device device = at::kCPU);

}  // namespace veer
