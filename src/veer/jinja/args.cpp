// SPDX-License-Identifier: MIT
#include <algorithm>

#include <fmt/core.h>

#include "veer/jinja/interpreter.h"

namespace veer::jinja {

ArgReader::ArgReader(Interpreter& in, Args& args, std::string_view function,
                     std::initializer_list<std::string_view> names,
                     std::size_t required)
    : in_(in), function_(function), values_(names.size(), nullptr) {
  for (const std::string_view name : names) {
    names_.emplace_back(name);
  }
  if (args.positional.size() > names_.size()) {
    in.fail(fmt::format("{}() takes at most {} arguments, {} given", function,
                        names_.size(), args.positional.size()));
  }
  for (std::size_t i = 0; i < args.positional.size(); ++i) {
    values_[i] = &args.positional[i];
  }
  for (const auto& [name, value] : args.keywords) {
    const auto at = std::find(names_.begin(), names_.end(), name);
    if (at == names_.end()) {
      in.fail(fmt::format("{}() has no argument '{}'", function, name));
    }
    const auto index = static_cast<std::size_t>(at - names_.begin());
    if (values_[index] != nullptr) {
      in.fail(fmt::format("{}() got two values for '{}'", function, name));
    }
    values_[index] = &value;
  }
  for (std::size_t i = 0; i < required; ++i) {
    if (values_[i] == nullptr) {
      in.fail(fmt::format("{}() needs the argument '{}'", function, names_[i]));
    }
  }
}

void ArgReader::wrong(std::size_t i, std::string_view expected) const {
  if (values_[i]->is_undefined()) {
    in_.fail_undefined(*values_[i]);
  }
  in_.fail(fmt::format("the argument '{}' of {}() is of type {}", names_[i],
                       function_, type_name(*values_[i])),
           expected);
}

bool ArgReader::flag(std::size_t i, bool fallback) const {
  return values_[i] == nullptr ? fallback : truth(in_, *values_[i]);
}

std::int64_t ArgReader::integer(std::size_t i, std::int64_t fallback) const {
  std::int64_t out = fallback;
  if (values_[i] != nullptr && !values_[i]->is_none() &&
      !values_[i]->as_integer(out)) {
    wrong(i, "an integer");
  }
  return out;
}

const Str& ArgReader::string(std::size_t i) const {
  if (values_[i]->str() == nullptr) {
    wrong(i, "a string");
  }
  return *values_[i]->str();
}

Str ArgReader::string_or(std::size_t i, std::string_view fallback) const {
  if (values_[i] == nullptr) {
    Str out;
    out.bytes = std::string(fallback);
    return out;
  }
  return string(i);
}

}  // namespace veer::jinja
