// SPDX-License-Identifier: MIT
//
// How a verb is made. cli/<verb>.cpp holds setup_<verb>(), which declares the
// options; run_<verb>(options, session) does the work. A verb that needs no
// torch has both in that file. For one that does, the options and the
// declaration
//
//   [[gnu::weak]] void run_logits(const LogitsOptions&, Session&);
//
// stand in cli/logits.h and the body in cli/logits_run.cpp: only veer-core
// contains it, so in the small program the symbol is null and Commands hands
// the whole command line over to veer-core.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "cli/terminal.h"

namespace veer::cli {

// What a running verb gets besides its options.
struct Session {
  Terminal& terminal;
  // stdout is one JSON document (JSON lines for streams).
  bool json = false;
  // The command line as typed, for reports and provenance.
  std::string command_line;
};

class Commands {
 public:
  explicit Commands(CLI::App& app) : app_(app) {}

  // Adds a verb with the options that all verbs share (--json, --quiet).
  // `run` may be a weak function that this program does not contain. `light`,
  // where given, is tried first and returns whether it did all there was to
  // do: the part of a verb that needs no torch.
  // Returns the verb's app, to declare its own options on `*options`.
  template <class Options>
  CLI::App& add(const std::string& name, const std::string& summary,
                const std::shared_ptr<Options>& options,
                void (*run)(const Options&, Session&),
                bool (*light)(const Options&, Session&) = nullptr) {
    CLI::App& verb = add_verb(name, summary);
    verb.callback([this, options, run, light] {
      chosen_ = [options, run, light](Session& session) {
        if (light != nullptr && light(*options, session)) {
          return true;
        }
        if (run == nullptr) {
          return false;
        }
        run(*options, session);
        return true;
      };
    });
    return verb;
  }

  // The verb that the parsed command line names; empty before parsing.
  // Returns false if only veer-core can run it.
  const std::function<bool(Session&)>& chosen() const { return chosen_; }
  bool json() const { return json_; }
  bool quiet() const { return quiet_; }

 private:
  CLI::App& add_verb(const std::string& name, const std::string& summary);

  CLI::App& app_;
  std::function<bool(Session&)> chosen_;
  bool json_ = false;
  bool quiet_ = false;
};

// The option of `verb` whose name is nearest to an unknown one; may be empty.
std::string nearest_option(const CLI::App& verb, const std::string& name);

}  // namespace veer::cli
