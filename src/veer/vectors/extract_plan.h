// SPDX-License-Identifier: MIT
//
// Which texts must be read, and where, so that every wanted vector can be
// made. A pass is one (model, prompt, answer) kind of text; contrasts are
// signed sums of what passes read at positions, so all vectors are served by
// the union of their passes. Private to extract.cpp and its texts.
#pragma once

#include <compare>
#include <map>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "veer/vectors/extract.h"

namespace veer {

// Where rows are read: a kind of text, a position, a point.
struct Reading {
  Cell cell;
  TokenPosition position;
  ResidualPoint point = ResidualPoint::kResidPost;
  auto operator<=>(const Reading&) const = default;
};

struct ExtractPlan {
  struct Vector {
    VectorSpec spec;
    std::vector<std::pair<Reading, double>> terms;
  };
  std::vector<Vector> vectors;
  std::set<Cell> passes;
  std::map<Cell, std::set<TokenPosition>> positions;
  // The residual stream behind the block first: its norms are the reference.
  std::vector<ResidualPoint> points = {ResidualPoint::kResidPost};
};

// Throws Error as extract_vectors does for what the model or the options do
// not allow.
ExtractPlan make_extract_plan(std::span<const VectorSpec> specs,
                              const Transformer& model,
                              const ExtractOptions& options);

// Kinds of text by (prompt, answer): both models read the same ids.
using TextKey = std::pair<CellSystem, CellAnswer>;
struct TextsOfKind {
  std::vector<EncodedChat> encoded;
  std::vector<std::int64_t> item;  // index into ExtractTexts::ids, ascending
};
struct ExtractTexts {
  std::vector<std::string> ids;
  std::vector<std::string> units;  // of each
  std::map<TextKey, TextsOfKind> kinds;
  std::int64_t num_dropped = 0;
};

// An item without an honest or deceptive text, or with one that is too long
// or lacks a position, is dropped and counted; without an optional text it
// only misses in that kind. Throws Error when fewer than three items remain,
// or when both sides of a vector are the same text on all of them.
ExtractTexts make_extract_texts(std::span<const ExtractItem> items,
                                const ExtractPlan& plan,
                                const ChatFormat& format,
                                const ExtractOptions& options);

}  // namespace veer
