// SPDX-License-Identifier: MIT
#include "veer/generation/shared_rows.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

namespace veer {
namespace {

// What decides a row's states below its interventions.
struct Content {
  std::int64_t text = 0;
  double adapter_strength = 0.0;
  std::span<const std::int32_t> ids;

  bool operator<(const Content& other) const {
    const auto own = std::tie(text, adapter_strength);
    const auto others = std::tie(other.text, other.adapter_strength);
    return own != others ? own < others
                         : std::ranges::lexicographical_compare(ids, other.ids);
  }
};

using Groups = std::map<Content, std::vector<std::int64_t>>;

// Products of fewer tokens take another path, whose last bits differ.
constexpr std::int64_t kFewestTokens = 4;

Groups rows_by_content(std::span<const PassRow> rows) {
  Groups groups;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].text >= 0) {
      groups[{rows[i].text, rows[i].adapter_strength, rows[i].ids}].push_back(
          static_cast<std::int64_t>(i));
    }
  }
  return groups;
}

// Rows by the block at which they start.
class Sharing {
 public:
  Sharing(const InterventionTable* table, std::span<const PassRow> rows,
          std::int64_t num_layers)
      : table_(table), rows_(rows), num_layers_(num_layers) {
    first_block_.assign(rows.size(), 0);
    leader_.assign(rows.size(), -1);
    for (const auto& [content, group] : rows_by_content(rows)) {
      share(group);
    }
    keep_enough();
  }

  bool pays() const {
    std::int64_t saved = 0;
    std::int64_t whole = 0;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      saved += std::ssize(rows_[i].ids) * first_block_[i];
      whole += std::ssize(rows_[i].ids) * num_layers_;
    }
    return saved * 8 >= whole;
  }

  SharedRows result() const {
    SharedRows shared;
    shared.order.resize(rows_.size());
    std::iota(shared.order.begin(), shared.order.end(), 0);
    std::ranges::stable_sort(
        shared.order, {}, [&](std::int64_t row) { return first_block_[row]; });
    std::vector<std::int64_t> place(rows_.size());
    for (std::size_t i = 0; i < shared.order.size(); ++i) {
      place[shared.order[i]] = static_cast<std::int64_t>(i);
    }
    for (const auto row : shared.order) {
      shared.sharing.first_block.push_back(first_block_[row]);
      shared.sharing.leader.push_back(leader_[row] < 0 ? -1
                                                       : place[leader_[row]]);
    }
    return shared;
  }

 private:
  std::int64_t blocks_below(std::int64_t row) const {
    return table_ == nullptr
               ? num_layers_
               : table_->blocks_below(rows_[row].binding.configuration);
  }

  void share(std::span<const std::int64_t> group) {
    const auto leader = *std::ranges::max_element(
        group, {}, [&](std::int64_t row) { return blocks_below(row); });
    for (const auto row : group) {
      if (row != leader && blocks_below(row) > 0) {
        first_block_[row] = blocks_below(row);
        leader_[row] = leader;
      }
    }
  }

  // Rows that would share run from the start until there are enough tokens.
  void keep_enough() {
    std::int64_t tokens = 0;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      tokens += first_block_[i] == 0 ? std::ssize(rows_[i].ids) : 0;
    }
    for (std::size_t i = 0; i < rows_.size() && tokens < kFewestTokens; ++i) {
      if (first_block_[i] > 0) {
        first_block_[i] = 0;
        leader_[i] = -1;
        tokens += std::ssize(rows_[i].ids);
      }
    }
  }

  const InterventionTable* table_;
  std::span<const PassRow> rows_;
  std::int64_t num_layers_;
  std::vector<std::int64_t> first_block_;
  std::vector<std::int64_t> leader_;
};

}  // namespace

std::optional<SharedRows> share_rows(const InterventionTable* table,
                                     std::span<const PassRow> rows,
                                     std::int64_t num_layers) {
  const bool donors = std::ranges::any_of(
      rows, [](const PassRow& row) { return row.binding.donor >= 0; });
  if (donors) {
    return {};
  }
  const Sharing sharing(table, rows, num_layers);
  if (!sharing.pays()) {
    return {};
  }
  return sharing.result();
}

}  // namespace veer
