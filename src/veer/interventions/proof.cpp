// SPDX-License-Identifier: MIT
#include "veer/interventions/proof.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/isfinite.h>
#include <fmt/format.h>

#include "veer/base/error.h"
#include "veer/interventions/table.h"
#include "veer/model/kv_cache.h"
#include "veer/model/packed_batch.h"

namespace veer {
namespace {

// Keeps the states of chosen sites, pass after pass.
class Recorder : public ResidualHook {
 public:
  explicit Recorder(const std::set<ResidualSite>& sites) : sites_(sites) {}
  bool wants(ResidualSite site) const override { return sites_.contains(site); }
  at::Tensor visit(ResidualSite site, const at::Tensor& hidden_TD,
                   const PackedBatch&) override {
    // A copy: the table may change the states in place.
    states_[site].push_back(hidden_TD.to(at::kCPU, at::kDouble).clone());
    return hidden_TD;
  }
  at::Tensor of(ResidualSite site) const { return at::cat(states_.at(site)); }

 private:
  const std::set<ResidualSite>& sites_;
  std::map<ResidualSite, std::vector<at::Tensor>> states_;
};

// The edit as its formula says, one state, fp64 apart from the map of the
// coordinates. Nothing here is shared with the kernels.
at::Tensor formula(const SiteEdit& edit, const at::Tensor& h_D,
                   const at::Tensor& donor_D) {
  if (edit.code == EditCode::kPatch && !edit.read_KD.defined()) {
    return h_D + edit.numbers.a * (donor_D - h_D);
  }
  const double norm = h_D.norm().item<double>();
  if (edit.condition_D.defined()) {
    const auto c_D = edit.condition_D.to(at::kDouble);
    const auto p_D = (c_D * (c_D.dot(h_D) / c_D.dot(c_D))).tanh();
    const double cosine =
        p_D.dot(h_D).item<double>() / (p_D.norm().item<double>() * norm);
    if (!(cosine > edit.gate_threshold)) {
      return h_D;
    }
  }
  const bool patch = edit.code == EditCode::kPatch;
  const auto c_K = edit.read_KD.to(at::kDouble).mv(patch ? donor_D - h_D : h_D);
  std::vector<float> read;
  for (std::int64_t j = 0; j < c_K.size(0); ++j) {
    read.push_back(static_cast<float>(c_K[j].item<double>()) +
                   (patch ? 0.0F : edit.offset_K[j]));
  }
  std::vector<float> change(edit.write_KD.size(0));
  const float self = change_of_coordinates(edit.code, edit.numbers, read,
                                           static_cast<float>(norm), change);
  auto out_D = h_D * static_cast<double>(self);
  for (std::size_t j = 0; j < change.size(); ++j) {
    out_D =
        out_D + edit.write_KD[static_cast<std::int64_t>(j)].to(at::kDouble) *
                    static_cast<double>(change[j]);
  }
  const double after = out_D.norm().item<double>();
  return edit.keeps_norm && after > 0.0 ? out_D * (norm / after) : out_D;
}

// The same with a matched control's turn behind it.
at::Tensor state_after(const SiteEdit& edit, const at::Tensor& h_D,
                       const at::Tensor& donor_D) {
  const auto out_D = formula(edit, h_D, donor_D);
  if (!edit.random_KD.defined()) {
    return out_D;
  }
  const auto change_D = out_D - h_D;
  const auto own_KD = edit.own_KD.to(at::kDouble);
  const auto along_K = own_KD.mv(change_D);
  const auto turned_D = change_D - own_KD.t().mv(along_K) +
                        edit.random_KD.to(at::kDouble).t().mv(along_K);
  const double length = turned_D.norm().item<double>();
  return length > 0.0
             ? h_D + turned_D * (change_D.norm().item<double>() / length)
             : h_D;
}

// States of the steered row (and of its donor) before and after the table.
struct Observed {
  std::map<ResidualSite, at::Tensor> before, after, donor;
};

class Prover {
 public:
  Prover(const Transformer& model, const std::vector<SiteEdit>& edits,
         const ProbeText& probe)
      : model_(model),
        edits_(edits),
        probe_(probe),
        length_(static_cast<std::int64_t>(probe.ids.size())),
        table_(model.config().num_layers, model.config().width,
               model.device()) {
    if (length_ < 3 || probe.prompt_length < 1 ||
        probe.prompt_length > length_) {
      fail("proof of application",
           fmt::format("a probe of {} tokens, {} of them prompt", length_,
                       probe.prompt_length),
           "at least 3 tokens, prompt of 1 to all of them");
    }
    configuration_ = table_.add(edits);
    for (const auto& edit : edits) {
      sites_.insert(edit.site);
    }
  }

  ApplicationProof run() {
    const at::NoGradGuard no_grad;
    ApplicationProof proof;
    proof.tolerance = model_.dtype() == at::kFloat ? 1e-5 : 2e-2;
    proof.holds = true;
    if (sites_.empty()) {
      proof.summary = "changes nothing";
      return proof;
    }
    add(proof, "whole", observe_whole({}));
    add(proof, "cached", observe_cached());
    auto longer = probe_.ids;
    longer.insert(longer.end(), probe_.ids.begin(), probe_.ids.begin() + 2);
    add(proof, "batched", observe_whole({longer, {probe_.ids.front()}}));
    summarise(proof);
    return proof;
  }

 private:
  bool patches() const { return table_.needs_donor(configuration_); }

  ForwardOptions options_for(std::size_t num_rows,
                             std::span<ResidualHook* const> hooks) const {
    ForwardOptions options;
    options.hooks = hooks;
    options.adapter.uniform = probe_.adapter_strength;
    if (patches()) {
      auto strengths = at::empty({static_cast<std::int64_t>(num_rows)},
                                 at::TensorOptions().dtype(at::kFloat));
      strengths.fill_(probe_.adapter_strength);
      strengths[1] = probe_.donor_strength;
      options.adapter.per_row_B = strengths.to(model_.device());
    }
    return options;
  }

  std::vector<RowBinding> bindings(std::size_t num_rows) const {
    std::vector<RowBinding> rows(num_rows);
    rows[0] = {configuration_, probe_.prompt_length, patches() ? 1 : -1,
               probe_.thinking};
    return rows;
  }

  void keep(Observed& seen, const Recorder& before, const Recorder& after,
            std::int64_t step) const {
    // Rows of one pass lie end to end: `step` tokens of the steered row, then
    // as many of the donor.
    for (const auto& site : sites_) {
      seen.before[site] = before.of(site).narrow(0, 0, step);
      seen.after[site] = after.of(site).narrow(0, 0, step);
      if (patches()) {
        seen.donor[site] = before.of(site).narrow(0, step, step);
      }
    }
  }

  Observed observe_whole(const std::vector<std::vector<std::int32_t>>& beside) {
    std::vector<std::vector<std::int32_t>> rows = {probe_.ids};
    if (patches()) {
      rows.push_back(probe_.ids);
    }
    rows.insert(rows.end(), beside.begin(), beside.end());
    Recorder before(sites_);
    Recorder after(sites_);
    ResidualHook* const hooks[] = {&before, &table_, &after};
    table_.bind(bindings(rows.size()));
    model_.forward(pack(rows, model_.device()),
                   options_for(rows.size(), hooks));
    Observed seen;
    keep(seen, before, after, length_);
    return seen;
  }

  // The prompt but its last token in one pass, then token by token.
  Observed observe_cached() {
    const std::size_t num_rows = patches() ? 2 : 1;
    KvCache cache(model_.config(), static_cast<std::int64_t>(num_rows), length_,
                  model_.dtype(), model_.device());
    Observed seen;
    std::int64_t done = 0;
    while (done < length_) {
      const auto step =
          done == 0 && probe_.prompt_length > 1 ? probe_.prompt_length - 1 : 1;
      observe_step(cache, num_rows, done, step, seen);
      done += step;
    }
    return seen;
  }

  void observe_step(KvCache& cache, std::size_t num_rows, std::int64_t done,
                    std::int64_t step, Observed& seen) {
    const auto from = probe_.ids.begin() + done;
    const std::vector<std::vector<std::int32_t>> rows(
        num_rows, std::vector<std::int32_t>(from, from + step));
    const std::vector<std::int64_t> starts(num_rows, done);
    const std::vector<std::int64_t> slots = {0, 1};
    Recorder before(sites_);
    Recorder after(sites_);
    ResidualHook* const hooks[] = {&before, &table_, &after};
    table_.bind(bindings(num_rows));
    auto options = options_for(num_rows, hooks);
    options.cache = &cache;
    model_.forward(
        pack_cached(rows, starts, {slots.data(), num_rows}, model_.device()),
        options);
    Observed part;
    keep(part, before, after, step);
    const auto append = [&](auto& whole, const auto& more) {
      for (const auto& [site, states] : more) {
        whole[site] =
            whole[site].defined() ? at::cat({whole[site], states}) : states;
      }
    };
    append(seen.before, part.before);
    append(seen.after, part.after);
    append(seen.donor, part.donor);
  }

  void add(ApplicationProof& proof, const char* way,
           const Observed& seen) const {
    for (const auto& site : sites_) {
      proof.sites.push_back(measure(site, way, seen));
      const auto& last = proof.sites.back();
      proof.holds = proof.holds && last.strays == 0 &&
                    last.largest_error <= proof.tolerance;
      proof.overflows = proof.overflows || last.overflows > 0;
    }
  }

  // Whether all numbers are finite in the model's dtype.
  bool fits(const at::Tensor& state_D) const {
    return at::isfinite(state_D.to(model_.dtype())).all().item<bool>();
  }

  SiteProof measure(ResidualSite site, const char* way,
                    const Observed& seen) const {
    SiteProof result{.site = site, .way = way};
    for (std::int64_t t = 0; t < length_; ++t) {
      const auto before_D = seen.before.at(site)[t];
      const auto after_D = seen.after.at(site)[t];
      const auto donor_D = patches() ? seen.donor.at(site)[t] : at::Tensor();
      if (!fits(before_D)) {
        ++result.overflows;
        continue;
      }
      auto expected_D = before_D;
      bool meant = false;
      for (const auto& edit : edits_) {
        if (edit.site == site &&
            positions_of(edit.scope, probe_.prompt_length, probe_.thinking)
                .contains(t)) {
          expected_D = state_after(edit, expected_D, donor_D);
          meant = true;
        }
      }
      if (!fits(expected_D)) {
        ++result.overflows;
        continue;
      }
      const bool moved = !after_D.equal(before_D);
      result.strays += !meant && moved;
      if (!meant) {
        continue;
      }
      ++result.tokens_meant;
      result.tokens_moved += moved;
      result.mean_displacement +=
          ((after_D - before_D).norm() / before_D.norm().clamp_min(1e-30))
              .item<double>();
      const double size = std::max(expected_D.norm().item<double>(), 1e-30);
      const double error = (after_D - expected_D).norm().item<double>() / size;
      // A NaN must not pass as small.
      result.largest_error =
          error <= result.largest_error ? result.largest_error : error;
    }
    if (result.tokens_meant > 0) {
      result.mean_displacement /= static_cast<double>(result.tokens_meant);
    }
    return result;
  }

  void summarise(ApplicationProof& proof) const {
    double error = 0.0;
    std::int64_t strays = 0;
    for (const auto& site : proof.sites) {
      error = site.largest_error <= error ? error : site.largest_error;
      strays += site.strays;
    }
    proof.summary = fmt::format(
        "{} sites x 3 ways: largest deviation from the formula {:.1e}, {} "
        "tokens outside the scope changed",
        sites_.size(), error, strays);
  }

  const Transformer& model_;
  const std::vector<SiteEdit>& edits_;
  const ProbeText& probe_;
  std::int64_t length_;
  InterventionTable table_;
  std::int64_t configuration_ = 0;
  std::set<ResidualSite> sites_;
};

}  // namespace

ApplicationProof prove_application(const Transformer& model,
                                   const std::vector<SiteEdit>& edits,
                                   const ProbeText& probe) {
  return Prover(model, edits, probe).run();
}

}  // namespace veer
