// SPDX-License-Identifier: MIT
#include "veer/study/machine.h"

#include <algorithm>
#include <optional>
#include <thread>

#include <ATen/Context.h>
#include <ATen/Parallel.h>

#include "veer/base/error.h"
#include "veer/base/model_folder.h"
#include "veer/model/load.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

at::Device parse_device(const std::string& name) {
  if (name == "auto") {
    return at::hasCUDA() ? at::Device(at::kCUDA) : at::Device(at::kCPU);
  }
  at::Device device(name);
  if (device.is_cuda() && !at::hasCUDA()) {
    fail("load model", "no CUDA device can be used", "--device cpu",
         "a CPU build of torch, or no NVIDIA driver");
  }
  return device;
}

std::optional<at::ScalarType> parse_dtype(const std::string& name) {
  if (name == "float32") {
    return at::kFloat;
  }
  if (name == "bfloat16") {
    return at::kBFloat16;
  }
  return std::nullopt;
}

void use_threads(std::int64_t wanted) {
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  at::set_num_threads(wanted > 0 ? static_cast<int>(wanted)
                                 : static_cast<int>(cores));
}

}  // namespace

fs::path model_folder(const std::string& path) {
  return find_model_folder(path);
}

ChatFormat load_chat_format(const ModelSettings& settings) {
  return ChatFormat::load(model_folder(settings.path),
                          {.repetition_penalty = settings.repetition_penalty,
                           .template_vars = settings.template_vars});
}

Transformer load_model(const fs::path& folder, const RunSettings& settings,
                       const std::function<void(std::string_view)>& on_note) {
  use_threads(settings.threads);
  return load_transformer(folder, parse_dtype(settings.dtype),
                          parse_device(settings.device), on_note);
}

}  // namespace veer
