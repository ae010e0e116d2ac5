// SPDX-License-Identifier: MIT
#include "veer/study/judge/judging.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/base/hash.h"
#include "veer/base/json_access.h"
#include "veer/base/random.h"
#include "veer/metrics/agreement.h"
#include "veer/metrics/human_sheet.h"
#include "veer/metrics/rubric.h"
#include "veer/run/judge_check.h"
#include "veer/sweep/results.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOwn = "run";

fs::path key_file(const fs::path& csv) {
  return csv.string() + ".key.json";
}

// Mean of the values that there are.
Json mean_or_null(std::vector<double> values) {
  std::erase_if(values, [](double value) { return std::isnan(value); });
  return values.empty()
             ? Json(nullptr)
             : Json(std::accumulate(values.begin(), values.end(), 0.0) /
                    static_cast<double>(values.size()));
}

Json counts_json(const std::vector<AnswerLabel>& labels) {
  LabelCounts counts;
  for (const auto label : labels) {
    counts.add(label);
  }
  Json json = Json::object();
  for (std::size_t i = 0; i < kNumAnswerLabels; ++i) {
    json[std::string(label_name(static_cast<AnswerLabel>(i)))] =
        counts.counts[i];
  }
  return json;
}

Json names_json(const std::vector<AnswerLabel>& labels) {
  Json names = Json::array();
  for (const auto label : labels) {
    names.push_back(label_name(label));
  }
  return names;
}

Json read_sweep(const fs::path& run) {
  const auto path = run / "sweep.json";
  if (!fs::exists(path)) {
    fail("judge", path.string() + " is not there", "a run with its sweep",
         "veer sweep has not run");
  }
  return parse_json(read_file(path), path.string());
}

// What the sweep found out about its own judge.
Json own_entry(const Json& sweep) {
  Json entry = {{"name", kOwn}};
  const Json& judge = member(sweep, "judge");
  for (const char* key : {"probes", "references", "fit"}) {
    if (!member(judge, key).is_null()) {
      entry[key] = judge[key];
    }
  }
  return entry;
}

std::vector<SampledAnswer> answers_of(const Json& sweep) {
  std::vector<SampledAnswer> answers;
  for (const auto& entry : sweep.value("answers", Json::array())) {
    const auto index = entry.at("question").get<std::size_t>();
    const Json& question = sweep.at("questions").at(index);
    answers.push_back(
        {entry.at("cell").get<std::int64_t>(), static_cast<std::int64_t>(index),
         question.at("question").get<std::string>(),
         entry.at("text").get<std::string>(), question.value("honest", ""),
         question.value("deceptive", ""),
         parse_label(entry.at("label").get<std::string>())});
  }
  return answers;
}

}  // namespace

Judging::Judging(const fs::path& run, std::int64_t count, std::uint64_t seed)
    : run_(run), seed_(seed) {
  const Json sweep = read_sweep(run);
  answers_ = answers_of(sweep);
  Random random(seed, "judged answers");
  random.shuffle(answers_);
  if (count > 0 && std::ssize(answers_) > count) {
    answers_.resize(static_cast<std::size_t>(count));
  }
  Judged own{kOwn, {}, dump_json(own_entry(sweep))};
  for (const auto& answer : answers_) {
    own.labels.push_back(answer.label);
  }
  const bool labelled = std::ranges::any_of(own.labels, [](AnswerLabel label) {
    return label != AnswerLabel::kUnjudged;
  });
  if (labelled) {
    keep(std::move(own));
  }
  read_earlier();
}

// Of the answers' texts and places, so that labels are never given to others.
std::string Judging::sample() const {
  Json parts = Json::array();
  for (const auto& answer : answers_) {
    parts.push_back({answer.cell, answer.question, answer.question_text,
                     answer.answer, label_name(answer.label)});
  }
  return fingerprint(dump_json(parts));
}

void Judging::read_earlier() {
  const auto path = run_ / "judges.json";
  if (!fs::exists(path)) {
    return;
  }
  const Json earlier = parse_json(read_file(path), path.string());
  if (member(earlier, "sample") != Json(sample())) {
    return;
  }
  for (Json entry : member(earlier, "judges")) {
    Judged judged{entry.at("name").get<std::string>(), {}, ""};
    for (const auto& label : entry.at("by_answer")) {
      judged.labels.push_back(parse_label(label.get<std::string>()));
    }
    if (judged.labels.size() != answers_.size()) {
      fail("judge",
           fmt::format("{}: {} labels of judge {}", path.string(),
                       judged.labels.size(), judged.name),
           fmt::format("{}, one of each answer", answers_.size()),
           "the file was edited");
    }
    entry.erase("labels");
    entry.erase("by_answer");
    judged.entry = dump_json(entry);
    keep(std::move(judged));
  }
}

bool Judging::has(std::string_view name) const {
  return std::ranges::find(judges_, name, &Judged::name) != judges_.end();
}

void Judging::keep(Judged judged) {
  const auto found = std::ranges::find(judges_, judged.name, &Judged::name);
  if (found == judges_.end()) {
    judges_.push_back(std::move(judged));
  } else {
    *found = std::move(judged);
  }
}

std::vector<AnswerToJudge> Judging::to_judge() const {
  std::vector<AnswerToJudge> list;
  for (const auto& answer : answers_) {
    list.push_back(
        {answer.question_text, answer.answer, answer.honest, answer.deceptive});
  }
  return list;
}

std::vector<AnswerToJudge> Judging::to_ask() const {
  const auto asked = to_judge();
  std::vector<AnswerToJudge> list;
  for (const auto& probe : probe_answers(asked)) {
    list.push_back(probe.asked);
  }
  list.insert(list.end(), asked.begin(), asked.end());
  return list;
}

void Judging::add(Judge& judge, const Monitor& monitor) {
  const auto asked = to_judge();
  const auto probes = run_probes(judge, asked, monitor);
  Judged judged{judge.name(), {}, ""};
  std::vector<double> masses;
  std::int64_t judged_some = 0;
  for (const auto& judgement : judge.judge(asked, monitor)) {
    judged.labels.push_back(judgement.label);
    masses.push_back(judgement.mass);
    judged_some += judgement.label == AnswerLabel::kUnjudged ? 0 : 1;
  }
  judged.entry = dump_json(
      {{"name", judge.name()},
       {"probes", probes_json(probes)},
       {"judged", judged_some},
       {"option_mass", mean_or_null(masses)},
       // Silence passes every probe.
       {"fit", probes.fit() && 2 * judged_some >= std::ssize(asked)}});
  keep(std::move(judged));
}

void Judging::probe_own(Judge& judge, const Monitor& monitor) {
  const auto own = std::ranges::find(judges_, kOwn, &Judged::name);
  if (own == judges_.end()) {
    return;
  }
  const auto probes = run_probes(judge, to_judge(), monitor);
  own->entry = dump_json(
      {{"name", kOwn}, {"probes", probes_json(probes)}, {"fit", probes.fit()}});
}

void Judging::write_sheet(const fs::path& csv) const {
  std::vector<SheetAnswer> rows;
  for (const auto& answer : answers_) {
    rows.push_back({answer.question_text, answer.answer});
  }
  const auto sheet = make_sheet(rows, seed_);
  Json sources = Json::array();
  for (const auto& answer : answers_) {
    sources.push_back({{"cell", answer.cell}, {"question", answer.question}});
  }
  write_file(key_file(csv),
             dump_json({{"order", sheet.order}, {"answers", sources}}) + "\n");
  write_file(csv, sheet.csv);
}

void Judging::add_sheet(const fs::path& csv) {
  const auto path = key_file(csv);
  if (!fs::exists(path)) {
    fail("judge", path.string() + " is not there",
         "the key that was written with the sheet", "the sheet was moved");
  }
  const Json key = parse_json(read_file(path), path.string());
  bool same = key.at("answers").size() == answers_.size();
  for (std::size_t i = 0; same && i < answers_.size(); ++i) {
    same = key["answers"][i]["cell"] == answers_[i].cell &&
           key["answers"][i]["question"] == answers_[i].question;
  }
  if (!same) {
    fail("judge", csv.string() + " holds other answers than this sample",
         "the run, --answers and --seed with which it was written");
  }
  std::vector<SheetAnswer> rows;
  for (const auto& answer : answers_) {
    rows.push_back({answer.question_text, answer.answer});
  }
  const auto order = key.at("order").get<std::vector<std::int64_t>>();
  const auto read = read_sheet(read_file(csv), csv.string(), rows, order);
  const Json entry = {{"name", "human"},
                      {"repeats", read.repeats},
                      {"repeats_same", read.repeats_same}};
  keep({"human", read.labels, dump_json(entry)});
}

Json Judging::finish() const {
  Json judges = Json::array();
  Json pairs = Json::array();
  std::vector<std::vector<AnswerLabel>> fit;
  for (std::size_t i = 0; i < judges_.size(); ++i) {
    Json entry = parse_json(judges_[i].entry, "judge");
    if (entry.value("fit", true)) {
      fit.push_back(judges_[i].labels);
    }
    entry["labels"] = counts_json(judges_[i].labels);
    entry["by_answer"] = names_json(judges_[i].labels);
    judges.push_back(std::move(entry));
    for (std::size_t j = i + 1; j < judges_.size(); ++j) {
      const auto both = agreement(judges_[i].labels, judges_[j].labels);
      pairs.push_back({{"a", judges_[i].name},
                       {"b", judges_[j].name},
                       {"n", both.n},
                       {"same", number_or_null(both.same)},
                       {"kappa", estimate_json(both.kappa)}});
    }
  }
  Json document = {
      {"answers", answers_.size()}, {"seed", seed_},
      {"sample", sample()},         {"judges", judges},
      {"agreement", pairs},         {"majority", counts_json(majority(fit))}};
  write_file(run_ / "judges.json", dump_json(document, 1) + "\n");
  return document;
}

}  // namespace veer
