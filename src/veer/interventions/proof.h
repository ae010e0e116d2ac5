// SPDX-License-Identifier: MIT
//
// Proof of application: on a probe text, in the model itself, the hidden state
// moved by exactly what the operator says, on exactly the tokens meant;
// without cache, with it token by token, alone and beside other rows.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "veer/interventions/intervention.h"
#include "veer/model/transformer.h"

namespace veer {

// What was measured at one site in one way of running.
struct SiteProof {
  ResidualSite site;
  std::string way;  // "whole", "cached", "batched"
  std::int64_t tokens_meant = 0;
  std::int64_t tokens_moved = 0;   // fewer where a one-sided operator rests
  std::int64_t strays = 0;         // tokens outside the scope that changed
  double largest_error = 0.0;      // |measured - formula| / |formula|
  double mean_displacement = 0.0;  // |h' - h| / |h| over the tokens meant
  // Tokens that say nothing: the state was not finite before the edit, or the
  // formula's is beyond what the model's dtype can hold. They count nowhere
  // else.
  std::int64_t overflows = 0;
};

struct ApplicationProof {
  std::vector<SiteProof> sites;
  double tolerance = 0.0;  // of the dtype: 1e-5 in fp32, 2e-2 in bf16
  bool holds = false;      // no strays, every error within the tolerance
  bool overflows = false;  // some tokens did; what holds, holds for the rest
  std::string summary;     // one line for the report
};

struct ProbeText {
  std::vector<std::int32_t> ids;   // prompt and answer, at least 3 tokens
  std::int64_t prompt_length = 0;  // 1 .. ids.size()
  PositionRange thinking;          // of its think block
  double adapter_strength = 0.0;
  double donor_strength = 1.0;  // of the donor row, when the edits patch
};

// Runs the probe under one configuration. An empty configuration holds
// trivially. Throws Error if the probe does not fit the model.
ApplicationProof prove_application(const Transformer& model,
                                   const std::vector<SiteEdit>& edits,
                                   const ProbeText& probe);

}  // namespace veer
