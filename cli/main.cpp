// SPDX-License-Identifier: MIT
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>

#include <fmt/core.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "veer/base/error.h"
#include "veer/base/version.h"

namespace {

using veer::Error;
using veer::ErrorKind;

int exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kBadInput:
      return 2;
    case ErrorKind::kInterrupted:
      return 130;
    case ErrorKind::kFailed:
      break;
  }
  return 1;
}

std::string joined(int argc, char** argv) {
  std::string line = "veer";
  for (int i = 1; i < argc; ++i) {
    line += fmt::format(" {}", argv[i]);
  }
  return line;
}

// What CLI11 says, and for an unknown option the nearest known one.
int usage_error(const CLI::App& app, const CLI::ParseError& error, int argc,
                char** argv) {
  if (error.get_exit_code() == 0) {
    return app.exit(error);
  }
  const CLI::App* verb = &app;
  while (!verb->get_subcommands().empty()) {
    verb = verb->get_subcommands().front();
  }
  std::string hint;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const std::string name(word.substr(0, word.find('=')));
    if (name.starts_with("--") && verb->get_option_no_throw(name) == nullptr) {
      hint = veer::cli::nearest_option(*verb, name);
      break;
    }
  }
  fmt::print(stderr, "veer: {}{}\n", error.what(),
             hint.empty() ? "" : fmt::format(". Did you mean {}?", hint));
  return 2;
}

// Goes on as veer-core with the same command line.
void become_core(char** argv) {
  const auto here = std::filesystem::read_symlink("/proc/self/exe");
  const auto core = here.parent_path() / "veer-core";
  // Threads that wait for work spin only shortly: on a machine with other
  // work OpenMP's default burns most of the time in waiting.
  ::setenv("GOMP_SPINCOUNT", "5000", /*overwrite=*/0);
  // What a pass frees stays for the next pass: glibc would hand it back and
  // fetch it again, cleared, page by page (15 % of a sweep's prompts).
  ::setenv("MALLOC_MMAP_THRESHOLD_", "33554432", /*overwrite=*/0);
  ::setenv("MALLOC_TRIM_THRESHOLD_", "268435456", /*overwrite=*/0);
  ::execv(core.c_str(), argv);
  veer::fail_run("start",
                 fmt::format("{}: {}", core.string(), std::strerror(errno)),
                 "veer-core beside veer", "the build is not complete");
}

int run(int argc, char** argv) {
  CLI::App app{"Veer: steering vectors from prompts and from fine-tuning"};
  app.set_version_flag("--version", fmt::format("veer {}", veer::version()));
  app.require_subcommand(1);
  veer::cli::Commands commands(app);
  veer::cli::setup_verbs(commands);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return usage_error(app, e, argc, argv);
  }
  veer::cli::Terminal terminal;
  terminal.set_quiet(commands.quiet());
  veer::cli::Session session{terminal, commands.json(), joined(argc, argv)};
  if (!commands.chosen()(session)) {
    become_core(argv);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const Error& e) {
    fmt::print(stderr, "veer: {}\n", e.what());
    return exit_code(e.kind());
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "veer: out of memory\n");
    return 1;
  } catch (const std::exception& e) {
    const std::string_view text = e.what();
    fmt::print(stderr, "veer: {}\n", text.substr(0, text.find('\n')));
    return 1;
  }
}
