// SPDX-License-Identifier: MIT
//
// What a 3-billion-parameter model costs: time to load, and the peak memory of
// one piece of every kind of work, each in a process of its own.
//
//   size_bench FOLDER [phase ...]
//
// FOLDER gets random bf16 weights of the exact shape of Llama-3.2-3B (6.4 GB)
// unless they are there. Phases: read load touch extract lora steer (default:
// all, the first three twice: from the disk, and from the page cache). Times on
// a busy machine mean little; set GOMP_SPINCOUNT=5000 there, as veer does.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include "veer/base/files.h"
#include "veer/base/json.h"
#include "veer/base/random.h"
#include "veer/capture/recorder.h"
#include "veer/generation/generate.h"
#include "veer/interventions/table.h"
#include "veer/model/transformer.h"
#include "veer/train/sft.h"

namespace {

using namespace veer;  // NOLINT(google-build-using-namespace): one program
namespace fs = std::filesystem;

constexpr double kGb = 1e9;

constexpr const char* kConfig = R"({"architectures": ["LlamaForCausalLM"],
  "model_type": "llama", "vocab_size": 128256, "hidden_size": 3072,
  "intermediate_size": 8192, "num_hidden_layers": 28,
  "num_attention_heads": 24, "num_key_value_heads": 8, "head_dim": 128,
  "rms_norm_eps": 1e-05, "tie_word_embeddings": true,
  "max_position_embeddings": 131072, "rope_theta": 500000.0,
  "torch_dtype": "bfloat16", "rope_scaling": {"rope_type": "llama3",
  "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
  "original_max_position_embeddings": 8192}}
)";

// Writes the weights one by one: no second copy in memory here either.
void make_model(const fs::path& folder) {
  const auto shapes = weight_shapes(parse_model_config(kConfig, "size_bench"));
  Json header = Json::object();
  std::int64_t position = 0;
  for (const auto& [name, shape] : shapes) {
    std::int64_t bytes = 2;
    for (const std::int64_t size : shape) {
      bytes *= size;
    }
    header[name] = {{"dtype", "BF16"},
                    {"shape", shape},
                    {"data_offsets", {position, position + bytes}}};
    position += bytes;
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  AtomicFile file(folder / "model.safetensors");
  const std::uint64_t length = text.size();
  file.write({reinterpret_cast<const char*>(&length), sizeof(length)});
  file.write(text);
  for (const auto& [name, shape] : shapes) {
    auto weight = at::empty(shape, at::kBFloat16);
    shape.size() == 1 ? weight.fill_(1.0) : weight.normal_(0.0, 0.02);
    file.write(
        {static_cast<const char*>(weight.const_data_ptr()), weight.nbytes()});
  }
  file.commit();
  write_file(folder / "config.json", kConfig);
}

// A figure of /proc/self/status, in bytes.
double status_bytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key + ":")) {
      return 1024.0 * std::stod(line.substr(key.size() + 1));
    }
  }
  return 0.0;
}

// Peak of the memory that is no file's, by looking every 5 ms.
class AnonymousPeak {
 public:
  AnonymousPeak()
      : thread_([this] {
          while (!stop_) {
            peak_ = std::max(peak_.load(), status_bytes("RssAnon"));
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
          }
        }) {}
  ~AnonymousPeak() {
    stop_ = true;
    thread_.join();
  }
  double bytes() const { return peak_; }

 private:
  std::atomic<double> peak_ = 0.0;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

std::vector<std::int32_t> random_ids(std::int64_t length, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::int32_t> ids;
  for (std::int64_t i = 0; i < length; ++i) {
    ids.push_back(static_cast<std::int32_t>(random.below(128256)));
  }
  return ids;
}

void read_once(const fs::path& folder) {
  std::ifstream file(folder / "model.safetensors", std::ios::binary);
  std::vector<char> buffer(1 << 23);
  file.rdbuf()->pubsetbuf(nullptr, 0);
  while (
      file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()))) {
  }
}

// One number of every page, so that all of them are in memory.
void touch(const Transformer& model) {
  volatile char sink = 0;
  for (const auto& [name, weight] : model.weights()) {
    const auto* bytes = static_cast<const char*>(weight.const_data_ptr());
    for (std::size_t i = 0; i < weight.nbytes(); i += 4096) {
      sink = bytes[i];
    }
  }
  (void)sink;
}

void extract(const Transformer& model) {
  const std::vector<std::vector<std::int32_t>> texts{random_ids(150, 1),
                                                     random_ids(150, 2)};
  std::vector<ResidualSite> sites;
  for (std::int64_t i = 0; i < model.config().num_layers; ++i) {
    sites.push_back({i, ResidualPoint::kResidPost});
  }
  Recorder recorder(sites);
  const auto batch = pack(texts);
  recorder.begin(batch, {{{149}}, {{149}}});
  std::vector<ResidualHook*> hooks{&recorder};
  ForwardOptions options;
  options.hooks = hooks;
  const at::NoGradGuard no_grad;
  model.forward(batch, options);
  recorder.take();
}

void lora_step(Transformer& model) {
  std::vector<SftExample> examples;
  for (std::uint64_t i = 0; i < 4; ++i) {
    examples.push_back({random_ids(64, i), 32});
  }
  SftOptions options;
  options.lora.rank = 32;
  options.batch_size = 4;
  options.steps = 1;
  options.recompute = true;
  finetune(model, examples, options, 1);
}

void steer(const Transformer& model) {
  const auto& config = model.config();
  InterventionTable table(config.num_layers, config.width);
  SteeringInput input;
  input.directions_LD =
      at::empty({config.num_layers, config.width}, at::kFloat).normal_();
  Intervention wish;
  wish.operation = "add";
  wish.scale = 1.0;
  wish.layers = {14};
  GenerationRequest request;
  request.prompt = random_ids(64, 1);
  request.configuration = table.add(compile(wish, input, config.num_layers));
  request.max_tokens = 32;
  generate_all(model, &table, {&request, 1}, {});
}

void run_phase(const std::string& phase, const fs::path& folder) {
  AnonymousPeak anonymous;
  const auto start = std::chrono::steady_clock::now();
  double loaded = 0.0;
  const auto seconds = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() -
                                         start)
        .count();
  };
  if (phase == "read") {
    read_once(folder);
  } else {
    Transformer model = load_transformer(folder);
    loaded = seconds();
    const std::map<std::string, std::function<void()>> work{
        {"load", [] {}},
        {"touch", [&] { touch(model); }},
        {"extract", [&] { extract(model); }},
        {"lora", [&] { lora_step(model); }},
        {"steer", [&] { steer(model); }}};
    work.at(phase)();
  }
  const auto weights =
      static_cast<double>(fs::file_size(folder / "model.safetensors"));
  const double peak = status_bytes("VmHWM");
  fmt::print(
      "{:<8} {:8.2f} s, of it loading {:6.3f} s; peak {:6.2f} GB = weights "
      "{:+.2f} GB; not the file's {:.2f} GB\n",
      phase, seconds(), loaded, peak / kGb, (peak - weights) / kGb,
      anonymous.bytes() / kGb);
  std::fflush(stdout);
}

// Drops the file from the page cache, where the system obeys.
void forget(const fs::path& folder) {
  const int file =
      ::open((folder / "model.safetensors").c_str(), O_RDONLY | O_CLOEXEC);
  if (file >= 0) {
    ::fdatasync(file);
    ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    ::close(file);
  }
}

void in_process(const std::string& phase, const fs::path& folder) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::execl("/proc/self/exe", "size_bench", "--phase", phase.c_str(),
            folder.c_str(), nullptr);
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (status != 0) {
    fmt::print("{}: ended with status {}\n", phase, status);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4 && std::string(argv[1]) == "--phase") {
    run_phase(argv[2], argv[3]);
    return 0;
  }
  if (argc < 2) {
    fmt::print("size_bench FOLDER [phase ...]: needs 6.5 GB of disk\n");
    return 0;
  }
  const fs::path folder = argv[1];
  if (!fs::exists(folder / "config.json")) {
    make_model(folder);
  }
  if (argc > 2) {
    for (int i = 2; i < argc; ++i) {
      in_process(argv[i], folder);
    }
    return 0;
  }
  for (const char* cache : {"from the disk", "from the page cache"}) {
    fmt::print("-- {}\n", cache);
    for (const char* phase : {"read", "load", "touch"}) {
      if (std::string(cache) == "from the disk") {
        forget(folder);
      }
      in_process(phase, folder);
    }
  }
  fmt::print("-- work\n");
  for (const char* phase : {"extract", "lora", "steer"}) {
    in_process(phase, folder);
  }
  return 0;
}
