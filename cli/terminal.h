// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "cli/colours.h"
#include "veer/base/progress.h"

namespace veer::cli {

// What the program says to people. Results go to stdout, everything else to
// stderr: messages, and progress as one bar that rewrites itself on a
// terminal, as a line every ten seconds otherwise, not at all when quiet.
// Not safe to share between threads.
class Terminal {
 public:
  Terminal();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void set_quiet(bool quiet) { quiet_ = quiet; }

  // Writes to stdout, as it is. Throws Error{kFailed} when that fails (a
  // closed pipe, a full disk).
  void out(std::string_view text);
  // One line on stderr unless quiet.
  void note(std::string_view line);

  // Callbacks for the library, and its stop token: the first SIGINT or
  // SIGTERM asks the job to stop at its next safe point, the second ends the
  // process at once (exit code 130).
  Monitor monitor();

  // The next line of stdin, without its end; empty at the end of the input.
  // A SIGINT while waiting ends the process (130): nothing is under way.
  std::optional<std::string> read_line(std::string_view prompt);

  // Whether people type and read messages; decides about prompts.
  bool is_interactive() const;
  // What stdout can show.
  ColourDepth colours() const;

 private:
  void show(const ProgressUpdate& update);
  void clear_bar();

  using Clock = std::chrono::steady_clock;
  bool quiet_ = false;
  bool stderr_is_tty_ = false;
  bool bar_is_shown_ = false;
  std::string task_;
  std::int64_t first_done_ = 0;
  Clock::time_point task_began_;
  Clock::time_point last_shown_;
};

// "1:05" or "2:03:04".
std::string duration_text(double seconds);

// One line without colours: "sweep  45 %  128/284 rows  12.3 rows/s  0:13
// left  note". `elapsed_s` and `fresh` (units done in that time) give the
// rate; nothing is said about time left before one unit was done.
std::string progress_line(const ProgressUpdate& update, std::int64_t fresh,
                          double elapsed_s, int bar_width);

}  // namespace veer::cli
