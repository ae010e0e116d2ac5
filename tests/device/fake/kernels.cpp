// SPDX-License-Identifier: MIT
//
// Every operator on tensors of the device: torch's CPU kernel, run on the same
// bytes through Memory::host().
#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include <ATen/EmptyTensor.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>
#include <ATen/native/TensorShape.h>
#include <ATen/ops/as_strided_native.h>
#include <c10/core/CPUAllocator.h>
#include <torch/library.h>

#include "device/fake/allocator.h"
#include "device/fake/counts.h"
#include "device/fake/device.h"
#include "device/fake/memory.h"
#include "device/fake/tensors.h"

namespace veer::fake {

at::Tensor host_view(const at::Tensor& tensor) {
  const auto& storage = tensor.storage();
  const c10::Storage host(
      c10::Storage::use_byte_size_t(), storage.nbytes(),
      c10::DataPtr(memory().host(storage.data()), c10::Device(c10::kCPU)),
      c10::GetCPUAllocator(), /*resizable=*/true);
  auto view = at::detail::make_tensor<c10::TensorImpl>(
      c10::Storage(host), c10::DispatchKeySet(c10::DispatchKey::CPU),
      tensor.dtype());
  view.unsafeGetTensorImpl()->set_sizes_and_strides(
      tensor.sizes(), tensor.strides(), tensor.storage_offset());
  return view;
}

namespace {

// Operators whose result, or its size, the host must know.
constexpr std::array<std::string_view, 9> kWaiting = {
    "aten::_local_scalar_dense",
    "aten::equal",
    "aten::nonzero",
    "aten::nonzero_numpy",
    "aten::masked_select",
    "aten::_unique2",
    "aten::unique_dim",
    "aten::unique_consecutive",
    "aten::is_nonzero"};

bool on_device(const at::Tensor& tensor) {
  return tensor.defined() && tensor.device().type() == kType;
}

void resize(const at::Tensor& tensor, at::IntArrayRef sizes) {
  auto* const own = tensor.unsafeGetTensorImpl();
  const auto numbers = static_cast<std::size_t>(c10::multiply_integers(sizes)) +
                       static_cast<std::size_t>(tensor.storage_offset());
  const std::size_t bytes = numbers * tensor.itemsize();
  if (bytes > tensor.storage().nbytes()) {
    own->set_storage_keep_dtype(c10::Storage(c10::Storage::use_byte_size_t(),
                                             bytes, allocator().allocate(bytes),
                                             &allocator(), true));
  }
  own->set_sizes_contiguous(sizes);
}

// One call of an operator.
class Call {
 public:
  Call(const c10::OperatorHandle& op, torch::jit::Stack& stack)
      : op_(op), stack_(stack), name_(op.schema().operator_name().name) {}

  void run() {
    take_arguments();
    refuse_mixed_devices();
    op_.redispatchBoxed(c10::DispatchKeySet(c10::DispatchKey::CPU), &stack_);
    write_resized_back();
    const std::size_t count = op_.schema().returns().size();
    for (std::size_t i = stack_.size() - count; i < stack_.size(); ++i) {
      stack_[i] = returned(std::move(stack_[i]));
    }
    if (makes_numbers_ || !returns_tensors_) {
      count_launch(name_, waits_);
    }
  }

 private:
  struct Pair {
    at::Tensor device;
    at::Tensor host;
  };

  at::Tensor taken(const at::Tensor& tensor) {
    if (!on_device(tensor)) {
      has_host_ = has_host_ || (tensor.defined() && tensor.dim() > 0);
      return tensor;
    }
    arguments_.push_back({tensor, host_view(tensor)});
    return arguments_.back().host;
  }

  void take_arguments() {
    waits_ = std::ranges::find(kWaiting, name_) != kWaiting.end();
    const std::size_t count = op_.schema().arguments().size();
    for (std::size_t i = stack_.size() - count; i < stack_.size(); ++i) {
      auto& value = stack_[i];
      if (value.isTensor()) {
        value = taken(value.toTensor());
      } else if (value.isTensorList()) {
        c10::List<at::Tensor> list;
        for (const at::Tensor& tensor : value.toTensorVector()) {
          list.push_back(taken(tensor));
        }
        value = list;
      } else if (value.isOptionalTensorList()) {
        value = taken_indices(value.toOptionalTensorVector());
      } else if (value.isDevice()) {
        value = c10::Device(c10::kCPU);
      }
    }
  }

  // A GPU also takes indices from the host, and counts what a mask holds:
  // either way the host waits.
  c10::List<std::optional<at::Tensor>> taken_indices(
      const std::vector<std::optional<at::Tensor>>& indices) {
    c10::List<std::optional<at::Tensor>> list;
    for (const auto& index : indices) {
      if (!index || !index->defined()) {
        list.push_back(index);
        continue;
      }
      waits_ =
          waits_ || !on_device(*index) || index->scalar_type() == at::kBool;
      list.push_back(on_device(*index) ? taken(*index) : *index);
    }
    return list;
  }

  void refuse_mixed_devices() const {
    TORCH_CHECK(!has_host_ || arguments_.empty(),
                "Expected all tensors to be on the same device, but found at "
                "least two devices, ",
                device(), " and cpu! (", name_, ")");
  }

  // The kernel may have given an `out` another size and other bytes.
  void write_resized_back() {
    for (const Pair& pair : arguments_) {
      if (memory().owns_host(pair.host.storage().data()) ||
          pair.host.storage().nbytes() == 0) {
        continue;
      }
      resize(pair.device, pair.host.sizes());
      host_view(pair.device).copy_(pair.host);
    }
  }

  c10::IValue returned(c10::IValue value) {
    if (value.isTensor()) {
      return to_device(value.toTensor());
    }
    if (!value.isTensorList()) {
      return value;
    }
    c10::List<at::Tensor> list;
    for (const at::Tensor& tensor : value.toTensorVector()) {
      list.push_back(to_device(tensor));
    }
    return list;
  }

  at::Tensor to_device(const at::Tensor& result) {
    returns_tensors_ = true;
    if (!result.defined()) {
      return result;
    }
    for (const Pair& pair : arguments_) {
      if (result.is_same(pair.host)) {
        makes_numbers_ = true;
        return pair.device;
      }
    }
    for (const Pair& pair : arguments_) {
      if (result.is_alias_of(pair.host)) {
        return at::native::as_strided_tensorimpl(pair.device, result.sizes(),
                                                 result.strides(),
                                                 result.storage_offset());
      }
    }
    makes_numbers_ = true;
    at::Tensor made = at::detail::empty_strided_generic(
        result.sizes(), result.strides(), &allocator(),
        c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
        result.scalar_type());
    host_view(made).copy_(result);
    return made;
  }

  const c10::OperatorHandle& op_;
  torch::jit::Stack& stack_;
  std::string name_;
  std::vector<Pair> arguments_;
  bool has_host_ = false;
  bool waits_ = false;
  bool returns_tensors_ = false;
  bool makes_numbers_ = false;  // not a view only
};

void run_on_host(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  const at::AutoDispatchBelowADInplaceOrView below;
  Call(op, *stack).run();
}

at::Tensor copy_from(const at::Tensor& self, const at::Tensor& to,
                     bool non_blocking) {
  const at::AutoDispatchBelowADInplaceOrView below;
  const auto bytes = static_cast<std::int64_t>(to.nbytes());
  if (!on_device(self)) {
    count_copy("to device",
               !non_blocking || !is_page_locked(self.storage().data()), bytes,
               0);
  } else if (!on_device(to)) {
    count_copy("to host", !non_blocking, 0, bytes);
  } else {
    count_launch("copy", /*waits=*/false);
  }
  const auto from = on_device(self) ? host_view(self) : self;
  (on_device(to) ? host_view(to) : to).copy_(from.expand_as(to));
  return to;
}

at::Tensor copy_from_and_resize(const at::Tensor& self, const at::Tensor& to) {
  if (self.sizes() != to.sizes()) {
    to.resize_(self.sizes());
  }
  return copy_from(self, to, /*non_blocking=*/false);
}

at::Tensor empty(at::IntArrayRef sizes, std::optional<at::ScalarType> dtype,
                 std::optional<at::Layout>, std::optional<at::Device>,
                 std::optional<bool>, std::optional<at::MemoryFormat> format) {
  return at::detail::empty_generic(
      sizes, &allocator(), c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
      dtype.value_or(at::kFloat), format);
}

at::Tensor empty_strided(at::IntArrayRef sizes, at::IntArrayRef strides,
                         std::optional<at::ScalarType> dtype,
                         std::optional<at::Layout>, std::optional<at::Device>,
                         std::optional<bool>) {
  return at::detail::empty_strided_generic(
      sizes, strides, &allocator(),
      c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
      dtype.value_or(at::kFloat));
}

const at::Tensor& resize_(const at::Tensor& self, at::IntArrayRef sizes,
                          std::optional<at::MemoryFormat>) {
  resize(self, sizes);
  return self;
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, library) {
  library.impl("empty.memory_format", &empty);
  library.impl("empty_strided", &empty_strided);
  library.impl("resize_", &resize_);
  library.impl("_copy_from", &copy_from);
  library.impl("_copy_from_and_resize", &copy_from_and_resize);
}

TORCH_LIBRARY_IMPL(_, PrivateUse1, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&run_on_host>());
}

}  // namespace
}  // namespace veer::fake
