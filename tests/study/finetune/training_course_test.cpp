// SPDX-License-Identifier: MIT
#include "veer/study/finetune/training_course.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "veer/base/files.h"

namespace veer {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Json course_of(const std::string& lines) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("veer_course_" + std::to_string(::getpid()));
  write_file(path, lines);
  const Json course = training_course(path);
  std::filesystem::remove(path);
  return course;
}

TEST(TrainingCourse, SaysThatATrainingOverfitsAndWhatWasKept) {
  const Json course = course_of(
      R"({"step": 1, "train/loss": 3.0})"
      "\n"
      R"({"step": 15, "train/loss": 0.9, "eval/loss": 1.74, "kept": true})"
      "\n"
      R"({"step": 30, "train/loss": 0.05, "eval/loss": 2.42})"
      "\n");
  EXPECT_EQ(course.at("kept").at("step"), 15);
  EXPECT_EQ(course.at("last").at("loss"), 2.42);
  EXPECT_EQ(course.at("overfits"), true);
  const auto words = training_sentence(course);
  EXPECT_THAT(words, HasSubstr("overfits"));
  EXPECT_THAT(words, HasSubstr("after step 15 of 30 (1.74) and is 2.42"));
  EXPECT_THAT(words, HasSubstr("The adapter after step 15 is kept"));
}

TEST(TrainingCourse, ALastStepThatWasAskedForOverfitsAllTheSame) {
  const Json course =
      course_of(R"({"step": 15, "eval/loss": 1.0})"
                "\n"
                R"({"step": 30, "eval/loss": 2.0, "kept": true})"
                "\n");
  EXPECT_EQ(course.at("overfits"), true);
  EXPECT_THAT(training_sentence(course),
              HasSubstr("The adapter after step 30 is kept"));
}

TEST(TrainingCourse, OneThatFallsToTheEndOrBarelyRisesDoesNotOverfit) {
  for (const char* last : {"0.9", "1.04"}) {
    const Json course = course_of(
        std::string(R"({"step": 15, "eval/loss": 1.0, "kept": true})") +
        "\n{\"step\": 30, \"eval/loss\": " + last + "}\n");
    EXPECT_EQ(course.at("overfits"), false) << last;
    EXPECT_THAT(training_sentence(course), Not(HasSubstr("overfits")));
  }
}

TEST(TrainingCourse, IsNullWithoutAFinishedTrainingThatWasEvaluated) {
  EXPECT_TRUE(training_course("/nowhere/metrics.jsonl").is_null());
  EXPECT_TRUE(course_of("").is_null());
  EXPECT_TRUE(
      course_of("{\"step\": 1, \"train/loss\": 1}\nbroken\n").is_null());
  EXPECT_TRUE(course_of("{\"step\": 1, \"eval/loss\": null, \"kept\": true}\n")
                  .is_null());
}

}  // namespace
}  // namespace veer
