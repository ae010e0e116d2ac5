// SPDX-License-Identifier: MIT
//
// --help in 80 columns.
#pragma once

#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "cli/wrapped.h"

namespace veer::cli {

class HelpText : public CLI::Formatter {
 public:
  std::string make_option(const CLI::Option* option,
                          bool is_positional) const override {
    return row(
        make_option_name(option, is_positional) + make_option_opts(option),
        make_option_desc(option));
  }
  std::string make_subcommand(const CLI::App* verb) const override {
    return row(verb->get_display_name(true), verb->get_description());
  }
  std::string make_description(const CLI::App* app) const override {
    return wrapped(Formatter::make_description(app));
  }
  std::string make_usage(const CLI::App* app, std::string name) const override {
    return wrapped(Formatter::make_usage(app, std::move(name)), 2);
  }
  std::string make_footer(const CLI::App* app) const override {
    return wrapped(Formatter::make_footer(app));
  }

 private:
  static constexpr std::size_t kNameWidth = 28;
  // A group of options is moved by two columns.
  static std::string row(const std::string& name, const std::string& text) {
    return two_columns("  " + name, text, kNameWidth, kColumns - 2);
  }
};

}  // namespace veer::cli
