// SPDX-License-Identifier: MIT
#include "veer/interventions/table.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include "veer/base/error.h"
#include "veer/interventions/apply.h"
#include "veer/model/host_indices.h"

namespace veer {
namespace {

// States of these tokens, copied, fp64.
at::Tensor rows_of(const at::Tensor& hidden_TD,
                   const std::vector<TokenEdit>& tokens) {
  std::vector<std::int64_t> index;
  for (const auto& token : tokens) {
    index.push_back(token.token);
  }
  return hidden_TD
      .index_select(0, to_device(std::move(index), hidden_TD.device()))
      .to(at::kCPU, at::kDouble);
}

// How many edits a row of a site has at most.
std::size_t rounds_of(const std::vector<std::vector<std::int64_t>>& lists) {
  std::size_t rounds = 0;
  for (const auto& list : lists) {
    rounds = std::max(rounds, list.size());
  }
  return rounds;
}

}  // namespace

InterventionTable::InterventionTable(std::int64_t num_layers,
                                     std::int64_t width, at::Device device)
    : num_layers_(num_layers), width_(width), device_(device) {}

void InterventionTable::check_edit(const SiteEdit& edit) const {
  const auto site = edit.site.name();
  if (edit.site.layer < 0 || edit.site.layer >= num_layers_) {
    fail("intervention at " + site, fmt::format("layer {}", edit.site.layer),
         fmt::format("0 to {}", num_layers_ - 1));
  }
  for (const auto* tensor : {&edit.read_KD, &edit.write_KD, &edit.condition_D,
                             &edit.own_KD, &edit.random_KD}) {
    if (tensor->defined() && tensor->size(-1) != width_) {
      fail("intervention at " + site,
           fmt::format("a direction of width {}", tensor->size(-1)),
           fmt::format("width {}", width_),
           "the vector belongs to another model");
    }
  }
  const auto& n = edit.numbers;
  if (!std::isfinite(n.a) || !std::isfinite(n.b) || !std::isfinite(n.t) ||
      !std::isfinite(n.q)) {
    fail("intervention at " + site, "a strength that is not finite",
         "finite numbers");
  }
}

std::int64_t InterventionTable::add(std::vector<SiteEdit> edits) {
  for (const auto& edit : edits) {
    check_edit(edit);
  }
  pass_.reset();
  stacks_.reset();
  const auto configuration = num_configurations_++;
  auto& own = edits_of_configuration_.emplace_back();
  for (auto& edit : edits) {
    for (auto* tensor : {&edit.read_KD, &edit.write_KD, &edit.condition_D,
                         &edit.own_KD, &edit.random_KD}) {
      if (tensor->defined()) {
        *tensor = tensor->to(device_, at::kFloat).contiguous();
      }
    }
    const auto index = static_cast<std::int64_t>(edits_.size());
    auto& lists = sites_[edit.site];
    if (lists.size() <= static_cast<std::size_t>(configuration)) {
      lists.resize(configuration + 1);
    }
    lists[configuration].push_back(index);
    own.push_back(index);
    configuration_of_edit_.push_back(configuration);
    edits_.push_back(std::move(edit));
  }
  return configuration;
}

void InterventionTable::clear() {
  num_configurations_ = 0;
  edits_.clear();
  configuration_of_edit_.clear();
  edits_of_configuration_.clear();
  sites_.clear();
  rows_.clear();
  active_.clear();
  pass_.reset();
  stacks_.reset();
}

void InterventionTable::bind(std::span<const RowBinding> rows) {
  pass_.reset();
  rows_.assign(rows.begin(), rows.end());
  active_.clear();
  for (const auto& row : rows_) {
    if (row.configuration < 0) {
      continue;
    }
    if (row.configuration >= num_configurations_) {
      fail("intervention table",
           fmt::format("configuration {}", row.configuration),
           fmt::format("below {}", num_configurations_));
    }
    if (needs_donor(row.configuration) &&
        (row.donor < 0 || row.donor >= static_cast<std::int64_t>(rows.size()) ||
         rows[row.donor].configuration >= 0)) {
      fail("intervention table", "a patch without an unsteered donor row",
           "the row of the batch whose states are copied");
    }
    for (const auto index : edits_of_configuration_[row.configuration]) {
      active_.insert(edits_[index].site);
    }
  }
}

bool InterventionTable::touches_prompt(std::int64_t configuration,
                                       std::int64_t prompt_length,
                                       const PositionRange& thinking) const {
  if (configuration < 0) {
    return false;
  }
  return std::ranges::any_of(
      edits_of_configuration_.at(configuration), [&](std::int64_t index) {
        const auto range =
            positions_of(edits_[index].scope, prompt_length, thinking);
        return !range.empty() && range.begin < prompt_length - 1;
      });
}

bool InterventionTable::acts_on_thinking(std::int64_t configuration) const {
  return configuration >= 0 &&
         std::ranges::any_of(edits_of_configuration_.at(configuration),
                             [&](std::int64_t index) {
                               return edits_[index].scope.kind ==
                                      TokenScope::Kind::kThinking;
                             });
}

std::int64_t InterventionTable::blocks_below(std::int64_t configuration) const {
  std::int64_t blocks = num_layers_;
  if (configuration >= 0) {
    for (const auto index : edits_of_configuration_.at(configuration)) {
      const auto& site = edits_[index].site;
      const bool after_block = site.point == ResidualPoint::kResidPost;
      blocks = std::min(blocks, site.layer + (after_block ? 1 : 0));
    }
  }
  return blocks;
}

bool InterventionTable::needs_donor(std::int64_t configuration) const {
  if (configuration < 0) {
    return false;
  }
  return std::ranges::any_of(edits_of_configuration_.at(configuration),
                             [&](std::int64_t index) {
                               return edits_[index].code == EditCode::kPatch;
                             });
}

bool InterventionTable::wants(ResidualSite site) const {
  return active_.contains(site);
}

std::vector<TokenEdit> InterventionTable::round(
    const EditLists& lists, std::size_t n, const PackedBatch& batch) const {
  std::vector<TokenEdit> tokens;
  for (std::int64_t b = 0; b < batch.num_rows(); ++b) {
    const auto& row = rows_[b];
    if (row.configuration < 0 ||
        row.configuration >= static_cast<std::int64_t>(lists.size()) ||
        lists[row.configuration].size() <= n) {
      continue;
    }
    const auto edit = lists[row.configuration][n];
    const auto range =
        positions_of(edits_[edit].scope, row.prompt_length, row.thinking);
    const auto start = batch.starts.empty() ? 0 : batch.starts[b];
    const auto length = batch.offsets[b + 1] - batch.offsets[b];
    const auto first = std::max<std::int64_t>(0, range.begin - start);
    const auto last = std::min(length, range.end - start);
    const bool patch = edits_[edit].code == EditCode::kPatch;
    for (auto i = first; i < last; ++i) {
      tokens.push_back({batch.offsets[b] + i,
                        patch ? batch.offsets[row.donor] + i : -1, edit});
    }
  }
  return tokens;
}

bool InterventionTable::fused(const at::Tensor& hidden_TD) const {
  return !generic_only_ && hidden_TD.device().is_cpu() && device_.is_cpu() &&
         hidden_TD.is_contiguous() &&
         !(at::GradMode::is_enabled() && hidden_TD.requires_grad());
}

const InterventionTable::PassEdits& InterventionTable::edits_of_pass(
    const PackedBatch& batch) {
  if (pass_ && pass_->starts == batch.starts &&
      pass_->offsets == batch.offsets) {
    return *pass_;
  }
  if (!stacks_) {
    stacks_ = std::make_unique<EditStacks>(edits_, device_);
  }
  pass_ = std::make_unique<PassEdits>();
  pass_->starts = batch.starts;
  pass_->offsets = batch.offsets;
  HostIndices indices;
  for (const auto& site : active_) {
    const EditLists& lists = sites_.at(site);
    const auto rounds = rounds_of(lists);
    for (std::size_t n = 0; n < rounds; ++n) {
      pass_->rounds[site].push_back(
          groups_of(*stacks_, round(lists, n, batch), indices));
    }
  }
  indices.upload(device_);
  return *pass_;
}

void InterventionTable::record(const std::vector<TokenEdit>& tokens,
                               const at::Tensor& before_ND,
                               const at::Tensor& after_TD) {
  const auto lengths_N =
      (rows_of(after_TD, tokens) - before_ND).norm(2, {1}).contiguous();
  const double* lengths = lengths_N.const_data_ptr<double>();
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const auto edit = tokens[i].edit;
    moves_->push_back(
        {edits_[edit].site, configuration_of_edit_[edit], lengths[i]});
  }
}

at::Tensor InterventionTable::visit(ResidualSite site,
                                    const at::Tensor& hidden_TD,
                                    const PackedBatch& batch) {
  const auto found = sites_.find(site);
  if (found == sites_.end() || !active_.contains(site)) {
    return hidden_TD;
  }
  const auto rows_of_pass = batch.num_rows() + batch.rows_to_join;
  if (static_cast<std::int64_t>(rows_.size()) != rows_of_pass) {
    fail("intervention table", fmt::format("a batch of {} rows", rows_of_pass),
         fmt::format("the {} rows that were bound", rows_.size()));
  }
  const EditLists& lists = found->second;
  const auto rounds = rounds_of(lists);
  const bool in_place = fused(hidden_TD);
  auto result_TD = hidden_TD;
  for (std::size_t n = 0; n < rounds; ++n) {
    // The generic path has its lists already; the host's are for the rest.
    const auto tokens = in_place || moves_ != nullptr
                            ? round(lists, n, batch)
                            : std::vector<TokenEdit>();
    // Copied first: the states may be changed in place.
    const auto before_ND = moves_ != nullptr && !tokens.empty()
                               ? rows_of(result_TD, tokens)
                               : at::Tensor();
    if (!in_place) {
      result_TD =
          apply_generic(edits_of_pass(batch).rounds.at(site)[n], result_TD);
    } else if (!tokens.empty()) {
      apply_fused(edits_, tokens, result_TD);
    }
    if (before_ND.defined()) {
      record(tokens, before_ND, result_TD);
    }
  }
  return result_TD;
}

}  // namespace veer
