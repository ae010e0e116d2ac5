// SPDX-License-Identifier: MIT
#pragma once

#include <set>
#include <string>

#include "veer/jinja/ast.h"

namespace veer::jinja {

// Every name that an expression of the program reads, wherever it is set:
// variables that are given, names of the program's own, and functions.
std::set<std::string> read_names(const Program& program);

}  // namespace veer::jinja
