// SPDX-License-Identifier: MIT
#pragma once

#include "veer/jinja/ast.h"

namespace veer::jinja {

// jinja2 decides when it compiles which block a name belongs to. A name that a
// block sets on every way through it, and does not read before, is the block's
// own from its first line: inner blocks that read it before the `set` see it
// undefined, not the variable of that name given to the template. Fills
// `unset` of the program and of every statement's bodies with these names.
// Source: jinja2/idtracking.py.
void find_unset_names(Program& program);

}  // namespace veer::jinja
