// SPDX-License-Identifier: MIT
//
// The one seam in the forward pass. A block of a Llama-family model reads and
// writes the residual stream; a hook may look at it or change it at five
// named points. A hook that reads is capture, one that writes is an
// intervention: the model knows neither word.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <ATen/core/Tensor.h>

namespace veer {

struct PackedBatch;

enum class ResidualPoint {
  kResidPre,   // input of the block
  kAttnOut,    // what attention adds (after its post-norm, where one exists)
  kResidMid,   // after that addition
  kMlpOut,     // what the feed-forward part adds
  kResidPost,  // output of the block
};

// A place in the stream: a block (from 0) and a point in it. resid_post of
// layer i is Hugging Face's hidden_states[i + 1], except for the last layer,
// which there has passed the final norm; ours never has.
struct ResidualSite {
  std::int64_t layer = 0;
  ResidualPoint point = ResidualPoint::kResidPost;

  auto operator<=>(const ResidualSite&) const = default;
  // "resid_post.14".
  std::string name() const;
};

// "resid_post" and so on.
std::string_view point_name(ResidualPoint point);
// The inverse; throws Error that lists the five names.
ResidualPoint parse_point(std::string_view name);
// "resid_post.14" as a site.
ResidualSite parse_site(std::string_view name);

class ResidualHook {
 public:
  virtual ~ResidualHook() = default;

  // Whether visit() is to be called at this site. Asked once per site and
  // forward pass; the answer must not change during a pass.
  virtual bool wants(ResidualSite site) const = 0;

  // hidden_TD: the packed hidden states [tokens, width] at the site, in the
  // model's dtype; row t is token t of `batch`. Returns what the model goes
  // on with: the same tensor (reading) or a changed one of the same shape.
  // May change it in place only when no gradient is recorded, and so may the
  // model afterwards: what is kept is a copy.
  virtual at::Tensor visit(ResidualSite site, const at::Tensor& hidden_TD,
                           const PackedBatch& batch) = 0;
};

// Hooks are called in order; each sees what the one before returned.
using HookList = std::span<ResidualHook* const>;

}  // namespace veer
