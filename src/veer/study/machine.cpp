// SPDX-License-Identifier: MIT
#include "veer/study/machine.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <thread>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/base/model_folder.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kOrganism = "organism";

fs::path models_folder() {
  if (const char* set = std::getenv("VEER_MODELS")) {
    return set;
  }
  std::error_code ec;
  const fs::path program = fs::read_symlink("/proc/self/exe", ec);
  // build/bin/veer-core in a source tree, or bin/veer-core installed.
  for (fs::path at = program.parent_path(); at.has_relative_path();
       at = at.parent_path()) {
    for (const char* place : {"models", "share/veer/models"}) {
      if (fs::exists(at / place / "organism", ec)) {
        return at / place;
      }
    }
  }
  return "models";
}

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
  fs::path folder = path;
  if (path == kOrganism || path.starts_with(std::string(kOrganism) + ":")) {
    std::string name = path;
    std::ranges::replace(name, ':', '-');
    folder = models_folder() / name;
  }
  folder = resolve_model_folder(folder);
  std::error_code ec;
  if (!fs::exists(folder / "config.json", ec)) {
    fail("load model", fmt::format("{} has no config.json", folder.string()),
         "organism, organism:control, or a folder in Hugging Face layout",
         "a mistyped path");
  }
  return folder;
}

ChatFormat load_chat_format(const ModelSettings& settings) {
  return ChatFormat::load(model_folder(settings.path),
                          {.repetition_penalty = settings.repetition_penalty,
                           .template_vars = settings.template_vars});
}

Transformer load_model(const fs::path& folder, const RunSettings& settings) {
  use_threads(settings.threads);
  return load_transformer(folder, parse_dtype(settings.dtype),
                          parse_device(settings.device));
}

}  // namespace veer
