// SPDX-License-Identifier: MIT
// Tokens are decoded one after the other and followed through the text.
#include "veer/text/chat/align.h"

#include <algorithm>
#include <cstdlib>
#include <string>

#include <utf8proc.h>

#include "veer/jinja/text.h"

namespace veer {
namespace {

using Ranges = std::vector<std::pair<std::size_t, std::size_t>>;

class Walker {
 public:
  Walker(const Tokenizer& tokenizer, std::string_view text)
      : tokenizer_(tokenizer), text_(text), stream_(tokenizer, false) {}

  Ranges walk(std::span<const std::int32_t> ids) {
    for (const std::int32_t id : ids) {
      if (tokenizer_.is_special(id)) {
        follow(stream_.finish());
        special(tokenizer_.token(id));
      } else {
        const std::size_t begin = at_;
        const std::string piece = stream_.push(id);
        const std::size_t first = follow(piece);
        ranges_.emplace_back(piece.empty() ? begin : first, at_);
      }
    }
    follow(stream_.finish());
    return std::move(ranges_);
  }
  bool lost() const { return lost_; }

 private:
  void special(std::string_view token) {
    std::size_t begin = at_;
    while (begin < text_.size() && text_[begin] == ' ' &&
           !text_.substr(begin).starts_with(token)) {
      ++begin;
    }
    if (text_.substr(begin).starts_with(token)) {
      at_ = begin + token.size();
      ranges_.emplace_back(begin, at_);
    } else {
      ranges_.emplace_back(at_, at_);
    }
  }

  // Moves past the bytes of `piece`; returns where its first byte was found.
  std::size_t follow(std::string_view piece) {
    static constexpr std::size_t kReach = 64;
    std::size_t first = std::string_view::npos;
    for (const char c : piece) {
      if (at_ < text_.size() && text_[at_] != c && c != ' ') {
        std::size_t next = at_;
        while (next < text_.size() && text_[next] == ' ') {
          ++next;
        }
        if (next == text_.size() || text_[next] != c) {
          lost_ = true;
          next = text_.substr(0, std::min(at_ + kReach, text_.size()))
                     .find(c, at_);
        }
        at_ = next == std::string_view::npos ? at_ : next;
      }
      if (at_ < text_.size() && text_[at_] == c) {
        first = std::min(first, at_);
        ++at_;
      } else {
        lost_ = lost_ || c != ' ';
      }
    }
    return std::min(first, at_);
  }

  const Tokenizer& tokenizer_;
  std::string_view text_;
  StreamDecoder stream_;
  std::size_t at_ = 0;
  Ranges ranges_;
  bool lost_ = false;  // met a byte that is not in the text
};

// NFC, with the place in `text` of each of its bytes.
struct Composed {
  std::string bytes;
  std::vector<std::size_t> origin;  // one more than bytes
};

std::string compose(std::string_view cluster) {
  utf8proc_uint8_t* out = nullptr;
  const auto size = utf8proc_map(
      reinterpret_cast<const utf8proc_uint8_t*>(cluster.data()),
      static_cast<utf8proc_ssize_t>(cluster.size()), &out,
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  std::string result(cluster);
  if (size >= 0) {
    result.assign(reinterpret_cast<const char*>(out),
                  static_cast<std::size_t>(size));
  }
  std::free(out);
  return result;
}

// Whether a character can join the one before it.
bool joins(std::uint32_t c) {
  const auto* property =
      utf8proc_get_property(static_cast<utf8proc_int32_t>(c));
  return property->combining_class != 0 || (c >= 0x1161 && c <= 0x11FF) ||
         property->category == UTF8PROC_CATEGORY_MC ||
         property->category == UTF8PROC_CATEGORY_MN;
}

Composed compose_text(std::string_view text) {
  Composed out;
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = begin + jinja::code_point_at(text, begin).length;
    while (end < text.size()) {
      const jinja::CodePoint c = jinja::code_point_at(text, end);
      if (!joins(c.value)) {
        break;
      }
      end += c.length;
    }
    const std::string cluster = compose(text.substr(begin, end - begin));
    out.bytes += cluster;
    out.origin.resize(out.bytes.size(), begin);
    begin = end;
  }
  out.origin.push_back(text.size());
  return out;
}

}  // namespace

Ranges token_ranges(const Tokenizer& tokenizer,
                    std::span<const std::int32_t> ids, std::string_view text) {
  Walker walker(tokenizer, text);
  Ranges ranges = walker.walk(ids);
  if (!walker.lost() || !jinja::valid_utf8(text)) {
    return ranges;
  }
  const Composed composed = compose_text(text);
  Walker again(tokenizer, composed.bytes);
  ranges = again.walk(ids);
  for (auto& [begin, end] : ranges) {
    begin = composed.origin[begin];
    end = composed.origin[end];
  }
  return ranges;
}

}  // namespace veer
