// SPDX-License-Identifier: MIT
// Any bytes give a header or one Error; accepted tensors can be read, and
// metadata give a config and a tokenizer or one Error.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "veer/base/error.h"
#include "veer/gguf/config.h"
#include "veer/gguf/gguf.h"
#include "veer/gguf/tokenizer.h"
#include "veer/model/config.h"
#include "veer/text/tokenizer/tokenizer.h"

namespace {

template <class Part>
void attempt(const Part& part) {
  try {
    part();
  } catch (const veer::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  attempt([&] {
    auto header = veer::parse_gguf(bytes, "fuzz");
    for (const auto& tensor : header.tensors) {
      attempt([&] { veer::gguf_floats(bytes, header, tensor, "fuzz"); });
    }
    const auto model = veer::GgufModel::of(std::move(header), "fuzz");
    attempt([&] {
      veer::parse_model_config(veer::gguf_config_json(model), "fuzz");
    });
    attempt([&] {
      veer::Tokenizer::from_json(veer::gguf_tokenizer_json(model), "fuzz")
          .encode("a 12\n", true);
    });
    attempt([&] { veer::gguf_tokenizer_config_json(model); });
    for (const auto& tensor : model.metadata().tensors) {
      attempt([&] { veer::gguf_place(model, tensor.name); });
    }
  });
  return 0;
}
