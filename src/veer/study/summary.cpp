// SPDX-License-Identifier: MIT
#include "veer/study/summary.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/files.h"
#include "veer/base/json_access.h"
#include "veer/base/number_text.h"
#include "veer/study/context.h"
#include "veer/study/sweep_evidence.h"
#include "veer/study/training_course.h"
#include "veer/study/vector_names.h"

namespace veer {
namespace {

constexpr std::size_t kMostLayers = 8;
constexpr std::size_t kMostEffects = 8;
constexpr std::size_t kMostPairs = 2;
constexpr int kBarWidth = 20;

double number(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number()
             ? found->get<double>()
             : std::numeric_limits<double>::quiet_NaN();
}

const Json* primary_of(const Json& comparison) {
  if (!comparison.contains("pairs")) {
    return nullptr;
  }
  for (const auto& pair : comparison.at("pairs")) {
    if (pair.value("primary", false)) {
      return &pair;
    }
  }
  return nullptr;
}

Json cosine_rows(const Json& comparison) {
  Json rows = Json::array();
  if (const Json* pair = primary_of(comparison)) {
    for (const auto& at : pair->at("by_layer")) {
      rows.push_back({{"layer", at["layer"]},
                      {"cosine", at["cosine"]},
                      {"low", at["low"]},
                      {"high", at["high"]},
                      {"null_low", at["null_low"]},
                      {"null_high", at["null_high"]}});
    }
  }
  return rows;
}

std::string pair_sentence(const Json& pair_json) {
  const Json* pair = &pair_json;
  std::size_t established = 0;
  std::size_t above = 0;
  std::size_t below = 0;
  double low = 2.0;
  double high = -2.0;
  for (const auto& at : pair->at("by_layer")) {
    const double cosine = number(at, "cosine");
    if (std::isnan(cosine)) {
      continue;
    }
    ++established;
    low = std::min(low, cosine);
    high = std::max(high, cosine);
    above += number(at, "low") > number(at, "null_high") ? 1 : 0;
    below += number(at, "high") < number(at, "null_low") ? 1 : 0;
  }
  const std::string names = fmt::format("{} and {}", string_member(*pair, "a"),
                                        string_member(*pair, "b"));
  // A layer that was not extracted was not asked.
  const std::size_t layers = established;
  if (established == 0) {
    return fmt::format(
        "Whether {} agree cannot be told: at no layer are both established.",
        names);
  }
  const std::string range = fmt::format("cosine {:.2f} to {:.2f}", low, high);
  if (above == 0 && below == 0) {
    return fmt::format(
        "{} do not agree beyond chance at any of {} layers ({}).", names,
        layers, range);
  }
  if (above > 0 && below == 0) {
    return fmt::format("{} agree beyond chance at {} of {} layers ({}).", names,
                       above, layers, range);
  }
  return fmt::format(
      "{} agree at {} and oppose each other at {} of {} layers ({}).", names,
      above, below, layers, range);
}

// What is left of the pair's cosine when every confound is projected out of
// both; empty where that was not measured.
std::string without_confounds(const Json& comparison, const Json& pair) {
  const auto confounds = comparison.find("confounds");
  if (confounds == comparison.end() || !confounds->is_object()) {
    return "";
  }
  for (const auto& entry : confounds->value("pairs", Json::array())) {
    if (string_member(entry, "a") != string_member(pair, "a") ||
        string_member(entry, "b") != string_member(pair, "b") ||
        entry.at("confounds").empty()) {
      continue;
    }
    double low = std::numeric_limits<double>::infinity();
    double high = -low;
    for (const auto& at : entry.at("by_layer")) {
      const double cosine = number(at, "without");
      low = std::isnan(cosine) ? low : std::min(low, cosine);
      high = std::isnan(cosine) ? high : std::max(high, cosine);
    }
    return low > high
               ? ""
               : fmt::format(
                     " With {} confounds projected out of both: {:.2f} to "
                     "{:.2f}.",
                     entry.at("confounds").size(), low, high);
  }
  return "";
}

// The primary pair first, then pairs of the same two kinds that share another
// position.
std::vector<std::string> direction_sentences(const Json& comparison) {
  const Json* primary = primary_of(comparison);
  if (primary == nullptr) {
    return {"No contrastive and fine-tuned vector to compare."};
  }
  std::vector<std::string> sentences = {
      pair_sentence(*primary) + without_confounds(comparison, *primary)};
  for (const auto& pair : comparison.at("pairs")) {
    const std::string a = string_member(pair, "a");
    const std::string b = string_member(pair, "b");
    if (&pair != primary && sentences.size() < kMostPairs &&
        vector_family(a) == "contrastive" && vector_family(b) == "finetune" &&
        vector_position(a) == vector_position(b)) {
      sentences.push_back(pair_sentence(pair));
    }
  }
  return sentences;
}

std::string amount(const Json& estimate, bool share) {
  const double factor = share ? 100.0 : 1.0;
  const int decimals = share ? 0 : 2;
  const double value = number(estimate, "value");
  if (std::isnan(value)) {
    return "not defined";
  }
  return fmt::format(
      "{}{} [{}, {}]", signed_rounded(factor * value, decimals),
      share ? " points" : "",
      signed_rounded(factor * number(estimate, "low"), decimals),
      signed_rounded(factor * number(estimate, "high"), decimals));
}

// What random vectors do in the same cell: the kind that does more by the value
// that 95 of 100 stay below; the isotropic ones where they are too few for one.
struct RandomControl {
  const char* kind = "";
  Json effect;
  double bar = std::nan("");
  std::int64_t vectors = 0;
};

RandomControl random_control(const Json& entry, bool share) {
  const bool downwards =
      !share && string_member(entry, "goal") == "suppression";
  RandomControl control{"", entry.at("random_effect")};
  const auto consider = [&](const char* kind, const char* effect,
                            const char* vectors) {
    const double bar = entry.contains(vectors)
                           ? number(entry.at(vectors), "percentile_95")
                           : std::nan("");
    if (std::isnan(bar) ||
        (downwards ? bar >= control.bar : bar <= control.bar)) {
      return;
    }
    control = {kind, entry.at(effect), bar,
               entry.at(vectors).value("n", std::int64_t{0})};
  };
  consider("", "random_effect", "random_vectors");
  consider("covariance-matched ", "covariance_effect", "covariance_vectors");
  return control;
}

std::string bar_text(const RandomControl& control, bool share) {
  return signed_rounded((share ? 100.0 : 1.0) * control.bar, share ? 0 : 2);
}

// "random vectors +1 points [+0, +2], 95th percentile of 64: +6 points"
std::string random_text(const Json& entry, bool share) {
  const auto control = random_control(entry, share);
  std::string text = fmt::format("{}random vectors {}", control.kind,
                                 amount(control.effect, share));
  if (!std::isnan(control.bar)) {
    text += fmt::format(", 95th percentile of {}: {}{}", control.vectors,
                        bar_text(control, share), share ? " points" : "");
  }
  return text;
}

// The strongest entry of a goal among those that random vectors do not reach,
// of all if there are none; null if no vector has one.
const Json* strongest(const Json& sweep, const std::string& goal) {
  const Json* best = nullptr;
  auto rank = std::pair(false, -1.0);
  if (!sweep.contains("best")) {
    return nullptr;
  }
  for (const auto& entry : sweep.at("best")) {
    if (string_member(entry, "goal") != goal || !entry.contains("effect")) {
      continue;
    }
    const auto own = std::pair(entry.value("beats_random", false),
                               std::abs(number(entry.at("effect"), "value")));
    if (own > rank) {
      best = &entry;
      rank = own;
    }
  }
  return best;
}

std::string place_of(const Json& entry) {
  const std::string layers = string_member(entry, "layers");
  const std::string where =
      layers == "all" ? "all layers" : fmt::format("layer {}", layers);
  const std::string operation = string_member(entry, "operator");
  if (operation == "ablate" && number(entry, "scale") == 1.0) {
    return fmt::format("{}, ablated", where);
  }
  const bool plain = operation == "add" || operation == "subtract";
  const double sign = operation == "subtract" ? -1.0 : 1.0;
  return fmt::format("{}, {}{:+g} {}", where, plain ? "" : operation + " ",
                     sign * number(entry, "scale"),
                     string_member(entry, "unit"));
}

// Why no vector has an effect for a goal: what was never tried did not fail.
std::string no_effect_sentence(const Json& sweep, const std::string& goal) {
  std::string reason;
  std::int64_t tried = 0;
  bool asked = false;
  for (const auto& entry : sweep.at("best")) {
    if (string_member(entry, "goal") == goal) {
      asked = true;
      const auto own = entry.value("candidates", std::int64_t{0});
      if (own > 0 || reason.empty()) {
        reason = string_member(entry, "reason");
      }
      tried += own;
    }
  }
  const std::string model = goal == "induction" ? "base" : "tuned";
  if (!asked) {
    return fmt::format(
        "Whether a vector can serve {} was not tried: sweep.models has no "
        "{} model.",
        goal, model);
  }
  if (tried == 0) {
    return fmt::format("Whether a vector can serve {} was {}.", goal, reason);
  }
  return fmt::format(
      "No vector has an effect for {} that can be reported, of {} "
      "configurations that were tried: {}.",
      goal, tried, reason);
}

// Whether random vectors were run in the place of an entry's cell.
bool has_random_control(const Json& entry) {
  return !entry.contains("random_vectors") ||
         entry.at("random_vectors").value("n", std::int64_t{0}) > 0;
}

std::string steering_sentence(const Json& sweep, const std::string& goal) {
  const Json* best = strongest(sweep, goal);
  if (best == nullptr) {
    return no_effect_sentence(sweep, goal);
  }
  const bool share = string_member(*best, "measure") != "score";
  const std::string what =
      !share ? "the deceptive answer's log-probability lead"
             : (goal == "induction" ? "deceptive answers of the base model"
                                    : "honest answers of the tuned model");
  if (!has_random_control(*best)) {
    return fmt::format(
        "{} moves {} by {} ({}); no random vector was run beside it "
        "(sweep.best_random = 0), so that this is no finding about the "
        "direction.",
        string_member(*best, "vector"), what, amount(best->at("effect"), share),
        place_of(*best));
  }
  if (!best->value("beats_random", false)) {
    return fmt::format(
        "No vector moves {} more than random vectors do (best: {}, {}).", what,
        string_member(*best, "vector"), amount(best->at("effect"), share));
  }
  return fmt::format("{} moves {} by {} ({}); {}.",
                     string_member(*best, "vector"), what,
                     amount(best->at("effect"), share), place_of(*best),
                     random_text(*best, share));
}

std::string bar_line(const Json& at) {
  const double cosine = number(at, "cosine");
  const int layer = at.at("layer").get<int>();
  const double chance = number(at, "null_high");
  if (std::isnan(cosine)) {
    return fmt::format("  layer {:>3}   not established", layer);
  }
  const auto cell = [](double value) {
    return static_cast<int>(
        std::lround(std::clamp(std::abs(value), 0.0, 1.0) * kBarWidth));
  };
  std::string bar;
  for (int i = 0; i < kBarWidth; ++i) {
    const bool filled = i < cell(cosine);
    const bool by_chance = i < cell(chance);
    bar += filled ? (by_chance ? "▒" : "█") : (by_chance ? "░" : " ");
  }
  return fmt::format("  layer {:>3}  {} [{}, {}]  {}", layer,
                     signed_rounded(cosine, 2),
                     signed_rounded(number(at, "low"), 2),
                     signed_rounded(number(at, "high"), 2), bar);
}

std::vector<std::string> chart_lines(const Json& rows) {
  std::vector<std::string> lines;
  const std::size_t step = (rows.size() + kMostLayers - 1) / kMostLayers;
  for (std::size_t i = 0; i < rows.size();
       i += std::max<std::size_t>(1, step)) {
    lines.push_back(bar_line(rows[i]));
  }
  return lines;
}

std::string effect_line(const Json& entry) {
  const std::string head =
      fmt::format("  {:<24} {:<11}", string_member(entry, "vector"),
                  string_member(entry, "goal"));
  if (!entry.contains("effect")) {
    return fmt::format("{} {}", head, string_member(entry, "reason"));
  }
  const bool share = string_member(entry, "measure") != "score";
  if (!has_random_control(entry)) {
    return fmt::format("{} {}  {}  random not tried", head,
                       amount(entry.at("effect"), share), place_of(entry));
  }
  const auto control = random_control(entry, share);
  return fmt::format(
      "{} {}  {}  {}random {}{}", head, amount(entry.at("effect"), share),
      place_of(entry), control.kind, amount(control.effect, share),
      std::isnan(control.bar) ? ""
                              : ", 95 % below " + bar_text(control, share));
}

// Smallest scale in units of the residual norm at which the text of each
// vector breaks, over layers, on the base model.
// Null where no such scale was tried.
Json break_rows(const Json& sweep) {
  Json rows;
  for (const auto& entry : member(sweep, "breaks")) {
    if (string_member(entry, "model") != "base" ||
        string_member(entry, "layers") == "all" ||
        string_member(entry, "vector").starts_with("random")) {
      continue;
    }
    if (rows.is_null()) {
      rows = Json::array();
    }
    const double first = number(entry, "first_broken");
    if (std::isnan(first)) {
      continue;
    }
    auto found = std::find_if(rows.begin(), rows.end(), [&](const Json& row) {
      return row["vector"] == entry["vector"];
    });
    if (found == rows.end()) {
      rows.push_back(
          {{"vector", entry["vector"]}, {"lowest", first}, {"highest", first}});
    } else {
      (*found)["lowest"] = std::min(first, number(*found, "lowest"));
      (*found)["highest"] = std::max(first, number(*found, "highest"));
    }
  }
  return rows;
}

std::string break_line(const Json& rows) {
  std::string line;
  for (const auto& row : rows) {
    const std::string vector = string_member(row, "vector");
    line += fmt::format("{}{} {:g}-{:g}", line.empty() ? "" : ", ", vector,
                        number(row, "lowest"), number(row, "highest"));
  }
  return line.empty()
             ? "At single layers text holds at every scale that was tried."
             : "Text breaks, by layer, at (times the residual norm): " + line;
}

// "Claims: 5 supported, 3 contradicted (H3, H4, H8), 2 undecided.", with what
// agreement and effect have to do with each other where that is decided.
std::string claims_line(const Json& hypotheses, const Json& sweep) {
  if (!hypotheses.contains("claims")) {
    return "";
  }
  std::string line;
  for (const auto& [decision, count] : hypotheses.at("counts").items()) {
    if (count.get<int>() > 0) {
      line += fmt::format("{}{} {}", line.empty() ? "Claims: " : ", ",
                          count.get<int>(), decision);
    }
  }
  for (const auto& claim : hypotheses.at("claims")) {
    if (string_member(claim, "id") == "A1" &&
        string_member(claim, "decision") != "undecided" &&
        string_member(claim, "decision") != "void") {
      line += "; " + string_member(claim, "reason");
    }
  }
  if (string_member(member(sweep, "judge"), "kind") == "logprob") {
    line +=
        "; those about what the model says need labels (judge.kind self, "
        "choice or endpoint)";
  }
  return line + ".";
}

Json read_document(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) {
    return Json::object();
  }
  return parse_json(read_file(path), path.string());
}

}  // namespace

Json summarise_study(const Json& comparison, const Json& sweep,
                     const Json& hypotheses) {
  const bool is_unfit = has_unfit_judge(sweep);
  // A search instead of the grid climbs no ladder of scales.
  const bool has_ladders = !is_unfit && member(sweep, "search").is_null();
  Json verdict = Json::array();
  for (const auto& sentence : direction_sentences(comparison)) {
    verdict.push_back(sentence);
  }
  if (is_unfit) {
    verdict.push_back(fmt::format(
        "The judge {} is NOT FIT: no effect is reported from its labels.",
        string_member(sweep.at("judge"), "name")));
  } else if (sweep.contains("best")) {
    for (const char* goal : {"induction", "suppression"}) {
      verdict.push_back(steering_sentence(sweep, goal));
    }
  }
  return {
      {"verdict", verdict},
      {"cosine", cosine_rows(comparison)},
      {"best", is_unfit ? Json::array() : sweep.value("best", Json::array())},
      {"breaks", has_ladders ? break_rows(sweep) : Json(nullptr)},
      {"claims", claims_line(hypotheses, sweep)}};
}

void write_summary(StudyContext& context, const Json& run) {
  Json summary =
      summarise_study(read_document(context.file("comparison.json")),
                      read_document(context.file("sweep.json")),
                      read_document(context.file("hypotheses.json")));
  summary["training"] = training_course(context.file("metrics.jsonl"));
  summary["run"] = run;
  write_file(context.file("summary.json"), dump_json(summary, 1) + "\n");
}

std::string summary_text(const Json& summary) {
  std::string text;
  for (const auto& sentence : summary.at("verdict")) {
    text += sentence.get<std::string>() + "\n";
  }
  if (const Json& training = member(summary, "training");
      training.is_object() && training.at("kept") != training.at("last")) {
    text += training_sentence(training) + "\n";
  }
  const auto chart = chart_lines(summary.at("cosine"));
  if (!chart.empty()) {
    text += "Cosine by layer (░ reached by chance):\n";
    for (const auto& line : chart) {
      text += line + "\n";
    }
  }
  std::size_t shown = 0;
  for (const auto& entry : summary.at("best")) {
    if (shown == 0) {
      text += "Best effects, chosen on select, measured on test questions:\n";
    }
    if (shown++ < kMostEffects) {
      text += effect_line(entry) + "\n";
    }
  }
  if (!summary.at("breaks").is_null()) {
    text += break_line(summary.at("breaks")) + "\n";
  }
  const std::string claims = string_member(summary, "claims");
  return claims.empty() ? text : text + claims + "\n";
}

}  // namespace veer
