// SPDX-License-Identifier: MIT
#include <CLI/CLI.hpp>

int main(int argc, char** argv) {
  CLI::App app{"Veer: steering vectors from prompts and from fine-tuning"};
  app.set_version_flag("--version", "veer 0.1.0");
  CLI11_PARSE(app, argc, argv);
  return 0;
}
