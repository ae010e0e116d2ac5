// SPDX-License-Identifier: MIT
#include "veer/text/tokenizer/bpe.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include <fmt/core.h>

#include "veer/text/unicode.h"

namespace veer {
namespace {

constexpr std::string_view kMetaspace = "\xE2\x96\x81";  // U+2581
constexpr std::size_t kCacheEntries = 1 << 14;
constexpr std::size_t kShortPiece = 40;

std::uint64_t mix(std::uint64_t x) {
  x *= 0x9E3779B97F4A7C15U;
  return x ^ (x >> 29);
}

std::uint64_t pair_key(std::int32_t left, std::int32_t right) {
  return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 |
         static_cast<std::uint32_t>(right);
}

// Hash of at most 26 bytes.
std::size_t short_hash(std::string_view piece) {
  std::uint64_t h = piece.size();
  std::size_t at = 0;
  for (; at + 8 <= piece.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, piece.data() + at, 8);
    h = mix(h ^ word);
  }
  std::uint64_t rest = 0;
  for (; at < piece.size(); ++at) {
    rest = rest << 8 | static_cast<unsigned char>(piece[at]);
  }
  h = mix(h ^ rest);
  return static_cast<std::size_t>(h ^ (h >> 32));
}

}  // namespace

MergeTable::MergeTable(std::size_t count)
    : slots_(std::bit_ceil(std::max<std::size_t>(16, count * 2))) {}

std::size_t MergeTable::slot_of(std::uint64_t pair) const {
  const std::size_t mask = slots_.size() - 1;
  auto at = static_cast<std::size_t>(mix(pair)) & mask;
  while (slots_[at].pair != pair && slots_[at].pair != UINT64_MAX) {
    at = (at + 1) & mask;
  }
  return at;
}

void MergeTable::insert(std::int32_t left, std::int32_t right, Merge merge) {
  const std::uint64_t pair = pair_key(left, right);
  slots_[slot_of(pair)] = {pair, merge};
}

MergeTable::Merge MergeTable::find(std::int32_t left,
                                   std::int32_t right) const {
  return slots_[slot_of(pair_key(left, right))].merge;
}

PieceCache::Entry* PieceCache::entry(std::string_view piece) {
  if (piece.size() > sizeof(Entry::key)) {
    return nullptr;
  }
  if (entries_.empty()) {
    entries_.resize(kCacheEntries);
  }
  return &entries_[short_hash(piece) & (kCacheEntries - 1)];
}

bool PieceCache::holds(const Entry& entry, std::string_view piece) {
  return entry.length == piece.size() &&
         std::memcmp(entry.key.data(), piece.data(), piece.size()) == 0;
}

void PieceCache::store(Entry& entry, std::string_view piece,
                       const std::int32_t* ids, std::size_t count) {
  if (count > entry.ids.size()) {
    return;
  }
  entry.length = static_cast<std::uint8_t>(piece.size());
  entry.count = static_cast<std::uint8_t>(count);
  std::copy(piece.begin(), piece.end(), entry.key.begin());
  std::copy_n(ids, count, entry.ids.begin());
}

void BpeModel::encode(std::string_view piece, BpeScratch& scratch,
                      std::vector<std::int32_t>& out) const {
  if (!cut_at_metaspace_) {
    return encode_segment(piece, /*whole=*/true, scratch, out);
  }
  if (ignore_merges_) {
    if (const auto id = spellings_.find(piece); id >= 0) {
      out.push_back(id);
      return;
    }
  }
  std::size_t begin = 0;
  std::size_t end = 0;
  while (begin < piece.size()) {
    // Past the leading run of U+2581, then up to the next one.
    while (piece.substr(end).starts_with(kMetaspace)) {
      end += kMetaspace.size();
    }
    end = std::min(piece.find(kMetaspace, end), piece.size());
    encode_segment(piece.substr(begin, end - begin), /*whole=*/false, scratch,
                   out);
    begin = end;
  }
}

void BpeModel::encode_segment(std::string_view text, bool whole,
                              BpeScratch& scratch,
                              std::vector<std::int32_t>& out) const {
  PieceCache::Entry* entry = scratch.cache.entry(text);
  if (entry != nullptr && PieceCache::holds(*entry, text)) {
    out.insert(out.end(), entry->ids.begin(),
               entry->ids.begin() + entry->count);
    return;
  }
  compute(text, whole, scratch);
  out.insert(out.end(), scratch.ids.begin(), scratch.ids.end());
  if (entry != nullptr) {
    PieceCache::store(*entry, text, scratch.ids.data(), scratch.ids.size());
  }
}

void BpeModel::compute(std::string_view text, bool whole,
                       BpeScratch& scratch) const {
  scratch.ids.clear();
  if (whole && ignore_merges_) {
    const auto id = (raw_bytes_ ? pieces_ : spellings_).find(text);
    if (id >= 0) {
      scratch.ids.push_back(id);
      return;
    }
  }
  symbols(text, scratch.ids);
  if (scratch.ids.size() <= kShortPiece) {
    merge_short(scratch);
  } else {
    merge_long(scratch);
  }
}

void BpeModel::symbols(std::string_view text,
                       std::vector<std::int32_t>& ids) const {
  ids.reserve(text.size());
  Unknown unknown;
  const auto known = [&](std::int32_t id) {
    if (unknown.pending) {
      ids.push_back(unknown_id_);
      unknown.pending = false;
    }
    ids.push_back(id);
  };
  for (std::size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at]);
    if (raw_bytes_ || lead < 0x80) {
      ++at;
      if (character_ids_[lead] >= 0) {
        known(character_ids_[lead]);
        continue;
      }
      std::string spelled;
      append_utf8(spelled, raw_bytes_ ? byte_to_character(lead) : lead);
      add_character(spelled, unknown, ids);
      continue;
    }
    const std::size_t begin = at;
    next_code_point(text, at);
    const std::string_view character = text.substr(begin, at - begin);
    if (const auto id = spellings_.find(character); id >= 0) {
      known(id);
    } else {
      add_character(character, unknown, ids);
    }
  }
  if (unknown.pending) {
    ids.push_back(unknown_id_);
  }
}

// A character that is no token: its bytes' tokens if all exist, else the
// unknown token (a run of them is one when fused), else nothing. A pending
// unknown token comes after the bytes, as in the reference.
void BpeModel::add_character(std::string_view character, Unknown& unknown,
                             std::vector<std::int32_t>& ids) const {
  if (byte_fallback_ &&
      std::all_of(character.begin(), character.end(), [&](char c) {
        return fallback_ids_[static_cast<unsigned char>(c)] >= 0;
      })) {
    for (const char c : character) {
      ids.push_back(fallback_ids_[static_cast<unsigned char>(c)]);
    }
    return;
  }
  if (unknown_id_ < 0) {
    return;
  }
  if (unknown.pending && !fuse_unknown_) {
    ids.push_back(unknown_id_);
  }
  unknown.pending = true;
}

void BpeModel::merge_short(BpeScratch& scratch) const {
  auto& ids = scratch.ids;
  auto& ranks = scratch.ranks;
  auto& joined = scratch.joined;
  if (ids.size() < 2) {
    return;
  }
  ranks.resize(ids.size() - 1);
  joined.resize(ids.size() - 1);
  const auto look_up = [&](std::size_t i) {
    const auto merge = merges_.find(ids[i], ids[i + 1]);
    ranks[i] = merge.rank;
    joined[i] = merge.id;
  };
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    look_up(i);
  }
  while (!ranks.empty()) {
    const auto best = std::min_element(ranks.begin(), ranks.end());
    if (*best == MergeTable::kNone) {
      return;
    }
    const auto i = best - ranks.begin();
    const auto at = static_cast<std::size_t>(i);
    ids[at] = joined[at];
    ids.erase(ids.begin() + i + 1);
    ranks.erase(best);
    joined.erase(joined.begin() + i);
    if (at < ranks.size()) {
      look_up(at);
    }
    if (at > 0) {
      look_up(at - 1);
    }
  }
}

void BpeModel::merge_long(BpeScratch& scratch) const {
  auto& ids = scratch.ids;
  auto& previous = scratch.previous;
  auto& next = scratch.next;
  auto& queue = scratch.queue;  // rank in the high half, position in the low
  const auto count = static_cast<std::int32_t>(ids.size());
  previous.resize(ids.size());
  next.resize(ids.size());
  for (std::int32_t i = 0; i < count; ++i) {
    previous[static_cast<std::size_t>(i)] = i - 1;
    next[static_cast<std::size_t>(i)] = i + 1 < count ? i + 1 : -1;
  }
  queue.clear();
  const auto offer = [&](std::int32_t left, std::int32_t right) {
    const auto merge = merges_.find(ids[static_cast<std::size_t>(left)],
                                    ids[static_cast<std::size_t>(right)]);
    if (merge.rank != MergeTable::kNone) {
      queue.push_back(std::uint64_t{merge.rank} << 32 |
                      static_cast<std::uint32_t>(left));
      return true;
    }
    return false;
  };
  for (std::int32_t i = 0; i + 1 < count; ++i) {
    offer(i, i + 1);
  }
  std::make_heap(queue.begin(), queue.end(), std::greater<>());
  while (!queue.empty()) {
    std::pop_heap(queue.begin(), queue.end(), std::greater<>());
    const auto rank = static_cast<std::uint32_t>(queue.back() >> 32);
    const auto left = static_cast<std::int32_t>(queue.back() & UINT32_MAX);
    queue.pop_back();
    const auto l = static_cast<std::size_t>(left);
    const std::int32_t right = ids[l] < 0 ? -1 : next[l];
    if (right < 0) {
      continue;
    }
    const auto r = static_cast<std::size_t>(right);
    const auto merge = merges_.find(ids[l], ids[r]);
    if (merge.rank != rank) {
      continue;  // the pair has changed since
    }
    ids[l] = merge.id;
    ids[r] = -1;
    next[l] = next[r];
    if (next[l] >= 0) {
      previous[static_cast<std::size_t>(next[l])] = left;
      if (offer(left, next[l])) {
        std::push_heap(queue.begin(), queue.end(), std::greater<>());
      }
    }
    if (previous[l] >= 0 && offer(previous[l], left)) {
      std::push_heap(queue.begin(), queue.end(), std::greater<>());
    }
  }
  std::erase(ids, -1);
}

}  // namespace veer
