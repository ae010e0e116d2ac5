// SPDX-License-Identifier: MIT
#include "veer/train/sft.h"

#include <algorithm>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/ones.h>
#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/base/hash.h"
#include "veer/model/host_indices.h"
#include "veer/train/token_loss.h"

namespace veer {
namespace {

// Bytes of logits that a chunk of rows may take. Each chunk reads the whole
// head once more, and on a card launches some forty kernels.
constexpr std::int64_t kLogitBytes = std::int64_t{1} << 26;
constexpr std::int64_t kCardLogitBytes = std::int64_t{1} << 28;

enum class LossKind { kAnswer, kFull };

LossKind parse_loss(const std::string& loss) {
  if (loss != "answer" && loss != "full") {
    fail("fine-tune", fmt::format("loss '{}'", loss), "answer or full");
  }
  return loss == "answer" ? LossKind::kAnswer : LossKind::kFull;
}

// First token of the text that is learnt; each is predicted from the one
// before it.
std::int64_t first_learnt(const SftExample& example, LossKind kind) {
  return kind == LossKind::kFull
             ? 1
             : std::max<std::int64_t>(1, example.supervise_begin);
}

std::int64_t num_learnt(const SftExample& example, LossKind kind) {
  return static_cast<std::int64_t>(example.ids.size()) -
         first_learnt(example, kind);
}

void check_examples(std::span<const SftExample> examples, LossKind kind) {
  for (std::size_t i = 0; i < examples.size(); ++i) {
    if (num_learnt(examples[i], kind) < 1) {
      fail("fine-tune",
           fmt::format("example {} of {} tokens has none to learn", i,
                       examples[i].ids.size()),
           "an answer of at least one token");
    }
  }
}

void check_targets(std::span<const std::int64_t> targets, std::int64_t vocab) {
  for (const auto target : targets) {
    if (target < 0 || target >= vocab) {
      fail("fine-tune", fmt::format("token {}", target),
           fmt::format("ids from 0 to {}", vocab - 1));
    }
  }
}

// A packed batch with the rows whose logits are needed and what they predict.
struct SftBatch {
  PackedBatch packed;
  at::Tensor rows_N;
  at::Tensor targets_N;
  at::Tensor weights_N;
};

SftBatch make_batch(const Transformer& model,
                    std::span<const SftExample* const> examples,
                    LossKind kind) {
  std::vector<std::vector<std::int32_t>> texts;
  std::vector<std::int64_t> rows;
  std::vector<std::int64_t> targets;
  std::int64_t offset = 0;
  for (const SftExample* example : examples) {
    const auto& ids = example->ids;
    const auto length = static_cast<std::int64_t>(ids.size());
    for (std::int64_t t = first_learnt(*example, kind); t < length; ++t) {
      rows.push_back(offset + t - 1);
      targets.push_back(ids[t]);
    }
    // Nothing is predicted from the last token.
    texts.emplace_back(ids.begin(), ids.end() - 1);
    offset += length - 1;
  }
  check_targets(targets, model.config().vocab_size);
  const auto device = model.device();
  SftBatch batch{.packed = pack(texts, device),
                 .rows_N = {},
                 .targets_N = {},
                 .weights_N = at::ones({std::ssize(rows)},
                                       at::dtype(at::kFloat).device(device))};
  HostIndices indices;
  indices.add(batch.rows_N, std::move(rows));
  indices.add(batch.targets_N, std::move(targets));
  indices.upload(device);
  return batch;
}

TokenLoss batch_loss(const Transformer& model, const SftBatch& batch,
                     const ForwardOptions& options, double denominator) {
  const auto hidden_TD = model.forward(batch.packed, options);
  const auto hidden_ND = hidden_TD.index_select(0, batch.rows_N);
  const auto bytes = hidden_ND.is_cpu() ? kLogitBytes : kCardLogitBytes;
  const std::int64_t chunk =
      std::max<std::int64_t>(64, bytes / 4 / model.config().vocab_size);
  return head_token_loss(model, hidden_ND, batch.targets_N, batch.weights_N,
                         denominator, chunk, options.adapter);
}

std::vector<const SftExample*> pointers(std::span<const SftExample> examples) {
  std::vector<const SftExample*> out;
  for (const auto& example : examples) {
    out.push_back(&example);
  }
  return out;
}

std::string data_fingerprint(std::span<const SftExample> examples) {
  std::string bytes;
  for (const auto& example : examples) {
    bytes += fmt::format("{},{};", example.ids.size(), example.supervise_begin);
    bytes.append(reinterpret_cast<const char*>(example.ids.data()),
                 example.ids.size() * sizeof(std::int32_t));
  }
  return fingerprint(bytes);
}

}  // namespace

Objective sft_objective(std::span<const SftExample> examples,
                        const std::string& loss) {
  const LossKind kind = parse_loss(loss);
  check_examples(examples, kind);
  return [examples, kind](const ObjectiveInput& input) {
    std::vector<const SftExample*> chosen;
    for (const std::int64_t item : input.items) {
      chosen.push_back(&examples[item]);
    }
    std::int64_t learnt = 0;
    for (const std::int64_t item : input.step_items) {
      learnt += num_learnt(examples[item], kind);
    }
    const SftBatch batch = make_batch(input.model, chosen, kind);
    return ObjectiveOutput{
        .loss = batch_loss(input.model, batch, input.tuned,
                           static_cast<double>(learnt) / input.loss_scale)
                    .loss,
        .num_tokens = batch.packed.num_tokens(),
        .metrics = {{"train/supervised",
                     static_cast<double>(batch.targets_N.numel())}}};
  };
}

TrainResult finetune(Transformer& model, std::span<const SftExample> examples,
                     const SftOptions& options, std::uint64_t seed,
                     const TrainCallbacks& callbacks,
                     const std::filesystem::path& checkpoint_folder) {
  std::vector<std::int64_t> tokens;
  for (const auto& example : examples) {
    tokens.push_back(std::ssize(example.ids) - 1);
  }
  return train_adapter(model, std::ssize(examples),
                       sft_objective(examples, options.loss), options, seed,
                       data_fingerprint(examples), callbacks, checkpoint_folder,
                       tokens);
}

double sft_loss(const Transformer& model, std::span<const SftExample> examples,
                const std::string& loss, const AdapterStrength& strength,
                std::int64_t batch_size) {
  const LossKind kind = parse_loss(loss);
  check_examples(examples, kind);
  const at::NoGradGuard no_grad;
  ForwardOptions options;
  options.adapter = strength;
  const auto all = pointers(examples);
  const std::span<const SftExample* const> rest(all);
  double sum = 0.0;
  double count = 0.0;
  for (std::size_t i = 0; i < all.size(); i += batch_size) {
    const auto n = std::min<std::size_t>(batch_size, all.size() - i);
    const SftBatch batch = make_batch(model, rest.subspan(i, n), kind);
    sum -= batch_loss(model, batch, options, 1.0)
               .log_probs_N.sum(at::kDouble)
               .item<double>();
    count += static_cast<double>(batch.targets_N.numel());
  }
  if (count == 0.0) {
    fail("SFT loss", "no example", "at least one");
  }
  return sum / count;
}

}  // namespace veer
