// SPDX-License-Identifier: MIT
#include "veer/interventions/edit_stacks.h"

#include <array>
#include <map>
#include <tuple>

#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <c10/core/GradMode.h>

#include "veer/model/host_indices.h"

namespace veer {
namespace {

// Site, code and shape.
using StackKey = std::tuple<ResidualSite, EditCode, bool, bool, bool,
                            std::int64_t, std::int64_t>;

StackKey key_of(const SiteEdit& edit) {
  return {edit.site,
          edit.code,
          edit.keeps_norm,
          edit.condition_D.defined(),
          edit.random_KD.defined(),
          edit.read_KD.defined() ? edit.read_KD.size(0) : 0,
          edit.write_KD.defined() ? edit.write_KD.size(0) : 0};
}

at::Tensor stacked(std::span<const SiteEdit> edits,
                   const std::vector<std::int64_t>& members,
                   at::Tensor SiteEdit::* tensor) {
  if (!(edits[members.front()].*tensor).defined()) {
    return {};
  }
  std::vector<at::Tensor> rows;
  for (const auto index : members) {
    rows.push_back(edits[index].*tensor);
  }
  return at::stack(rows);
}

at::Tensor on_device(const std::vector<float>& values, std::int64_t rows,
                     at::Device device) {
  return sent_to(
      at::tensor(at::ArrayRef<float>(values), at::kFloat).view({rows, -1}),
      device);
}

EditStack stack_of(std::span<const SiteEdit> edits,
                   const std::vector<std::int64_t>& members,
                   at::Device device) {
  const SiteEdit& first = edits[members.front()];
  EditStack stack{.code = first.code, .keeps_norm = first.keeps_norm};
  stack.read_EKD = stacked(edits, members, &SiteEdit::read_KD);
  stack.write_EKD = stacked(edits, members, &SiteEdit::write_KD);
  stack.condition_ED = stacked(edits, members, &SiteEdit::condition_D);
  stack.own_EKD = stacked(edits, members, &SiteEdit::own_KD);
  stack.random_EKD = stacked(edits, members, &SiteEdit::random_KD);
  std::vector<float> numbers;
  std::vector<float> offsets;
  for (const auto index : members) {
    const auto& edit = edits[index];
    const auto& n = edit.numbers;
    const std::array<float, kEditNumbers> row = {
        n.a, n.b, n.t, n.q, edit.gate_threshold, n.one_sided ? 1.0F : 0.0F};
    numbers.insert(numbers.end(), row.begin(), row.end());
    offsets.insert(offsets.end(), edit.offset_K.begin(), edit.offset_K.end());
    stack.uses_norm = stack.uses_norm || n.b != 0.0F;
  }
  const auto rows = static_cast<std::int64_t>(members.size());
  stack.numbers_EN = on_device(numbers, rows, device);
  if (!offsets.empty()) {
    stack.offset_EK = on_device(offsets, rows, device);
  }
  return stack;
}

}  // namespace

EditStacks::EditStacks(std::span<const SiteEdit> edits, at::Device device) {
  const c10::NoGradGuard no_grad;
  std::map<StackKey, std::vector<std::int64_t>> members;
  for (std::size_t i = 0; i < edits.size(); ++i) {
    members[key_of(edits[i])].push_back(static_cast<std::int64_t>(i));
  }
  places_.resize(edits.size());
  for (const auto& [key, list] : members) {
    stacks_.push_back(stack_of(edits, list, device));
    for (std::size_t i = 0; i < list.size(); ++i) {
      places_[list[i]] = {&stacks_.back(), static_cast<std::int64_t>(i)};
    }
  }
}

std::vector<EditGroup> groups_of(const EditStacks& stacks,
                                 std::span<const TokenEdit> tokens,
                                 HostIndices& indices) {
  struct Lists {
    const EditStack* stack = nullptr;
    std::vector<std::int64_t> tokens, donors, which;
  };
  std::vector<Lists> lists;
  std::map<const EditStack*, std::size_t> list_of;
  for (const auto& [token, donor, edit] : tokens) {
    const auto place = stacks.place_of(edit);
    const auto [found, fresh] = list_of.try_emplace(place.stack, lists.size());
    if (fresh) {
      lists.push_back(
          {.stack = place.stack, .tokens = {}, .donors = {}, .which = {}});
    }
    Lists& own = lists[found->second];
    own.tokens.push_back(token);
    own.donors.push_back(donor);
    own.which.push_back(place.index);
  }
  std::vector<EditGroup> groups(lists.size());
  for (std::size_t i = 0; i < lists.size(); ++i) {
    groups[i].stack = lists[i].stack;
    indices.add(groups[i].tokens_N, std::move(lists[i].tokens));
    indices.add(groups[i].which_N, std::move(lists[i].which));
    if (lists[i].stack->code == EditCode::kPatch) {
      indices.add(groups[i].donors_N, std::move(lists[i].donors));
    }
  }
  return groups;
}

}  // namespace veer
