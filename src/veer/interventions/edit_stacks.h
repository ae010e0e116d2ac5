// SPDX-License-Identifier: MIT
//
// The edits of a table as the generic path reads them: on the model's device,
// those of one site that share code and shape side by side. A pass names its
// tokens by one copy of index lists for all sites and layers, so that steering
// costs the host no wait, however many configurations the rows mix.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

#include "veer/interventions/intervention.h"

namespace veer {

class HostIndices;

// One token of a pass and the edit that acts on it.
struct TokenEdit {
  std::int64_t token = 0;
  std::int64_t donor_token = -1;
  std::int64_t edit = 0;
};

// E edits with the same formula and number of directions.
struct EditStack {
  EditCode code = EditCode::kPush;
  bool keeps_norm = false;
  bool uses_norm = false;  // some b is not 0
  at::Tensor read_EKD;     // these five undefined where the edits have none
  at::Tensor write_EKD;
  at::Tensor condition_ED;
  at::Tensor own_EKD;
  at::Tensor random_EKD;
  at::Tensor offset_EK;
  at::Tensor numbers_EN;  // fp32, columns by EditNumber
};

enum EditNumber : std::int64_t {
  kNumberA,
  kNumberB,
  kNumberT,
  kNumberQ,
  kNumberGate,
  kNumberOneSided,
  kEditNumbers
};

// Tokens of a pass that one stack changes.
struct EditGroup {
  const EditStack* stack = nullptr;
  at::Tensor tokens_N;
  at::Tensor donors_N;  // kPatch only
  at::Tensor which_N;   // edit of each token, an index into the stack
};

// All edits of a table, stacked. Edits that come later need a new one.
class EditStacks {
 public:
  EditStacks(std::span<const SiteEdit> edits, at::Device device);

  struct Place {
    const EditStack* stack = nullptr;
    std::int64_t index = 0;
  };
  Place place_of(std::int64_t edit) const { return places_[edit]; }
  std::int64_t num_edits() const { return std::ssize(places_); }

 private:
  std::deque<EditStack> stacks_;  // stay where they are
  std::vector<Place> places_;     // by edit
};

// The tokens of one round as groups; a token occurs once. The groups' index
// tensors are there once `indices` is uploaded; until then the vector may be
// moved but not changed.
std::vector<EditGroup> groups_of(const EditStacks& stacks,
                                 std::span<const TokenEdit> tokens,
                                 HostIndices& indices);

}  // namespace veer
