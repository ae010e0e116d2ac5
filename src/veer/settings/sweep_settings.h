// SPDX-License-Identifier: MIT
//
// [sweep] of the manifest. No torch in this file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace veer {

struct SweepSettings {
  // Names of [extract] vectors; empty = all of them.
  std::vector<std::string> vectors;
  std::vector<std::string> operators = {"add", "subtract", "ablate"};
  // "each" = every layer alone, "all" = all at once, or numbers "3".
  std::vector<std::string> layers = {"each", "all"};
  std::vector<std::string> models = {"base", "tuned"};
  std::vector<double> rel_scales = {0.25, 0.5, 0.75, 1.0, 1.5, 2.5};
  std::vector<double> unit_scales = {8, 32};
  std::vector<double> raw_scales = {1.0, 4.0};
  std::vector<double> rel_token_scales = {};
  std::vector<double> sigma_scales = {};
  std::vector<double> shares = {1.0};  // of operators that take no unit
  std::vector<double> angles = {0.0};  // of rotations, in degrees
  // Further operators, each with scales and layers of its own; a line without
  // layers runs at the layer that the select questions chose. The default is a
  // thin sample of what is not a plain addition.
  std::vector<std::string> grid = {
      "add unit=sigma scales=4/8",
      "add unit=rel_token scales=0.5/1",
      "add_keep_norm scales=0.5/1/2",
      "piecewise scales=0.5",
      "set scales=0.5/1",
      "set_honest models=tuned",
      "set_deceptive models=base",
      "affine scales=0.5/1",
      "leace",
      "ablate_subspace",
      "slerp scales=0.25/0.5",
      "rotate_adaptive models=tuned scales=90/180",
      "rotate models=base scales=0/30",
      "gated_add scales=0.5/1",
      "soft_tanh scales=1",
      "soft_relu scales=0.5 threshold=1",
      "low_rank scales=1/2",
      "scale scales=1/4",
      "add vectors=blend:0.25/blend:0.5/blend:0.75 scales=0.5/1",
      "add vectors=private:contrastive/private:finetuned/common:finetuned "
      "scales=0.5/1"};
  // Most that any vector could do at a layer: the other model's own states,
  // token by token.
  bool ceiling = true;
  // What a person would do instead: the system prompts of the two sides, and
  // the adapter at the strength that is best on the select questions.
  bool system_prompts = true;
  std::vector<double> adapter_strengths = {-1.0, 0.25, 0.5, 0.75, 1.5, 2.0};
  // Test questions whose states are copied; prompts and adapter are asked what
  // the chosen cells are.
  std::int64_t control_questions = 48;
  // Where operators are compared: at the same displacement, in residual norms,
  // and at the same divergence from the unsteered model, the 95th percentile
  // over tokens in nats, measured on so many select questions (0 = not).
  double equal_scale = 0.5;
  double equal_kl = 1.0;
  std::int64_t kl_questions = 4;
  // "generated" includes the last token of the prompt, which makes the first
  // answer token. It leaves the prompt alone, so that one pass over a prompt
  // serves all configurations.
  std::string scope = "generated";
  // "grid": every configuration on the test and the select questions.
  // "halving": only what the choice needs. Select cells of the grid are
  // screened by log-probability, a quarter answers a few select questions, the
  // better half twice as many, until the last few were asked all; the chosen
  // ones are confirmed on test as ever. There are no maps over layers and
  // scales, and no claims that need them.
  std::string search = "grid";
  // Questions per cell: of the whole grid on test, of the same grid on select
  // (there layer and scale are chosen), of the chosen cells on test again.
  std::int64_t questions = 16;
  std::int64_t select_questions = 12;
  std::int64_t best_questions = 200;
  std::int64_t random_vectors = 1;  // controls of every cell of the grid
  // Controls of every chosen cell, matched to it token by token: isotropic, and
  // with the covariance of the activations. From 19 of a kind on an effect must
  // exceed their 95th percentile, with fewer their mean's interval. Many
  // vectors on few questions say more about vectors than few on many.
  std::int64_t best_random = 32;
  std::int64_t best_covariance = 32;
  // Test questions that each of them answers: windows that together cover those
  // of the chosen cell.
  std::int64_t random_questions = 16;
  // Random vectors of each kind that are searched like a vector: every plain
  // addition of the select grid, the best one confirmed on test. Costs as much
  // as so many more vectors of either kind for each vector.
  std::int64_t random_search = 0;
  // Divergence (p95 over tokens, nats) beyond which nothing is chosen; 0 = no
  // limit.
  double max_kl = 0.0;
  // Do more questions make a better vector? In place of each of the study's two
  // vectors at its chosen cell, `best_subsets` vectors made of so few of its
  // questions (0 of either = not measured).
  std::int64_t subset_questions = 20;
  std::int64_t best_subsets = 2;
  // First test questions among which each answer of a chosen cell has to find
  // its own again (0 = not measured). More narrow the interval; the cost grows
  // with their square.
  std::int64_t recovery_questions = 16;
  // First test questions of a chosen cell whose reference answers are scored,
  // for how far each question moves (0 = not).
  std::int64_t propensity_questions = 200;
  // Unrelated texts (extract.unrelated, or 40 built-in facts) on which is
  // measured what a chosen cell does besides (0 = not).
  std::int64_t specificity_texts = 40;
  // How strength is shared out when all layers act: per_layer divides it by
  // their number, full gives each layer all of it.
  std::string budget = "per_layer";
  double temperature = 0.0;
  std::int64_t max_tokens = 16;
  double min_coherent = 0.75;
  std::int64_t batch_rows = 256;

  template <class Self, class Visitor>
  static void visit(Self& self, Visitor&& field) {
    field("vectors", self.vectors, "extracted vectors to use, empty = all");
    field("operators", self.operators,
          "tried at all layers and scales (names: docs/methods)");
    field("layers", self.layers,
          "each, all, increments, all_same:3, 3, 2-5, 2+5 or depth:0.5");
    field("models", self.models, "base, tuned");
    field("rel_scales", self.rel_scales,
          "scales in units of the residual norm at the layer");
    field("unit_scales", self.unit_scales, "scales of the unit vector");
    field("raw_scales", self.raw_scales, "scales of the vector as extracted");
    field("rel_token_scales", self.rel_token_scales,
          "scales in units of each token's own norm");
    field("sigma_scales", self.sigma_scales,
          "scales in standard deviations along the vector");
    field("shares", self.shares, "scales of operators without a unit");
    field("angles", self.angles, "scales of rotations, degrees");
    field("grid", self.grid,
          "further operators: \"NAME scales=1/2 layers=chosen ...\"");
    field("ceiling", self.ceiling,
          "also copy the other model's states, layer by layer");
    field("system_prompts", self.system_prompts,
          "also ask under the two system prompts");
    field("adapter_strengths", self.adapter_strengths,
          "adapter strengths to choose from on select questions");
    field("control_questions", self.control_questions,
          "test questions of the copied states, 0 = all");
    field("equal_scale", self.equal_scale,
          "displacement at which vectors are compared, in residual norms");
    field("equal_kl", self.equal_kl,
          "divergence at which they are compared, nats (p95 over tokens)");
    field("kl_questions", self.kl_questions,
          "select questions on which divergence is measured, 0 = not");
    field(
        "scope", self.scope,
        "tokens steered: all, prompt, generated, thinking, first:N or from:N");
    field("search", self.search,
          "grid = all cells, halving = only as far as the choice needs");
    field("questions", self.questions, "test questions per cell, 0 = all");
    field("select_questions", self.select_questions,
          "select questions on which layer and scale are chosen");
    field("best_questions", self.best_questions,
          "test questions of the chosen cells, 0 = all");
    field("random_vectors", self.random_vectors,
          "random controls of the same norm in the grid");
    field("best_random", self.best_random, "random controls of chosen cells");
    field("best_covariance", self.best_covariance,
          "those with the covariance of the activations");
    field("random_questions", self.random_questions,
          "test questions of each of these controls, 0 = best_questions");
    field("random_search", self.random_search,
          "random vectors of each kind given the same search, 0 = none");
    field("max_kl", self.max_kl,
          "most divergence of a chosen cell, nats (p95 over tokens), 0 = any");
    field("subset_questions", self.subset_questions,
          "questions of the small vectors at the chosen cells, 0 = none");
    field("best_subsets", self.best_subsets,
          "small vectors of each of the study's two, at its chosen cells");
    field("recovery_questions", self.recovery_questions,
          "questions to tell apart from an answer of a chosen cell, 0 = not");
    field("propensity_questions", self.propensity_questions,
          "test questions of chosen cells whose log-odds are taken, 0 = not");
    field("specificity_texts", self.specificity_texts,
          "unrelated texts on which chosen cells are measured, 0 = not");
    field("budget", self.budget,
          "all layers at once: per_layer, per_root_layer or full strength");
    field("temperature", self.temperature, "0 = greedy");
    field("max_tokens", self.max_tokens, "longest answer");
    field("min_coherent", self.min_coherent,
          "share of unbroken answers a chosen cell must have");
    field("batch_rows", self.batch_rows,
          "rows decoded together (speed and memory only)");
  }
};

}  // namespace veer
