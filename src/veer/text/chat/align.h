// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "veer/text/tokenizer/tokenizer.h"

namespace veer {

// The bytes of `text` that each of its tokens stands for, in order, [begin,
// end). A token without bytes of its own (a bos that the text does not spell,
// the first bytes of a longer character) has an empty range where the next one
// begins. White space that a tokenizer adds or drops, and NFC normalisation,
// are allowed for.
std::vector<std::pair<std::size_t, std::size_t>> token_ranges(
    const Tokenizer& tokenizer, std::span<const std::int32_t> ids,
    std::string_view text);

}  // namespace veer
