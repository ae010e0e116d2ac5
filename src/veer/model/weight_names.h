// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace veer {

// The plain name of a tensor or module of a language model: with one "model."
// where it was saved without ("layers…", as AutoModel writes) or with two, and
// out of a multimodal checkpoint ("language_model.model.layers…" as Gemma 3 was
// published, "model.language_model.layers…" as transformers 5 writes it). None:
// it belongs to a part that predicts no token (ignored_part()).
std::optional<std::string> language_model_name(std::string_view name);

// What the tensor of that name is to a person, if it belongs to a part that
// predicts no token: a vision tower, a value or classification head, or tables
// that are computed anew. Else empty.
std::string_view ignored_part(std::string_view name);

// The entries of a map by tensor or module name that are of the language model,
// under their plain names.
template <class T>
std::map<std::string, T> language_model_part(std::map<std::string, T> all) {
  std::map<std::string, T> result;
  for (auto& [name, value] : all) {
    if (auto plain = language_model_name(name)) {
      result.emplace(std::move(*plain), std::move(value));
    }
  }
  return result;
}

}  // namespace veer
