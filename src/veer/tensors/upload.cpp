// SPDX-License-Identifier: MIT
#include "veer/tensors/upload.h"

#include <algorithm>
#include <array>
#include <optional>

#include <ATen/ops/empty.h>
#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <c10/util/Exception.h>

namespace veer {
namespace {

// What the card may still be fetching, and how to know when it has.
struct Buffer {
  at::Tensor locked_N;
  std::optional<c10::Event> fetched;
};

using Buffers = std::array<Buffer, 2>;

// Nothing where the system gives none.
std::optional<Buffers> page_locked(std::int64_t size, at::ScalarType dtype) {
  try {
    Buffers buffers;
    for (auto& buffer : buffers) {
      buffer.locked_N = at::empty(
          {size}, at::TensorOptions().dtype(dtype).pinned_memory(true));
    }
    return buffers;
  } catch (const c10::Error&) {
    return std::nullopt;
  }
}

void wait_for(const Buffer& buffer) {
  if (buffer.fetched) {
    buffer.fetched->synchronize();
  }
}

// Both flat.
void send_in_pieces(const at::Tensor& to_N, const at::Tensor& from_N,
                    std::int64_t piece, Buffers& buffers) {
  const auto device = to_N.device();
  const auto stream =
      c10::impl::VirtualGuardImpl(device.type()).getStream(device);
  std::size_t next = 0;
  for (std::int64_t at = 0; at < from_N.numel(); at += piece) {
    auto& buffer = buffers[next];
    next = 1 - next;
    wait_for(buffer);
    const auto count = std::min(piece, from_N.numel() - at);
    const auto filled_N = buffer.locked_N.narrow(0, 0, count);
    filled_N.copy_(from_N.narrow(0, at, count));
    to_N.narrow(0, at, count).copy_(filled_N, /*non_blocking=*/true);
    buffer.fetched.emplace(device.type());
    buffer.fetched->record(stream);
  }
  std::ranges::for_each(buffers, wait_for);
}

}  // namespace

void upload_into(const at::Tensor& to, const at::Tensor& from) {
  const bool goes_up = from.is_cpu() && !to.is_cpu() && from.numel() > 0 &&
                       from.sizes() == to.sizes();
  if (!goes_up || !from.is_contiguous() || !to.is_contiguous()) {
    to.copy_(from);
    return;
  }
  const auto bytes = static_cast<std::int64_t>(to.element_size());
  const auto piece = std::min(from.numel(), kUploadPieceBytes / bytes);
  auto buffers = page_locked(piece, to.scalar_type());
  if (!buffers) {
    to.copy_(from);
    return;
  }
  send_in_pieces(to.view(-1), from.view(-1), piece, *buffers);
}

at::Tensor uploaded(const at::Tensor& from, at::Device device,
                    at::ScalarType dtype) {
  if (device.is_cpu() || !from.is_cpu()) {
    return from.to(device, dtype);
  }
  const auto to =
      at::empty(from.sizes(), from.options().dtype(dtype).device(device));
  upload_into(to, from);
  return to;
}

}  // namespace veer
