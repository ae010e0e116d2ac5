// SPDX-License-Identifier: MIT
#include "veer/vectors/extract.h"

#include <algorithm>
#include <set>

#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/ranges.h>

#include "veer/base/error.h"
#include "veer/capture/capture_texts.h"
#include "veer/model/load.h"
#include "veer/text/chat/chat_format.h"
#include "veer/vectors/extract_plan.h"
#include "veer/vectors/item_statistics.h"
#include "veer/vectors/tensor_numbers.h"

namespace veer {
namespace {

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
        plan_(make_extract_plan(specs, model, options)),
        texts_(make_extract_texts(items, plan_, format, options)) {
    choose_items();
    spills_ = spills();
  }

  Extraction run();

 private:
  void choose_items();
  std::int64_t bytes_of_layer() const;
  bool spills() const;
  std::int64_t layers_at_once() const;
  Block read_block(std::int64_t first, std::int64_t last);
  void read_pass(const Cell& pass, Block& block);
  std::vector<bool> wanted_layers() const;
  void start_vectors();
  void clear_layers(SteeringVector& vector) const;
  TwoSides sides_of(std::size_t v, const Block& block,
                    std::int64_t layer) const;
  void fit_layer(std::size_t v, const Block& block, std::int64_t layer);
  void fit_block(const Block& block);
  void add_norms(const Block& block);
  void add_two_by_two(const Block& block);

  const Transformer& model_;
  const ChatFormat& format_;
  const ExtractOptions& options_;
  const Monitor& monitor_;
  ExtractPlan plan_;
  ExtractTexts texts_;
  // Items (indices into texts_.ids) behind each vector.
  std::vector<std::vector<std::int64_t>> items_;
  Extraction out_;
  std::vector<bool> wanted_;  // by layer
  bool spills_ = false;
};

// Rows of all cells at one layer.
std::int64_t Extractor::bytes_of_layer() const {
  std::int64_t readings = 0;
  for (const auto& [pass, positions] : plan_.positions) {
    readings += static_cast<std::int64_t>(positions.size()) *
                static_cast<std::int64_t>(plan_.points.size());
  }
  const std::int64_t bytes = readings * model_.config().width * 4 *
                             static_cast<std::int64_t>(texts_.ids.size());
  return std::max<std::int64_t>(bytes, 1);
}

// Whether rows go to disk: they do not fit into memory, but there.
bool Extractor::spills() const {
  const std::int64_t bytes = bytes_of_layer() * model_.config().num_layers;
  if (options_.spill_folder.empty() || bytes <= options_.max_row_bytes) {
    return false;
  }
  std::error_code error;
  const auto disk = std::filesystem::space(options_.spill_folder, error);
  return !error && disk.available / 2 >= static_cast<std::uintmax_t>(bytes);
}

std::int64_t Extractor::layers_at_once() const {
  const std::int64_t layers = spills_
                                  ? model_.config().num_layers
                                  : options_.max_row_bytes / bytes_of_layer();
  return std::clamp<std::int64_t>(layers, 1, model_.config().num_layers);
}

// The items whose texts all readings of a vector have.
void Extractor::choose_items() {
  for (const auto& vector : plan_.vectors) {
    std::vector<std::int64_t> count(texts_.ids.size(), 0);
    std::set<TextKey> kinds;
    for (const auto& [reading, weight] : vector.terms) {
      kinds.insert({reading.cell.system, reading.cell.answer});
    }
    for (const auto& kind : kinds) {
      for (const auto item : texts_.kinds[kind].item) {
        ++count[static_cast<std::size_t>(item)];
      }
    }
    auto& items = items_.emplace_back();
    for (std::size_t i = 0; i < count.size(); ++i) {
      if (count[i] == std::ssize(kinds)) {
        items.push_back(static_cast<std::int64_t>(i));
      }
    }
    if (items.size() < 3) {
      fail("extract vectors",
           fmt::format("{} questions with all texts of {}", items.size(),
                       vector.spec.name),
           "at least 3",
           "the tuned model's own or second answers, or unrelated texts, are "
           "missing or too short");
    }
  }
}

void Extractor::read_pass(const Cell& pass, Block& block) {
  const auto found = plan_.positions.find(pass);
  CaptureRequest request;
  if (found != plan_.positions.end()) {
    request.positions.assign(found->second.begin(), found->second.end());
  }
  request.points = plan_.points;
  request.first_layer = block.first;
  request.last_layer = block.last;
  request.adapter_strength =
      pass.model == CellModel::kTuned ? options_.adapter_strength : 0.0;
  request.norms =
      pass.system == CellSystem::kNone && pass.answer == CellAnswer::kHonest;
  request.batch_tokens = options_.batch_tokens;
  if (spills_) {
    request.spill_folder = options_.spill_folder;
  }
  const auto& kind = texts_.kinds.at({pass.system, pass.answer});
  auto captured = capture_texts(model_, kind.encoded, request, monitor_);
  const auto layers = static_cast<std::size_t>(block.last - block.first + 1);
  for (std::size_t p = 0; p < request.positions.size(); ++p) {
    for (std::size_t i = 0; i < plan_.points.size(); ++i) {
      auto* first = captured.rows[p].data() + i * layers;
      block.rows[{pass, request.positions[p], plan_.points[i]}].assign(
          first, first + layers);
    }
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
  for (const Cell& pass : plan_.passes) {
    if (texts_.kinds.contains({pass.system, pass.answer})) {
      read_pass(pass, block);
    }
  }
  return block;
}

// Rows of a kind of text that belong to `items`, in their order.
at::Tensor rows_of_items(const at::Tensor& rows_ND,
                         const std::vector<std::int64_t>& kind_items,
                         const std::vector<std::int64_t>& items) {
  if (kind_items == items) {
    return rows_ND;
  }
  std::vector<std::int64_t> index;
  for (const auto item : items) {
    const auto at =
        std::lower_bound(kind_items.begin(), kind_items.end(), item);
    index.push_back(at - kind_items.begin());
  }
  return rows_ND.index_select(0, at::tensor(index, at::kLong));
}

TwoSides Extractor::sides_of(std::size_t v, const Block& block,
                             std::int64_t layer) const {
  TwoSides sides;
  sides.layer = layer;
  for (const auto& [reading, weight] : plan_.vectors[v].terms) {
    const auto& rows = block.rows.at(reading);
    const auto& kind =
        texts_.kinds.at({reading.cell.system, reading.cell.answer});
    const auto rows_ND =
        rows_of_items(rows[static_cast<std::size_t>(layer - block.first)],
                      kind.item, items_[v]);
    const auto part_ND = as_double(rows_ND) * std::abs(weight);
    auto& side = weight > 0.0 ? sides.positive_ND : sides.negative_ND;
    side = side.defined() ? side + part_ND : part_ND;
  }
  // Only mean_centred looks at it, and its negative side is generic text.
  sides.corpus_mean_D = sides.negative_ND.mean(0);
  return sides;
}

void set_moments(ProjectionMoments& moments, std::size_t layer,
                 const at::Tensor& rows_ND, const at::Tensor& unit_D) {
  RunningNumber number;
  for (const double score : to_vector(rows_ND.mv(unit_D))) {
    number.add(score);
  }
  moments.mean[layer] = number.mean;
  moments.sd[layer] = number.sd();
}

void Extractor::fit_layer(std::size_t v, const Block& block,
                          std::int64_t layer) {
  auto& vector = out_.vectors[v];
  const auto sides = sides_of(v, block, layer);
  // Same rows on both sides (a LoRA cannot change the embedding, say): no
  // direction here, whatever the method.
  const auto& method = find_method(plan_.vectors[v].spec.method);
  const auto fitted =
      sides.positive_ND.equal(sides.negative_ND)
          ? FittedDirection{at::zeros_like(sides.positive_ND.select(0, 0)), {}}
          : fit_direction(method, sides, options_.method);
  const auto at = static_cast<std::size_t>(layer);
  vector.directions_LD[layer].copy_(fitted.direction_D);
  const double size = fitted.direction_D.norm().item<double>();
  const auto unit_D = fitted.direction_D / std::max(size, 1e-300);
  set_moments(vector.positive, at, sides.positive_ND, unit_D);
  set_moments(vector.negative, at, sides.negative_ND, unit_D);
  if (!vector.explained.empty()) {
    vector.explained[at] = fitted.explained.value_or(0.0);
  }
  if (options_.keep_rows) {
    out_.rows[v].positive[at] = sides.positive_ND.to(at::kFloat);
    out_.rows[v].negative[at] = sides.negative_ND.to(at::kFloat);
  }
}

void Extractor::add_norms(const Block& block) {
  for (const auto& [which, layers] : block.norms) {
    const std::string model = which == CellModel::kBase ? "base." : "tuned.";
    for (auto& vector : out_.vectors) {
      const auto put = [&](const char* kind, std::size_t at, double mean) {
        auto& norms = vector.residual_norms[model + kind];
        norms.resize(wanted_.size(), 0.0);
        norms[at] = mean;
      };
      for (std::size_t l = 0; l < layers.size(); ++l) {
        const auto at = static_cast<std::size_t>(block.first) + l;
        put("prompt_end", at, layers[l].prompt_end.mean);
        put("prompt", at, layers[l].prompt.mean);
        put("generated", at, layers[l].generated.mean);
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
        reading.position.in_prompt() ||
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
    auto& tables = out_.two_by_two[reading.position.name()];
    tables.resize(wanted_.size());
    // Every item has these texts, so a row is an item.
    const std::span<const std::string> units(texts_.units);
    for (std::size_t l = 0; l < bh->size(); ++l) {
      const auto at = static_cast<std::size_t>(block.first) + l;
      if (wanted_[at]) {
        tables[at] = two_by_two((*bh)[l], (*bd)[l], (*fh)[l], (*fd)[l], units);
      }
    }
  }
}

std::vector<bool> Extractor::wanted_layers() const {
  const std::int64_t layers = model_.config().num_layers;
  std::vector<bool> wanted(layers, options_.layers.empty());
  for (const auto layer : options_.layers) {
    if (layer < 0 || layer >= layers) {
      fail("extract vectors", fmt::format("layer {}", layer),
           fmt::format("layers in 0..{}", layers - 1));
    }
    wanted[layer] = true;
  }
  return wanted;
}

// Zero everywhere, until a layer is fitted.
void Extractor::clear_layers(SteeringVector& vector) const {
  const auto layers = wanted_.size();
  vector.directions_LD =
      at::zeros({static_cast<std::int64_t>(layers), model_.config().width});
  for (auto* moments : {&vector.positive, &vector.negative}) {
    moments->mean.assign(layers, 0.0);
    moments->sd.assign(layers, 0.0);
  }
  if (vector.method.starts_with("pca_")) {
    vector.explained.assign(layers, 0.0);
  }
}

void Extractor::start_vectors() {
  for (std::size_t v = 0; v < plan_.vectors.size(); ++v) {
    const auto& planned = plan_.vectors[v];
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
    vector.num_items = static_cast<std::int64_t>(items_[v].size());
    vector.facts["contrast"] = contrast.help;
    vector.facts["adapter_strength"] =
        fmt::format("{}", options_.adapter_strength);
    vector.facts["dtype"] = dtype_name(model_.dtype());
    vector.facts["dropped_items"] = fmt::format("{}", texts_.num_dropped);
    for (const auto& [reading, weight] : planned.terms) {
      vector.facts["cell " + reading.cell.name()] =
          fmt::format("{:+g}", weight);
    }
    clear_layers(vector);
    if (!options_.layers.empty()) {
      vector.facts["layers"] =
          fmt::format("{}", fmt::join(options_.layers, ","));
    }
    out_.vectors.push_back(std::move(vector));
    if (options_.keep_rows) {
      VectorRows rows;
      const auto nothing_ND =
          at::zeros({1}).expand({std::ssize(items_[v]), model_.config().width});
      rows.positive.assign(wanted_.size(), nothing_ND);
      rows.negative = rows.positive;
      rows.name = spec.name;
      rows.model_fingerprint = model_.fingerprint();
      rows.site = std::string(point_name(spec.point));
      for (const auto item : items_[v]) {
        rows.ids.push_back(texts_.ids[static_cast<std::size_t>(item)]);
        rows.units.push_back(texts_.units[static_cast<std::size_t>(item)]);
      }
      out_.rows.push_back(std::move(rows));
    }
  }
}

void Extractor::fit_block(const Block& block) {
  for (std::int64_t l = block.first; l <= block.last; ++l) {
    for (std::size_t v = 0; wanted_[l] && v < out_.vectors.size(); ++v) {
      fit_layer(v, block, l);
    }
  }
  add_norms(block);
  if (options_.keep_rows) {
    add_two_by_two(block);
  }
}

Extraction Extractor::run() {
  out_.num_items = static_cast<std::int64_t>(texts_.ids.size());
  out_.num_dropped = texts_.num_dropped;
  wanted_ = wanted_layers();
  start_vectors();
  auto layers = std::ssize(wanted_);
  while (!wanted_[layers - 1]) {
    --layers;
  }
  const std::int64_t at_once = layers_at_once();
  for (std::int64_t first = 0; first < layers;) {
    if (!wanted_[first]) {
      ++first;
      continue;
    }
    const Block block =
        read_block(first, std::min(first + at_once, layers) - 1);
    fit_block(block);
    first = block.last + 1;
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
