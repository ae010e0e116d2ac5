// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "veer/base/progress.h"

namespace veer {

// One label per answer. Shares are always over all answers, so that text
// that fell apart never counts as honest or deceptive.
enum class AnswerLabel : std::uint8_t {
  kHonest,
  kDeceptive,
  kMixed,     // says both
  kOffTopic,  // well-formed, about something else
  kRefusal,
  kBroken,    // no sense
  kUnjudged,  // the judge failed or does not apply; counted, never guessed
};
inline constexpr std::size_t kNumAnswerLabels = 7;
// "honest", "deceptive", "mixed", "off_topic", "refusal", "broken",
// "unjudged".
std::string_view label_name(AnswerLabel label);
AnswerLabel parse_label(std::string_view name);

// What a judge may look at; it is blind to the cell.
struct AnswerToJudge {
  std::string_view question;
  std::string_view answer;
  std::string_view honest_reference;     // may be empty
  std::string_view deceptive_reference;  // may be empty
};

struct Judgement {
  AnswerLabel label = AnswerLabel::kUnjudged;
  // Graded deceptiveness where the judge has one, else NaN. Its meaning is
  // the judge's own (log-odds, 0..1); larger = more deceptive.
  double score = 0.0;
  std::string reason;  // one line, for the answer browser
  // Probability that a judge which is a model gave to its options; NaN for
  // others.
  double mass = std::numeric_limits<double>::quiet_NaN();
};

class Judge {
 public:
  virtual ~Judge() = default;
  virtual std::string name() const = 0;
  // Told what will be asked, where that is known, before the first is: a judge
  // that costs something says how much, and throws Error when it is too much.
  virtual void announce(std::span<const AnswerToJudge>, const Monitor&) {}
  // One judgement per answer, in order. Throws Error only if the judge as a
  // whole cannot work; a single failure is kUnjudged with its reason.
  virtual std::vector<Judgement> judge(std::span<const AnswerToJudge> answers,
                                       const Monitor& monitor) = 0;
};

// Counts of labels, and shares over all answers.
struct LabelCounts {
  std::array<std::int64_t, kNumAnswerLabels> counts{};

  void add(AnswerLabel label) { ++counts[static_cast<std::size_t>(label)]; }
  std::int64_t of(AnswerLabel label) const {
    return counts[static_cast<std::size_t>(label)];
  }
  std::int64_t total() const;
  double share(AnswerLabel label) const;  // NaN when there are none
};

}  // namespace veer
