// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

namespace veer {

// Index lists that the host makes for one pass, brought to the model's device
// together: one copy out of page-locked memory, for which the host does not
// wait. Each copy of its own from ordinary memory would wait until the card
// has done everything before it.
class HostIndices {
 public:
  // `to` becomes the list as int64 [n] when upload() is called; it must stay
  // where it is until then.
  void add(at::Tensor& to, std::vector<std::int64_t> list);
  void upload(at::Device device);

 private:
  std::vector<std::pair<at::Tensor*, std::vector<std::int64_t>>> lists_;
};

// The same for one list.
at::Tensor to_device(std::vector<std::int64_t> list, at::Device device);

// A CPU tensor's numbers on the device, without a wait of the host.
at::Tensor sent_to(const at::Tensor& numbers, at::Device device);

}  // namespace veer
