// SPDX-License-Identifier: MIT
//
// AdamW (Loshchilov and Hutter, arXiv 1711.05101), decoupled weight decay:
//
//   m = b1 m + (1 - b1) g            v = b2 v + (1 - b2) g^2
//   p = p (1 - lr wd) - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
//
// as torch.optim.AdamW computes it. Used by fine-tuning and by pretraining.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace veer {

struct AdamWOptions {
  // Decay of the mean of gradients and of their squares.
  double beta1 = 0.9;
  double beta2 = 0.999;
  // Added to the root; raises it where gradients are tiny.
  double eps = 1e-8;
  // The gradient of all parameters together is scaled down to this norm;
  // 0 = never.
  double clip_norm = 1.0;

  template <class Self, class Visitor>
  static void visit(Self& self, Visitor&& field) {
    field("beta1", self.beta1, "decay of the gradient's mean");
    field("beta2", self.beta2, "decay of the squared gradient's mean");
    field("eps", self.eps, "added to the root");
    field("clip_norm", self.clip_norm, "largest gradient norm, 0 = no limit");
  }
};

// One trained tensor: a leaf, fp32, contiguous. weight_decay is its own, so
// that norms and biases can have none.
struct AdamWParameter {
  std::string name;
  at::Tensor value;
  double weight_decay = 0.0;
};

// Not safe to share between threads. Results do not depend on the number of
// threads.
class AdamW {
 public:
  // Throws Error if a tensor is not fp32, not contiguous or a name repeats.
  AdamW(std::vector<AdamWParameter> parameters, AdamWOptions options);

  // One update from value.grad() of every parameter; a parameter without a
  // gradient is left alone. Returns the norm of the whole gradient before
  // clipping. Throws Error{kFailed} if that norm is not finite; then no
  // parameter has changed.
  double step(double learning_rate);
  // Sets every gradient to zero (keeps its memory).
  void zero_grad();

  std::int64_t num_steps() const { return num_steps_; }
  const std::vector<AdamWParameter>& parameters() const { return parameters_; }

  // "m.NAME", "v.NAME" (fp32) and "num_steps" (int64 scalar); the tensors
  // themselves, not copies. load_state copies and throws Error on a missing
  // or misshaped one.
  std::map<std::string, at::Tensor> state() const;
  void load_state(const std::map<std::string, at::Tensor>& state);

 private:
  double gradient_norm() const;

  std::vector<AdamWParameter> parameters_;
  AdamWOptions options_;
  std::vector<at::Tensor> means_;
  std::vector<at::Tensor> squares_;
  std::int64_t num_steps_ = 0;
};

}  // namespace veer
