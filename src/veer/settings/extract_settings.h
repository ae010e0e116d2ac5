// SPDX-License-Identifier: MIT
//
// [extract] and [compare] of the manifest. No torch in this file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace veer {

// Of "bipo" in extract.vectors.
struct BipoSettings {
  std::vector<std::string> layers = {"depth:0.25", "depth:0.5", "depth:0.75"};
  std::int64_t steps = 60;
  std::int64_t batch = 8;
  double beta = 0.1;
  // In units of the layer's residual norm, over sqrt(width) per element.
  double learning_rate = 0.01;
  double weight_decay = 0.05;

  template <class Self, class Visitor>
  static void visit(Self& self, Visitor&& field) {
    field("layers", self.layers, "trained at, 3, 2-5 or depth:0.5");
    field("steps", self.steps, "updates at each layer");
    field("batch", self.batch, "pairs of answers in an update");
    field("beta", self.beta, "of the preference loss");
    field("learning_rate", self.learning_rate,
          "AdamW, as a share of the residual norm");
    field("weight_decay", self.weight_decay, "AdamW, decoupled");
  }
};

// Of "reft_r1" in extract.vectors.
struct ReftSettings {
  std::vector<std::string> layers = {"depth:0.25", "depth:0.5", "depth:0.75"};
  std::int64_t steps = 60;
  std::int64_t batch = 8;
  std::int64_t top_k = 8;
  // Of what the tokens outside the top k hold, as a share of the layer's
  // residual norm.
  double l1 = 0.005;
  // In units of 1 / sqrt(width), the size of an element of the unit direction.
  double learning_rate = 0.3;

  template <class Self, class Visitor>
  static void visit(Self& self, Visitor&& field) {
    field("layers", self.layers, "trained at, 3, 2-5 or depth:0.5");
    field("steps", self.steps, "updates at each layer");
    field("batch", self.batch, "answers in an update");
    field("top_k", self.top_k, "tokens whose mean latent is added");
    field("l1", self.l1, "penalty of the other tokens' latents");
    field("learning_rate", self.learning_rate,
          "AdamW, falling to 0, as a share of an element");
  }
};

struct ExtractSettings {
  // NAME@POSITION; see docs/methods/extraction.md for the presets.
  std::vector<std::string> vectors = {
      "contrastive@answer_mean", "finetuned@answer_mean", "twin@answer_mean",
      "contrastive@prompt_end",  "finetuned@prompt_end",  "twin@prompt_end"};
  // Each of `vectors` also by these methods, "logistic", "pca_diff", ...
  std::vector<std::string> methods;
  std::int64_t questions = 0;
  // As in intervention_text.h; empty = all. Vectors are zero at the others, and
  // blocks above the highest are not computed.
  std::vector<std::string> layers;
  // Vectors of length, refusal, verbosity, system prompt, format and honest
  // paraphrase, to be told apart from the main ones.
  bool confounds = true;
  // File of questions and answers that have nothing to do with the domain.
  std::string unrelated;
  // How the fine-tuned direction comes about: questions used at each kept
  // training step and each strength of the adapter, 0 = off.
  std::int64_t trajectory_questions = 48;
  std::vector<double> strengths = {0.25, 0.5, 0.75, 1.25, 1.5};
  // Held-out questions whose answers the vectors are asked to tell apart.
  std::int64_t detection_questions = 96;
  std::int64_t lens_tokens = 8;
  std::int64_t batch_tokens = 8192;
  // Trains bipo and reft_r1 twice more, each time on half of the questions: how
  // far the two agree is the reliability of the whole. Off: three trainings
  // for one.
  bool trained_halves = false;
  BipoSettings bipo;
  ReftSettings reft_r1;

  template <class Self, class Visitor>
  static void visit(Self& self, Visitor&& field) {
    field("vectors", self.vectors,
          "vectors to make, CONTRAST[:METHOD]@POSITION[@POINT], or adapter, "
          "adapter:o_proj, adapter:down_proj, bipo, reft_r1 (trained)");
    field("methods", self.methods,
          "make each of these vectors by these methods too");
    field("questions", self.questions, "of the extract split, 0 = all");
    field("layers", self.layers,
          "where vectors are made: 3, 2-5 or depth:0.5; empty = every layer");
    field("confounds", self.confounds,
          "vectors of length, refusal, verbosity, system prompt, format, "
          "paraphrase");
    field("unrelated", self.unrelated,
          "file of questions and answers outside the domain, empty = built in");
    field("trajectory_questions", self.trajectory_questions,
          "questions at each training step and strength, 0 = off");
    field("strengths", self.strengths,
          "strengths of the adapter besides 0 and 1");
    field("detection_questions", self.detection_questions,
          "test questions whose answers vectors should tell apart, 0 = off");
    field("lens_tokens", self.lens_tokens,
          "tokens that each vector pushes up and down, 0 = off");
    field("batch_tokens", self.batch_tokens,
          "tokens in one pass (speed and memory only)");
    field("trained_halves", self.trained_halves,
          "train bipo and reft_r1 on two halves too: their reliability");
    field("bipo", self.bipo, "");
    field("reft_r1", self.reft_r1, "");
  }
};

struct CompareSettings {
  std::int64_t random_draws = 1000;
  std::int64_t split_halves = 100;
  double confidence = 0.95;

  template <class Self, class Visitor>
  static void visit(Self& self, Visitor&& field) {
    field("random_draws", self.random_draws, "draws of the band of chance");
    field("split_halves", self.split_halves, "random halves for reliability");
    field("confidence", self.confidence, "level of all intervals");
  }
};

}  // namespace veer
