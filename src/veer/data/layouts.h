// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "veer/base/json.h"
#include "veer/data/columns.h"
#include "veer/data/row_content.h"

namespace veer {

// Reads a row of any known layout (docs/formats/datasets.md lists them).
// `from_table`: values are cells of a CSV file, in which lists are texts.
// Throws Error{kBadInput} naming `place` for an unknown layout, a value that
// is no text, and a row without one of its answers whose other keys look as
// if the answer stood there.
RowContent content_of_row(const Json& row, const std::string& place,
                          const DataColumns& columns, bool from_table);

}  // namespace veer
