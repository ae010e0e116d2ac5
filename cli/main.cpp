// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "cli/command.h"
#include "cli/help_text.h"
#include "cli/shown_text.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "cli/wrapped.h"
#include "veer/base/error.h"
#include "veer/base/text_distance.h"
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

// Text for people: broken at 80 columns where a terminal shows it. Messages
// hold names out of files, so control characters are written out.
void tell(std::string_view text) {
  const bool is_shown = ::isatty(STDERR_FILENO) == 1;
  const std::string safe = veer::cli::shown_text(text);
  fmt::print(stderr, "{}\n", is_shown ? veer::cli::wrapped(safe, 2) : safe);
}

std::vector<std::string> verbs_of(const CLI::App& app) {
  std::vector<std::string> verbs;
  for (const CLI::App* verb : app.get_subcommands({})) {
    verbs.push_back(verb->get_name());
  }
  return verbs;
}

// A first word that is no verb.
std::string unknown_verb(const std::vector<std::string>& verbs, int argc,
                         char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (!word.starts_with('-')) {
      return std::ranges::find(verbs, word) == verbs.end() ? word : "";
    }
  }
  return "";
}

// What CLI11 says, and for an unknown verb or option the nearest known one.
int usage_error(const CLI::App& app, const CLI::ParseError& error, int argc,
                char** argv) {
  if (error.get_exit_code() == 0) {
    return app.exit(error);
  }
  const auto verbs = verbs_of(app);
  if (const auto word = unknown_verb(verbs, argc, argv); !word.empty()) {
    const auto near = veer::nearest_name(word, verbs);
    tell(fmt::format("veer: there is no verb \"{}\"{}",
                     veer::cli::shown_token(word),
                     near.empty() ? "; veer --help lists them"
                                  : fmt::format(". Did you mean {}?", near)));
    return 2;
  }
  const CLI::App* verb = &app;
  while (!verb->get_subcommands().empty()) {
    verb = verb->get_subcommands().front();
  }
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const std::string name(word.substr(0, word.find('=')));
    if (name.starts_with("--") && verb->get_option_no_throw(name) == nullptr) {
      // Alone: its value was read as another argument, so that what CLI11 finds
      // unexpected may be an argument that is right.
      const auto near = veer::cli::nearest_option(*verb, name);
      tell(fmt::format("veer: {} has no option {}{}", verb->get_name(),
                       veer::cli::shown_token(name),
                       near.empty() ? fmt::format("; veer {} --help lists them",
                                                  verb->get_name())
                                    : fmt::format(". Did you mean {}?", near)));
      return 2;
    }
  }
  tell(fmt::format("veer: {}", error.what()));
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
  app.formatter(std::make_shared<veer::cli::HelpText>());
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
    tell(fmt::format("veer: {}", e.what()));
    return exit_code(e.kind());
  } catch (const std::filesystem::filesystem_error& e) {
    const auto path = e.path1().string();
    tell(
        fmt::format("veer: [open] {}: {}; expected a path that the system "
                    "takes",
                    path.size() > 200 ? path.substr(0, 200) + "..." : path,
                    e.code().message()));
    return exit_code(ErrorKind::kBadInput);
  } catch (const nlohmann::json::exception& e) {
    tell(
        fmt::format("veer: [read JSON] a value of another kind than expected "
                    "({}). Likely cause: a file that was edited or damaged; of "
                    "a run folder, `veer report --out RUN` says which, and "
                    "writes summary.json and hypotheses.json anew",
                    e.what()));
    return exit_code(ErrorKind::kBadInput);
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "veer: out of memory\n");
    return 1;
  } catch (const std::exception& e) {
    const std::string_view text = e.what();
    tell(fmt::format("veer: {}", text.substr(0, text.find('\n'))));
    return 1;
  }
}
