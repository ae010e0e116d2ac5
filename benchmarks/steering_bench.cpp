// SPDX-License-Identifier: MIT
//
// What steering costs: the same texts decoded plainly, with one configuration
// for all rows, with another configuration in every row, and with every
// operator that needs no donor row in one batch, interleaved in one run. Also
// scoring of answers on shared prompts against scoring each prompt and answer
// afresh.
//
//   steering_bench [embedded|100m] [rows] [threads] [rounds]
//
// A random model of the embedded shape or of 98 million parameters; figures are
// medians over the rounds, and ratios are medians of each round's ratio to its
// first case.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <fmt/core.h>
#include <malloc.h>

#include "veer/base/random.h"
#include "veer/generation/generate.h"
#include "veer/generation/score.h"
#include "veer/interventions/table.h"
#include "veer/model/config.h"
#include "veer/model/transformer.h"

namespace {

using namespace veer;  // NOLINT(google-build-using-namespace): one program

constexpr std::int64_t kPromptTokens = 24;
constexpr std::int64_t kAnswerTokens = 32;

at::Tensor random_tensor(at::IntArrayRef shape, Random& random, double scale) {
  auto tensor = at::empty(shape, at::kFloat);
  auto* data = tensor.data_ptr<float>();
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    data[i] = static_cast<float>(scale * random.normal());
  }
  return tensor;
}

constexpr const char* kEmbedded =
    R"({"model_type": "llama", "vocab_size": 1536, "hidden_size": 128,
        "intermediate_size": 352, "num_hidden_layers": 8,
        "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 32,
        "rms_norm_eps": 1e-5, "tie_word_embeddings": true,
        "max_position_embeddings": 512})";
// That of sweep_speed.py.
constexpr const char* k100m =
    R"({"model_type": "llama", "vocab_size": 16384, "hidden_size": 768,
        "intermediate_size": 2048, "num_hidden_layers": 12,
        "num_attention_heads": 12, "num_key_value_heads": 12,
        "rms_norm_eps": 1e-6, "tie_word_embeddings": true,
        "max_position_embeddings": 512})";

Transformer random_model(const char* shape) {
  const auto config = parse_model_config(shape, "benchmark");
  Random random(1);
  std::map<std::string, at::Tensor> weights;
  for (const auto& [name, shape] : weight_shapes(config)) {
    weights[name] = shape.size() == 1 ? at::ones(shape)
                                      : random_tensor(shape, random, 0.05);
  }
  return Transformer(config, std::move(weights));
}

using Operators = std::vector<std::string>;
const Operators kFewOperators = {"add", "ablate", "add_keep_norm", "set"};

// All of the table but those that copy another row's states: their donor is a
// row more to decode.
Operators every_operator() {
  Operators names;
  for (const auto& row : operator_table()) {
    if (row.code != EditCode::kPatch) {
      names.emplace_back(row.name);
    }
  }
  return names;
}

// A random direction per layer with every statistic that an operator may ask.
SteeringInput random_input(const ModelConfig& config, Random& random) {
  constexpr std::int64_t kRank = 4;
  const auto layers = config.num_layers;
  const auto rows_LD = [&] {
    return random_tensor({layers, config.width}, random, 1.0);
  };
  const auto basis_LKD = [&] {
    return std::get<0>(at::linalg_qr(random_tensor(
                           {layers, config.width, kRank}, random, 1.0)))
        .transpose(1, 2)
        .contiguous();
  };
  SteeringInput input;
  input.directions_LD = rows_LD();
  input.negative_mean_LD = rows_LD();
  input.positive_mean_LD = rows_LD();
  input.read_LD = input.directions_LD;
  input.mean_LD = rows_LD();
  input.second_LD = rows_LD();
  input.condition_LD = rows_LD();
  input.basis_LKD = basis_LKD();
  input.low_rank_read_LKD = basis_LKD();
  input.low_rank_target_LKD = basis_LKD();
  input.low_rank_bias_LK = random_tensor({layers, kRank}, random, 1.0);
  return input;
}

// Configurations of different operators, vectors, layers and scales.
std::vector<std::int64_t> fill(InterventionTable& table,
                               const ModelConfig& config, std::int64_t count,
                               const std::string& scope,
                               const Operators& operators) {
  std::vector<std::int64_t> indices;
  Random random(2);
  for (std::int64_t i = 0; i < count; ++i) {
    const SteeringInput input = random_input(config, random);
    Intervention wish;
    wish.operation = operators[static_cast<std::size_t>(i) % operators.size()];
    wish.scale = 1.0;
    wish.unit = ScaleUnit::kUnit;
    wish.layers = {i % config.num_layers};
    if (i % 5 == 0) {
      wish.layer_mode = LayerMode::kAllOwn;
    }
    wish.scope = parse_scope(scope);
    indices.push_back(table.add(compile(wish, input, config.num_layers)));
  }
  return indices;
}

std::vector<std::int32_t> random_ids(const ModelConfig& config,
                                     std::int64_t count, Random& random) {
  std::vector<std::int32_t> ids(count);
  for (auto& id : ids) {
    id = static_cast<std::int32_t>(random.below(config.vocab_size));
  }
  return ids;
}

std::vector<GenerationRequest> requests_of(const ModelConfig& config,
                                           std::int64_t rows) {
  Random random(3);
  std::vector<GenerationRequest> requests(rows);
  for (auto& request : requests) {
    request.prompt = random_ids(config, kPromptTokens, random);
    request.max_tokens = kAnswerTokens;
  }
  return requests;
}

struct Seconds {
  double wall = 0.0;
  double processor = 0.0;  // of all threads: hardly moved by other programs
};

Seconds seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  const auto processor = std::clock();
  work();
  const std::chrono::duration<double> wall =
      std::chrono::steady_clock::now() - start;
  return {wall.count(),
          static_cast<double>(std::clock() - processor) / CLOCKS_PER_SEC};
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

struct Case {
  std::string name;
  std::function<void()> work;
  std::vector<Seconds> seconds;
};

void report(std::vector<Case>& cases, std::int64_t rounds, double units,
            const char* unit) {
  for (std::int64_t round = 0; round < rounds + 1; ++round) {
    for (auto& c : cases) {
      const auto seconds = seconds_of(c.work);
      if (round > 0) {  // the first warms up
        c.seconds.push_back(seconds);
      }
    }
  }
  const auto median_of = [&](auto&& value) {
    std::vector<double> values;
    for (std::int64_t i = 0; i < rounds; ++i) {
      values.push_back(value(static_cast<std::size_t>(i)));
    }
    return median(std::move(values));
  };
  const auto& first = cases.front().seconds;
  for (const auto& c : cases) {
    const auto& own = c.seconds;
    const double wall = median_of([&](auto i) { return own[i].wall; });
    fmt::print(
        "{:<34} {:8.1f} ms {:8.0f} {}/s   x{:.3f} wall x{:.3f} processor\n",
        c.name, 1e3 * wall, units / wall, unit,
        median_of([&](auto i) { return own[i].wall / first[i].wall; }),
        median_of(
            [&](auto i) { return own[i].processor / first[i].processor; }));
    std::fflush(stdout);
  }
}

void bench_decoding(const Transformer& model, std::int64_t rows,
                    std::int64_t rounds, const std::string& scope) {
  InterventionTable table(model.config().num_layers, model.config().width);
  const auto different =
      fill(table, model.config(), rows, scope, kFewOperators);
  const auto mixed = fill(table, model.config(), rows, scope, every_operator());
  auto plain = requests_of(model.config(), rows);
  auto one = plain;
  auto many = plain;
  auto mix = plain;
  for (std::int64_t i = 0; i < rows; ++i) {
    one[i].configuration = different[0];
    many[i].configuration = different[i];
    mix[i].configuration = mixed[i];
  }
  GenerationOptions options;
  options.max_rows = rows;
  const auto run = [&](const std::vector<GenerationRequest>& requests) {
    return [&] { generate_all(model, &table, requests, options); };
  };
  fmt::print("decode {} rows, {} + {} tokens, scope {}\n", rows, kPromptTokens,
             kAnswerTokens, scope);
  std::vector<Case> cases = {
      {"plain", run(plain), {}},
      {"one configuration in all rows", run(one), {}},
      {"another configuration in each row", run(many), {}},
      {"every operator in one batch", run(mix), {}}};
  report(cases, rounds, static_cast<double>(rows), "rows");
}

void bench_forked_prompt(const Transformer& model, std::int64_t rows,
                         std::int64_t rounds) {
  InterventionTable table(model.config().num_layers, model.config().width);
  const auto generated =
      fill(table, model.config(), rows, "generated", kFewOperators);
  auto separate = requests_of(model.config(), rows);
  auto shared = separate;
  for (std::int64_t i = 0; i < rows; ++i) {
    separate[i].configuration = generated[i];
    shared[i] = separate[i];
    shared[i].prompt = separate[i % 16].prompt;
  }
  GenerationOptions options;
  options.max_rows = rows;
  fmt::print("decode {} rows, scope generated, own or 16 shared prompts\n",
             rows);
  std::vector<Case> cases = {
      {"a prompt of its own in each row",
       [&] { generate_all(model, &table, separate, options); },
       {}},
      {"16 prompts, forked",
       [&] { generate_all(model, &table, shared, options); },
       {}}};
  report(cases, rounds, static_cast<double>(rows), "rows");
}

// Texts of one length, whose states of the answers' tokens alone go to the
// head.
std::vector<double> score_afresh(
    const Transformer& model,
    const std::vector<std::vector<std::int32_t>>& texts, std::int64_t answer) {
  constexpr std::size_t kTogether = 32;
  const at::NoGradGuard no_grad;
  std::vector<double> totals;
  for (std::size_t i = 0; i < texts.size(); i += kTogether) {
    const auto length = std::ssize(texts[i]);
    const auto hidden_BTD = model.forward(pack({texts.data() + i, kTogether}))
                                .view({kTogether, length, -1});
    const auto logits_BTV = model.logits(
        hidden_BTD.slice(1, length - answer - 1, length - 1).contiguous());
    std::vector<std::int64_t> targets;
    for (std::size_t row = i; row < i + kTogether; ++row) {
      targets.insert(targets.end(), texts[row].end() - answer,
                     texts[row].end());
    }
    const auto target_BT1 = at::tensor(at::IntArrayRef(targets), at::kLong)
                                .view({kTogether, answer, 1});
    const auto own_BT =
        logits_BTV.gather(2, target_BT1).squeeze(2) - logits_BTV.logsumexp(2);
    const auto total_B = own_BT.sum(1).to(at::kDouble).contiguous();
    totals.insert(totals.end(), total_B.const_data_ptr<double>(),
                  total_B.const_data_ptr<double>() + kTogether);
  }
  return totals;
}

void bench_scoring(const Transformer& model, std::int64_t rounds) {
  constexpr std::int64_t kPrompts = 8;
  constexpr std::int64_t kAnswers = 16;
  constexpr std::int64_t kTokens = 8;
  Random random(4);
  std::vector<ScoreRequest> requests(kPrompts);
  std::vector<std::vector<std::int32_t>> texts;
  for (auto& request : requests) {
    request.prompt = random_ids(model.config(), 120, random);
    for (std::int64_t a = 0; a < kAnswers; ++a) {
      request.answers.push_back(random_ids(model.config(), kTokens, random));
      texts.push_back(request.prompt);
      texts.back().insert(texts.back().end(), request.answers.back().begin(),
                          request.answers.back().end());
    }
  }
  double farthest = 0.0;
  const auto afresh = score_afresh(model, texts, kTokens);
  const auto shared = score_all(model, nullptr, requests, {});
  for (std::int64_t i = 0; i < kPrompts * kAnswers; ++i) {
    farthest = std::max(
        farthest,
        std::abs(shared[i / kAnswers].total(i % kAnswers) - afresh[i]));
  }
  fmt::print(
      "score {} prompts of 120 tokens x {} answers of {}; the two differ by "
      "{:.1e} nats at most\n",
      kPrompts, kAnswers, kTokens, farthest);
  std::vector<Case> cases = {
      {"shared prompts", [&] { score_all(model, nullptr, requests, {}); }, {}},
      {"each prompt and answer afresh",
       [&] { score_afresh(model, texts, kTokens); },
       {}}};
  report(cases, rounds, kPrompts * kAnswers, "answers");
}

}  // namespace

int main(int argc, char** argv) {
  const bool large = argc > 1 && argv[1] == std::string("100m");
  const std::int64_t rows = argc > 2 ? std::atoll(argv[2]) : 256;
  const int threads = argc > 3 ? std::atoi(argv[3]) : 1;
  const std::int64_t rounds = argc > 4 ? std::atoll(argv[4]) : 5;
  // As cli/main.cpp sets it for veer, for every case.
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 256 << 20);
  at::set_num_threads(threads);
  const auto model = random_model(large ? k100m : kEmbedded);
  bench_decoding(model, rows, rounds, "generated");
  bench_decoding(model, rows, rounds, "all");
  bench_forked_prompt(model, rows, rounds);
  bench_scoring(model, rounds);
  return 0;
}
