// SPDX-License-Identifier: MIT
#include "cli/command.h"

#include <vector>

#include "veer/base/text_distance.h"

namespace veer::cli {

CLI::App& Commands::add_verb(const std::string& name,
                             const std::string& summary) {
  CLI::App& verb = *app_.add_subcommand(name, summary);
  verb.add_flag("--json", json_, "stdout is JSON");
  verb.add_flag("-q,--quiet", quiet_, "no progress, no messages");
  return verb;
}

std::string nearest_option(const CLI::App& verb, const std::string& name) {
  std::vector<std::string> names;
  for (const CLI::Option* option : verb.get_options()) {
    for (const auto& own : option->get_lnames()) {
      names.push_back("--" + own);
    }
  }
  return nearest_name(name, names);
}

}  // namespace veer::cli
