// SPDX-License-Identifier: MIT
#include "veer/train/bake.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/mm.h>
#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/model/weights.h"

namespace veer {
namespace fs = std::filesystem;
namespace {

double norm(const at::Tensor& tensor) {
  return at::linalg_vector_norm(tensor, 2.0, std::nullopt, false, at::kDouble)
      .item<double>();
}

void check_fits(const at::Tensor& weight_OI, const LoraPair& pair,
                const std::string& path) {
  if (weight_OI.dim() != 2 || weight_OI.size(0) != pair.B_OR.size(0) ||
      weight_OI.size(1) != pair.A_RI.size(1)) {
    fail("bake",
         fmt::format("the pair of {} maps {} to {}", path, pair.A_RI.size(1),
                     pair.B_OR.size(0)),
         "the shape of the model's weight",
         "the adapter belongs to another model");
  }
}

bool is_small_text(const fs::path& path) {
  const auto extension = path.extension();
  return (extension == ".json" || extension == ".txt" ||
          extension == ".model" || extension == ".jinja") &&
         !path.filename().string().ends_with(".index.json");
}

// Plain name -> name in the checkpoint, of the language model's tensors.
std::map<std::string, std::string> stored_names(const TensorMap& weights) {
  std::map<std::string, std::string> result;
  for (const auto& [name, tensor] : weights) {
    if (const auto plain = language_model_name(name)) {
      result.emplace(*plain, name);
    }
  }
  return result;
}

}  // namespace

BakeResult bake_adapter(const TensorMap& weights, const Adapter& adapter,
                        const Monitor& monitor) {
  const at::NoGradGuard no_grad;
  BakeResult result{.weights = weights, .errors = {}};
  std::int64_t done = 0;
  const auto names = stored_names(weights);
  for (const auto& [path, pair] : adapter.pairs) {
    monitor.check_stop("bake");
    const auto name = names.find(path + ".weight");
    if (name == names.end()) {
      fail("bake", "the model has no weight " + path + ".weight", {},
           "the adapter belongs to another model");
    }
    at::Tensor& weight_OI = result.weights.at(name->second);
    check_fits(weight_OI, pair, path);
    const auto delta_OI = at::mm(pair.B_OR.detach().cpu().to(at::kDouble),
                                 pair.A_RI.detach().cpu().to(at::kDouble)) *
                          pair.scale;
    const auto exact_OI = weight_OI.to(at::kDouble) + delta_OI;
    weight_OI = exact_OI.to(weight_OI.scalar_type());
    const double size = norm(delta_OI);
    result.errors.push_back(
        {path, size == 0.0
                   ? 0.0
                   : norm(weight_OI.to(at::kDouble) - exact_OI) / size});
    monitor.progress({.task = "bake",
                      .done = ++done,
                      .total = static_cast<std::int64_t>(adapter.pairs.size()),
                      .unit = "matrices",
                      .note = {}});
  }
  return result;
}

void write_model_folder(const fs::path& folder, const TensorMap& weights,
                        const fs::path& from) {
  make_folder(folder);
  write_safetensors(folder / "model.safetensors", weights);
  for (const auto& entry : fs::directory_iterator(from)) {
    if (entry.is_regular_file() && is_small_text(entry.path())) {
      write_file(folder / entry.path().filename(), read_file(entry.path()));
    }
  }
}

}  // namespace veer
