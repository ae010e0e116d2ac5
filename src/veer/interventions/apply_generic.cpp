// SPDX-License-Identifier: MIT
//
// The operators as ATen operations. Tokens whose edits share code and shape
// form a group: their vectors are gathered once, [N, K, D], and the group is
// one set of operations, however many configurations it mixes.
#include <cmath>
#include <map>
#include <tuple>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/acos.h>
#include <ATen/ops/clamp_max.h>
#include <ATen/ops/clamp_min.h>
#include <ATen/ops/einsum.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <ATen/ops/index_copy.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>

#include "veer/interventions/apply.h"
#include "veer/interventions/table.h"

namespace veer {
namespace {

using Code = EditCode;

struct Group {
  std::vector<std::int64_t> tokens, donors, edit_of_token;  // into `edits`
  std::vector<std::int64_t> edits;
  std::map<std::int64_t, std::int64_t> place;  // edit -> place in `edits`
};

using GroupKey = std::tuple<Code, bool, bool, bool, std::int64_t, std::int64_t>;

GroupKey key_of(const SiteEdit& edit) {
  return {edit.code,
          edit.keeps_norm,
          edit.condition_D.defined(),
          edit.random_KD.defined(),
          edit.read_KD.defined() ? edit.read_KD.size(0) : 0,
          edit.write_KD.defined() ? edit.write_KD.size(0) : 0};
}

std::map<GroupKey, Group> groups_of(std::span<const SiteEdit> edits,
                                    std::span<const TokenEdit> tokens) {
  std::map<GroupKey, Group> groups;
  for (const auto& [token, donor, index] : tokens) {
    auto& group = groups[key_of(edits[index])];
    const auto [place, fresh] = group.place.try_emplace(
        index, static_cast<std::int64_t>(group.edits.size()));
    if (fresh) {
      group.edits.push_back(index);
    }
    group.tokens.push_back(token);
    group.donors.push_back(donor);
    group.edit_of_token.push_back(place->second);
  }
  return groups;
}

at::Tensor indices(const std::vector<std::int64_t>& values, at::Device device) {
  return at::tensor(at::IntArrayRef(values), at::kLong).to(device);
}

// One group's tokens with their vectors and numbers gathered.
class GroupMath {
 public:
  GroupMath(std::span<const SiteEdit> edits, const Group& group,
            const at::Tensor& hidden_TD)
      : edits_(edits),
        group_(group),
        first_(edits[group.edits.front()]),
        device_(hidden_TD.device()),
        which_N_(indices(group.edit_of_token, device_)),
        h_ND_(hidden_TD.index_select(0, indices(group.tokens, device_))
                  .to(at::kFloat)) {
    if (first_.code == Code::kPatch) {
      donor_ND_ = hidden_TD.index_select(0, indices(group.donors, device_))
                      .to(at::kFloat);
    }
    norm_N_ = h_ND_.square().sum(-1).sqrt();
  }

  at::Tensor run() {
    const auto out_ND = formula();
    return first_.random_KD.defined() ? turned(out_ND) : out_ND;
  }

 private:
  at::Tensor formula() {
    if (first_.code == Code::kPatch && !first_.read_KD.defined()) {
      const auto a = number(&EditNumbers::a).unsqueeze(-1);
      return at::where(a == 1.0, donor_ND_, h_ND_ + a * (donor_ND_ - h_ND_));
    }
    auto self_N = at::ones_like(norm_N_);
    const auto change_NK = change(self_N);
    const auto write_NKD = gather(&SiteEdit::write_KD);
    auto out_ND = h_ND_ * self_N.unsqueeze(-1) +
                  (change_NK.unsqueeze(-1) * write_NKD).sum(1);
    if (first_.keeps_norm) {
      const auto after_N = out_ND.square().sum(-1).sqrt();
      const auto factor_N = at::where(
          after_N > 0.0, norm_N_ / at::clamp_min(after_N, 1e-38), after_N);
      out_ND = at::where((norm_N_ > 0.0).unsqueeze(-1),
                         out_ND * factor_N.unsqueeze(-1), h_ND_);
    }
    return first_.condition_D.defined() ? gated(out_ND) : out_ND;
  }

  // A matched control: a change of the same length, with what went along the
  // own directions along the random ones.
  at::Tensor turned(const at::Tensor& out_ND) const {
    const auto change_ND = out_ND - h_ND_;
    const auto own_NKD = gather(&SiteEdit::own_KD);
    const auto along_NK = (own_NKD * change_ND.unsqueeze(1)).sum(-1);
    const auto turned_ND =
        change_ND +
        (along_NK.unsqueeze(-1) * (gather(&SiteEdit::random_KD) - own_NKD))
            .sum(1);
    const auto length_N = change_ND.square().sum(-1).sqrt();
    const auto turned_N = turned_ND.square().sum(-1).sqrt();
    const auto factor_N = at::where(
        turned_N > 0.0, length_N / at::clamp_min(turned_N, 1e-38), turned_N);
    return h_ND_ + turned_ND * factor_N.unsqueeze(-1);
  }

  at::Tensor gather(at::Tensor SiteEdit::* member) const {
    std::vector<at::Tensor> rows;
    for (const auto index : group_.edits) {
      rows.push_back(edits_[index].*member);
    }
    return at::stack(rows).index_select(0, which_N_);
  }

  at::Tensor number(float EditNumbers::* member) const {
    std::vector<double> values;
    for (const auto index : group_.edits) {
      values.push_back(edits_[index].numbers.*member);
    }
    return from_doubles(values).index_select(0, which_N_);
  }

  at::Tensor from_doubles(const std::vector<double>& values) const {
    return at::tensor(at::ArrayRef<double>(values), at::kDouble)
        .to(device_, at::kFloat);
  }

  at::Tensor offsets() const {
    std::vector<double> values;
    for (const auto index : group_.edits) {
      for (const auto value : edits_[index].offset_K) {
        values.push_back(value);
      }
    }
    return from_doubles(values)
        .reshape({static_cast<std::int64_t>(group_.edits.size()), -1})
        .index_select(0, which_N_);
  }

  at::Tensor coordinates() const {
    const auto read_NKD = gather(&SiteEdit::read_KD);
    if (first_.code == Code::kPatch) {
      return (read_NKD * (donor_ND_ - h_ND_).unsqueeze(1)).sum(-1);
    }
    return (read_NKD * h_ND_.unsqueeze(1)).sum(-1) + offsets();
  }

  at::Tensor change(at::Tensor& self_N) const {
    const auto c_NK = coordinates();
    const auto a_N = number(&EditNumbers::a);
    const auto reach_NK =
        (a_N + number(&EditNumbers::b) * norm_N_).unsqueeze(-1);
    const auto q_NK = number(&EditNumbers::q).unsqueeze(-1);
    const auto lift_NK = number(&EditNumbers::t).unsqueeze(-1) - c_NK;
    const auto half = first_.write_KD.size(0);
    switch (first_.code) {
      case Code::kPush:
        return reach_NK;
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
        return reach_NK * (q_NK * lift_NK).tanh();
      case Code::kSoftSigmoid:
        return reach_NK * (q_NK * lift_NK).sigmoid();
      case Code::kSoftRelu:
        return reach_NK * at::clamp_min(lift_NK, 0.0);
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
    std::vector<double> one_sided;
    for (const auto index : group_.edits) {
      one_sided.push_back(edits_[index].numbers.one_sided ? 1.0 : 0.0);
    }
    const auto acts_N =
        (from_doubles(one_sided).index_select(0, which_N_) == 0.0)
            .logical_or(c_NK.select(1, 0) > 0.0);
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
    self_N = at::where(turns_N, own_N.to(at::kFloat), self_N);
    return (along_N * turns_N).unsqueeze(-1);
  }

  at::Tensor gated(const at::Tensor& out_ND) const {
    const auto c_ND = gather(&SiteEdit::condition_D);
    const auto along_N = (c_ND * h_ND_).sum(-1) / c_ND.square().sum(-1);
    const auto p_ND = (c_ND * along_N.unsqueeze(-1)).tanh();
    const auto length_N = p_ND.square().sum(-1).sqrt() * norm_N_;
    const auto cosine_N =
        (p_ND * h_ND_).sum(-1) / at::clamp_min(length_N, 1e-38);
    std::vector<double> limits;
    for (const auto index : group_.edits) {
      limits.push_back(edits_[index].gate_threshold);
    }
    const auto limit_N = from_doubles(limits).index_select(0, which_N_);
    const auto open_N = (cosine_N > limit_N).logical_and(length_N > 0.0);
    return at::where(open_N.unsqueeze(-1), out_ND, h_ND_);
  }

  std::span<const SiteEdit> edits_;
  const Group& group_;
  const SiteEdit& first_;
  at::Device device_;
  at::Tensor which_N_;
  at::Tensor h_ND_;
  at::Tensor donor_ND_;
  at::Tensor norm_N_;
};

}  // namespace

at::Tensor apply_generic(std::span<const SiteEdit> edits,
                         std::span<const TokenEdit> tokens,
                         const at::Tensor& hidden_TD) {
  auto result_TD = hidden_TD;
  for (const auto& [key, group] : groups_of(edits, tokens)) {
    const auto out_ND = GroupMath(edits, group, hidden_TD).run();
    result_TD =
        at::index_copy(result_TD, 0, indices(group.tokens, hidden_TD.device()),
                       out_ND.to(hidden_TD.scalar_type()));
  }
  return result_TD;
}

}  // namespace veer
