// SPDX-License-Identifier: MIT
//
// The letter that a written reply names. No torch in this file.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace veer {

// What a model said behind its thoughts (text/chat/thinking.h knows their
// marks). Empty when a thought was begun and not ended.
std::string without_thoughts(std::string_view reply);

// The place in the alphabet of the one letter, of the first `count` (at most
// 26), that a reply without its thoughts names; -1 when it names none or
// several. A reply that is one letter may be of either case and be wrapped in
// quotes, brackets, asterisks or dots. In longer replies
//   - what is said to be the answer ("the answer is b", {"answer": "B"},
//     \boxed{B}) decides, the last of them when there are several;
//   - else a capital that stands alone counts, but not an A that is an article
//     ("A refusal to answer").
int letter_of(std::string_view reply, std::size_t count);

}  // namespace veer
