// SPDX-License-Identifier: MIT
#include "veer/run/machine.h"

#include <algorithm>
#include <optional>
#include <thread>

#include <ATen/Parallel.h>
#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/base/model_folder.h"
#include "veer/model/load.h"
#include "veer/tensors/cuda_machine.h"
#include "veer/tensors/device.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

std::optional<at::ScalarType> parse_dtype(const std::string& name) {
  if (name == "auto") {
    return std::nullopt;
  }
  if (const auto dtype = dtype_named(name)) {
    return dtype;
  }
  fail("load model", fmt::format("--dtype {}", name),
       "auto, float32, bfloat16 or float16");
}

void use_threads(std::int64_t wanted) {
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  at::set_num_threads(wanted > 0 ? static_cast<int>(wanted)
                                 : static_cast<int>(cores));
}

// A card that stays unused, or that torch has no kernels for, is told of before
// the first pass.
void note_card(const RunSettings& settings, at::Device device,
               const std::function<void(std::string_view)>& on_note) {
  const bool is_left_out = settings.device == "auto" && device.is_cpu();
  if (!on_note || (!is_left_out && !device.is_cuda())) {
    return;
  }
  const auto machine = look_at_cuda();
  const auto fault = cuda_fault(machine);
  if (!machine.has_device || !fault) {
    return;
  }
  on_note(fmt::format("{}{}; expected {}. Remedy: {}",
                      is_left_out ? "runs on the CPU: " : "", fault->found,
                      fault->expected, fault->remedy));
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
  const auto dtype = parse_dtype(settings.dtype);
  const auto device = find_device(settings.device);
  note_card(settings, device, on_note);
  want_repeatable_algorithms(device, settings.deterministic);
  return load_transformer(folder, dtype, device, on_note);
}

}  // namespace veer
