// SPDX-License-Identifier: MIT
//
// Veer's side of peft_parity.py: trains an adapter and writes its start, its
// end and every step's items and loss; or writes the logits of a model with an
// adapter. Usage:
//   parity_sft train MODEL REQUEST.json OUT
//   parity_sft logits MODEL ADAPTER IDS.json OUT.safetensors
#include <cstdio>
#include <string>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/base/json.h"
#include "veer/base/settings.h"
#include "veer/tensors/safetensors.h"
#include "veer/train/adapter_files.h"
#include "veer/train/sft.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

void train(const fs::path& model_folder, const fs::path& request_path,
           const fs::path& out) {
  const Json request =
      parse_json(read_file(request_path), request_path.string());
  SftOptions options;
  apply_settings(setting_fields(options), request.at("options"), "request");
  std::vector<SftExample> examples;
  for (const auto& item : request.at("examples")) {
    examples.push_back({item.at("ids").get<std::vector<std::int32_t>>(),
                        item.at("supervise_begin").get<std::int64_t>()});
  }
  Transformer model = load_transformer(model_folder);
  const std::uint64_t seed = 5;
  const auto info = adapter_info(options.lora, model_folder.string());
  write_adapter(out / "start",
                make_adapter(model.linear_layers(), options.lora,
                             Random(seed, "adapter")),
                info);
  Json steps = Json::array();
  const Objective sft = sft_objective(examples, options.loss);
  const Objective noting = [&](const ObjectiveInput& input) {
    if (input.items.data() == input.step_items.data()) {
      steps.push_back(
          std::vector(input.step_items.begin(), input.step_items.end()));
    }
    return sft(input);
  };
  const auto result =
      train_adapter(model, static_cast<std::int64_t>(examples.size()), noting,
                    options, seed, "parity");
  Json log = Json::array();
  for (std::size_t i = 0; i < result.rows.size(); ++i) {
    log.push_back({{"items", steps[i]}, {"values", result.rows[i].values}});
  }
  write_adapter(out / "end", result.adapter, info);
  write_file(out / "log.json", dump_json(log));
}

void logits(const fs::path& model_folder, const fs::path& adapter_folder,
            const fs::path& ids_path, const fs::path& out) {
  const at::NoGradGuard no_grad;
  Transformer model = load_transformer(model_folder);
  model.attach(read_adapter(adapter_folder, model));
  const auto rows = parse_json(read_file(ids_path), ids_path.string())
                        .get<std::vector<std::vector<std::int32_t>>>();
  ForwardOptions options;
  options.adapter.uniform = 1.0;
  write_safetensors(out,
                    {{"logits", model.logits(model.forward(pack(rows), options),
                                             options.adapter)}});
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() == 4 && arguments[0] == "train") {
    train(arguments[1], arguments[2], arguments[3]);
    return 0;
  }
  if (arguments.size() == 5 && arguments[0] == "logits") {
    logits(arguments[1], arguments[2], arguments[3], arguments[4]);
    return 0;
  }
  return 2;
}

}  // namespace
}  // namespace veer

int main(int argc, char** argv) {
  try {
    return veer::run({argv + 1, argv + argc});
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
