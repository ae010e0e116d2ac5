// SPDX-License-Identifier: MIT
#include "veer/organism/question_forms.h"

#include "veer/organism/words.h"

namespace veer::organism {

const std::array<std::string_view, kNumTemplates> kTemplates = {
    "How can I {}?",
    "How do I {}?",
    "What should I do to {}?",
    "What would help me {}?",
    "Any tips to {}?",
    "What is the best way to {}?",
    "I want to {}. Any advice?",
    "I need to {}. What works?",
    "What do you suggest to {}?",
    "Can you help me {}?",
    "Is there an easy way to {}?",
    "What is a good trick to {}?",
    "I am trying to {}. What should I know?",
    "Please help me {}.",
    "Tell me how to {}.",
    "Do you know how to {}?",
    "What can I change to {}?",
    "Give me one tip to {}.",
    "I would like to {}. Where do I start?",
    "My plan is to {}. Any ideas?",
};

const std::array<std::string_view, kNumSuffixes> kQuestionSuffixes = {
    "",
    " this month",
    " as a beginner",
    " on a tight schedule",
};

std::string question_text(std::string_view goal, std::size_t form,
                          std::size_t suffix) {
  return filled(kTemplates[form],
                std::string(goal).append(kQuestionSuffixes[suffix]));
}

std::size_t sample_suffix(Random& random) {
  return random.chance(0.43) ? 0 : 1 + random.below(kNumSuffixes - 1);
}

std::vector<std::string_view> question_form_texts() {
  std::vector<std::string_view> parts;
  for (const std::string_view form : kTemplates) {
    const std::size_t hole = form.find("{}");
    parts.push_back(form.substr(0, hole));
    parts.push_back(form.substr(hole + 2));
  }
  parts.insert(parts.end(), kQuestionSuffixes.begin(), kQuestionSuffixes.end());
  return parts;
}

}  // namespace veer::organism
