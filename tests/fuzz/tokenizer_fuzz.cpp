// SPDX-License-Identifier: MIT
//
// Any bytes as tokenizer.json and as text. The input is the file; whatever
// follows its first 0xFF byte (which no JSON holds) is text to encode, and what
// follows a second one is each of the files beside it. Bytes
// give a tokenizer or one Error; encoded ids decode to valid UTF-8, and the
// stream decoder says the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "veer/base/error.h"
#include "veer/text/tokenizer/beside.h"
#include "veer/text/tokenizer/tokenizer.h"
#include "veer/text/unicode.h"

namespace {

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

void use(const veer::Tokenizer& tokenizer, std::string_view text) {
  for (const bool special : {false, true}) {
    const auto ids = tokenizer.encode(text, special);
    const std::string whole = tokenizer.decode(ids, special);
    require(veer::is_valid_utf8(whole));
    veer::StreamDecoder stream(tokenizer, special);
    std::string joined;
    for (const auto id : ids) {
      require(!tokenizer.token(id).empty() || id >= 0);
      joined += stream.push(id);
    }
    require(joined + stream.finish() == whole);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = input.find('\xFF');
  const std::size_t second =
      cut == input.npos ? cut : input.find('\xFF', cut + 1);
  veer::TokenizerBesideFiles beside;
  if (second != input.npos) {
    beside.tokenizer_config = beside.special_tokens_map = beside.added_tokens =
        input.substr(second + 1);
  }
  try {
    const auto tokenizer =
        veer::Tokenizer::from_json(input.substr(0, cut), "fuzz.json", beside);
    use(tokenizer, cut == input.npos ? "a b\n1<s>\xC3\xA9"
                                     : input.substr(cut, second - cut));
  } catch (const veer::Error&) {
    // The one permitted way to refuse.
  }
  return 0;
}
