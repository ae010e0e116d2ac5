// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "veer/data/rows.h"

namespace veer {

// Whether the name ends with .csv, .tsv or .tab.
bool is_table_name(std::string_view name);

// Calls visit() for each row of a CSV or TSV table whose first line names the
// columns; a row is an object of texts, a column without a name (the index of
// pandas) is left out, and so are rows without any text. Columns are
// separated by a tab, a comma or a semicolon: by what a first line "sep=;"
// says, otherwise by the one that stands in the first line, by the name's
// ending where several do.
// Throws Error{kBadInput} for a table without columns and for one name of two
// columns; reading a row of another width throws too.
void for_each_table_row(std::string_view text, std::string_view origin,
                        const RowVisitor& visit);

}  // namespace veer
