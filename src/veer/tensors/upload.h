// SPDX-License-Identifier: MIT
//
// Weights on their way to a card. A card fetches memory of its host at full
// speed only where the system cannot move it away (page-locked memory), and a
// file's pages can be moved. So pieces of them pass through two small
// page-locked buffers: the card fetches one while the host fills the other.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

namespace veer {

// Of each of the two buffers.
inline constexpr std::int64_t kUploadPieceBytes = std::int64_t{8} << 20;

// Writes the numbers of `from` into `to`, which has its sizes and may have
// another dtype and device; converted on the way, piece by piece, so that the
// host needs no more than the buffers beside `from`. Done on return. Through
// the buffers go contiguous tensors of a CPU to contiguous ones of a card;
// everything else, and all of it where the system gives no page-locked memory,
// is torch's plain copy, which gives the same numbers.
// Throws c10::Error as torch's copy does.
void upload_into(const at::Tensor& to, const at::Tensor& from);

// `from` in that place and dtype; itself where it is there already.
at::Tensor uploaded(const at::Tensor& from, at::Device device,
                    at::ScalarType dtype);

}  // namespace veer
