// SPDX-License-Identifier: MIT
#include "veer/run/run_store.h"

#include <cerrno>
#include <cstring>
#include <ctime>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <unistd.h>

#include "veer/base/error.h"
#include "veer/base/files.h"

namespace veer {
namespace {

constexpr const char* kSchema = R"sql(
CREATE TABLE IF NOT EXISTS stage(
  name TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, state TEXT NOT NULL,
  seconds REAL NOT NULL, summary TEXT NOT NULL, detail TEXT NOT NULL,
  started TEXT NOT NULL, ended TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS event(
  id INTEGER PRIMARY KEY, stage TEXT NOT NULL, time TEXT NOT NULL,
  text TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS draft(
  stage TEXT NOT NULL, part TEXT NOT NULL, item INTEGER NOT NULL,
  text TEXT NOT NULL, PRIMARY KEY(stage, part, item)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cell(
  id INTEGER PRIMARY KEY, vector TEXT NOT NULL, family TEXT NOT NULL,
  operator TEXT NOT NULL, unit TEXT NOT NULL, scale REAL NOT NULL,
  layers TEXT NOT NULL, model TEXT NOT NULL, split TEXT NOT NULL,
  configuration TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS answer(
  cell INTEGER NOT NULL REFERENCES cell(id), question INTEGER NOT NULL,
  text TEXT NOT NULL, reason TEXT NOT NULL, tokens INTEGER NOT NULL,
  log_prob REAL, PRIMARY KEY(cell, question)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS score(
  cell INTEGER NOT NULL REFERENCES cell(id), question INTEGER NOT NULL,
  label TEXT NOT NULL, score REAL, note TEXT NOT NULL,
  nll REAL, repetition REAL,
  PRIMARY KEY(cell, question)) STRICT, WITHOUT ROWID;
)sql";
constexpr int kSchemaVersion = 1;

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char buffer[32];
  std::strftime(buffer, sizeof(buffer), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return buffer;
}

int take_lock(const std::filesystem::path& folder) {
  const auto path = folder / "run.lock";
  const int descriptor =
      ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) {
    fail_run("open run folder",
             fmt::format("{}: {}", path.string(), std::strerror(errno)),
             "permission to write there",
             "the folder is read-only or the disk is full");
  }
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    ::close(descriptor);
    fail_run("open run folder",
             fmt::format("{}: {}", folder.string(),
                         error == EWOULDBLOCK ? "another process works in it"
                                              : std::strerror(error)),
             "one process per run folder", "the same command still runs");
  }
  return descriptor;
}

void open_schema(Database& database) {
  database.execute(
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
      "PRAGMA foreign_keys=ON;");
  Statement version(database, "PRAGMA user_version");
  version.step();
  const auto found = version.integer(0);
  if (found != 0 && found != kSchemaVersion) {
    fail("open run store",
         fmt::format("{} has version {}", database.path().string(), found),
         fmt::format("version {}", kSchemaVersion),
         "another version of veer wrote it");
  }
  version.reset();
  database.execute(kSchema);
  database.execute(fmt::format("PRAGMA user_version={}", kSchemaVersion));
}

StageRow read_stage(const Statement& row) {
  StageRow stage;
  stage.name = row.text(0);
  stage.fingerprint = row.text(1);
  stage.done = row.text(2) == "done";
  stage.seconds = row.number(3);
  stage.summary = row.text(4);
  stage.detail = row.text(5);
  return stage;
}

constexpr const char* kSelectStage =
    "SELECT name, fingerprint, state, seconds, summary, detail FROM stage ";

bool same_cell(const CellRow& a, const CellRow& b) {
  return a.id == b.id && a.configuration == b.configuration &&
         a.split == b.split && a.model == b.model && a.vector == b.vector;
}

}  // namespace

RunStore::RunStore(std::filesystem::path folder) : folder_(std::move(folder)) {
  make_folder(folder_);
  lock_ = take_lock(folder_);
  try {
    database_ = std::make_unique<Database>(folder_ / "run.sqlite");
    open_schema(*database_);
  } catch (...) {
    ::close(lock_);
    throw;
  }
}

RunStore::~RunStore() {
  database_.reset();
  ::close(lock_);
}

std::optional<StageRow> RunStore::stage(std::string_view name) {
  Statement row(*database_, std::string(kSelectStage) + "WHERE name=?");
  row.bind(1, name);
  if (!row.step()) {
    return std::nullopt;
  }
  return read_stage(row);
}

std::vector<StageRow> RunStore::stages() {
  Statement row(*database_, std::string(kSelectStage) + "ORDER BY rowid");
  std::vector<StageRow> rows;
  while (row.step()) {
    rows.push_back(read_stage(row));
  }
  return rows;
}

void RunStore::begin_stage(std::string_view name,
                           std::string_view fingerprint) {
  Statement(*database_,
            "INSERT INTO stage VALUES(?1, ?2, 'running', 0.0, '', '', ?3, '') "
            "ON CONFLICT(name) DO UPDATE SET state='running', "
            "seconds=CASE fingerprint WHEN ?2 THEN seconds ELSE 0.0 END, "
            "fingerprint=?2")
      .bind(1, name)
      .bind(2, fingerprint)
      .bind(3, now_text())
      .run();
}

void RunStore::add_seconds(std::string_view name, double seconds) {
  Statement(*database_, "UPDATE stage SET seconds=seconds+?2 WHERE name=?1")
      .bind(1, name)
      .bind(2, seconds)
      .run();
}

void RunStore::set_detail(std::string_view name, std::string_view detail) {
  Statement(*database_, "UPDATE stage SET detail=?2 WHERE name=?1")
      .bind(1, name)
      .bind(2, detail)
      .run();
}

void RunStore::finish_stage(std::string_view name, std::string_view summary,
                            std::string_view detail) {
  Statement(*database_,
            "UPDATE stage SET state='done', summary=?2, detail=?3, ended=?4 "
            "WHERE name=?1")
      .bind(1, name)
      .bind(2, summary)
      .bind(3, detail)
      .bind(4, now_text())
      .run();
}

void RunStore::forget_stage(std::string_view name) {
  Statement(*database_, "DELETE FROM stage WHERE name=?").bind(1, name).run();
}

void RunStore::add_event(std::string_view stage, std::string_view text) {
  Statement(*database_, "INSERT INTO event(stage, time, text) VALUES(?,?,?)")
      .bind(1, stage)
      .bind(2, now_text())
      .bind(3, text)
      .run();
}

void RunStore::put_drafts(std::string_view stage, std::string_view part,
                          std::span<const std::string> texts) {
  const auto first = std::ssize(drafts(stage, part));
  Transaction transaction(*database_);
  Statement insert(*database_, "INSERT INTO draft VALUES(?,?,?,?)");
  for (std::int64_t i = 0; i < std::ssize(texts); ++i) {
    insert.bind(1, stage)
        .bind(2, part)
        .bind(3, first + i)
        .bind(4, texts[static_cast<std::size_t>(i)])
        .run();
  }
  transaction.commit();
}

std::vector<std::string> RunStore::drafts(std::string_view stage,
                                          std::string_view part) {
  Statement row(*database_,
                "SELECT text FROM draft WHERE stage=? AND part=? "
                "ORDER BY item");
  row.bind(1, stage).bind(2, part);
  std::vector<std::string> texts;
  while (row.step()) {
    texts.push_back(row.text(0));
  }
  return texts;
}

bool RunStore::has_drafts(std::string_view stage) {
  Statement row(*database_, "SELECT 1 FROM draft WHERE stage=? LIMIT 1");
  row.bind(1, stage);
  return row.step();
}

void RunStore::forget_drafts(std::string_view stage) {
  Statement(*database_, "DELETE FROM draft WHERE stage=?").bind(1, stage).run();
}

void RunStore::put_cells(std::span<const CellRow> rows) {
  const auto present = cells();  // ids count from 0 without gaps
  Transaction transaction(*database_);
  Statement insert(*database_, "INSERT INTO cell VALUES(?,?,?,?,?,?,?,?,?,?)");
  for (const auto& row : rows) {
    if (row.id < std::ssize(present)) {
      if (!same_cell(present[static_cast<std::size_t>(row.id)], row)) {
        fail_run("write run store",
                 fmt::format("cell {} is another one there", row.id),
                 "the grid of the same settings",
                 "run.sqlite was changed from outside, or another version of "
                 "Veer began this stage: take another --out");
      }
      continue;
    }
    insert.bind(1, row.id)
        .bind(2, row.vector)
        .bind(3, row.family)
        .bind(4, row.operation)
        .bind(5, row.unit)
        .bind(6, row.scale)
        .bind(7, row.layers)
        .bind(8, row.model)
        .bind(9, row.split)
        .bind(10, row.configuration)
        .run();
  }
  transaction.commit();
}

std::vector<CellRow> RunStore::cells() {
  Statement row(*database_,
                "SELECT id, vector, family, operator, unit, scale, layers, "
                "model, split, configuration FROM cell ORDER BY id");
  std::vector<CellRow> rows;
  while (row.step()) {
    rows.push_back({row.integer(0), row.text(1), row.text(2), row.text(3),
                    row.text(4), row.number(5), row.text(6), row.text(7),
                    row.text(8), row.text(9)});
  }
  return rows;
}

void RunStore::put_answers(std::span<const AnswerRow> rows) {
  Transaction transaction(*database_);
  Statement answer(*database_,
                   "INSERT OR REPLACE INTO answer VALUES(?,?,?,?,?,?)");
  Statement score(*database_,
                  "INSERT OR REPLACE INTO score VALUES(?,?,?,?,?,?,?)");
  for (const auto& row : rows) {
    answer.bind(1, row.cell)
        .bind(2, row.question)
        .bind(3, row.text)
        .bind(4, row.reason)
        .bind(5, row.tokens)
        .bind(6, row.log_prob)
        .run();
    score.bind(1, row.cell)
        .bind(2, row.question)
        .bind(3, row.label)
        .bind(4, row.score)
        .bind(5, row.note)
        .bind(6, row.nll)
        .bind(7, row.repetition)
        .run();
  }
  transaction.commit();
}

std::vector<AnswerRow> RunStore::answers(std::int64_t first_cell) {
  Statement row(
      *database_,
      "SELECT a.cell, a.question, a.text, a.reason, a.tokens, "
      "a.log_prob, s.label, s.score, s.note, s.nll, s.repetition "
      "FROM answer a JOIN "
      "score s USING(cell, question) WHERE a.cell >= ? ORDER BY 1, 2");
  row.bind(1, first_cell);
  std::vector<AnswerRow> rows;
  while (row.step()) {
    rows.push_back({row.integer(0), row.integer(1), row.text(2), row.text(3),
                    row.integer(4), row.number(5), row.text(6), row.number(7),
                    row.text(8), row.number(9), row.number(10)});
  }
  return rows;
}

std::int64_t RunStore::count_answers(std::int64_t first, std::int64_t last) {
  Statement row(*database_,
                "SELECT count(*) FROM answer WHERE cell BETWEEN ? AND ?");
  row.bind(1, first).bind(2, last);
  row.step();
  return row.integer(0);
}

void RunStore::forget_sweep() {
  Transaction transaction(*database_);
  database_->execute("DELETE FROM score; DELETE FROM answer; DELETE FROM cell");
  transaction.commit();
}

}  // namespace veer
