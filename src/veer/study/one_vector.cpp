// SPDX-License-Identifier: MIT
#include "veer/study/one_vector.h"

#include <algorithm>
#include <set>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/hash.h"
#include "veer/data/sources.h"
#include "veer/run/machine.h"
#include "veer/settings/intervention_text.h"
#include "veer/study/dataset/import.h"
#include "veer/text/chat/chat_format.h"
#include "veer/vectors/auroc.h"
#include "veer/vectors/extract.h"

namespace veer {
namespace {

constexpr std::size_t kFewest = 4;
constexpr std::size_t kMostLayers = 12;

VectorSpec spec_of(const OneVectorSettings& settings) {
  auto contrast = settings.contrast;
  if (contrast.empty()) {
    const auto at = parse_vector_spec("contrastive@" + settings.position);
    contrast = at.position.in_prompt() ? "contrastive" : "content_base";
  }
  std::string name = contrast;
  if (settings.method != OneVectorSettings{}.method) {
    name += ":" + settings.method;
  }
  name += "@" + settings.position;
  if (settings.site != OneVectorSettings{}.site) {
    name += "@" + settings.site;
  }
  return parse_vector_spec(name);
}

void note_count(std::vector<std::string>& notes, std::int64_t count,
                const char* what) {
  if (count > 0) {
    notes.push_back(fmt::format("{} {}", count, what));
  }
}

// A prompt that nothing would be asked under is a misunderstanding.
void require_prompts_used(const OneVectorSettings& settings,
                          const VectorSpec& spec) {
  const OneVectorSettings usual;
  const auto& terms = find_contrast(spec.contrast).terms;
  const auto asks = [&](CellSystem system) {
    return std::any_of(terms.begin(), terms.end(), [&](const auto& term) {
      return term.cell.system == system;
    });
  };
  const bool honest = settings.honest_prompt == usual.honest_prompt ||
                      asks(CellSystem::kHonest);
  const bool deceptive = settings.deceptive_prompt == usual.deceptive_prompt ||
                         asks(CellSystem::kDeceptive);
  if (!honest || !deceptive) {
    fail("vector",
         fmt::format("{} with contrast {}, which has no such system prompt",
                     honest ? "--deceptive-prompt" : "--honest-prompt",
                     spec.contrast),
         "--contrast contrastive beside it, or neither");
  }
}

// The pairs of the file in its order; what cannot be used is left out with a
// note.
std::vector<ExtractItem> read_items(const OneVectorSettings& settings,
                                    OneVector& out) {
  const auto report =
      read_questions(settings.pairs, source_options(settings.reading));
  out.num_rows = std::ssize(report.records);
  out.notes = report.notes;
  std::vector<ExtractItem> items;
  std::set<std::string> seen;
  std::int64_t one_sided = 0;
  std::int64_t repeated = 0;
  for (const auto& record : report.records) {
    if (record.honest.empty() || record.deceptive.empty()) {
      ++one_sided;
    } else if (!seen.insert(record.question).second) {
      ++repeated;
    } else {
      ExtractItem item;
      item.id = record.id;
      item.question = record.question;
      item.honest = record.honest;
      item.deceptive = record.deceptive;
      items.push_back(std::move(item));
    }
  }
  note_count(out.notes, one_sided, "questions without one of the two answers");
  note_count(out.notes, repeated,
             "repeated questions, of which the first is "
             "taken");
  if (items.size() < kFewest) {
    fail("vector",
         fmt::format("{} pairs of answers in {} ({} questions with one answer)",
                     items.size(), settings.pairs.string(), one_sided),
         "at least 4 questions with an honest and a deceptive answer",
         "a file of one side; name the folder that holds both");
  }
  if (settings.max_pairs > 0 && std::ssize(items) > settings.max_pairs) {
    note_count(out.notes, std::ssize(items) - settings.max_pairs,
               "pairs beyond --max-pairs");
    items.resize(static_cast<std::size_t>(settings.max_pairs));
  }
  return items;
}

std::string listed(const VectorComparison& reading,
                   std::string (*number)(const VectorAtLayer&)) {
  std::string text;
  for (const auto& at : reading.by_layer) {
    text += (text.empty() ? "" : ",") + number(at);
  }
  return text;
}

// What stays with the file: what it was made of and how far to believe it.
void add_facts(const OneVectorSettings& settings, OneVector& out) {
  auto& facts = out.vector.facts;
  facts["pairs"] = settings.pairs.filename().string();
  if (std::filesystem::is_regular_file(settings.pairs)) {
    facts["pairs_fingerprint"] = fingerprint_file(settings.pairs.string());
  }
  facts["reliability"] = listed(out.reading, [](const VectorAtLayer& at) {
    const auto& r = at.reliability;
    return r.value ? fmt::format("{:.3f}", *r.value) : std::string("none");
  });
  facts["auroc"] = listed(out.reading, [](const VectorAtLayer& at) {
    return at.auroc ? fmt::format("{:.3f}", *at.auroc) : std::string("none");
  });
}

std::string with_interval(const VectorAtLayer& at, std::int64_t n) {
  if (!at.auroc) {
    return "-";
  }
  const auto [low, high] = auroc_interval(*at.auroc, n, n);
  return fmt::format("{:.2f} [{:.2f}, {:.2f}]", *at.auroc, low, high);
}

std::string reliability_text(const VectorAtLayer& at) {
  const auto& r = at.reliability;
  return r.value && r.low && r.high
             ? fmt::format("{:.2f} [{:.2f}, {:.2f}]", *r.value, *r.low, *r.high)
             : std::string("-");
}

std::string layer_line(const VectorAtLayer& at, std::int64_t n) {
  return fmt::format(
      "{:>5}   {:<20} {:<20} {:>6}\n", at.layer, reliability_text(at),
      with_interval(at, n),
      at.relative_norm ? fmt::format("{:.2f}", *at.relative_norm) : "-");
}

bool has_direction(const VectorAtLayer& at) {
  return at.norm > 0.0;
}

// The layer whose halves agree best; null where no layer has a reliability.
const VectorAtLayer* best_layer(const VectorComparison& reading) {
  const VectorAtLayer* best = nullptr;
  for (const auto& at : reading.by_layer) {
    if (has_direction(at) && at.reliability.value &&
        (best == nullptr || *at.reliability.value > *best->reliability.value)) {
      best = &at;
    }
  }
  return best;
}

std::string table(const OneVector& made) {
  std::vector<const VectorAtLayer*> layers;
  for (const auto& at : made.reading.by_layer) {
    if (has_direction(at)) {
      layers.push_back(&at);
    }
  }
  const auto step = (layers.size() + kMostLayers - 1) / kMostLayers;
  std::string text =
      "layer   reliability          tells pairs apart     norm\n";
  for (std::size_t i = 0; i < layers.size();
       i += std::max<std::size_t>(step, 1)) {
    text += layer_line(*layers[i], made.num_pairs);
  }
  return text +
         "Reliability: agreement of vectors made from random halves of the "
         "pairs, 1 = the same.\nTells pairs apart: share of left-out pairs' "
         "sides ranked rightly (AUROC) with its 95 % interval, .5 = "
         "guessing; -: not measured, as the method is no mean of differences."
         "\nNorm: in units of the layer's residual norm.\n";
}

}  // namespace

OneVector make_one_vector(const OneVectorSettings& settings,
                          const Monitor& monitor) {
  OneVector out;
  const VectorSpec spec = spec_of(settings);
  require_prompts_used(settings, spec);
  const auto items = read_items(settings, out);
  const auto folder = model_folder(settings.model);
  const ChatFormat format =
      ChatFormat::load(folder, {.template_vars = settings.template_vars});
  for (const auto& note : format.notes()) {
    out.notes.push_back(note);
  }
  const Transformer model =
      load_model(folder, settings.machine,
                 [&](std::string_view note) { out.notes.emplace_back(note); });
  ExtractOptions options;
  options.honest_prompt = settings.honest_prompt;
  options.deceptive_prompt = settings.deceptive_prompt;
  options.method.seed = settings.machine.seed;
  options.layers =
      parse_layers(settings.layers, model.config().num_layers, "--layers");
  const VectorSpec specs[] = {spec};
  auto made = extract_vectors(model, format, items, specs, options, monitor);
  note_count(out.notes, made.num_dropped,
             "pairs with an empty answer or a text that is too long");
  ComparedVector compared{std::move(made.vectors.front()),
                          std::move(made.rows.front())};
  compared.vector.model = settings.model;
  CompareOptions how;
  how.seed = settings.machine.seed;
  how.metrics = false;
  out.reading = compare_vectors({&compared, 1}, how, monitor).vectors.front();
  out.vector = std::move(compared.vector);
  out.num_pairs = out.vector.num_items;
  add_facts(settings, out);
  return out;
}

Json one_vector_json(const OneVector& made) {
  Comparison one;
  one.vectors = {made.reading};
  Json layers = comparison_json(one).at("vectors").at(0).at("by_layer");
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (const auto& value = made.reading.by_layer[i].auroc) {
      const auto [low, high] =
          auroc_interval(*value, made.num_pairs, made.num_pairs);
      layers[i]["auroc_low"] = low;
      layers[i]["auroc_high"] = high;
    }
  }
  const auto* best = best_layer(made.reading);
  return {{"name", made.vector.name},
          {"sign", made.vector.sign},
          {"rows", made.num_rows},
          {"pairs", made.num_pairs},
          {"notes", made.notes},
          {"best_layer", best == nullptr ? Json(nullptr) : Json(best->layer)},
          {"layers", layers}};
}

std::string one_vector_text(const OneVector& made) {
  std::string text =
      fmt::format("A vector from {} of {} pairs, {} ({}: {}).\n",
                  made.num_pairs, made.num_rows, made.vector.sign,
                  made.vector.name, find_contrast(made.vector.contrast).help);
  text += table(made);
  const auto* best = best_layer(made.reading);
  if (best == nullptr) {
    return text +
           "No reliability at any layer: a direction that is no mean of "
           "differences, or none above its noise.\n";
  }
  return text + fmt::format(
                    "Most reliable at layer {}: {}. Reliability says that more "
                    "pairs would find the same, not that it steers.\n",
                    best->layer, reliability_text(*best));
}

}  // namespace veer
