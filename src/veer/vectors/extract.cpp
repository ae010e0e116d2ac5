// SPDX-License-Identifier: MIT
//
// A pass is one (model, system prompt, answer) kind of text. Contrasts are
// signed sums of what passes read at positions, so all vectors are served by
// the union of their passes; a position inside the prompt is read from a pass
// that happens anyway, whatever its answer.
#include "veer/vectors/extract.h"

#include <algorithm>
#include <optional>
#include <set>

#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/capture/capture_texts.h"
#include "veer/text/chat_format.h"
#include "veer/vectors/item_statistics.h"
#include "veer/vectors/tensor_numbers.h"

namespace veer {
namespace {

// Where rows are read: a kind of text, a position, a point.
struct Reading {
  Cell cell;
  TokenPosition position;
  ResidualPoint point = ResidualPoint::kResidPost;
  auto operator<=>(const Reading&) const = default;
};

struct Plan {
  struct Vector {
    VectorSpec spec;
    std::vector<std::pair<Reading, double>> terms;
  };
  std::vector<Vector> vectors;
  std::set<Cell> passes;
  std::map<Cell, std::set<TokenPosition>> positions;
  std::set<ResidualPoint> points;
};

bool needs_answer(TokenPosition position) {
  return !position.in_prompt();
}

// Puts a reading inside the prompt on a pass of the same model and system
// prompt that is made anyway, if there is one.
Cell serving_pass(const std::set<Cell>& passes, Cell cell) {
  if (cell.answer != CellAnswer::kNone || passes.contains(cell)) {
    return cell;
  }
  for (const Cell& pass : passes) {
    if (pass.model == cell.model && pass.system == cell.system) {
      return pass;
    }
  }
  return cell;
}

Plan make_plan(std::span<const VectorSpec> specs, bool has_adapter) {
  Plan plan;
  const auto terms_of = [](const VectorSpec& spec) {
    return contrast_at(find_contrast(spec.contrast), spec.position);
  };
  // Residual norms are read on plain texts of each model.
  plan.passes.insert(
      {CellModel::kBase, CellSystem::kNone, CellAnswer::kHonest});
  if (has_adapter) {
    plan.passes.insert(
        {CellModel::kTuned, CellSystem::kNone, CellAnswer::kHonest});
  }
  for (const auto& spec : specs) {
    for (const auto& term : terms_of(spec)) {
      if (needs_answer(spec.position)) {
        plan.passes.insert(term.cell);
      }
    }
  }
  for (const auto& spec : specs) {
    Plan::Vector vector{spec, {}};
    for (const auto& term : terms_of(spec)) {
      const Cell pass = serving_pass(plan.passes, term.cell);
      plan.passes.insert(pass);
      plan.positions[pass].insert(spec.position);
      vector.terms.push_back({{pass, spec.position, spec.point}, term.weight});
    }
    plan.points.insert(spec.point);
    plan.vectors.push_back(std::move(vector));
  }
  return plan;
}

void check_plan(const Plan& plan, const Transformer& model,
                const ExtractOptions& options) {
  for (const Cell& pass : plan.passes) {
    if (pass.model == CellModel::kTuned && !model.has_adapter()) {
      fail("extract vectors", "a vector of the fine-tuned model, no adapter",
           "a model with its adapter attached", "finetune has not run");
    }
    if ((pass.system == CellSystem::kHonest && options.honest_prompt.empty()) ||
        (pass.system == CellSystem::kDeceptive &&
         options.deceptive_prompt.empty())) {
      fail("extract vectors", "an empty system prompt",
           "honest_prompt and deceptive_prompt for contrastive vectors");
    }
  }
  if (options.honest_prompt == options.deceptive_prompt &&
      !options.honest_prompt.empty()) {
    fail("extract vectors", "identical system prompts on both sides",
         "prompts that differ");
  }
}

const std::string& answer_of(const ExtractItem& item, CellAnswer answer) {
  switch (answer) {
    case CellAnswer::kDeceptive:
      return item.deceptive;
    case CellAnswer::kOwn:
      return item.own;
    default:
      return item.honest;
  }
}

std::vector<ChatMessage> messages_of(const ExtractItem& item, const Cell& cell,
                                     const ExtractOptions& options) {
  std::vector<ChatMessage> messages;
  if (cell.system != CellSystem::kNone) {
    messages.push_back({"system", cell.system == CellSystem::kHonest
                                      ? options.honest_prompt
                                      : options.deceptive_prompt});
  }
  messages.push_back({"user", item.question});
  if (cell.answer != CellAnswer::kNone) {
    messages.push_back({"assistant", answer_of(item, cell.answer)});
  }
  return messages;
}

// Texts by (system prompt, answer): both models read the same ids.
using TextKey = std::pair<CellSystem, CellAnswer>;
struct Texts {
  std::vector<std::string> ids;
  std::map<TextKey, std::vector<EncodedChat>> encoded;
  std::int64_t num_dropped = 0;
};

// nullopt when an answer is empty or a text lacks a position or is too long.
std::optional<std::map<TextKey, EncodedChat>> encode_item(
    const ExtractItem& item, const Plan& plan, const ChatFormat& format,
    const ExtractOptions& options) {
  std::map<TextKey, EncodedChat> out;
  for (const Cell& pass : plan.passes) {
    const TextKey key{pass.system, pass.answer};
    if (pass.answer != CellAnswer::kNone &&
        answer_of(item, pass.answer).empty()) {
      return std::nullopt;
    }
    if (!out.contains(key)) {
      const auto messages = messages_of(item, pass, options);
      out[key] = pass.answer == CellAnswer::kNone
                     ? format.encode_prompt(messages)
                     : format.encode(messages);
    }
    const auto& text = out[key];
    if (static_cast<std::int64_t>(text.ids.size()) > options.max_tokens) {
      return std::nullopt;
    }
    if (const auto found = plan.positions.find(pass);
        found != plan.positions.end()) {
      for (const auto& position : found->second) {
        if (position_tokens(text, position).empty()) {
          return std::nullopt;
        }
      }
    }
  }
  return out;
}

Texts make_texts(std::span<const ExtractItem> items, const Plan& plan,
                 const ChatFormat& format, const ExtractOptions& options) {
  Texts texts;
  std::set<std::string> seen;
  for (const auto& item : items) {
    if (!seen.insert(item.id).second) {
      fail("extract vectors", "question id " + item.id + " occurs twice",
           "unique ids");
    }
    auto encoded = encode_item(item, plan, format, options);
    if (!encoded) {
      ++texts.num_dropped;
      continue;
    }
    texts.ids.push_back(item.id);
    for (auto& [key, text] : *encoded) {
      texts.encoded[key].push_back(std::move(text));
    }
  }
  if (texts.ids.size() < 3) {
    fail("extract vectors",
         fmt::format("{} usable questions of {}", texts.ids.size(),
                     items.size()),
         "at least 3",
         "empty answers, texts over max_tokens, or no token at the position");
  }
  return texts;
}

// Rows of one block of layers by reading, and what the passes cost.
struct Block {
  std::int64_t first = 0;
  std::int64_t last = 0;
  std::map<Reading, std::vector<at::Tensor>> rows;
  std::map<CellModel, std::vector<LayerNorms>> norms;
};

class Extractor {
 public:
  Extractor(const Transformer& model, const ChatFormat& format,
            std::span<const ExtractItem> items,
            std::span<const VectorSpec> specs, const ExtractOptions& options,
            const Monitor& monitor)
      : model_(model),
        format_(format),
        options_(options),
        monitor_(monitor),
        plan_(make_plan(specs, model.has_adapter())) {
    check_plan(plan_, model, options);
    texts_ = make_texts(items, plan_, format, options);
  }

  Extraction run();

 private:
  std::int64_t layers_at_once() const;
  Block read_block(std::int64_t first, std::int64_t last);
  void read_pass(const Cell& pass, ResidualPoint point, Block& block);
  void start_vectors();
  TwoSides sides_of(const Plan::Vector& vector, const Block& block,
                    std::int64_t layer) const;
  void fit_layer(std::size_t v, const Block& block, std::int64_t layer);
  void add_norms(const Block& block);
  void add_two_by_two(const Block& block);

  const Transformer& model_;
  const ChatFormat& format_;
  const ExtractOptions& options_;
  const Monitor& monitor_;
  Plan plan_;
  Texts texts_;
  Extraction out_;
  std::vector<std::vector<at::Tensor>> directions_;
};

std::int64_t Extractor::layers_at_once() const {
  std::int64_t readings = 0;
  for (const auto& [pass, positions] : plan_.positions) {
    readings += static_cast<std::int64_t>(positions.size()) *
                static_cast<std::int64_t>(plan_.points.size());
  }
  const std::int64_t bytes = readings * model_.config().width * 4 *
                             static_cast<std::int64_t>(texts_.ids.size());
  const std::int64_t layers =
      options_.max_row_bytes / std::max<std::int64_t>(bytes, 1);
  return std::clamp<std::int64_t>(layers, 1, model_.config().num_layers);
}

void Extractor::read_pass(const Cell& pass, ResidualPoint point, Block& block) {
  const auto found = plan_.positions.find(pass);
  CaptureRequest request;
  if (found != plan_.positions.end()) {
    request.positions.assign(found->second.begin(), found->second.end());
  }
  request.point = point;
  request.first_layer = block.first;
  request.last_layer = block.last;
  request.adapter_strength =
      pass.model == CellModel::kTuned ? options_.adapter_strength : 0.0;
  request.norms = pass.system == CellSystem::kNone &&
                  pass.answer == CellAnswer::kHonest &&
                  point == *plan_.points.begin();
  request.batch_tokens = options_.batch_tokens;
  auto captured = capture_texts(
      model_, texts_.encoded.at({pass.system, pass.answer}), request, monitor_);
  for (std::size_t p = 0; p < request.positions.size(); ++p) {
    block.rows[{pass, request.positions[p], point}] =
        std::move(captured.rows[p]);
  }
  if (request.norms) {
    block.norms[pass.model] = std::move(captured.norms);
  }
  out_.num_tokens += captured.num_tokens;
  ++out_.num_passes;
}

Block Extractor::read_block(std::int64_t first, std::int64_t last) {
  Block block;
  block.first = first;
  block.last = last;
  for (const auto point : plan_.points) {
    for (const Cell& pass : plan_.passes) {
      read_pass(pass, point, block);
    }
  }
  return block;
}

TwoSides Extractor::sides_of(const Plan::Vector& vector, const Block& block,
                             std::int64_t layer) const {
  TwoSides sides;
  sides.layer = layer;
  for (const auto& [reading, weight] : vector.terms) {
    const auto& rows = block.rows.at(reading);
    const auto part_ND =
        as_double(rows[static_cast<std::size_t>(layer - block.first)]) *
        std::abs(weight);
    auto& side = weight > 0.0 ? sides.positive_ND : sides.negative_ND;
    side = side.defined() ? side + part_ND : part_ND;
  }
  return sides;
}

void push_moments(ProjectionMoments& moments, const at::Tensor& rows_ND,
                  const at::Tensor& unit_D) {
  RunningNumber number;
  for (const double score : to_vector(rows_ND.mv(unit_D))) {
    number.add(score);
  }
  moments.mean.push_back(number.mean);
  moments.sd.push_back(number.sd());
}

void Extractor::fit_layer(std::size_t v, const Block& block,
                          std::int64_t layer) {
  auto& vector = out_.vectors[v];
  const auto sides = sides_of(plan_.vectors[v], block, layer);
  // Same rows on both sides (a LoRA cannot change the embedding, say): no
  // direction here, whatever the method.
  const auto& method = find_method(plan_.vectors[v].spec.method);
  const auto fitted =
      sides.positive_ND.equal(sides.negative_ND)
          ? FittedDirection{at::zeros_like(sides.positive_ND.select(0, 0)), {}}
          : fit_direction(method, sides, options_.method);
  directions_[v].push_back(fitted.direction_D.to(at::kFloat));
  const double size = fitted.direction_D.norm().item<double>();
  const auto unit_D = fitted.direction_D / std::max(size, 1e-300);
  push_moments(vector.positive, sides.positive_ND, unit_D);
  push_moments(vector.negative, sides.negative_ND, unit_D);
  if (method.name.starts_with("pca_")) {
    vector.explained.push_back(fitted.explained.value_or(0.0));
  }
  if (options_.keep_rows) {
    out_.rows[v].positive.push_back(sides.positive_ND.to(at::kFloat));
    out_.rows[v].negative.push_back(sides.negative_ND.to(at::kFloat));
  }
}

void Extractor::add_norms(const Block& block) {
  for (const auto& [which, layers] : block.norms) {
    const std::string model = which == CellModel::kBase ? "base." : "tuned.";
    for (auto& vector : out_.vectors) {
      for (const auto& layer : layers) {
        vector.residual_norms[model + "prompt_end"].push_back(
            layer.prompt_end.mean);
        vector.residual_norms[model + "prompt"].push_back(layer.prompt.mean);
        vector.residual_norms[model + "generated"].push_back(
            layer.generated.mean);
      }
    }
  }
}

void Extractor::add_two_by_two(const Block& block) {
  const auto cell = [](CellModel model, CellAnswer answer) {
    return Cell{model, CellSystem::kNone, answer};
  };
  for (const auto& [reading, unused] : block.rows) {
    if (reading.cell != cell(CellModel::kBase, CellAnswer::kHonest) ||
        !needs_answer(reading.position) ||
        reading.point != ResidualPoint::kResidPost) {
      continue;
    }
    const auto rows = [&](CellModel model,
                          CellAnswer answer) -> const std::vector<at::Tensor>* {
      const auto found = block.rows.find(
          {cell(model, answer), reading.position, reading.point});
      return found == block.rows.end() ? nullptr : &found->second;
    };
    const auto* bh = rows(CellModel::kBase, CellAnswer::kHonest);
    const auto* bd = rows(CellModel::kBase, CellAnswer::kDeceptive);
    const auto* fh = rows(CellModel::kTuned, CellAnswer::kHonest);
    const auto* fd = rows(CellModel::kTuned, CellAnswer::kDeceptive);
    if (bd == nullptr || fh == nullptr || fd == nullptr) {
      continue;
    }
    for (std::size_t l = 0; l < bh->size(); ++l) {
      out_.two_by_two[reading.position.name()].push_back(
          two_by_two((*bh)[l], (*bd)[l], (*fh)[l], (*fd)[l]));
    }
  }
}

void Extractor::start_vectors() {
  for (const auto& planned : plan_.vectors) {
    const auto& spec = planned.spec;
    const auto& contrast = find_contrast(spec.contrast);
    SteeringVector vector;
    vector.name = spec.name;
    vector.contrast = spec.contrast;
    vector.method = spec.method;
    vector.position = spec.position.name();
    vector.point = spec.point;
    vector.sign = contrast.sign;
    vector.model_fingerprint = model_.fingerprint();
    vector.template_fingerprint = format_.fingerprint();
    vector.num_items = static_cast<std::int64_t>(texts_.ids.size());
    vector.facts["contrast"] = contrast.help;
    vector.facts["adapter_strength"] =
        fmt::format("{}", options_.adapter_strength);
    vector.facts["dropped_items"] = fmt::format("{}", texts_.num_dropped);
    for (const auto& [reading, weight] : planned.terms) {
      vector.facts["cell " + reading.cell.name()] =
          fmt::format("{:+g}", weight);
    }
    out_.vectors.push_back(std::move(vector));
    if (options_.keep_rows) {
      VectorRows rows;
      rows.name = spec.name;
      rows.model_fingerprint = model_.fingerprint();
      rows.site = std::string(point_name(spec.point));
      rows.ids = texts_.ids;
      out_.rows.push_back(std::move(rows));
    }
  }
  directions_.resize(out_.vectors.size());
}

Extraction Extractor::run() {
  out_.num_items = static_cast<std::int64_t>(texts_.ids.size());
  out_.num_dropped = texts_.num_dropped;
  start_vectors();
  const std::int64_t layers = model_.config().num_layers;
  const std::int64_t at_once = layers_at_once();
  for (std::int64_t first = 0; first < layers; first += at_once) {
    const Block block =
        read_block(first, std::min(first + at_once, layers) - 1);
    for (std::int64_t l = block.first; l <= block.last; ++l) {
      for (std::size_t v = 0; v < out_.vectors.size(); ++v) {
        fit_layer(v, block, l);
      }
    }
    add_norms(block);
    if (options_.keep_rows) {
      add_two_by_two(block);
    }
  }
  for (std::size_t v = 0; v < out_.vectors.size(); ++v) {
    out_.vectors[v].directions_LD = at::stack(directions_[v]);
  }
  return std::move(out_);
}

}  // namespace

Extraction extract_vectors(const Transformer& model, const ChatFormat& format,
                           std::span<const ExtractItem> items,
                           std::span<const VectorSpec> specs,
                           const ExtractOptions& options,
                           const Monitor& monitor) {
  if (specs.empty()) {
    fail("extract vectors", "no vector asked for", "at least one");
  }
  return Extractor(model, format, items, specs, options, monitor).run();
}

}  // namespace veer
