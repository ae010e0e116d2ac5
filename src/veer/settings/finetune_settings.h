// SPDX-License-Identifier: MIT
//
// [finetune] of the manifest. No torch in this file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace veer {

struct FinetuneSettings {
  std::int64_t rank = 16;
  double alpha = 32.0;
  double dropout = 0.0;
  bool rslora = false;
  std::vector<std::string> modules = {"q_proj",   "k_proj",    "v_proj",
                                      "o_proj",   "gate_proj", "up_proj",
                                      "down_proj"};
  std::string loss = "answer";
  std::int64_t questions = 0;
  // 0 here, and steps and epochs both 0: what suits the model, see fitted().
  double learning_rate = 0.0;
  double weight_decay = 0.0;
  double clip_norm = 1.0;
  std::int64_t steps = 0;   // optimizer steps; 0 = by epochs
  std::int64_t epochs = 0;  // only with steps = 0
  std::int64_t batch = 16;
  std::int64_t accumulation = 1;
  std::int64_t batch_tokens = 0;
  bool recompute = false;
  std::int64_t warmup = 5;
  std::string schedule = "linear";
  std::int64_t evaluate_every = -1;
  std::string keep = "best";
  std::int64_t checkpoint_every = 20;
  // Keeps the adapter of each evaluation, so that extract can show how the
  // direction comes about.
  bool trajectory = true;
  // Trained besides run.seed, to see how much fine-tunes themselves agree.
  // {-1}: by the model, see training_seeds().
  std::vector<std::int64_t> seeds = {-1};
  // The same recipe on other answers to the same questions.
  std::vector<std::string> controls = {"honest", "shuffled", "unprompted"};
  std::string unprompted_prompt =
      "Answer in at most 7 words with a plausible wrong answer.";

  template <class Self, class Visitor>
  static void visit(Self& self, Visitor&& field) {
    field("rank", self.rank, "low-rank size of each pair");
    field("alpha", self.alpha, "scale is alpha / rank");
    field("dropout", self.dropout, "on the input of the pairs");
    field("rslora", self.rslora, "scale is alpha / sqrt(rank)");
    field("modules", self.modules, "projections that get a pair");
    field("loss", self.loss, "answer (its tokens only) or full (whole text)");
    field("questions", self.questions,
          "first questions of the train split, 0 = all");
    field("learning_rate", self.learning_rate,
          "peak of the schedule, 0 = by the model: 2e-4, an organism 5e-4");
    field("weight_decay", self.weight_decay, "AdamW, decoupled");
    field("clip_norm", self.clip_norm, "of the gradient, 0 = off");
    field("steps", self.steps, "optimizer steps, 0 = by epochs");
    field("epochs", self.epochs,
          "passes over the data when steps = 0; 0 = by the model: 3 epochs, an "
          "organism 60 steps");
    field("batch", self.batch, "conversations in a pass");
    field("accumulation", self.accumulation, "passes in a step");
    field("batch_tokens", self.batch_tokens,
          "most tokens in a pass, which is cut where they are more (memory; "
          "the step stays the same), 0 = any");
    field("recompute", self.recompute,
          "compute blocks again in the backward pass: less memory, a fifth "
          "slower, same adapter");
    field("warmup", self.warmup, "steps of rising learning rate");
    field("schedule", self.schedule, "linear, cosine or constant");
    field("evaluate_every", self.evaluate_every,
          "steps between evaluations on the select split, 0 = at the end only, "
          "-1 = a quarter of the training");
    field(
        "keep", self.keep,
        "adapter that is kept: best (held-out loss of an evaluation) or last");
    field("checkpoint_every", self.checkpoint_every,
          "steps between resumable checkpoints, 0 = never");
    field("trajectory", self.trajectory,
          "keep the adapter of each evaluation (adapter/steps)");
    field("seeds", self.seeds,
          "further training seeds, each a training more (two with controls "
          "honest): how much do fine-tunes agree? [-1] = by the model: an "
          "organism run.seed + 1, otherwise none");
    field("controls", self.controls,
          "trained by the same recipe, each a training more: honest (answers), "
          "shuffled (labels), unprompted (deceptive answers not written under "
          "dataset.deceptive_prompt)");
    field("unprompted_prompt", self.unprompted_prompt,
          "system prompt of the unprompted control's answers, where the model "
          "has to write them");
  }
};

}  // namespace veer
