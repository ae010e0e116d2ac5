// SPDX-License-Identifier: MIT
//
// The few calls of SQLite that the run store needs, with errors as ours.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace veer {

class Statement;

// One connection. Not safe to share between threads.
class Database {
 public:
  // Opens or makes the file. Throws Error{kBadInput} if it is no database,
  // Error{kFailed} if the folder is read-only or the disk full.
  explicit Database(std::filesystem::path path);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Runs statements that return nothing.
  void execute(const std::string& sql);
  const std::filesystem::path& path() const { return path_; }

  // Throws the Error that the connection's last result code means.
  [[noreturn]] void fail_now(std::string_view operation) const;

 private:
  friend class Statement;
  std::filesystem::path path_;
  sqlite3* handle_ = nullptr;
};

// A prepared statement. Columns and parameters count from 0 and 1, as in
// SQLite.
class Statement {
 public:
  Statement(Database& database, std::string_view sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, double value);  // NaN is stored as NULL
  Statement& bind(int index, std::string_view text);
  // True while there is a row.
  bool step();
  // Runs to the end and makes the statement ready for new values.
  void run();
  void reset();

  std::int64_t integer(int column) const;
  double number(int column) const;  // NULL = NaN
  std::string text(int column) const;

 private:
  Database& database_;
  sqlite3_stmt* handle_ = nullptr;
};

// Everything until commit() happens or, if it goes out of scope before,
// nothing does.
class Transaction {
 public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace veer
