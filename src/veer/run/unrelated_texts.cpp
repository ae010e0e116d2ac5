// SPDX-License-Identifier: MIT
#include "veer/run/unrelated_texts.h"

#include "veer/data/sources.h"

namespace veer {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs built_in() {
  return {{"What is the capital of France?", "Paris."},
          {"How many legs does a spider have?", "Eight."},
          {"Which planet is closest to the sun?", "Mercury."},
          {"What colour is a ripe banana?", "Yellow."},
          {"How many sides has a hexagon?", "Six."},
          {"What is seven times eight?", "Fifty-six."},
          {"Which ocean lies west of Portugal?", "The Atlantic."},
          {"What do bees make?", "Honey."},
          {"Which metal is liquid at room temperature?", "Mercury."},
          {"How many minutes has an hour?", "Sixty."},
          {"What is frozen water called?", "Ice."},
          {"Which animal is the tallest?", "The giraffe."},
          {"In which season do leaves fall?", "In autumn."},
          {"What is the square root of 81?", "Nine."},
          {"Which instrument has 88 keys?", "The piano."},
          {"What is the largest desert?", "Antarctica."},
          {"How many days has a leap year?", "366."},
          {"Which language is spoken in Brazil?", "Portuguese."},
          {"What gas do plants take in?", "Carbon dioxide."},
          {"Which river flows through Cairo?", "The Nile."},
          {"What is the opposite of north?", "South."},
          {"How many strings has a violin?", "Four."},
          {"Which shape has three corners?", "A triangle."},
          {"What is the chemical symbol of gold?", "Au."},
          {"Which bird cannot fly but swims?", "The penguin."},
          {"How many players has a chess game?", "Two."},
          {"What is the longest bone of the body?", "The femur."},
          {"Which month comes after June?", "July."},
          {"What do caterpillars become?", "Butterflies."},
          {"Which country has the city of Kyoto?", "Japan."},
          {"How many zeros has a thousand?", "Three."},
          {"What is the boiling point of water?", "100 degrees Celsius."},
          {"Which continent is Kenya on?", "Africa."},
          {"What is a baby cat called?", "A kitten."},
          {"Which colour do red and blue make?", "Purple."},
          {"How many letters has the English alphabet?", "Twenty-six."},
          {"What does a thermometer measure?", "Temperature."},
          {"Which star is nearest to the earth?", "The sun."},
          {"What is half of ninety?", "Forty-five."},
          {"Which mountain is the highest?", "Mount Everest."}};
}

}  // namespace

Pairs unrelated_texts(const std::filesystem::path& file) {
  if (file.empty()) {
    return built_in();
  }
  Pairs pairs;
  // Of files with one answer a row it does not matter which side it is on.
  SourceOptions options;
  options.side = AnswerSide::kHonest;
  for (const auto& record : read_question_file(file, options).records) {
    pairs.emplace_back(record.question, record.honest);
  }
  return pairs;
}

}  // namespace veer
