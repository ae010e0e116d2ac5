// SPDX-License-Identifier: MIT
#include "veer/run/sqlite.h"

#include <cmath>
#include <limits>

#include <fmt/core.h>
#include <sqlite3.h>

#include "veer/base/error.h"

namespace veer {

Database::Database(std::filesystem::path path) : path_(std::move(path)) {
  if (sqlite3_open_v2(path_.c_str(), &handle_,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                      nullptr) != SQLITE_OK) {
    try {
      fail_now("open");
    } catch (...) {
      sqlite3_close(handle_);
      throw;
    }
  }
  sqlite3_busy_timeout(handle_, 5000);
}

Database::~Database() {
  sqlite3_close_v2(handle_);
}

void Database::execute(const std::string& sql) {
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) !=
      SQLITE_OK) {
    fail_now("write");
  }
}

void Database::fail_now(std::string_view operation) const {
  const int code = sqlite3_errcode(handle_) & 0xff;
  const std::string found =
      fmt::format("{}: {}", path_.string(), sqlite3_errmsg(handle_));
  const std::string what = fmt::format("{} run store", operation);
  switch (code) {
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      fail(what, found, "a run.sqlite that veer wrote",
           "the file was damaged or replaced; move the run folder away");
    case SQLITE_FULL:
    case SQLITE_IOERR:
      fail_run(what, found, "room to write",
               "the disk is full; what was committed is kept");
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      fail_run(what, found, "permission to write there",
               "the folder is read-only");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      fail_run(what, found, "no other program writing to it");
    default:
      fail_run(what, found);
  }
}

Statement::Statement(Database& database, std::string_view sql)
    : database_(database) {
  if (sqlite3_prepare_v2(database.handle_, sql.data(),
                         static_cast<int>(sql.size()), &handle_,
                         nullptr) != SQLITE_OK) {
    database_.fail_now("read");
  }
}

Statement::~Statement() {
  sqlite3_finalize(handle_);
}

Statement& Statement::bind(int index, std::int64_t value) {
  sqlite3_bind_int64(handle_, index, value);
  return *this;
}

Statement& Statement::bind(int index, double value) {
  sqlite3_bind_double(handle_, index, value);
  return *this;
}

Statement& Statement::bind(int index, std::string_view text) {
  sqlite3_bind_text(handle_, index, text.empty() ? "" : text.data(),
                    static_cast<int>(text.size()), SQLITE_TRANSIENT);
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) {
    return true;
  }
  if (code != SQLITE_DONE) {
    database_.fail_now("write");
  }
  return false;
}

void Statement::run() {
  while (step()) {
  }
  reset();
}

void Statement::reset() {
  sqlite3_reset(handle_);
  sqlite3_clear_bindings(handle_);
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(handle_, column);
}

double Statement::number(int column) const {
  if (sqlite3_column_type(handle_, column) == SQLITE_NULL) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  return sqlite3_column_double(handle_, column);
}

std::string Statement::text(int column) const {
  const auto* bytes = sqlite3_column_blob(handle_, column);
  const int size = sqlite3_column_bytes(handle_, column);
  return bytes == nullptr ? std::string()
                          : std::string(static_cast<const char*>(bytes),
                                        static_cast<std::size_t>(size));
}

Transaction::Transaction(Database& database) : database_(database) {
  database_.execute("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  if (open_) {
    try {
      database_.execute("ROLLBACK");
    } catch (const Error&) {  // SQLite has already rolled back
    }
  }
}

void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

}  // namespace veer
