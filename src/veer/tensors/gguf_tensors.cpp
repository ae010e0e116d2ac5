// SPDX-License-Identifier: MIT
#include "veer/tensors/gguf_tensors.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>
#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/gguf/blocks.h"
#include "veer/gguf/config.h"

namespace veer {
namespace {

// Numbers that are unpacked at a time; a multiple of every block, small enough
// for the first cache.
constexpr std::int64_t kChunk = 2048;

// A tensor in its file, and where its numbers go.
struct Source {
  std::string_view blocks;
  std::uint32_t type = 0;
  std::int64_t row_numbers = 1;
  std::int64_t row_bytes = 0;
  std::int64_t head_rows = 0;  // of GgufPlace
  float less = 0.0F;           // what the file's numbers are too large by

  // The row of the file that is row `to` of the tensor.
  std::int64_t row_of(std::int64_t to) const {
    if (head_rows == 0) {
      return to;
    }
    const std::int64_t within = to % head_rows;
    const std::int64_t half = head_rows / 2;
    return to - within + 2 * (within % half) + within / half;
  }
};

template <class T>
void unpack_row(const Source& source, std::int64_t row, T* out) {
  const GgmlType& layout = *find_ggml_type(source.type);
  std::array<float, kChunk> values;
  const auto blocks = source.blocks.substr(
      static_cast<std::size_t>(source.row_bytes * source.row_of(row)),
      static_cast<std::size_t>(source.row_bytes));
  for (std::int64_t at = 0; at < source.row_numbers; at += kChunk) {
    const auto count = std::min(kChunk, source.row_numbers - at);
    const auto begin = static_cast<std::uint64_t>(at) / layout.block_numbers *
                       layout.block_bytes;
    dequantise_blocks(source.type, blocks.substr(begin),
                      {values.data(), static_cast<std::size_t>(count)});
    for (std::int64_t i = 0; i < count; ++i) {
      out[at + i] =
          static_cast<T>(values[static_cast<std::size_t>(i)] - source.less);
    }
  }
}

template <class T>
void unpack(const Source& source, const at::Tensor& to) {
  T* out = to.mutable_data_ptr<T>();
  const std::int64_t rows = to.numel() / source.row_numbers;
  at::parallel_for(0, rows, 8, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      unpack_row(source, row, out + row * source.row_numbers);
    }
  });
}

at::ScalarType stored_type(std::uint32_t type, at::ScalarType quantised) {
  switch (type) {
    case kGgmlF32:
    case kGgmlF64:
      return at::kFloat;
    case kGgmlF16:
      return at::kHalf;
    case kGgmlBf16:
      return at::kBFloat16;
    default:
      return quantised;
  }
}

at::Tensor view(const GgufPart& part, std::string_view bytes,
                at::IntArrayRef shape, at::ScalarType type) {
  char* data = static_cast<char*>(part.file->data()) +
               (bytes.data() - part.file->bytes().data());
  return at::from_blob(
      data, shape, [file = part.file](void*) { /* keeps the mapping alive */ },
      at::TensorOptions(type));
}

class Reader {
 public:
  Reader(const GgufModel& model, at::ScalarType quantised)
      : model_(model), quantised_(quantised) {}

  void read(const GgufPart& part, const GgufTensor& tensor) {
    const GgufPlace place = gguf_place(model_, tensor.name);
    if (place.name.empty()) {
      return;
    }
    const auto blocks = gguf_blocks(part.file->bytes(), part.header, tensor,
                                    part.path.string());
    if (out_.tensors.contains(place.name)) {
      fail(
          "read GGUF model",
          fmt::format("{}: two tensors are {}", part.path.string(), place.name),
          "each weight once");
    }
    if (place.head_rows > 0 && tensor.shape.size() == 1 &&
        is_quantised(tensor.type)) {
      fail("read GGUF model",
           fmt::format("{}: the bias {} is packed as {}", part.path.string(),
                       tensor.name, ggml_type_name(tensor.type)),
           "F32, F16 or BF16", "a file that llama.cpp would not write");
    }
    const bool mapped = is_mapped(tensor, place, blocks);
    const auto type = stored_type(tensor.type, quantised_);
    out_.tensors[place.name] = mapped ? view(part, blocks, tensor.shape, type)
                                      : unpacked(tensor, place, blocks, type);
    out_.stored[place.name] =
        mapped ? out_.tensors[place.name]
               : view(part, blocks, {static_cast<std::int64_t>(blocks.size())},
                      at::kByte);
  }

  GgufTensors take() { return std::move(out_); }

 private:
  // Whether the bytes of the file can serve as they are.
  static bool is_mapped(const GgufTensor& tensor, const GgufPlace& place,
                        std::string_view blocks) {
    const auto width = find_ggml_type(tensor.type)->block_bytes;
    return !is_quantised(tensor.type) && tensor.type != kGgmlF64 &&
           place.head_rows == 0 && !place.plus_one && !blocks.empty() &&
           reinterpret_cast<std::uintptr_t>(blocks.data()) % width == 0;
  }

  static at::Tensor unpacked(const GgufTensor& tensor, const GgufPlace& place,
                             std::string_view blocks, at::ScalarType type) {
    at::Tensor to = at::empty(tensor.shape, type);
    if (to.numel() == 0) {
      return to;
    }
    Source source{.blocks = blocks, .type = tensor.type};
    source.row_numbers = tensor.shape.empty() ? 1 : tensor.shape.back();
    // A vector's numbers are its rows.
    if (place.head_rows > 0 && tensor.shape.size() == 1) {
      source.row_numbers = 1;
    }
    source.row_bytes = static_cast<std::int64_t>(tensor.bytes) /
                       (to.numel() / source.row_numbers);
    source.head_rows = place.head_rows;
    source.less = place.plus_one ? 1.0F : 0.0F;
    if (type == at::kFloat) {
      unpack<float>(source, to);
    } else if (type == at::kBFloat16) {
      unpack<c10::BFloat16>(source, to);
    } else {
      unpack<c10::Half>(source, to);
    }
    return to;
  }

  const GgufModel& model_;
  at::ScalarType quantised_;
  GgufTensors out_;
};

}  // namespace

GgufTensors read_gguf_tensors(const GgufModel& model, at::ScalarType dtype) {
  Reader reader(model, dtype);
  for (const GgufPart& part : model.parts()) {
    for (const GgufTensor& tensor : part.header.tensors) {
      reader.read(part, tensor);
    }
  }
  return reader.take();
}

}  // namespace veer
