// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace veer {

// String -> id, read-only after filling: an open-addressing table over one
// block of bytes.
class StringIndex {
 public:
  // Room for `count` strings.
  explicit StringIndex(std::size_t count = 0);

  // Sets the id of `key`; false if the key was there (its id is replaced).
  bool insert(std::string_view key, std::int32_t id);

  // The id, or -1.
  std::int32_t find(std::string_view key) const;

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::int32_t id = -1;  // -1 = free
    std::uint32_t begin = 0, length = 0;
  };
  std::size_t slot_of(std::string_view key, std::uint32_t hash) const;
  void grow(std::size_t slots);

  std::vector<Slot> slots_;
  std::size_t used_ = 0;
  std::string bytes_;
};

// The ByteLevel alphabet: every byte as one visible character, as GPT-2 has
// it. 0x21-0x7E, 0xA1-0xAC, 0xAE-0xFF stand for themselves, the other 68
// bytes in order for U+0100, U+0101, ...
char32_t byte_to_character(unsigned char byte);
// The byte, or -1 if the character is not in the alphabet.
int character_to_byte(char32_t character);

// `text` with each byte as its character.
std::string to_byte_characters(std::string_view text);
// The bytes of `token`; false if a character is outside the alphabet.
bool from_byte_characters(std::string_view token, std::string& bytes);

}  // namespace veer
