// SPDX-License-Identifier: MIT
//
// The vectors of a run folder as inputs of interventions: extracted ones,
// mixtures of the two study vectors and random ones, each with the statistics
// that an operator asks for.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "veer/interventions/intervention.h"
#include "veer/settings/intervention_text.h"
#include "veer/text/chat/chat_format.h"
#include "veer/vectors/foreign_layers.h"
#include "veer/vectors/steering_vector.h"
#include "veer/vectors/vector_rows.h"

namespace veer {

class Transformer;

// Names that a shelf knows besides the extracted ones. A and B default to the
// study's pair, the contrastive and the fine-tuned vector; the words
// "contrastive" and "finetuned" stand for its two sides.
//   blend:W, blend:W:A:B   W u_A + (1 - W) u_B, renormalised
//   common:A, common:A:B   part of A along B
//   private:A, private:A:B part of A at right angles to B
//   random-N               direction of normal numbers, norm of the vector it
//                          controls; "random-N|NAME" controls NAME. With an
//                          operator that is no plain addition it is that
//                          vector's edit turned into random directions
//                          (interventions/matched_control.h)
//   random-cov-N           the same with the covariance of the activations
//   subset-N-I|NAME        NAME made of N of its questions, the I-th draw
class VectorShelf {
 public:
  // `names`: the extracted vectors; reads run_folder/vectors/NAME.safetensors
  // (and, when a statistic needs them, vectors/items/NAME.safetensors).
  // Throws Error on a file that is none or of another model. The model must
  // outlive the shelf.
  VectorShelf(std::filesystem::path run_folder, const Transformer& model,
              std::vector<std::string> names, std::uint64_t seed);

  // Also a vector from a file of ours or of another tool, under its path. What
  // is assumed about it goes to `warn`.
  void add_file(const std::string& path, const VectorWarning& warn = {});

  // Makes every vector that has rows anew without these questions, and forgets
  // their rows: what the questions themselves may be steered with. Directions
  // without rows (of the adapter) never saw them. To be called before input().
  // Throws Error when too few questions are left for a vector's method.
  void leave_out(const std::set<std::string>& questions);

  // Texts over which sigma is measured; read when first needed.
  void set_reference_texts(std::function<std::vector<EncodedChat>()> texts) {
    reference_texts_ = std::move(texts);
  }

  const std::vector<std::string>& names() const { return names_; }
  std::pair<std::string, std::string> pair() const { return pair_; }

  // Lets go of the inputs of a name that will not come again (one of many
  // random vectors); input() makes them anew.
  void forget(const std::string& name);
  // The input of `name` for steering "base" or "tuned" with this operator and
  // unit. `second`: the plane's other vector for rotate ("" = the other side
  // of the study's pair). Throws Error on an unknown name and on a statistic
  // that the run does not have.
  const SteeringInput& input(const std::string& name, const std::string& side,
                             const InterventionText& text,
                             const std::string& second = "");
  // Whether vector() has it: extracted, or added from a file.
  bool has_vector(const std::string& name) const {
    return vectors_.contains(name);
  }
  // An extracted vector as it lies in its file.
  const SteeringVector& vector(const std::string& name);
  // Whether the run folder holds the questions' rows behind it. Directions of
  // an adapter and trained ones have none, so no class means either.
  bool has_rows(const std::string& name) const;
  // Questions of which the vector is the mean difference; 0 when it is made
  // otherwise.
  std::int64_t mean_of(const std::string& name);
  // Norm of the difference of the class means behind an extracted vector at a
  // layer: the natural gap between the sides. NaN without rows.
  double class_gap(const std::string& name, std::int64_t layer);
  // Where the vector was read (a mixture: its first part).
  ResidualPoint point(const std::string& name);
  // Mean residual norms of one side, as the first vector has them.
  const ResidualNorms& norms(const std::string& side);

 private:
  at::Tensor directions_of(const std::string& name);
  at::Tensor mixture(const std::string& name);
  at::Tensor random(const std::string& name);
  at::Tensor random_like(const std::string& name, const at::Tensor& like_LD);
  at::Tensor subset(const std::string& name);
  // The vector in whose place a random one stands.
  std::string controlled_by(const std::string& name) const;
  SteeringInput control_input(const std::string& name, const std::string& side,
                              const InterventionText& text,
                              const std::string& second);
  // As many random directions as the operator writes, orthonormal.
  at::Tensor random_axes(const std::string& name, const SteeringInput& input,
                         OperatorNeed need);
  // The one that stands where none is named. Throws Error if there is none.
  const std::string& first_name() const;
  // The extracted vector whose rows and norms stand for `name`.
  std::string origin_of(const std::string& name);
  const VectorRows& rows(const std::string& name);
  // Whose rows say how activations vary where `name` acts: its own, or those of
  // the first vector that has some.
  const VectorRows& activations_for(const std::string& name);
  std::string full_name(const std::string& word) const;
  std::string other_of_pair(const std::string& name);
  void add_sigma(SteeringInput& input, const std::string& side);

  std::filesystem::path folder_;
  const Transformer& model_;
  std::vector<std::string> names_;
  std::pair<std::string, std::string> pair_;
  std::uint64_t seed_;
  std::function<std::vector<EncodedChat>()> reference_texts_;
  std::map<std::string, SteeringVector> vectors_;
  std::map<std::string, VectorRows> rows_;
  std::map<std::pair<std::string, std::string>, SteeringInput> inputs_;
};

}  // namespace veer
