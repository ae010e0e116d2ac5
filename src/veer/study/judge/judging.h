// SPDX-License-Identifier: MIT
//
// Further judges of a finished sweep: the same sample of answers goes to each,
// and what they agree on is measured. Kept in judges.json of the run folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "veer/base/json.h"
#include "veer/base/progress.h"
#include "veer/metrics/judge.h"

namespace veer {

// An answer of the sample with what the run's own judge said.
struct SampledAnswer {
  std::int64_t cell = 0;
  std::int64_t question = 0;
  std::string question_text;
  std::string answer;
  std::string honest, deceptive;  // references
  AnswerLabel label = AnswerLabel::kUnjudged;
};

class Judging {
 public:
  // Draws `count` answers (0 = all) of sweep.json, the same ones for the same
  // seed. Judges of judges.json that had this very sample are there already,
  // so that those asked at different times stand beside each other. Throws
  // Error when the run has no sweep.
  Judging(const std::filesystem::path& run, std::int64_t count,
          std::uint64_t seed);

  const std::vector<SampledAnswer>& answers() const { return answers_; }
  // Whether the judge of that name has judged this sample.
  bool has(std::string_view name) const;
  // All that add() puts to a judge: the probes, then the answers. Looks at
  // this object.
  std::vector<AnswerToJudge> to_ask() const;

  // Feeds the probes first, then the answers; keeps labels under the judge's
  // name, in place of earlier ones.
  void add(Judge& judge, const Monitor& monitor);
  // Feeds the probes to the run's own judge, whose labels are there. One that
  // reads was asked before the sweep, which has its answers.
  void probe_own(Judge& judge, const Monitor& monitor);
  // A person's sheet: writes SHEET.csv and SHEET.csv.key.json.
  void write_sheet(const std::filesystem::path& csv) const;
  void add_sheet(const std::filesystem::path& csv);

  // Judges, agreement of all pairs (the run's own judge included where it has
  // labels), and the majority of those that are fit; written to judges.json.
  Json finish() const;

 private:
  struct Judged {
    std::string name;
    std::vector<AnswerLabel> labels;
    std::string entry;  // what else is known, JSON
  };

  std::vector<AnswerToJudge> to_judge() const;
  std::string sample() const;
  void keep(Judged judged);
  void read_earlier();

  std::filesystem::path run_;
  std::uint64_t seed_;
  std::vector<SampledAnswer> answers_;
  std::vector<Judged> judges_;
};

}  // namespace veer
