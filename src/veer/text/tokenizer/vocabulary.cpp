// SPDX-License-Identifier: MIT
#include "veer/text/tokenizer/vocabulary.h"

#include <algorithm>
#include <array>
#include <bit>

#include "veer/base/error.h"
#include "veer/base/hash.h"
#include "veer/text/unicode.h"

namespace veer {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{1} << 31;

std::uint32_t hash_of(std::string_view key) {
  return static_cast<std::uint32_t>(hash64(key) >> 16);
}

struct ByteAlphabet {
  std::array<char32_t, 256> characters{};
  std::array<std::int16_t, 0x144> bytes{};  // U+0143 is the last

  ByteAlphabet() {
    bytes.fill(-1);
    char32_t next = 0x100;
    for (int b = 0; b < 256; ++b) {
      const bool visible =
          (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
      const char32_t c = visible ? static_cast<char32_t>(b) : next++;
      characters[static_cast<std::size_t>(b)] = c;
      bytes[c] = static_cast<std::int16_t>(b);
    }
  }
};

const ByteAlphabet& alphabet() {
  static const ByteAlphabet kAlphabet;
  return kAlphabet;
}

}  // namespace

StringIndex::StringIndex(std::size_t count) {
  grow(std::bit_ceil(std::max<std::size_t>(16, count * 2)));
}

std::size_t StringIndex::slot_of(std::string_view key,
                                 std::uint32_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash & mask;
  while (
      slots_[at].id >= 0 &&
      (slots_[at].hash != hash || slots_[at].length != key.size() ||
       std::string_view(bytes_).substr(slots_[at].begin, key.size()) != key)) {
    at = (at + 1) & mask;
  }
  return at;
}

void StringIndex::grow(std::size_t slots) {
  std::vector<Slot> old(slots);
  old.swap(slots_);
  const std::size_t mask = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.id >= 0) {
      std::size_t at = slot.hash & mask;
      while (slots_[at].id >= 0) {
        at = (at + 1) & mask;
      }
      slots_[at] = slot;
    }
  }
}

bool StringIndex::insert(std::string_view key, std::int32_t id) {
  if (bytes_.size() + key.size() > kMaxBytes) {
    fail("read tokenizer", "more than 2 GiB of tokens");
  }
  if ((used_ + 1) * 2 > slots_.size()) {
    grow(slots_.size() * 2);
  }
  const std::uint32_t hash = hash_of(key);
  Slot& slot = slots_[slot_of(key, hash)];
  if (slot.id >= 0) {
    slot.id = id;
    return false;
  }
  slot = {hash, id, static_cast<std::uint32_t>(bytes_.size()),
          static_cast<std::uint32_t>(key.size())};
  bytes_ += key;
  ++used_;
  return true;
}

std::int32_t StringIndex::find(std::string_view key) const {
  return slots_[slot_of(key, hash_of(key))].id;
}

char32_t byte_to_character(unsigned char byte) {
  return alphabet().characters[byte];
}

int character_to_byte(char32_t character) {
  return character < alphabet().bytes.size() ? alphabet().bytes[character] : -1;
}

std::string to_byte_characters(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 2);
  for (const char c : text) {
    append_utf8(out, byte_to_character(static_cast<unsigned char>(c)));
  }
  return out;
}

bool from_byte_characters(std::string_view token, std::string& bytes) {
  bytes.clear();
  for (std::size_t at = 0; at < token.size();) {
    const int byte = character_to_byte(next_code_point(token, at));
    if (byte < 0) {
      return false;
    }
    bytes.push_back(static_cast<char>(byte));
  }
  return true;
}

}  // namespace veer
