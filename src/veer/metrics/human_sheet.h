// SPDX-License-Identifier: MIT
//
// Answers as a sheet that a person labels blind: shuffled, without any word of
// what made them, a few rows twice so that the person's own agreement can be
// told. No torch in this file.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "veer/metrics/judge.h"

namespace veer {

struct SheetAnswer {
  std::string question;
  std::string answer;
};

struct Sheet {
  std::string csv;                  // row, question, answer, label (empty)
  std::vector<std::int64_t> order;  // answer behind each row
};
// One row in ten, at least five, comes twice (none with fewer than five
// answers).
Sheet make_sheet(std::span<const SheetAnswer> answers, std::uint64_t seed);

struct SheetLabels {
  std::vector<AnswerLabel> labels;  // per answer, kUnjudged = left empty
  std::int64_t repeats = 0;         // rows labelled twice
  std::int64_t repeats_same = 0;
};
// Reads a filled sheet. A label is a name of label_name() or its first letter
// (h, d, m, o, r, b), in any case. Of two labels for one answer the first
// row's counts. Throws Error naming the line on a missing column, a row that
// is not of this sheet or comes twice, a changed answer text, or a label that
// does not exist; and one that names the missing rows.
SheetLabels read_sheet(std::string_view csv, std::string_view origin,
                       std::span<const SheetAnswer> answers,
                       std::span<const std::int64_t> order);

}  // namespace veer
