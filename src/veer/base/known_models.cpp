// SPDX-License-Identifier: MIT
#include "veer/base/known_models.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "veer/base/error.h"

extern char** environ;

namespace veer {
namespace {

namespace fs = std::filesystem;

constexpr std::array kModels{
    KnownModel{
        .name = "smollm2",
        .file = "SmolLM2-135M-Instruct.Q4_1.gguf",
        .megabytes = 93,
        .about = "a real chat model of 135 million parameters, Apache-2.0"},
};

fs::path cache_folder() {
  for (const auto& [name, below] :
       {std::pair{"VEER_CACHE", ""}, std::pair{"XDG_CACHE_HOME", "veer"},
        std::pair{"HOME", ".cache/veer"}}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') {
      return fs::path(value) / below;
    }
  }
  return ".cache/veer";
}

// The folder with tools/, beside the sources or the program.
fs::path home() {
  if (const char* set = std::getenv("VEER_HOME")) {
    return set;
  }
  std::error_code ec;
  const fs::path program = fs::read_symlink("/proc/self/exe", ec);
  for (fs::path at = program.parent_path(); at.has_relative_path();
       at = at.parent_path()) {
    for (const char* place : {"", "share/veer"}) {
      if (fs::exists(at / place / "tools/fetch_model.py", ec)) {
        return at / place;
      }
    }
  }
  return ".";
}

// What a child wrote to its standard output, and its exit code.
struct Ran {
  std::string output;
  int code = -1;
};

Ran run(const std::vector<std::string>& words) {
  int ends[2];
  if (pipe(ends) != 0) {
    fail_run("fetch model", "no pipe to a child process");
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  posix_spawn_file_actions_addclose(&actions, ends[1]);
  std::vector<char*> arguments;
  for (const std::string& word : words) {
    arguments.push_back(const_cast<char*>(word.c_str()));
  }
  arguments.push_back(nullptr);
  pid_t child = 0;
  const int failed = posix_spawnp(&child, arguments[0], &actions, nullptr,
                                  arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  Ran ran;
  std::array<char, 4096> part;
  for (ssize_t n = 0;
       failed == 0 && (n = read(ends[0], part.data(), part.size())) > 0;) {
    ran.output.append(part.data(), static_cast<std::size_t>(n));
  }
  close(ends[0]);
  int status = 0;
  if (failed == 0 && waitpid(child, &status, 0) == child && WIFEXITED(status)) {
    ran.code = WEXITSTATUS(status);
  }
  return ran;
}

std::string take_line(std::string& text) {
  const auto end = std::min(text.find('\n'), text.size());
  std::string line = text.substr(0, end);
  text.erase(0, end + 1);
  return line;
}

}  // namespace

std::span<const KnownModel> known_models() {
  return kModels;
}

const KnownModel* find_known_model(std::string_view name) {
  const auto* const found = std::ranges::find(kModels, name, &KnownModel::name);
  return found == kModels.end() ? nullptr : found;
}

fs::path known_model_path(const KnownModel& model) {
  return cache_folder() / "models" / model.file;
}

fs::path fetch_known_model(const KnownModel& model) {
  fs::path place = known_model_path(model);
  std::error_code ec;
  if (fs::is_regular_file(place, ec)) {
    return place;
  }
  const fs::path script = home() / "tools/fetch_model.py";
  const fs::path own_python = home() / ".venv/bin/python";
  const std::string python =
      fs::exists(own_python, ec) ? own_python.string() : "python3";
  Ran ran = run({python, script.string(), std::string(model.name),
                 place.parent_path().string()});
  if (ran.code == 0 && fs::is_regular_file(place, ec)) {
    return place;
  }
  const std::string found = take_line(ran.output);
  const std::string expected = take_line(ran.output);
  const std::string cause = take_line(ran.output);
  if (found.empty()) {
    fail_run("fetch model",
             fmt::format("{} was not fetched: {} ended with code {}",
                         model.name, script.string(), ran.code),
             "that script and a Python that runs it",
             "it was interrupted, or ./veer was not used to set Veer up");
  }
  fail_run("fetch model", found, expected, cause);
}

}  // namespace veer
