// SPDX-License-Identifier: MIT
//
// Runs cells of a sweep: many interventions as rows of one batch, answers
// judged and committed in chunks of whole cells. A chunk is always run as a
// whole, so an interrupted sweep ends with the same answers bit by bit.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "veer/generation/divergence.h"
#include "veer/interventions/intervention.h"
#include "veer/run/context.h"
#include "veer/sweep/grid.h"
#include "veer/sweep/vector_shelf.h"

namespace veer {

// What one cell does on reference texts, token by token.
struct CellTokens {
  std::vector<double> nats;  // divergence from the unsteered model
  // |h' - h| of the tokens acted on, by layer
  std::map<std::int64_t, std::vector<double>> moved;
};

class SweepRunner {
 public:
  // Reads the vectors and the questions of the test and select splits.
  explicit SweepRunner(StudyContext& context);
  SweepRunner(const SweepRunner&) = delete;
  SweepRunner& operator=(const SweepRunner&) = delete;

  const SweepSize& size() const { return size_; }
  const std::vector<QuestionRecord>& questions(std::string_view split) const;

  // Divergence from the unsteered model of each cell's next-token
  // distributions, and how far its edits move the tokens, on the first
  // `questions` select questions with the answer that the model gives by itself
  // (base honest, tuned deceptive).
  std::vector<CellTokens> measure(std::span<const SweepCell* const> cells,
                                  const std::string& model,
                                  std::int64_t questions);

  // How far the first `questions` questions of each cell lean: log p(deceptive
  // answer) - log p(honest answer) per token, [cell][question]. Nothing is
  // generated and nothing is kept. `task` names the work to the monitor.
  std::vector<std::vector<double>> propensities(
      std::span<const SweepCell> cells, std::int64_t questions,
      const std::string& task);

  // Makes the answers that are not in the store yet.
  void run(std::span<const SweepCell> cells);

  // Mean residual norms per layer of a model over one kind of token.
  const ResidualNorms& norms(const std::string& model) {
    return shelf_.norms(model);
  }
  VectorShelf& shelf() { return shelf_; }

  // What acts in a cell, ready for the table; nothing for a plain one. On a
  // question of a fold act vectors that were made without the fold; 0 = with
  // all questions.
  std::vector<SiteEdit> edits_of(const SweepCell& cell, std::int64_t fold = 0);

 private:
  void run_chunk(std::span<const SweepCell> cells, const Monitor& monitor);
  VectorShelf& shelf_of(std::int64_t fold);
  void tell_missing_layers(const std::string& name);

  StudyContext& context_;
  SweepSize size_;
  std::vector<QuestionRecord> test_;
  std::vector<QuestionRecord> select_;
  VectorShelf shelf_;
  std::map<std::int64_t, VectorShelf> fold_shelves_;
};

// Questions with their honest answers: texts on which the spread of tokens is
// measured and interventions are proved.
std::vector<EncodedChat> reference_texts(
    const ChatFormat& format, std::span<const QuestionRecord> records);

// Seed of a question's random stream: the same in every cell, so that
// sampled answers differ by what acts on them only.
std::uint64_t question_seed(std::uint64_t seed, const std::string& question);

}  // namespace veer
