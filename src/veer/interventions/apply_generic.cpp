// SPDX-License-Identifier: MIT
//
// The operators as ATen operations. Tokens whose edits share code and shape
// form a group: their vectors are gathered, [N, K, D], and the group is one set
// of operations, however many configurations it mixes.

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/acos.h>
#include <ATen/ops/clamp_max.h>
#include <ATen/ops/clamp_min.h>
#include <ATen/ops/index_copy.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>

#include "veer/interventions/apply.h"

namespace veer {
namespace {

using Code = EditCode;

// One group's tokens with their vectors and numbers gathered.
class GroupMath {
 public:
  GroupMath(const EditGroup& group, const at::Tensor& hidden_TD)
      : group_(group),
        stack_(*group.stack),
        h_ND_(hidden_TD.index_select(0, group.tokens_N).to(at::kFloat)),
        numbers_NN_(stack_.numbers_EN.index_select(0, group.which_N)) {
    if (stack_.code == Code::kPatch) {
      donor_ND_ = hidden_TD.index_select(0, group.donors_N).to(at::kFloat);
    }
    if (stack_.uses_norm || stack_.keeps_norm || stack_.code == Code::kSlerp ||
        stack_.condition_ED.defined()) {
      norm_N_ = h_ND_.square().sum(-1).sqrt();
    }
  }

  at::Tensor run() {
    const auto out_ND = formula();
    return stack_.random_EKD.defined() ? turned(out_ND) : out_ND;
  }

 private:
  at::Tensor formula() {
    if (stack_.code == Code::kPatch && !stack_.read_EKD.defined()) {
      const auto a = number(kNumberA).unsqueeze(-1);
      return at::where(a == 1.0, donor_ND_, h_ND_ + a * (donor_ND_ - h_ND_));
    }
    at::Tensor self_N;  // what is left of h; undefined: all
    const auto change_NK = change(self_N);
    const auto write_NKD = gather(stack_.write_EKD);
    const auto kept_ND =
        self_N.defined() ? h_ND_ * self_N.unsqueeze(-1) : h_ND_;
    auto out_ND = kept_ND + (change_NK.unsqueeze(-1) * write_NKD).sum(1);
    if (stack_.keeps_norm) {
      const auto after_N = out_ND.square().sum(-1).sqrt();
      const auto factor_N = at::where(
          after_N > 0.0, norm_N_ / at::clamp_min(after_N, 1e-38), after_N);
      out_ND = at::where((norm_N_ > 0.0).unsqueeze(-1),
                         out_ND * factor_N.unsqueeze(-1), h_ND_);
    }
    return stack_.condition_ED.defined() ? gated(out_ND) : out_ND;
  }

  // A matched control: a change of the same length, with what went along the
  // own directions along the random ones.
  at::Tensor turned(const at::Tensor& out_ND) const {
    const auto change_ND = out_ND - h_ND_;
    const auto own_NKD = gather(stack_.own_EKD);
    const auto along_NK = (own_NKD * change_ND.unsqueeze(1)).sum(-1);
    const auto turned_ND =
        change_ND +
        (along_NK.unsqueeze(-1) * (gather(stack_.random_EKD) - own_NKD)).sum(1);
    const auto length_N = change_ND.square().sum(-1).sqrt();
    const auto turned_N = turned_ND.square().sum(-1).sqrt();
    const auto factor_N = at::where(
        turned_N > 0.0, length_N / at::clamp_min(turned_N, 1e-38), turned_N);
    return h_ND_ + turned_ND * factor_N.unsqueeze(-1);
  }

  at::Tensor gather(const at::Tensor& all) const {
    return all.index_select(0, group_.which_N);
  }

  at::Tensor number(EditNumber which) const {
    return numbers_NN_.select(1, which);
  }

  at::Tensor coordinates() const {
    const auto read_NKD = gather(stack_.read_EKD);
    if (stack_.code == Code::kPatch) {
      return (read_NKD * (donor_ND_ - h_ND_).unsqueeze(1)).sum(-1);
    }
    const auto along_NK = (read_NKD * h_ND_.unsqueeze(1)).sum(-1);
    return stack_.offset_EK.defined() ? along_NK + gather(stack_.offset_EK)
                                      : along_NK;
  }

  // a + b |h|, [N, 1].
  at::Tensor reach() const {
    const auto a_N = number(kNumberA);
    const auto reach_N =
        stack_.uses_norm ? a_N + number(kNumberB) * norm_N_ : a_N;
    return reach_N.unsqueeze(-1);
  }

  at::Tensor change(at::Tensor& self_N) const {
    const auto reach_NK = reach();
    if (stack_.code == Code::kPush) {
      return reach_NK;
    }
    const auto c_NK = coordinates();
    const auto a_N = number(kNumberA);
    const auto q_NK = number(kNumberQ).unsqueeze(-1);
    const auto half = stack_.write_EKD.size(1);
    const auto lift = [&] { return number(kNumberT).unsqueeze(-1) - c_NK; };
    switch (stack_.code) {
      case Code::kPush:
        break;
      case Code::kPushSigned:
        return c_NK.sign() * reach_NK;
      case Code::kScale:
      case Code::kPatch:
        return a_N.unsqueeze(-1) * c_NK;
      case Code::kSet:
        return q_NK * (reach_NK - c_NK);
      case Code::kCap:
        return at::clamp_max(reach_NK - c_NK, 0.0);
      case Code::kFloor:
        return at::clamp_min(reach_NK - c_NK, 0.0);
      case Code::kSoftTanh:
        return reach_NK * (q_NK * lift()).tanh();
      case Code::kSoftSigmoid:
        return reach_NK * (q_NK * lift()).sigmoid();
      case Code::kSoftRelu:
        return reach_NK * at::clamp_min(lift(), 0.0);
      case Code::kLowRank:
        return a_N.unsqueeze(-1) *
               (c_NK.narrow(1, half, half) - c_NK.narrow(1, 0, half));
      case Code::kRotate:
        return rotate(c_NK, a_N);
      case Code::kSlerp:
        return slerp(c_NK.squeeze(-1), a_N, self_N);
    }
    return reach_NK;
  }

  at::Tensor rotate(const at::Tensor& c_NK, const at::Tensor& a_N) const {
    const auto radius_N = c_NK.square().sum(-1).sqrt();
    const auto change_NK =
        at::stack({radius_N * a_N.cos(), radius_N * a_N.sin()}, 1) - c_NK;
    const auto acts_N =
        (number(kNumberOneSided) == 0.0).logical_or(c_NK.select(1, 0) > 0.0);
    return change_NK * acts_N.unsqueeze(-1);
  }

  at::Tensor slerp(const at::Tensor& c_N, const at::Tensor& a_N,
                   at::Tensor& self_N) const {
    const auto cosine_N =
        (c_N / at::clamp_min(norm_N_, 1e-38)).to(at::kDouble).clamp(-1.0, 1.0);
    const auto angle_N = at::acos(cosine_N);
    const auto sine_N = angle_N.sin();
    const auto turns_N = (sine_N >= 1e-6).logical_and(norm_N_ > 0.0);
    const auto safe_N = at::where(turns_N, sine_N, at::ones_like(sine_N));
    const auto along_N =
        norm_N_ * (a_N * angle_N).sin().div(safe_N).to(at::kFloat);
    const auto own_N = ((1.0 - a_N) * angle_N).sin().div(safe_N);
    self_N = at::where(turns_N, own_N.to(at::kFloat), at::ones_like(norm_N_));
    return (along_N * turns_N).unsqueeze(-1);
  }

  at::Tensor gated(const at::Tensor& out_ND) const {
    const auto c_ND = gather(stack_.condition_ED);
    const auto along_N = (c_ND * h_ND_).sum(-1) / c_ND.square().sum(-1);
    const auto p_ND = (c_ND * along_N.unsqueeze(-1)).tanh();
    const auto length_N = p_ND.square().sum(-1).sqrt() * norm_N_;
    const auto cosine_N =
        (p_ND * h_ND_).sum(-1) / at::clamp_min(length_N, 1e-38);
    const auto open_N =
        (cosine_N > number(kNumberGate)).logical_and(length_N > 0.0);
    return at::where(open_N.unsqueeze(-1), out_ND, h_ND_);
  }

  const EditGroup& group_;
  const EditStack& stack_;
  at::Tensor h_ND_;
  at::Tensor numbers_NN_;
  at::Tensor donor_ND_;
  at::Tensor norm_N_;  // |h|, where the formula asks for it
};

}  // namespace

at::Tensor apply_generic(std::span<const EditGroup> groups,
                         const at::Tensor& hidden_TD) {
  auto result_TD = hidden_TD;
  for (const EditGroup& group : groups) {
    const auto out_ND = GroupMath(group, hidden_TD).run();
    result_TD = at::index_copy(result_TD, 0, group.tokens_N,
                               out_ND.to(hidden_TD.scalar_type()));
  }
  return result_TD;
}

}  // namespace veer
