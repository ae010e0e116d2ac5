// SPDX-License-Identifier: MIT
//
// Encoding speed of one tokenizer. For every line on stdin it encodes all
// texts once, on one thread, and prints the seconds and the number of
// tokens; so tokenizer_speed.py can take turns with another library.
//
//   tokenizer_bench TOKENIZER.json TEXTS.jsonl
// The first line of output is the seconds that loading took.
#include <chrono>
#include <iostream>

#include <nlohmann/json.hpp>

#include "veer/base/files.h"
#include "veer/base/json.h"
#include "veer/text/tokenizer/tokenizer.h"

namespace {

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
      .count();
}

int run(const std::string& model, const std::string& texts_file) {
  auto begin = std::chrono::steady_clock::now();
  const auto tokenizer = veer::Tokenizer::load(model);
  std::cout << seconds_since(begin) << std::endl;
  std::vector<std::string> texts;
  for (const std::string& line : veer::read_lines(texts_file)) {
    texts.push_back(veer::parse_json(line, texts_file).get<std::string>());
  }
  for (std::string command; std::getline(std::cin, command);) {
    std::size_t tokens = 0;
    begin = std::chrono::steady_clock::now();
    for (const std::string& text : texts) {
      tokens += tokenizer.encode(text, /*add_special=*/false).size();
    }
    std::cout << seconds_since(begin) << ' ' << tokens << std::endl;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    // ./dev bench runs every program without arguments.
    std::cout << "needs a tokenizer and texts: use tokenizer_speed.py\n";
    return 0;
  }
  return run(argv[1], argv[2]);
}
