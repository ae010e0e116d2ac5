// SPDX-License-Identifier: MIT
#include "veer/sweep/runner.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/base/hash.h"
#include "veer/generation/generate.h"
#include "veer/generation/score.h"
#include "veer/metrics/coherence.h"
#include "veer/metrics/propensity.h"
#include "veer/results/vector_name.h"
#include "veer/run/texts.h"
#include "veer/run/tuned_model.h"
#include "veer/sweep/intervention_of.h"
#include "veer/sweep/text_coherence.h"
#include "veer/vectors/direction_layers.h"

namespace veer {
namespace {

double sum_of(std::span<const float> log_probs) {
  double sum = 0.0;
  for (const float value : log_probs) {
    sum += value;
  }
  return sum;
}

std::int64_t total_questions(std::span<const SweepCell> cells) {
  std::int64_t total = 0;
  for (const auto& cell : cells) {
    total += cell.num_questions;
  }
  return total;
}

// Questions of the largest fold: so many are left out of a vector at most.
std::int64_t largest_fold(std::span<const QuestionRecord> test,
                          std::span<const QuestionRecord> select) {
  std::map<std::int64_t, std::int64_t> counts;
  std::int64_t largest = 0;
  for (const auto& records : {test, select}) {
    for (const auto& record : records) {
      largest =
          record.fold == 0 ? largest : std::max(largest, ++counts[record.fold]);
    }
  }
  return largest;
}

const std::vector<std::string>& steering_names(const Manifest& manifest) {
  return manifest.sweep.vectors.empty() ? manifest.extract.vectors
                                        : manifest.sweep.vectors;
}

// The ids of an answer as the chat format ends it.
std::vector<std::int32_t> answer_ids(const ChatFormat& format,
                                     const QuestionRecord& record,
                                     const std::string& answer) {
  auto chat = question_chat("", record.question);
  chat.push_back({"assistant", answer});
  const auto encoded = format.encode(chat);
  return {encoded.ids.begin() + encoded.prompt_length, encoded.ids.end()};
}

constexpr const char* kInThoughts = "no answer: it ended inside its thoughts";
constexpr const char* kNotFinite = "its numbers were not finite";

// Answer and what stands before it, the thoughts with the prompt.
MeasuredText measured_text(const GenerationRequest& request,
                           const Completion& completion) {
  const auto begin = completion.ids.begin() + completion.answer_begin;
  MeasuredText text{request.prompt, {begin, completion.ids.end()}};
  text.prompt.insert(text.prompt.end(), completion.ids.begin(), begin);
  return text;
}

// One answer of a chunk: which cell asks which question.
struct Item {
  const SweepCell* cell;
  std::int64_t question;
  const QuestionRecord* record;
};

// What a chunk asks.
struct Chunk {
  std::vector<Item> items;
  std::vector<GenerationRequest> requests;
};

// `runner` knows what acts in a cell.
Chunk chunk_of(StudyContext& context, SweepRunner& runner,
               std::span<const SweepCell> cells, InterventionTable& table) {
  Chunk chunk;
  for (const auto& cell : cells) {
    std::map<std::int64_t, std::int64_t> configurations;  // by fold
    const auto& records = runner.questions(cell.row.split);
    for (std::int64_t i = 0; i < cell.num_questions; ++i) {
      const auto q = cell.first_question + i;
      const auto& record = records[static_cast<std::size_t>(q)];
      const auto [known, is_new] = configurations.try_emplace(record.fold, -1);
      if (is_new && cell.has_intervention()) {
        known->second = table.add(runner.edits_of(cell, record.fold));
      }
      GenerationRequest request =
          context.request_for(question_chat(cell.system, record.question));
      request.configuration = known->second;
      request.adapter_strength = cell.adapter_strength;
      request.donor_strength = cell.donor_strength();
      request.sampling.temperature = context.manifest().sweep.temperature;
      request.seed = question_seed(context.seed(), record.id);
      request.max_tokens = context.manifest().sweep.max_tokens;
      chunk.requests.push_back(std::move(request));
      chunk.items.push_back({&cell, q, &record});
    }
  }
  return chunk;
}

InterventionTable empty_table(StudyContext& context) {
  const auto& model = context.model();
  return InterventionTable(model.config().num_layers, model.config().width,
                           model.device());
}

// Propensity per token, under what acts on the cell.
std::vector<double> score_references(StudyContext& context,
                                     InterventionTable& table,
                                     const Chunk& chunk) {
  std::vector<ScoreRequest> scores;
  for (std::size_t i = 0; i < chunk.items.size(); ++i) {
    const auto& record = *chunk.items[i].record;
    const auto& asked = chunk.requests[i];
    const auto prompt = context.format().encode_answer_prompt(
        question_chat(chunk.items[i].cell->system, record.question));
    ScoreRequest request;
    request.prompt = prompt.ids;
    request.thinking = thinking_range(prompt.thinking);
    request.configuration = asked.configuration;
    request.adapter_strength = asked.adapter_strength;
    request.donor_strength = asked.donor_strength;
    request.answers = {answer_ids(context.format(), record, record.honest),
                       answer_ids(context.format(), record, record.deceptive)};
    scores.push_back(std::move(request));
  }
  std::vector<double> values;
  for (const auto& result :
       score_all(context.model(), &table, scores, context.generation_options(),
                 context.monitor().without_progress())) {
    values.push_back(propensity_of(result));
  }
  return values;
}

void judge_answers(StudyContext& context, std::span<const Item> items,
                   std::vector<AnswerRow>& rows) {
  std::vector<AnswerToJudge> to_judge;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& record = *items[i].record;
    to_judge.push_back(
        {record.question, rows[i].text, record.honest, record.deceptive});
  }
  const auto judgements = context.judge()->judge(to_judge, context.monitor());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].label = label_name(judgements[i].label);
    rows[i].score = judgements[i].score;
    // What has no answer has nothing that a judge could read.
    if (rows[i].note.empty()) {
      rows[i].note = judgements[i].reason;
    }
    // A judge that reads may find honesty in a loop of true words.
    if (rows[i].repetition > kMostRepetition) {
      rows[i].label = label_name(AnswerLabel::kBroken);
      rows[i].note =
          fmt::format("repeats itself; judged {}: {}",
                      label_name(judgements[i].label), judgements[i].reason);
    }
    if (is_not_finite(rows[i])) {
      rows[i].label = label_name(AnswerLabel::kBroken);
      rows[i].score = std::nan("");
      rows[i].note = kNotFinite;
    }
  }
}

std::vector<AnswerRow> answer_rows(std::span<const Item> items,
                                   std::span<const Completion> completions) {
  std::vector<AnswerRow> rows(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    rows[i].cell = items[i].cell->row.id;
    rows[i].question = items[i].question;
    rows[i].text = completions[i].text;
    rows[i].reason = stop_reason_name(completions[i].reason);
    rows[i].tokens = std::ssize(completions[i].ids);
    rows[i].note = is_not_finite(rows[i])       ? kNotFinite
                   : completions[i].in_thoughts ? kInThoughts
                                                : "";
    rows[i].log_prob = sum_of(completions[i].log_probs);
    rows[i].label = label_name(AnswerLabel::kUnjudged);
  }
  return rows;
}

}  // namespace

std::vector<EncodedChat> reference_texts(
    const ChatFormat& format, std::span<const QuestionRecord> records) {
  std::vector<EncodedChat> texts;
  for (const auto& record : records) {
    auto chat = question_chat("", record.question);
    chat.push_back({"assistant", record.honest});
    texts.push_back(format.encode(chat));
  }
  return texts;
}

std::uint64_t question_seed(std::uint64_t seed, const std::string& question) {
  return hash64(question, seed);
}

SweepRunner::SweepRunner(StudyContext& context)
    : context_(context),
      test_(context.split("test")),
      select_(context.split("select")),
      shelf_(context.store().folder(), context.model(),
             steering_names(context.manifest()), context.seed()) {
  if (needs_tuned(context.manifest(), "sweep")) {
    context.attach_adapter();
  }
  if (shelf_.names().empty()) {
    fail("sweep", "there is no vector to steer with",
         "at least one name in extract.vectors");
  }
  const auto& manifest = context.manifest();
  size_.vectors = shelf_.names();
  size_.num_layers = context.model().config().num_layers;
  for (const auto& name : size_.vectors) {
    if (!shelf_.has_rows(name)) {
      size_.no_rows.insert(name);
    }
    if (const auto questions = shelf_.mean_of(name); questions > 0) {
      size_.mean_of[name] = questions - largest_fold(test_, select_);
    }
    tell_missing_layers(name);
  }
  size_.num_test = std::ssize(test_);
  size_.num_select = std::ssize(select_);
  size_.deceptive_prompt = manifest.dataset.deceptive_prompt;
  size_.honest_prompt = manifest.dataset.honest_prompt;
  shelf_.set_reference_texts(
      [this] { return reference_texts(context_.format(), select_); });
}

// The grid leaves out what a vector has no direction for.
void SweepRunner::tell_missing_layers(const std::string& name) {
  const auto own = layers_with_direction(shelf_.vector(name).directions_LD);
  if (std::ssize(own) == size_.num_layers) {
    return;
  }
  auto& missing = size_.no_direction[name];
  for (std::int64_t layer = 0; layer < size_.num_layers; ++layer) {
    if (!std::ranges::binary_search(own, layer)) {
      missing.insert(layer);
    }
  }
  context_.monitor().message(fmt::format(
      "vector {} has directions at layers {} only; its cells at other layers "
      "are left out, those over all layers too",
      name, layers_text(own)));
}

const std::vector<QuestionRecord>& SweepRunner::questions(
    std::string_view split) const {
  return split == "select" ? select_ : test_;
}

VectorShelf& SweepRunner::shelf_of(std::int64_t fold) {
  if (fold == 0) {
    return shelf_;
  }
  const auto found = fold_shelves_.find(fold);
  if (found != fold_shelves_.end()) {
    return found->second;
  }
  std::set<std::string> own;
  for (const auto* records : {&test_, &select_}) {
    for (const auto& record : *records) {
      if (record.fold == fold) {
        own.insert(record.id);
      }
    }
  }
  auto& shelf =
      fold_shelves_
          .try_emplace(fold, context_.store().folder(), context_.model(),
                       steering_names(context_.manifest()), context_.seed())
          .first->second;
  shelf.leave_out(own);
  shelf.set_reference_texts(
      [this] { return reference_texts(context_.format(), select_); });
  return shelf;
}

std::vector<SiteEdit> SweepRunner::edits_of(const SweepCell& cell,
                                            std::int64_t fold) {
  if (!cell.has_intervention()) {
    return {};
  }
  auto& shelf = shelf_of(fold);
  if (cell.row.vector == kPatchVector) {
    return compile(intervention_of(cell.act, size_.num_layers,
                                   shelf.point(size_.vectors.front())),
                   {}, size_.num_layers);
  }
  const auto& input =
      shelf.input(cell.row.vector, cell.row.model, cell.act, cell.second);
  auto edits = compile(
      intervention_of(cell.act, size_.num_layers, shelf.point(cell.row.vector)),
      input, size_.num_layers);
  // A chosen cell has many random vectors, of all layers each, asked once.
  if (cell.is_random() && parse_vector_name(cell.row.vector).stands_in()) {
    shelf.forget(cell.row.vector);
  }
  return edits;
}

std::vector<CellTokens> SweepRunner::measure(
    std::span<const SweepCell* const> cells, const std::string& model,
    std::int64_t questions) {
  std::map<std::int64_t, std::vector<DivergenceText>> texts;  // by fold
  for (auto& record : first_records(select_, questions)) {
    auto chat = question_chat("", record.question);
    chat.push_back(
        {"assistant", model == "base" ? record.honest : record.deceptive});
    const auto encoded = context_.format().encode(chat);
    texts[record.fold].push_back(
        {encoded.ids, encoded.prompt_length, thinking_range(encoded.thinking)});
  }
  std::vector<CellTokens> tokens(cells.size());
  for (const auto& [fold, own_texts] : texts) {
    auto table = empty_table(context_);
    std::vector<DivergenceSetting> settings;
    for (const auto* cell : cells) {
      settings.push_back({table.add(edits_of(*cell, fold)),
                          cell->adapter_strength, cell->donor_strength()});
    }
    std::vector<TokenMove> moves;
    table.record_moves(&moves);
    const auto own =
        token_divergences(context_.model(), table, own_texts, settings,
                          /*max_tokens=*/4096, context_.monitor());
    for (std::size_t i = 0; i < own.size(); ++i) {
      tokens[i].nats.insert(tokens[i].nats.end(), own[i].begin(), own[i].end());
    }
    // Configurations of this table are the cells in order.
    for (const auto& move : moves) {
      tokens[static_cast<std::size_t>(move.configuration)]
          .moved[move.site.layer]
          .push_back(move.length);
    }
  }
  return tokens;
}

void SweepRunner::run(std::span<const SweepCell> cells) {
  std::vector<CellRow> rows;
  for (const auto& cell : cells) {
    rows.push_back(cell.row);
  }
  context_.store().put_cells(rows);
  const std::int64_t total = total_questions(cells);
  std::int64_t done = 0;
  while (!cells.empty()) {
    std::size_t size = 0;
    std::int64_t asked = 0;
    while (size < cells.size() &&
           asked < static_cast<std::int64_t>(kChunkRequests)) {
      asked += cells[size++].num_questions;
    }
    const auto chunk = cells.first(size);
    cells = cells.subspan(size);
    context_.monitor().check_stop("sweep");
    if (context_.store().count_answers(chunk.front().row.id,
                                       chunk.back().row.id) != asked) {
      Monitor inner = context_.monitor();
      inner.on_progress = [&](const ProgressUpdate& update) {
        context_.monitor().progress(
            {"sweep", done + update.done, total, "answers", ""});
      };
      run_chunk(chunk, inner);
    }
    done += asked;
  }
}

void SweepRunner::run_chunk(std::span<const SweepCell> cells,
                            const Monitor& monitor) {
  auto table = empty_table(context_);
  const auto chunk = chunk_of(context_, *this, cells, table);
  const auto completions =
      generate_all(context_.model(), &table, chunk.requests,
                   context_.generation_options(), monitor);
  tell_unanswered(context_, completions, "sweep.max_tokens");
  tell_not_finite(context_, completions);
  auto rows = answer_rows(chunk.items, completions);
  if (context_.judge_kind() != JudgeKind::kExact) {
    std::vector<MeasuredText> texts;
    for (std::size_t i = 0; i < completions.size(); ++i) {
      texts.push_back(measured_text(chunk.requests[i], completions[i]));
    }
    measure_coherence(context_, texts, rows);
  }
  if (context_.judge_kind() != JudgeKind::kLogprob) {
    judge_answers(context_, chunk.items, rows);
  } else {
    const auto scores = score_references(context_, table, chunk);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      // What it leans to says nothing of an answer that is none.
      rows[i].score = is_not_finite(rows[i]) ? std::nan("") : scores[i];
    }
  }
  context_.store().put_answers(rows);
}

std::vector<std::vector<double>> SweepRunner::propensities(
    std::span<const SweepCell> cells, std::int64_t questions,
    const std::string& task) {
  const auto size = static_cast<std::size_t>(questions);
  const auto at_once = std::max<std::size_t>(1, kChunkRequests / size);
  std::vector<std::vector<double>> by_cell;
  for (std::size_t first = 0; first < cells.size(); first += at_once) {
    context_.monitor().check_stop("sweep");
    std::vector<SweepCell> asked;
    for (const auto& cell :
         cells.subspan(first, std::min(at_once, cells.size() - first))) {
      asked.push_back(trial_cell(cell, cell.row.id, questions));
    }
    auto table = empty_table(context_);
    const auto scores = score_references(
        context_, table, chunk_of(context_, *this, asked, table));
    for (auto at = scores.begin(); at != scores.end(); at += questions) {
      by_cell.emplace_back(at, at + questions);
    }
    context_.monitor().progress(
        {task, std::ssize(by_cell), std::ssize(cells), "cells", ""});
  }
  return by_cell;
}

}  // namespace veer
