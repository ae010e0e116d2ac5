// SPDX-License-Identifier: MIT
//
// Veer's side of gpu_speed.py: decoding, reading, extraction, a LoRA step and
// a sweep on one device, each timed when it is asked for.
//
//   gpu_bench MODEL DEVICE DTYPE THREADS
//
// Reads JSON objects, one a line: {"work": "decode", "rows": 64, "prompt": 128,
// "tokens": 8}. Answers each with {"seconds": ..., "peak": most bytes of the
// device in use meanwhile, weights included, "result": what gpu_speed.py
// compares}. Both sides make texts and vectors by the same formula.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/json.h"
#include "veer/capture/capture_texts.h"
#include "veer/generation/generate.h"
#include "veer/interventions/table.h"
#include "veer/model/load.h"
#include "veer/tensors/device.h"
#include "veer/train/sft.h"

namespace veer {
namespace {

// texts() and vector() of gpu_speed.py.
std::vector<std::vector<std::int32_t>> texts(std::int64_t count,
                                             std::int64_t length,
                                             std::int64_t vocab) {
  std::vector<std::vector<std::int32_t>> rows(count);
  for (std::int64_t i = 0; i < count; ++i) {
    for (std::int64_t t = 0; t < length; ++t) {
      const std::int64_t mixed = 7919 * i + 104729 * t + 17 * i * t + 31;
      rows[i].push_back(static_cast<std::int32_t>(mixed % vocab));
    }
  }
  return rows;
}

at::Tensor direction(std::int64_t configuration, std::int64_t width) {
  std::vector<double> values;
  for (std::int64_t d = 0; d < width; ++d) {
    values.push_back(
        std::sin(0.37 * static_cast<double>((configuration + 1) * (d + 1))));
  }
  const auto direction_D = at::tensor(values, at::kDouble);
  return (direction_D / direction_D.norm()).to(at::kFloat);
}

std::vector<float> numbers(const at::Tensor& tensor) {
  const auto flat = tensor.cpu().to(at::kFloat).contiguous().view({-1});
  const auto* data = flat.const_data_ptr<float>();
  return {data, data + flat.numel()};
}

Json first_ids(const std::vector<Completion>& completions) {
  Json ids = Json::array();
  for (std::size_t i = 0; i < std::min<std::size_t>(4, completions.size());
       ++i) {
    ids.push_back(completions[i].ids);
  }
  return ids;
}

Json decode(Transformer& model, const Json& job) {
  std::vector<GenerationRequest> requests;
  for (auto& ids :
       texts(job.at("rows"), job.at("prompt"), model.config().vocab_size)) {
    requests.push_back(
        {.prompt = std::move(ids), .max_tokens = job.at("tokens")});
  }
  GenerationOptions options;
  options.max_rows = job.at("rows");
  return first_ids(generate_all(model, nullptr, requests, options));
}

// Logits behind the last token of each text.
Json prefill(Transformer& model, const Json& job) {
  const at::NoGradGuard no_grad;
  const auto batch =
      pack(texts(job.at("texts"), job.at("tokens"), model.config().vocab_size),
           model.device());
  const std::int64_t length = job.at("tokens");
  const auto last_BD =
      model.forward(batch).slice(0, length - 1, std::nullopt, length);
  const auto logits_BV = model.logits(last_BD);
  return job.value("whole", false) ? Json(numbers(logits_BV))
                                   : Json(numbers(logits_BV.select(1, 0)));
}

Json extract(Transformer& model, const Json& job) {
  const std::int64_t answer = job.at("answer");
  std::vector<EncodedChat> chats;
  for (auto& ids :
       texts(job.at("texts"), job.at("tokens"), model.config().vocab_size)) {
    auto& chat = chats.emplace_back();
    chat.roles.assign(ids.size(), TokenRole::kAnswer);
    chat.ids = std::move(ids);
    chat.answer_end = std::ssize(chat.ids);
    chat.prompt_length = chat.answer_begin = chat.answer_end - answer;
  }
  CaptureRequest request;
  request.positions = {parse_position("answer_mean")};
  const auto states_LND = capture_texts(model, chats, request).stacked_LND(0);
  return numbers(states_LND[model.config().num_layers / 2].mean(0));
}

Json lora(Transformer& model, const Json& job) {
  std::vector<SftExample> examples;
  for (auto& ids :
       texts(job.at("texts"), job.at("tokens"), model.config().vocab_size)) {
    examples.push_back({std::move(ids), 1});
  }
  SftOptions options;
  options.lora.rank = job.at("rank");
  options.batch_size = job.at("texts");
  options.steps = job.at("steps");
  options.recompute = job.value("recompute", false);
  const auto result = finetune(model, examples, options, 1);
  model.detach();
  return result.rows.at(0).values.at("train/loss");
}

Json sweep(Transformer& model, const Json& job) {
  const auto& config = model.config();
  InterventionTable table(config.num_layers, config.width, model.device());
  const auto prompts =
      texts(job.at("prompts"), job.at("prompt"), config.vocab_size);
  std::vector<GenerationRequest> requests;
  for (std::int64_t c = 0; c < job.at("configurations"); ++c) {
    const auto layer = c % config.num_layers;
    SteeringInput input;
    input.directions_LD = at::zeros({config.num_layers, config.width});
    input.directions_LD[layer].copy_(direction(c, config.width));
    Intervention add;
    add.layers = {layer};
    add.scope = parse_scope("generated");
    const auto row = table.add(compile(add, input, config.num_layers));
    for (const auto& prompt : prompts) {
      requests.push_back({.prompt = prompt,
                          .configuration = row,
                          .max_tokens = job.at("tokens")});
    }
  }
  GenerationOptions options;
  options.max_rows = job.at("rows");
  return first_ids(generate_all(model, &table, requests, options));
}

double peak_bytes(at::Device device) {
  if (device.is_cpu()) {
    return 0.0;
  }
  constexpr auto kAll =
      static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  return static_cast<double>(
      at::accelerator::getDeviceStats(0).allocated_bytes[kAll].peak);
}

Json timed(const std::function<Json()>& work, at::Device device) {
  if (!device.is_cpu()) {
    at::accelerator::synchronizeDevice(0);
    at::accelerator::resetPeakStats(0);
  }
  const auto start = std::chrono::steady_clock::now();
  const Json result = work();
  if (!device.is_cpu()) {
    at::accelerator::synchronizeDevice(0);
  }
  const std::chrono::duration<double> wall =
      std::chrono::steady_clock::now() - start;
  return {{"seconds", wall.count()},
          {"peak", peak_bytes(device)},
          {"result", result}};
}

void serve(const std::vector<std::string>& arguments) {
  at::set_num_threads(std::stoi(arguments.at(3)));
  const auto device = find_device(arguments.at(1));
  Transformer model =
      load_transformer(arguments.at(0), dtype_named(arguments.at(2)), device,
                       [](std::string_view note) {
                         std::cerr << "gpu_bench: " << note << "\n";
                       });
  const std::map<std::string, Json (*)(Transformer&, const Json&)> works = {
      {"decode", decode},
      {"prefill", prefill},
      {"extract", extract},
      {"lora", lora},
      {"sweep", sweep}};
  for (std::string line; std::getline(std::cin, line);) {
    const Json job = parse_json(line, "job");
    const auto& work = works.at(job.at("work"));
    fmt::print("{}\n", timed([&] { return work(model, job); }, device).dump());
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
    std::fprintf(stderr, "gpu_bench: %s\n", e.what());
    return 1;
  }
}
