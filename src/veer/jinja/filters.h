// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <string_view>

#include "veer/jinja/builtins.h"

namespace veer::jinja {

struct NamedFilter {
  std::string_view name;
  Filter filter;
};

std::span<const NamedFilter> text_filters();
std::span<const NamedFilter> sequence_filters();

}  // namespace veer::jinja
