// SPDX-License-Identifier: MIT
//
// Veer's side of vectors_parity.py: logits of a model while an operator (add,
// ablate) acts with a vector file, as extracted times SCALE, on all tokens at
// the output of every layer that has a direction. Usage:
//   parity_steer MODEL VECTOR.safetensors OPERATOR SCALE IDS.json
//                OUT.safetensors
#include <cstdio>
#include <string>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <nlohmann/json.hpp>

#include "veer/base/files.h"
#include "veer/base/json.h"
#include "veer/interventions/from_vector.h"
#include "veer/interventions/table.h"
#include "veer/model/transformer.h"
#include "veer/tensors/safetensors.h"

namespace veer {
namespace {

void run(const std::vector<std::string>& arguments) {
  const at::NoGradGuard no_grad;
  const Transformer model = load_transformer(arguments.at(0));
  const auto vector = read_steering_vector(arguments.at(1));
  require_fits(vector, model);
  Intervention act;
  act.operation = arguments.at(2);
  act.scale = std::stod(arguments.at(3));
  act.scope = parse_scope("all");
  for (std::int64_t l = 0; l < vector.num_layers(); ++l) {
    act.layers.push_back(l);
  }
  InterventionTable table(vector.num_layers(), vector.width());
  table.add(compile(act, input_of(vector, "base"), vector.num_layers()));
  const auto rows = parse_json(read_file(arguments.at(4)), arguments.at(4))
                        .get<std::vector<std::vector<std::int32_t>>>();
  const std::vector<RowBinding> bindings(rows.size(),
                                         RowBinding{.configuration = 0});
  table.bind(bindings);
  ResidualHook* const hook = &table;
  ForwardOptions options;
  options.hooks = {&hook, 1};
  write_safetensors(arguments.at(5),
                    {{"logits", model.logits(model.forward(pack(rows), options),
                                             options.adapter)}});
}

}  // namespace
}  // namespace veer

int main(int argc, char** argv) {
  try {
    veer::run({argv + 1, argv + argc});
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
