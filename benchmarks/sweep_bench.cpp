// SPDX-License-Identifier: MIT
//
// Veer's side of sweep_speed.py: many configurations, each adding its own
// vector at one layer, asked the same prompts, all as rows of one engine.
//
//   sweep_bench MODEL JOB.json VECTORS.safetensors THREADS
//
// JOB.json: prompts (lists of ids), layers (one per configuration), scope,
// tokens, max_rows. VECTORS: "vectors" [configurations, width]. Reads lines
// from stdin: "time N" answers with the seconds and the processor seconds of
// the first N configurations, "ids N" with their token ids as JSON.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <string>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>
#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/files.h"
#include "veer/base/json.h"
#include "veer/generation/generate.h"
#include "veer/interventions/table.h"
#include "veer/model/transformer.h"
#include "veer/tensors/safetensors.h"

namespace veer {
namespace {

struct Job {
  std::vector<std::vector<std::int32_t>> prompts;
  std::vector<std::int64_t> layers;
  std::string scope;
  std::int64_t tokens = 0;
  std::int64_t max_rows = 0;
  at::Tensor vectors_CD;
};

Job read_job(const std::string& job_file, const std::string& vector_file) {
  const auto json = parse_json(read_file(job_file), job_file);
  Job job;
  json.at("prompts").get_to(job.prompts);
  json.at("layers").get_to(job.layers);
  json.at("scope").get_to(job.scope);
  json.at("tokens").get_to(job.tokens);
  json.at("max_rows").get_to(job.max_rows);
  job.vectors_CD = read_safetensors(vector_file).tensors.at("vectors").clone();
  return job;
}

// The whole of a sweep's work: the table, the requests and the answers.
std::vector<Completion> sweep(const Transformer& model, const Job& job,
                              std::int64_t configurations) {
  const auto num_layers = model.config().num_layers;
  InterventionTable table(num_layers, model.config().width);
  std::vector<GenerationRequest> requests;
  for (std::int64_t c = 0; c < configurations; ++c) {
    const auto layer = job.layers.at(static_cast<std::size_t>(c));
    SteeringInput input;
    input.directions_LD = at::zeros({num_layers, model.config().width});
    input.directions_LD[layer].copy_(job.vectors_CD[c]);
    Intervention add;
    add.layers = {layer};
    add.scope = parse_scope(job.scope);
    const auto row = table.add(compile(add, input, num_layers));
    for (const auto& prompt : job.prompts) {
      GenerationRequest request;
      request.prompt = prompt;
      request.configuration = row;
      request.max_tokens = job.tokens;
      requests.push_back(std::move(request));
    }
  }
  GenerationOptions options;
  options.max_rows = job.max_rows;
  return generate_all(model, &table, requests, options);
}

double processor_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

void serve(const std::vector<std::string>& arguments) {
  at::set_num_threads(std::stoi(arguments.at(3)));
  const Transformer model = load_transformer(arguments.at(0));
  const Job job = read_job(arguments.at(1), arguments.at(2));
  std::string word;
  std::int64_t count = 0;
  while (std::cin >> word >> count) {
    const auto start = std::chrono::steady_clock::now();
    const double processor = processor_seconds();
    const auto completions = sweep(model, job, count);
    const std::chrono::duration<double> wall =
        std::chrono::steady_clock::now() - start;
    if (word == "time") {
      fmt::print("{} {}\n", wall.count(), processor_seconds() - processor);
    } else {
      Json ids = Json::array();
      for (const auto& completion : completions) {
        ids.push_back(completion.ids);
      }
      fmt::print("{}\n", ids.dump());
    }
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace veer

int main(int argc, char** argv) {
  try {
    veer::serve({argv + 1, argv + argc});
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
