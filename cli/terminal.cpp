// SPDX-License-Identifier: MIT
#include "cli/terminal.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <thread>

#include <fmt/core.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "cli/shown_text.h"
#include "cli/wrapped.h"
#include "veer/base/error.h"

namespace veer::cli {
namespace {

std::atomic<bool> waiting_for_input{false};

void write_fully(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(descriptor, text.data(), text.size());
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      if (descriptor == STDOUT_FILENO) {
        fail_run("write results",
                 fmt::format("stdout: {}", std::strerror(errno)));
      }
      return;  // nobody reads stderr: nothing to tell
    }
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

// Waits for signals on a thread of its own, so that a stop request is an
// ordinary call and not one from a signal handler. Started once.
std::stop_source& interrupts() {
  static std::stop_source source;
  static const bool started = [] {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    std::thread([set, stop = source]() mutable {
      int signal = 0;
      while (sigwait(&set, &signal) == 0) {
        if (stop.stop_requested() || waiting_for_input) {
          write_fully(STDERR_FILENO, "\n");
          ::_exit(130);
        }
        stop.request_stop();
      }
    }).detach();
    return true;
  }();
  (void)started;
  return source;
}

std::string grouped(std::int64_t value) {
  const std::string digits = fmt::format("{}", value);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const bool comma = i > 0 && (digits.size() - i) % 3 == 0;
    text += comma && digits[i - 1] != '-' ? "," : "";
    text += digits[i];
  }
  return text;
}

std::string bar_text(double share, int width) {
  const int full = static_cast<int>(std::lround(share * width));
  std::string bar = "[";
  for (int i = 0; i < width; ++i) {
    bar += i < full ? '#' : '-';
  }
  return bar + "]";
}

}  // namespace

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::lround(seconds));
  if (whole >= 3600) {
    return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60,
                       whole % 60);
  }
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

std::string progress_line(const ProgressUpdate& update, std::int64_t fresh,
                          double elapsed_s, int bar_width) {
  std::string line(update.task);
  if (update.total > 0) {
    const double share = std::clamp(
        static_cast<double>(update.done) / static_cast<double>(update.total),
        0.0, 1.0);
    line += "  ";
    if (bar_width > 0) {
      line += bar_text(share, bar_width) + " ";
    }
    line +=
        fmt::format("{:.0f} %  {}/{} {}", std::floor(share * 100.0),
                    grouped(update.done), grouped(update.total), update.unit);
  } else {
    line += fmt::format("  {} {}", grouped(update.done), update.unit);
  }
  if (fresh > 0 && elapsed_s > 0.0) {
    const double rate = static_cast<double>(fresh) / elapsed_s;
    line += rate >= 10.0 ? fmt::format("  {}/s", grouped(std::llround(rate)))
                         : fmt::format("  {:.1f}/s", rate);
    if (update.total > update.done) {
      const auto left = static_cast<double>(update.total - update.done) / rate;
      line += fmt::format("  {} left", duration_text(left));
    }
  }
  if (!update.note.empty()) {
    line += fmt::format("  {}", update.note);
  }
  return line;
}

Terminal::Terminal() : stderr_is_tty_(::isatty(STDERR_FILENO) == 1) {
  ::signal(SIGPIPE, SIG_IGN);
}

Terminal::~Terminal() {
  clear_bar();
}

void Terminal::out(std::string_view text) {
  clear_bar();
  write_fully(STDOUT_FILENO, text);
}

void Terminal::note(std::string_view line) {
  clear_bar();
  if (!quiet_) {
    const std::string safe = shown_text(line);
    write_fully(STDERR_FILENO,
                (stderr_is_tty_ ? wrapped(safe, 2) : safe) + "\n");
  }
}

Monitor Terminal::monitor() {
  Monitor monitor;
  monitor.on_progress = [this](const ProgressUpdate& update) { show(update); };
  monitor.on_message = [this](std::string_view text) { note(text); };
  monitor.stop = interrupts().get_token();
  return monitor;
}

std::optional<std::string> Terminal::read_line(std::string_view prompt) {
  clear_bar();
  if (is_interactive()) {
    write_fully(STDERR_FILENO, prompt);
  }
  waiting_for_input = true;
  std::string line;
  const bool got = static_cast<bool>(std::getline(std::cin, line));
  waiting_for_input = false;
  if (!got) {
    return std::nullopt;
  }
  return line;
}

bool Terminal::is_interactive() const {
  return ::isatty(STDIN_FILENO) == 1 && stderr_is_tty_;
}

ColourDepth Terminal::colours() const {
  return colour_depth(::isatty(STDOUT_FILENO) == 1, std::getenv("NO_COLOR"),
                      std::getenv("COLORTERM"), std::getenv("TERM"));
}

void Terminal::clear_bar() {
  if (bar_is_shown_) {
    write_fully(STDERR_FILENO, "\r\033[K");
    bar_is_shown_ = false;
  }
}

void Terminal::show(const ProgressUpdate& update) {
  if (quiet_) {
    return;
  }
  const auto now = Clock::now();
  if (update.task != task_ || update.done < first_done_) {
    task_ = update.task;
    first_done_ = update.done;
    task_began_ = now;
    last_shown_ = stderr_is_tty_ ? Clock::time_point{} : now;
  }
  const double pause_s =
      std::chrono::duration<double>(now - last_shown_).count();
  if (pause_s < (stderr_is_tty_ ? 0.1 : 10.0)) {
    return;
  }
  last_shown_ = now;
  const double elapsed_s =
      std::chrono::duration<double>(now - task_began_).count();
  const auto fresh = update.done - first_done_;
  std::string line = shown_token(
      progress_line(update, fresh, elapsed_s, stderr_is_tty_ ? 24 : 0));
  // A line that runs over cannot be rewritten in place.
  if (stderr_is_tty_ && columns_of(line) >= kColumns) {
    line = cut_to(shown_token(progress_line(update, fresh, elapsed_s, 0)),
                  kColumns - 1);
  }
  if (!stderr_is_tty_) {
    write_fully(STDERR_FILENO, line + "\n");
    return;
  }
  write_fully(STDERR_FILENO, fmt::format("\r{}\033[K", line));
  bar_is_shown_ = true;
}

}  // namespace veer::cli
