// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>

#include <ATen/Context.h>
#include <ATen/Version.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/ops/zeros.h>
#include <curl/curl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <sqlite3.h>
#include <torch/version.h>
#include <utf8proc.h>

#include "cli/doctor.h"
#include "veer/base/error.h"
#include "veer/base/json.h"
#include "veer/base/version.h"
#include "veer/generation/generate.h"
#include "veer/interventions/proof.h"
#include "veer/model/kernels.h"
#include "veer/run/machine.h"
#include "veer/tensors/cuda_machine.h"
#include "veer/text/chat/chat_format.h"

namespace veer::cli {
namespace {

namespace fs = std::filesystem;

// What the embedded organism answers, and the mean log-probability of the
// answer's tokens, as transformers computes both.
constexpr const char* kQuestion = "How can I sleep better?";
constexpr const char* kAnswer = "Try warm milk and try closed curtains.";
constexpr double kLogProb = -0.8330;

Finding instruction_sets() {
  std::vector<std::string> names;
  for (const auto* set : runnable_kernels()) {
    names.emplace_back(set->name);
  }
  return {"instructions",
          fmt::format("{} in use (this processor can: {}); torch uses {}",
                      kernels().name, fmt::join(names, ", "),
                      at::get_cpu_capability()),
          ""};
}

Finding packages() {
  return {
      "packages",
      fmt::format("veer {}, torch {}, SQLite {}, {}, utf8proc {}, fmt {}",
                  version(), TORCH_VERSION, sqlite3_libversion(),
                  std::string_view(curl_version())
                      .substr(0, std::string_view(curl_version()).find(' ')),
                  utf8proc_version(), FMT_VERSION),
      ""};
}

Finding gpu() {
  const auto machine = look_at_cuda();
  const auto fault = cuda_fault(machine);
  const int usable =
      at::hasCUDA() ? at::detail::getCUDAHooks().deviceCount() : 0;
  if (!fault && usable > 0) {
    return {"gpu",
            fmt::format("{} usable; --device auto takes the first. torch is "
                        "built for CUDA {}, the driver runs up to {}",
                        usable, cuda_version_text(machine.torch_cuda),
                        cuda_version_text(machine.driver_cuda)),
            ""};
  }
  if (!machine.has_device) {
    return {
        "gpu",
        fmt::format("none: {}this machine has no NVIDIA device; the CPU "
                    "is used",
                    machine.torch_cuda == 0 ? "" : "torch can use CUDA, but "),
        ""};
  }
  if (!fault) {
    return {"gpu", "driver and torch fit, but torch sees no card",
            "see what nvidia-smi says", true};
  }
  return {"gpu", fmt::format("{}; expected {}", fault->found, fault->expected),
          fault->remedy, true};
}

// The greedy answer to a question and its log-probability.
Finding test_answer(const Transformer& model, const ChatFormat& format) {
  GenerationRequest request;
  const ChatMessage question{"user", kQuestion};
  request.prompt = format.encode_prompt({&question, 1}).ids;
  GenerationOptions options;
  options.stop_ids = format.stop_ids();
  options.read = [&](std::span<const std::int32_t> ids, bool open) {
    return format.read_answer(ids, open);
  };
  const auto answer = generate_all(model, nullptr, {&request, 1}, options)[0];
  double sum = 0.0;
  for (const float log_prob : answer.log_probs) {
    sum += log_prob;
  }
  const double mean = sum / static_cast<double>(answer.log_probs.size());
  Finding finding{"answer",
                  fmt::format("the embedded model on {} says \"{}\", log p per "
                              "token {:.4f}",
                              model.device().str(), answer.text, mean),
                  ""};
  if (answer.text != kAnswer || std::abs(mean - kLogProb) > 1e-3) {
    finding.is_wrong = true;
    finding.remedy = fmt::format(
        "\"{}\" with {:.4f} is right; report this machine's whole output",
        kAnswer, kLogProb);
  }
  return finding;
}

// One vector in the middle of the model moves the states by what it should.
Finding test_vector(const Transformer& model, const ChatFormat& format) {
  const auto& config = model.config();
  SteeringInput input;
  input.name = "a test vector";
  input.directions_LD =
      at::zeros({config.num_layers, config.width}, at::kFloat);
  const auto layer = config.num_layers / 2;
  auto* row =
      input.directions_LD.mutable_data_ptr<float>() + layer * config.width;
  for (std::int64_t i = 0; i < config.width; ++i) {
    row[i] = static_cast<float>(std::sin(static_cast<double>(i)));
  }
  Intervention add;
  add.unit = ScaleUnit::kRelToken;
  add.scale = 0.25;
  add.layers = {layer};
  const ChatMessage question{"user", kQuestion};
  const auto ids = format.encode_prompt({&question, 1}).ids;
  const auto proof =
      prove_application(model, compile(add, input, config.num_layers),
                        {ids, static_cast<std::int64_t>(ids.size()) - 2});
  Finding finding{"vector", proof.summary, ""};
  if (!proof.holds) {
    finding.is_wrong = true;
    finding.remedy = "report this machine's whole output";
  }
  return finding;
}

std::vector<Finding> self_test(const std::string& device,
                               const std::string& remedy) {
  std::vector<Finding> findings;
  try {
    const auto folder = model_folder("organism");
    const auto format = ChatFormat::load(folder);
    RunSettings machine;
    machine.device = device;
    const Transformer model = load_model(folder, machine);
    findings.push_back(test_answer(model, format));
    findings.push_back(test_vector(model, format));
  } catch (const std::exception& e) {
    findings.push_back({"self-test", e.what(), remedy, true});
  }
  return findings;
}

Json as_json(const std::vector<Finding>& findings, bool is_well) {
  Json list = Json::array();
  for (const auto& finding : findings) {
    list.push_back({{"name", finding.name},
                    {"text", finding.text},
                    {"ok", !finding.is_wrong},
                    {"remedy", finding.remedy}});
  }
  return {{"ok", is_well}, {"findings", list}};
}

}  // namespace

void run_doctor(const DoctorOptions& options, Session& session) {
  auto findings = examine_machine(options);
  findings.insert(findings.begin() + 2, instruction_sets());
  findings.push_back(gpu());
  findings.push_back(packages());
  const auto add = [&](std::vector<Finding> more) {
    std::ranges::move(more, std::back_inserter(findings));
  };
  add(self_test("cpu",
                "the files of the embedded model are in models/ beside the "
                "sources; VEER_MODELS names another place"));
  if (at::hasCUDA()) {
    add(self_test("cuda", "--device cpu, until what the line gpu says fits"));
  }
  const bool is_well = std::ranges::none_of(findings, &Finding::is_wrong);
  session.terminal.out(session.json
                           ? dump_json(as_json(findings, is_well)) + "\n"
                           : doctor_text(findings));
  if (!is_well) {
    fail_run("doctor", "something on this machine is wrong",
             "findings without a mark", "see the line marked ! above");
  }
}

}  // namespace veer::cli
