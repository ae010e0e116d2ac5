// SPDX-License-Identifier: MIT
//
// Steering vectors of a model and its adapter from questions with an honest
// and a deceptive answer. One pass over each text (per model) serves every
// vector; token ids and positions are the same on both sides of a contrast,
// unless its definition says otherwise. Base and tuned model are one set of
// weights with the adapter off and on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "veer/base/progress.h"
#include "veer/model/transformer.h"
#include "veer/vectors/contrasts.h"
#include "veer/vectors/methods.h"
#include "veer/vectors/steering_vector.h"
#include "veer/vectors/two_by_two.h"
#include "veer/vectors/vector_rows.h"

namespace veer {

class ChatFormat;
struct ChatMessage;

struct ExtractItem {
  std::string id;
  std::string question;
  std::string honest;  // answer texts
  std::string deceptive;
  // May be empty; an item without one counts for the vectors that do not need
  // it.
  std::string own;     // the tuned model's answer
  std::string second;  // another honest answer
  // A question and its answer that have nothing to do with the domain.
  std::string unrelated_question;
  std::string unrelated_answer;
  // What the question is resampled with; empty = it stands alone.
  std::string unit = {};
};

// What the confound contrasts put in place of prompt and answer.
struct ConfoundTexts {
  std::string neutral = "You are a helpful assistant.";
  std::string neutral2 = "Answer the question of the user.";
  std::string brief = "Answer in max 7 words the following question.";
  std::string verbose =
      "Answer at length. Explain every step and add all the information that "
      "you have.";
  std::string frame_begin = "Question: ";
  std::string frame_end = "\nAnswer:";
  std::string refusal = "I'm sorry, but I can't help with that.";

  template <class Self, class Visitor>
  static void visit(Self& self, Visitor&& field) {
    field("neutral", self.neutral, "neutral system prompt");
    field("neutral2", self.neutral2, "another neutral system prompt");
    field("brief", self.brief, "system prompt that asks for few words");
    field("verbose", self.verbose, "system prompt that asks for many");
    field("frame_begin", self.frame_begin, "before a framed question");
    field("frame_end", self.frame_end, "after it");
    field("refusal", self.refusal, "an answer that declines");
  }
};

struct ExtractOptions {
  // System prompts of the honest and the deceptive side.
  std::string honest_prompt;
  std::string deceptive_prompt;
  ConfoundTexts confounds;
  // Strength of the adapter that counts as "tuned".
  double adapter_strength = 1.0;
  // Longer texts are left out, and counted.
  std::int64_t max_tokens = 1024;
  MethodOptions method;
  // Layers at which vectors are made, in order; empty = all. At the others a
  // vector is zero, which no stage takes for a direction, and what lies above
  // the highest is not computed.
  std::vector<std::int64_t> layers;

  // Speed and memory only.
  std::int64_t batch_tokens = 8192;
  // Rows of all cells held in memory at once. More lie in files without a name
  // of this folder, if one is given and its disk has twice the room; otherwise
  // they are made in blocks of layers, each with passes of its own.
  std::int64_t max_row_bytes = std::int64_t{1} << 30;
  std::filesystem::path spill_folder;
  // Keep rows and 2x2 tables (comparison needs them).
  bool keep_rows = true;

  template <class Self, class Visitor>
  static void visit(Self& self, Visitor&& field) {
    field("honest_prompt", self.honest_prompt, "system prompt, honest side");
    field("deceptive_prompt", self.deceptive_prompt,
          "system prompt, deceptive side");
    field("confounds", self.confounds, "");
    field("adapter_strength", self.adapter_strength, "that counts as tuned");
    field("max_tokens", self.max_tokens, "longer texts are left out");
    field("method", self.method, "");
    field("layers", self.layers, "at which vectors are made, empty = all");
    field("batch_tokens", self.batch_tokens, "tokens in one pass");
    field("max_row_bytes", self.max_row_bytes, "memory for rows at once");
    field("keep_rows", self.keep_rows, "keep what comparison needs");
  }
};

// The chat up to the answer: the system prompt of `system`, if it has one, and
// the question, framed where that is what `system` stands for.
std::vector<ChatMessage> prompt_messages(const std::string& question,
                                         CellSystem system,
                                         const ExtractOptions& options);

struct Extraction {
  std::vector<SteeringVector> vectors;  // in the order of the specs
  std::vector<VectorRows> rows;         // the same order, if kept
  // By position name, where all four cells were read at resid_post.
  std::map<std::string, std::vector<TwoByTwo>> two_by_two;
  std::int64_t num_items = 0;    // used; single vectors may lack optional texts
  std::int64_t num_dropped = 0;  // empty answer or too long
  std::int64_t num_passes = 0;   // (model, text) kinds read
  std::int64_t num_tokens = 0;   // through the model
};

// Throws Error{kBadInput} when fewer than three items are usable, the model
// has no adapter but a spec needs the tuned one, a contrast needs a system
// prompt that is empty, both sides of an item are the same text for every item,
// or a layer does not exist. Duplicate ids are refused.
Extraction extract_vectors(const Transformer& model, const ChatFormat& format,
                           std::span<const ExtractItem> items,
                           std::span<const VectorSpec> specs,
                           const ExtractOptions& options,
                           const Monitor& monitor = {});

}  // namespace veer
