// SPDX-License-Identifier: MIT
// veer convert: steering vectors from and to other tools.
#include "cli/convert.h"

#include "cli/verbs.h"

namespace veer::cli {

void setup_convert(Commands& commands) {
  auto options = std::make_shared<ConvertOptions>();
  CLI::App& app =
      commands.add("convert", "take a steering vector from or to another tool",
                   options, run_convert);
  app.add_option("in", options->in,
                 "vector: ours, .gguf, .svec or plain .safetensors")
      ->required();
  app.add_option("out", options->out, "file to write")->required();
  app.add_option("--to", options->to,
                 "veer, gguf (llama.cpp, repeng), gguf-all (with layer 0: "
                 "repeng, EasySteer), svec, plain; default by the file's "
                 "ending (a vector of ours becomes plain .safetensors)");
  app.add_option("--model", options->model,
                 "folder of the model: layers, width and model_type");
  app.add_option("--model-type", options->model_type,
                 "model_type to write (llama, qwen2, ...)");
  app.add_option("--layer-offset", options->layer_offset,
                 "added to the other tool's numbers on reading, subtracted on "
                 "writing (-1: where llama.cpp's generator measured)");
  app.add_option("--layer", options->layer,
                 "layer of a file that holds one direction");
  app.add_option("--scale", options->scale,
                 "write what `add` at this scale adds, so that strength 1 in "
                 "the other tool is this scale here");
  app.add_option("--unit", options->unit, "of --scale: raw, unit, rel, sigma");
  app.add_option("--layers", options->layers, "3 or 2,5 or 2-5 or all");
  app.add_option("--budget", options->budget,
                 "of --scale over several layers: full or per_layer");
  app.add_option("--side", options->side,
                 "whose norms unit rel uses: base or tuned");
}

}  // namespace veer::cli
