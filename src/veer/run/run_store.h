// SPDX-License-Identifier: MIT
//
// A run folder and its run.sqlite: docs/formats/run_folder.md. This header
// needs no torch.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "veer/results/answer_row.h"
#include "veer/run/sqlite.h"

namespace veer {

// What is known about a stage.
struct StageRow {
  std::string name;
  std::string fingerprint;
  bool done = false;
  double seconds = 0.0;  // of all calls together
  std::string summary;   // one line for people
  std::string detail;    // JSON
};

// One configuration of the sweep on one model and split.
struct CellRow {
  std::int64_t id = 0;
  std::string vector;  // empty = unsteered
  std::string family;
  std::string operation = "none";
  std::string unit;
  double scale = 0.0;
  std::string layers;  // "3", "all", empty
  std::string model;
  std::string split;
  std::string configuration;  // JSON
};

// Holds the folder's lock for its life. Not safe to share between threads.
class RunStore {
 public:
  // Opens or makes the folder. Throws Error{kFailed} if another process works
  // in it or it cannot be written.
  explicit RunStore(std::filesystem::path folder);
  ~RunStore();
  RunStore(const RunStore&) = delete;
  RunStore& operator=(const RunStore&) = delete;

  const std::filesystem::path& folder() const { return folder_; }

  std::optional<StageRow> stage(std::string_view name);
  std::vector<StageRow> stages();  // in the order of their first start
  // Marks as running; seconds of earlier calls with the same fingerprint stay.
  void begin_stage(std::string_view name, std::string_view fingerprint);
  void add_seconds(std::string_view name, double seconds);
  void set_detail(std::string_view name, std::string_view detail);
  void finish_stage(std::string_view name, std::string_view summary,
                    std::string_view detail);
  void forget_stage(std::string_view name);
  void add_event(std::string_view stage, std::string_view text);

  // Texts that a stage has made so far, in order: put_drafts appends a
  // committed batch to `part`.
  void put_drafts(std::string_view stage, std::string_view part,
                  std::span<const std::string> texts);
  std::vector<std::string> drafts(std::string_view stage,
                                  std::string_view part);
  bool has_drafts(std::string_view stage);
  void forget_drafts(std::string_view stage);

  // Adds cells; those that are there already must be the same (Error).
  void put_cells(std::span<const CellRow> cells);
  std::vector<CellRow> cells();
  // Commits a batch. Answers that are already there are replaced.
  void put_answers(std::span<const AnswerRow> answers);
  // Answers with their scores of all cells from `first_cell` on, by cell and
  // question.
  std::vector<AnswerRow> answers(std::int64_t first_cell = 0);
  // Answers of cells first .. last.
  std::int64_t count_answers(std::int64_t first, std::int64_t last);
  void forget_sweep();

 private:
  std::filesystem::path folder_;
  int lock_ = -1;
  std::unique_ptr<Database> database_;
};

}  // namespace veer
