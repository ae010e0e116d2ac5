// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

namespace veer {

// One step of a long job. `done` of `total` in `unit`s; total 0 = unknown.
struct ProgressUpdate {
  std::string_view task;
  std::int64_t done = 0;
  std::int64_t total = 0;
  std::string_view unit;
  std::string_view note;  // e.g. "loss 1.234"
};

// How the library speaks to its caller: it never prints. Both callbacks may
// be empty. They are called from the thread that runs the job.
// `stop` asks a long job to end at its next safe point.
struct Monitor {
  std::function<void(const ProgressUpdate&)> on_progress;
  std::function<void(std::string_view)> on_message;
  std::stop_token stop;

  void progress(const ProgressUpdate& update) const {
    if (on_progress) {
      on_progress(update);
    }
  }
  void message(std::string_view text) const {
    if (on_message) {
      on_message(text);
    }
  }
  // The same without progress, for a part of a job that counts by itself.
  Monitor without_progress() const { return {{}, on_message, stop}; }
  // Throws Error{kInterrupted} once a stop was requested. `task` names the
  // job in the message.
  void check_stop(std::string_view task) const;
};

}  // namespace veer
