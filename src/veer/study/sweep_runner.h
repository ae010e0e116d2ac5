// SPDX-License-Identifier: MIT
//
// Runs cells of a sweep: many interventions as rows of one batch, answers
// judged and committed in chunks of whole cells. A chunk is always run as a
// whole, so an interrupted sweep ends with the same answers bit by bit.
#pragma once

#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "veer/interventions/intervention.h"
#include "veer/study/context.h"
#include "veer/study/sweep_grid.h"

namespace veer {

class SweepRunner {
 public:
  // Reads the vectors and the questions of the test and select splits.
  explicit SweepRunner(StudyContext& context);

  const SweepSize& size() const { return size_; }
  const std::vector<QuestionRecord>& questions(std::string_view split) const;

  // A random vector with the norms of `like`, under `name`.
  void add_random(const std::string& name, const std::string& like);

  // Makes the answers that are not in the store yet.
  void run(std::span<const SweepCell> cells);

  // Mean residual norms per layer of a model over one kind of token.
  const ResidualNorms& norms(const std::string& model) const;

 private:
  void run_chunk(std::span<const SweepCell> cells, const Monitor& monitor);
  std::vector<SiteEdit> edits_of(const SweepCell& cell) const;

  StudyContext& context_;
  SweepSize size_;
  std::vector<QuestionRecord> test_;
  std::vector<QuestionRecord> select_;
  // By vector name and model.
  std::map<std::pair<std::string, std::string>, SteeringInput> inputs_;
};

// Seed of a question's random stream: the same in every cell, so that
// sampled answers differ by what acts on them only.
std::uint64_t question_seed(std::uint64_t seed, const std::string& question);

}  // namespace veer
