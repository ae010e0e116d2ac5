// SPDX-License-Identifier: MIT
//
// AdamW (Loshchilov and Hutter, arXiv 1711.05101), decoupled weight decay:
//
//   m = b1 m + (1 - b1) g            v = b2 v + (1 - b2) g^2
//   p = p (1 - lr wd) - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
//
// as torch.optim.AdamW computes it. Used by fine-tuning and by pretraining. On
// a card it is torch's fused kernel, which rounds otherwise in the last bits.
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

// What an update is to know besides the gradients.
struct AdamWInput {
  // What the gradients are too large by, because the loss was scaled.
  double gradient_scale = 1.0;
  // A scalar where the parameters lie, read together with the norm: on a card
  // each reading waits for all work before it. May be undefined.
  at::Tensor loss;
};

// What an update found. Where one of the two is not finite, nothing changed.
struct AdamWNumbers {
  double norm = 0.0;  // of the whole gradient, scale taken out, not yet clipped
  double loss = 0.0;
  bool is_finite() const;
};

// Not safe to share between threads. Results do not depend on the number of
// threads.
class AdamW {
 public:
  // Throws Error if a tensor is not fp32, not contiguous, not on the device of
  // the others, or a name repeats.
  AdamW(std::vector<AdamWParameter> parameters, AdamWOptions options);

  // One update from value.grad() of every parameter; a parameter without a
  // gradient is left alone. On a card the host waits once.
  AdamWNumbers try_step(double learning_rate, const AdamWInput& input = {});
  // The same; returns the norm and throws Error{kFailed} if it is not finite.
  double step(double learning_rate);
  // Sets every gradient to zero. On a card to none, so that the next pass hands
  // over its own instead of adding to zeros.
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
  void update_host(double learning_rate, double shrink);
  AdamWNumbers update_card(double learning_rate, const AdamWInput& input);

  std::vector<AdamWParameter> parameters_;
  AdamWOptions options_;
  std::vector<at::Tensor> means_;
  std::vector<at::Tensor> squares_;
  std::int64_t num_steps_ = 0;
};

}  // namespace veer
