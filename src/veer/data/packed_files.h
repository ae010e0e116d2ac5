// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace veer {

// Throws Error{kBadInput} for files that hold no text: Parquet, Arrow, packed
// files, spreadsheets, UTF-16, bytes that are no UTF-8. Told by the ending of
// the name and by the first bytes; the message says how the file is made
// JSON Lines or CSV.
void require_text_file(std::string_view name, std::string_view bytes);

}  // namespace veer
