// SPDX-License-Identifier: MIT
//
// validate(): what no study can have.
#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "veer/base/device_name.h"
#include "veer/base/error.h"
#include "veer/interventions/operators.h"
#include "veer/interventions/scope.h"
#include "veer/settings/grid_line.h"
#include "veer/settings/manifest.h"
#include "veer/settings/vector_lists.h"
#include "veer/text/chat/chat_format.h"

namespace veer {
namespace {

// Random vectors that get a search of their own; 19 make a percentile.
constexpr std::int64_t kMostSearched = 256;

constexpr std::int64_t kMostRequests = 256;
constexpr std::int64_t kMostFolds = 50;

void one_of(std::string_view key, const std::string& value,
            std::initializer_list<std::string_view> allowed) {
  if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) {
    return;
  }
  std::string names;
  for (const auto& name : allowed) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
  }
  fail("check settings", fmt::format("{} is \"{}\"", key, value),
       "one of " + names);
}

template <class T>
void at_least(std::string_view key, T value, T least) {
  if (!(value >= least)) {
    fail("check settings", fmt::format("{} is {}", key, value),
         fmt::format("{} or more", least));
  }
}

void share(std::string_view key, double value) {
  if (!(value >= 0.0 && value <= 1.0)) {
    fail("check settings", fmt::format("{} is {}", key, value),
         "a share between 0 and 1");
  }
}

// A share that is neither none nor all.
void inner_share(std::string_view key, double value) {
  if (!(value > 0.0 && value < 1.0)) {
    fail("check settings", fmt::format("{} is {}", key, value),
         "a share above 0 and below 1");
  }
}

void plain_folder_name(std::string_view key, const std::string& name) {
  if (name.empty() || name.starts_with('.') ||
      name.find('/') != std::string::npos) {
    fail("check settings", fmt::format("{} is \"{}\"", key, name),
         "a plain folder name");
  }
}

void validate_run(const RunSettings& run) {
  plain_folder_name("run.name", run.name);
  at_least<std::int64_t>("run.seed", run.seed, 0);
  if (run.seed == std::numeric_limits<std::int64_t>::max()) {
    fail("check settings", fmt::format("run.seed is {}", run.seed),
         "a smaller number: the next one is the second training seed");
  }
  at_least<std::int64_t>("run.threads", run.threads, 0);
  at_least("run.memory", run.memory, 0.0);
  one_of("run.dtype", run.dtype, {"auto", "float32", "bfloat16", "float16"});
  parse_device_name(run.device, "run.device");
}

void validate_columns(const DataColumns& columns) {
  if (!columns.answer.empty() &&
      (!columns.honest.empty() || !columns.deceptive.empty())) {
    fail("check settings",
         "dataset.columns.answer beside dataset.columns.honest or deceptive",
         "answer for files with one answer a row, honest and deceptive for "
         "files with both");
  }
}

void validate_dataset(const DatasetSettings& data) {
  at_least<std::int64_t>("dataset.questions", data.questions, 1);
  at_least<std::int64_t>("dataset.examples", data.examples, 1);
  at_least("dataset.temperature", data.temperature, 0.0);
  share("dataset.near_duplicate", data.near_duplicate);
  at_least<std::int64_t>("dataset.max_words", data.max_words, 1);
  at_least<std::int64_t>("dataset.max_repeats", data.max_repeats, 1);
  one_of("dataset.side", data.side, {"auto", "honest", "deceptive"});
  one_of("dataset.choices", data.choices, {"letter", "text"});
  one_of("dataset.given_splits", data.given_splits, {"keep", "ignore"});
  one_of("dataset.split_by", data.split_by, {"auto", "topic", "question"});
  at_least<std::int64_t>("dataset.min_split", data.min_split, 1);
  at_least<std::int64_t>("dataset.limit", data.limit, 0);
  // More folds than questions that a vector may be made of make no sense.
  if (data.folds < 0 || data.folds > kMostFolds) {
    fail("check settings", fmt::format("dataset.folds is {}", data.folds),
         fmt::format("0 (automatic), 1 (never) or 2 to {} folds", kMostFolds));
  }
  share("dataset.train", data.train);
  share("dataset.extract", data.extract);
  share("dataset.select", data.select);
  share("dataset.test", data.test);
  validate_columns(data.columns);
  const double sum = data.train + data.extract + data.select + data.test;
  if (std::abs(sum - 1.0) > 1e-9) {
    fail("check settings",
         fmt::format("dataset.train + extract + select + test = {}", sum),
         "shares that add up to 1");
  }
}

void validate_finetune(const FinetuneSettings& tune) {
  at_least<std::int64_t>("finetune.rank", tune.rank, 1);
  at_least<std::int64_t>("finetune.batch", tune.batch, 1);
  at_least<std::int64_t>("finetune.accumulation", tune.accumulation, 1);
  at_least<std::int64_t>("finetune.batch_tokens", tune.batch_tokens, 0);
  at_least<std::int64_t>("finetune.questions", tune.questions, 0);
  at_least<std::int64_t>("finetune.steps", tune.steps, 0);
  at_least<std::int64_t>("finetune.epochs", tune.epochs, 0);
  at_least<std::int64_t>("finetune.warmup", tune.warmup, 0);
  at_least<std::int64_t>("finetune.evaluate_every", tune.evaluate_every, -1);
  at_least<std::int64_t>("finetune.checkpoint_every", tune.checkpoint_every, 0);
  at_least("finetune.learning_rate", tune.learning_rate, 0.0);
  at_least("finetune.weight_decay", tune.weight_decay, 0.0);
  at_least("finetune.clip_norm", tune.clip_norm, 0.0);
  if (!(tune.dropout >= 0.0 && tune.dropout < 1.0)) {
    fail("check settings", fmt::format("finetune.dropout is {}", tune.dropout),
         "a share of at least 0 and below 1", "with 1 nothing would be left");
  }
  one_of("finetune.loss", tune.loss, {"answer", "full"});
  one_of("finetune.keep", tune.keep, {"best", "last"});
  one_of("finetune.schedule", tune.schedule, {"linear", "cosine", "constant"});
  std::set<std::string> seen;
  for (const auto& name : tune.controls) {
    one_of("finetune.controls", name, {"honest", "shuffled", "unprompted"});
    if (!seen.insert(name).second) {
      fail("check settings",
           fmt::format("finetune.controls holds \"{}\" twice", name),
           "each control once");
    }
  }
  if (seen.contains("unprompted") && tune.unprompted_prompt.empty()) {
    fail("check settings", "an empty finetune.unprompted_prompt",
         "a system prompt that asks for wrong answers, or no control "
         "unprompted");
  }
}

void validate_seeds(const Manifest& manifest) {
  if (manifest.finetune.seeds == FinetuneSettings().seeds) {
    return;  // by the model
  }
  std::set<std::int64_t> seen = {manifest.run.seed};
  for (const auto seed : manifest.finetune.seeds) {
    at_least<std::int64_t>("finetune.seeds", seed, 0);
    if (!seen.insert(seed).second) {
      fail("check settings",
           fmt::format("finetune.seeds = {} is there twice or is run.seed",
                       seed),
           "seeds that differ from each other and from run.seed");
    }
  }
  if (seen.size() > 1 && !manifest.model.finetuned.empty()) {
    fail("check settings", "finetune.seeds beside model.finetuned",
         "one of them: a ready fine-tuned side is not trained again");
  }
}

void validate_twin(const ModelSettings& model) {
  if (model.finetuned_honest.empty()) {
    return;
  }
  if (model.finetuned.empty()) {
    fail("check settings", "model.finetuned_honest without model.finetuned",
         "both, or neither",
         "a fine-tuned side that is trained here has its twin by "
         "finetune.controls");
  }
  if (model.finetuned_honest == model.finetuned) {
    fail("check settings",
         fmt::format("model.finetuned_honest and model.finetuned are both {}",
                     model.finetuned),
         "the model that was tuned on honest answers");
  }
}

// Far beyond where any text holds, and far below what a float can hold.
constexpr double kLargestScale = 1e6;

void validate_scales(std::string_view key, const std::vector<double>& scales) {
  for (const double scale : scales) {
    at_least(key, scale, 0.0);
    if (scale > kLargestScale) {
      fail("check settings", fmt::format("{} holds {}", key, scale),
           fmt::format("at most {:g}", kLargestScale), "a typing error");
    }
  }
}

void validate_sweep(const SweepSettings& sweep) {
  for (const auto& name : sweep.operators) {
    if (find_operator(name, "sweep.operators").need == OperatorNeed::kDonor) {
      fail("check settings", fmt::format("sweep.operators holds {}", name),
           "an operator with a vector", "sweep.ceiling is that control");
    }
    InterventionText text;
    text.operation = name;
    for (const double share : sweep.shares) {
      text.scale = share;
      check(text);
    }
  }
  for (const auto& line : sweep.grid) {
    parse_grid_line(line, sweep.scope, sweep.budget);
  }
  for (const auto& model : sweep.models) {
    one_of("sweep.models", model, {"base", "tuned"});
  }
  if (sweep.models.empty() ||
      std::set(sweep.models.begin(), sweep.models.end()).size() !=
          sweep.models.size()) {
    fail("check settings",
         fmt::format("sweep.models = [{}]", fmt::join(sweep.models, ", ")),
         "base, tuned or both, each once",
         "without a model nothing is steered, and one named twice is asked "
         "twice");
  }
  parse_scope(sweep.scope);
  one_of("sweep.search", sweep.search, {"grid", "halving"});
  validate_scales("sweep.rel_scales", sweep.rel_scales);
  validate_scales("sweep.unit_scales", sweep.unit_scales);
  validate_scales("sweep.raw_scales", sweep.raw_scales);
  validate_scales("sweep.rel_token_scales", sweep.rel_token_scales);
  validate_scales("sweep.sigma_scales", sweep.sigma_scales);
  at_least<std::int64_t>("sweep.control_questions", sweep.control_questions, 0);
  at_least<std::int64_t>("sweep.kl_questions", sweep.kl_questions, 0);
  at_least<std::int64_t>("sweep.propensity_questions",
                         sweep.propensity_questions, 0);
  at_least<std::int64_t>("sweep.specificity_texts", sweep.specificity_texts, 0);
  at_least("sweep.equal_scale", sweep.equal_scale, 0.0);
  at_least("sweep.equal_kl", sweep.equal_kl, 0.0);
  at_least<std::int64_t>("sweep.best_covariance", sweep.best_covariance, 0);
  at_least<std::int64_t>("sweep.questions", sweep.questions, 0);
  at_least<std::int64_t>("sweep.select_questions", sweep.select_questions, 0);
  at_least<std::int64_t>("sweep.best_questions", sweep.best_questions, 0);
  at_least<std::int64_t>("sweep.best_random", sweep.best_random, 0);
  at_least<std::int64_t>("sweep.random_questions", sweep.random_questions, 0);
  at_least<std::int64_t>("sweep.random_search", sweep.random_search, 0);
  if (sweep.random_search > kMostSearched) {
    fail("check settings",
         fmt::format("sweep.random_search = {}", sweep.random_search),
         fmt::format("at most {}", kMostSearched),
         "each is searched over the whole select grid of every vector");
  }
  if (sweep.random_search > 0 && sweep.search != "grid") {
    fail("check settings",
         fmt::format("sweep.random_search = {} with sweep.search = \"{}\"",
                     sweep.random_search, sweep.search),
         "sweep.search = \"grid\"",
         "the same search is that of the whole select grid");
  }
  at_least("sweep.max_kl", sweep.max_kl, 0.0);
  if (sweep.max_kl > 0.0 && sweep.kl_questions == 0) {
    fail("check settings", "sweep.max_kl without sweep.kl_questions",
         "sweep.kl_questions of 1 or more",
         "divergence that is not measured limits nothing");
  }
  at_least<std::int64_t>("sweep.best_subsets", sweep.best_subsets, 0);
  if (sweep.subset_questions != 0) {
    at_least<std::int64_t>("sweep.subset_questions", sweep.subset_questions, 3);
  }
  parse_budget(sweep.budget);
  at_least<std::int64_t>("sweep.random_vectors", sweep.random_vectors, 0);
  at_least<std::int64_t>("sweep.max_tokens", sweep.max_tokens, 1);
  at_least<std::int64_t>("sweep.batch_rows", sweep.batch_rows, 1);
  at_least("sweep.temperature", sweep.temperature, 0.0);
  share("sweep.min_coherent", sweep.min_coherent);
}

void validate_judge(const JudgeSettings& judge) {
  one_of("judge.kind", judge.kind,
         {"auto", "exact", "logprob", "self", "choice", "endpoint"});
  std::set<std::string> seen;
  for (const auto& name : judge.further) {
    one_of("judge.further", name, {"self", "choice", "endpoint"});
    if (!seen.insert(name).second) {
      fail("check settings",
           fmt::format("judge.further holds \"{}\" twice", name),
           "each judge once");
    }
    if (name == judge.kind) {
      fail("check settings",
           fmt::format("judge.further holds \"{}\", which judge.kind is", name),
           "other judges than the one of the sweep");
    }
  }
  at_least<std::int64_t>("judge.answers", judge.answers, 0);
  const auto& endpoint = judge.endpoint;
  if ((seen.contains("endpoint") || judge.kind == "endpoint") &&
      (endpoint.url.empty() || endpoint.model.empty())) {
    fail("check settings",
         fmt::format("{} endpoint without its url and model",
                     judge.kind == "endpoint" ? "judge.kind is"
                                              : "judge.further holds"),
         "judge.endpoint.url and judge.endpoint.model");
  }
  if (!(endpoint.timeout > 0.0)) {
    fail("check settings",
         fmt::format("judge.endpoint.timeout is {}", endpoint.timeout),
         "more than 0 seconds");
  }
  at_least<std::int64_t>("judge.endpoint.retries", endpoint.retries, 0);
  at_least("judge.endpoint.first_wait", endpoint.first_wait, 0.0);
  at_least("judge.endpoint.requests_per_minute", endpoint.requests_per_minute,
           0.0);
  // Each is a thread and a connection.
  if (endpoint.parallel < 1 || endpoint.parallel > kMostRequests) {
    fail("check settings",
         fmt::format("judge.endpoint.parallel is {}", endpoint.parallel),
         fmt::format("1 to {} requests", kMostRequests));
  }
  at_least("judge.endpoint.temperature", endpoint.temperature, 0.0);
  at_least<std::int64_t>("judge.endpoint.token_limit", endpoint.token_limit, 0);
  at_least("judge.endpoint.price", endpoint.price, 0.0);
  at_least("judge.endpoint.cost_limit", endpoint.cost_limit, 0.0);
}

void validate_models(const std::vector<ListedModel>& models) {
  std::set<std::string> names;
  for (const auto& model : models) {
    at_least("[[model]] repetition_penalty", model.repetition_penalty, 0.0);
    parse_template_vars(model.template_vars);
    at_least<std::int64_t>("[[model]] thinking_tokens", model.thinking_tokens,
                           0);
    if (model.path.empty()) {
      fail("check settings",
           fmt::format("[[model]] \"{}\" without a path", model.name),
           "path = \"FOLDER\"");
    }
    plain_folder_name("[[model]] name", model.name);
    if (!names.insert(model.name).second) {
      fail("check settings",
           fmt::format("two of [[model]] have the name \"{}\"", model.name),
           "name = \"...\" in each, all different");
    }
  }
  for (const auto& model : models) {
    if (!model.stock.empty() &&
        (!names.contains(model.stock) || model.stock == model.name)) {
      fail("check settings",
           fmt::format("stock = \"{}\" of [[model]] \"{}\"", model.stock,
                       model.name),
           "the name of another entry of [[model]]");
    }
  }
}

void validate_trained(const ExtractSettings& extract) {
  const auto& bipo = extract.bipo;
  at_least<std::int64_t>("extract.bipo.steps", bipo.steps, 1);
  at_least<std::int64_t>("extract.bipo.batch", bipo.batch, 1);
  at_least("extract.bipo.beta", bipo.beta, 0.0);
  at_least("extract.bipo.learning_rate", bipo.learning_rate, 0.0);
  const auto& reft = extract.reft_r1;
  at_least<std::int64_t>("extract.reft_r1.steps", reft.steps, 1);
  at_least<std::int64_t>("extract.reft_r1.batch", reft.batch, 1);
  at_least<std::int64_t>("extract.reft_r1.top_k", reft.top_k, 1);
  at_least("extract.reft_r1.l1", reft.l1, 0.0);
  at_least("extract.reft_r1.learning_rate", reft.learning_rate, 0.0);
}

}  // namespace

void validate(const Manifest& manifest) {
  validate_run(manifest.run);
  at_least("model.repetition_penalty", manifest.model.repetition_penalty, 0.0);
  parse_template_vars(manifest.model.template_vars);
  validate_twin(manifest.model);
  at_least<std::int64_t>("model.thinking_tokens",
                         manifest.model.thinking_tokens, 0);
  validate_models(manifest.models);
  validate_dataset(manifest.dataset);
  validate_finetune(manifest.finetune);
  validate_seeds(manifest);
  if (manifest.finetune.unprompted_prompt ==
      manifest.dataset.deceptive_prompt) {
    fail("check settings",
         "finetune.unprompted_prompt is dataset.deceptive_prompt",
         "another wording: the control is of answers that were not written "
         "under that prompt");
  }
  at_least<std::int64_t>("extract.questions", manifest.extract.questions, 0);
  at_least<std::int64_t>("extract.batch_tokens", manifest.extract.batch_tokens,
                         1);
  at_least<std::int64_t>("extract.trajectory_questions",
                         manifest.extract.trajectory_questions, 0);
  at_least<std::int64_t>("extract.detection_questions",
                         manifest.extract.detection_questions, 0);
  at_least<std::int64_t>("extract.lens_tokens", manifest.extract.lens_tokens,
                         0);
  validate_scales("extract.strengths", manifest.extract.strengths);
  validate_trained(manifest.extract);
  require_vector_lists(manifest);
  at_least<std::int64_t>("compare.random_draws", manifest.compare.random_draws,
                         20);
  at_least<std::int64_t>("compare.split_halves", manifest.compare.split_halves,
                         2);
  inner_share("compare.confidence", manifest.compare.confidence);
  validate_sweep(manifest.sweep);
  validate_judge(manifest.judge);
}

}  // namespace veer
