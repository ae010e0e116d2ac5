// SPDX-License-Identifier: MIT
#include "veer/model/host_indices.h"

#include <algorithm>

#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>

namespace veer {
namespace {

at::Tensor page_locked(at::IntArrayRef sizes, at::ScalarType dtype) {
  return at::empty(sizes, at::TensorOptions().dtype(dtype).pinned_memory(true));
}

at::Tensor sent(const at::Tensor& locked, at::Device device) {
  // The memory is not used again before the copy is done: torch sees to it.
  return locked.to(device, /*non_blocking=*/true, /*copy=*/true);
}

}  // namespace

void HostIndices::add(at::Tensor& to, std::vector<std::int64_t> list) {
  lists_.emplace_back(&to, std::move(list));
}

void HostIndices::upload(at::Device device) {
  if (device.is_cpu()) {
    for (auto& [to, list] : lists_) {
      *to = at::tensor(at::IntArrayRef(list), at::kLong);
    }
    lists_.clear();
    return;
  }
  std::int64_t total = 0;
  for (const auto& [to, list] : lists_) {
    total += std::ssize(list);
  }
  if (total == 0) {
    return;
  }
  const auto all = page_locked({total}, at::kLong);
  auto* next = all.data_ptr<std::int64_t>();
  for (const auto& [to, list] : lists_) {
    next = std::ranges::copy(list, next).out;
  }
  const auto there = sent(all, device);
  std::int64_t begin = 0;
  for (const auto& [to, list] : lists_) {
    *to = there.narrow(0, begin, std::ssize(list));
    begin += std::ssize(list);
  }
  lists_.clear();
}

at::Tensor to_device(std::vector<std::int64_t> list, at::Device device) {
  at::Tensor result;
  HostIndices indices;
  indices.add(result, std::move(list));
  indices.upload(device);
  return result;
}

at::Tensor sent_to(const at::Tensor& numbers, at::Device device) {
  if (device.is_cpu()) {
    return numbers;
  }
  const auto locked = page_locked(numbers.sizes(), numbers.scalar_type());
  locked.copy_(numbers);
  return sent(locked, device);
}

}  // namespace veer
