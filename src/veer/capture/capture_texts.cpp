// SPDX-License-Identifier: MIT
#include "veer/capture/capture_texts.h"

#include <algorithm>
#include <numeric>
#include <string_view>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/capture/recorder.h"
#include "veer/tensors/device.h"
#include "veer/tensors/float_range.h"
#include "veer/tensors/out_of_memory.h"
#include "veer/tensors/spilled_tensor.h"
#include "veer/text/chat/chat_format.h"

namespace veer {
namespace {

constexpr std::string_view kTask = "capture activations";

struct Layers {
  std::int64_t first = 0;
  std::int64_t last = 0;
  std::int64_t count() const { return last - first + 1; }
};

Layers wanted_layers(const Transformer& model, const CaptureRequest& request) {
  const std::int64_t num_layers = model.config().num_layers;
  const Layers layers{request.first_layer, request.last_layer < 0
                                               ? num_layers - 1
                                               : request.last_layer};
  if (layers.first < 0 || layers.last >= num_layers ||
      layers.first > layers.last) {
    fail(kTask, fmt::format("layers {} to {}", layers.first, layers.last),
         fmt::format("layers within 0 to {}", num_layers - 1));
  }
  return layers;
}

void check_request(const Transformer& model, std::span<const EncodedChat> texts,
                   const CaptureRequest& request) {
  if (texts.empty() || request.points.empty()) {
    fail(kTask, "no texts or no points", "at least one");
  }
  if (request.adapter_strength != 0.0 && !model.has_adapter()) {
    fail(kTask, "an adapter strength but no adapter",
         "a model with its adapter attached");
  }
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].ids.empty()) {
      fail(kTask, fmt::format("text {} is empty", i), "at least one token");
    }
  }
}

std::vector<ResidualSite> make_sites(const Layers& layers,
                                     const std::vector<ResidualPoint>& points) {
  std::vector<ResidualSite> sites;
  for (const auto point : points) {
    for (std::int64_t l = layers.first; l <= layers.last; ++l) {
      sites.push_back({l, point});
    }
  }
  return sites;
}

// Texts of similar length lie in one batch; equal lengths keep their order.
std::vector<std::size_t> order_by_length(std::span<const EncodedChat> texts) {
  std::vector<std::size_t> order(texts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) {
    return texts[a].ids.size() < texts[b].ids.size();
  });
  return order;
}

// The first of `order` that have at most `batch_tokens` together, at least
// one.
std::vector<std::size_t> next_batch(std::span<const EncodedChat> texts,
                                    std::span<const std::size_t> order,
                                    std::int64_t batch_tokens) {
  std::vector<std::size_t> members;
  std::int64_t used = 0;
  for (const std::size_t i : order) {
    used += std::ssize(texts[i].ids);
    if (!members.empty() && used > batch_tokens) {
      break;
    }
    members.push_back(i);
  }
  return members;
}

std::int64_t total_tokens(std::span<const EncodedChat> texts) {
  std::int64_t tokens = 0;
  for (const auto& text : texts) {
    tokens += std::ssize(text.ids);
  }
  return tokens;
}

// Runs all texts in batches; before each pass `prepare(text indices, batch)`
// sets up the hook anew, after it `consume` reads it. Returns the number of
// tokens.
template <class Prepare, class Consume>
std::int64_t run_batches(const Transformer& model,
                         std::span<const EncodedChat> texts,
                         const CaptureRequest& request, ResidualHook& hook,
                         std::int64_t last_layer, const Monitor& monitor,
                         Prepare prepare, Consume consume) {
  const at::NoGradGuard no_grad;
  std::size_t done = 0;
  ResidualHook* hooks[] = {&hook};
  const auto order = order_by_length(texts);
  const auto tokens = total_tokens(texts);
  const BatchSize size{.size = std::min(tokens, request.batch_tokens),
                       .smallest = std::ssize(texts[order.back()].ids),
                       .unit = "tokens"};
  halve_until_it_fits(kTask, size, monitor, [&](std::int64_t batch_tokens) {
    while (done < order.size()) {
      monitor.check_stop(kTask);
      const auto members =
          next_batch(texts, std::span(order).subspan(done), batch_tokens);
      std::vector<std::vector<std::int32_t>> rows;
      for (const std::size_t i : members) {
        rows.push_back(texts[i].ids);
      }
      const PackedBatch batch = pack(rows, model.device());
      prepare(members, batch);
      ForwardOptions options;
      options.hooks = hooks;
      options.adapter.uniform = request.adapter_strength;
      options.last_layer = last_layer;
      model.forward(batch, options);
      consume(members, batch);
      done += members.size();
      monitor.progress({"capture", static_cast<std::int64_t>(done),
                        std::ssize(texts), "texts", ""});
    }
  });
  return tokens;
}

std::vector<std::vector<TokenGroup>> token_groups(
    std::span<const EncodedChat> texts, const std::vector<std::size_t>& members,
    const std::vector<TokenPosition>& positions) {
  std::vector<std::vector<TokenGroup>> groups;
  for (const std::size_t i : members) {
    auto& row = groups.emplace_back();
    for (const auto& position : positions) {
      row.push_back(position_tokens(texts[i], position));
    }
  }
  return groups;
}

// Sorts the norms of one text's tokens into the kinds of position.
void add_norms(const EncodedChat& text, const double* norms_T,
               LayerNorms& layer) {
  for (std::int64_t t = 1; t < text.prompt_length; ++t) {
    layer.prompt.add(norms_T[t]);
  }
  if (text.prompt_length >= 1) {
    layer.prompt_end.add(norms_T[text.prompt_length - 1]);
  }
  for (std::int64_t t = std::max<std::int64_t>(text.answer_begin, 1);
       t < text.answer_end; ++t) {
    layer.generated.add(norms_T[t]);
  }
}

// [N, D] for each site of one position.
std::vector<at::Tensor> empty_rows(std::int64_t sites, std::int64_t texts,
                                   std::int64_t width,
                                   const std::filesystem::path& spill_folder) {
  if (!spill_folder.empty()) {
    return spilled_zeros({sites, texts, width}, spill_folder).unbind();
  }
  std::vector<at::Tensor> rows;
  for (std::int64_t s = 0; s < sites; ++s) {
    rows.push_back(at::zeros({texts, width}, at::kFloat));
  }
  return rows;
}

void store_rows(const at::Tensor& read_BPSD,
                const std::vector<std::size_t>& members,
                const std::vector<ResidualSite>& sites, at::ScalarType dtype,
                CapturedTexts& out) {
  for (std::size_t p = 0; p < out.rows.size(); ++p) {
    for (std::size_t s = 0; s < out.rows[p].size(); ++s) {
      const auto site_BD = read_BPSD.select(2, static_cast<std::int64_t>(s))
                               .select(1, static_cast<std::int64_t>(p));
      if (!at::isfinite(site_BD).all().item<bool>()) {
        fail_run(kTask,
                 fmt::format("an activation of layer {} is not finite",
                             sites[s].layer),
                 "finite numbers", overflow_cause(dtype, "damaged weights"));
      }
      for (std::size_t b = 0; b < members.size(); ++b) {
        out.rows[p][s]
            .select(0, static_cast<std::int64_t>(members[b]))
            .copy_(site_BD.select(0, static_cast<std::int64_t>(b)));
      }
    }
  }
}

void store_norms(const at::Tensor& norms_ST, std::span<const EncodedChat> texts,
                 const std::vector<std::size_t>& members,
                 const PackedBatch& batch, CapturedTexts& out) {
  for (std::size_t s = 0; s < out.norms.size(); ++s) {
    const auto row_T =
        norms_ST.select(0, static_cast<std::int64_t>(s)).contiguous();
    const double* data = row_T.const_data_ptr<double>();
    for (std::size_t b = 0; b < members.size(); ++b) {
      add_norms(texts[members[b]], data + batch.offsets[b], out.norms[s]);
    }
  }
}

// u.h of every token but the first of each text.
class Projector : public ResidualHook {
 public:
  Projector(const at::Tensor& units_LD, const Layers& layers,
            ResidualPoint point, at::Device device)
      : units_LD_(units_LD.to(device)),
        layers_(layers),
        point_(point),
        scores_(static_cast<std::size_t>(layers.count())),
        moments_(scores_.size()) {}

  bool wants(ResidualSite site) const override {
    return site.point == point_ && site.layer >= layers_.first &&
           site.layer <= layers_.last;
  }
  at::Tensor visit(ResidualSite site, const at::Tensor& hidden_TD,
                   const PackedBatch& batch) override {
    const auto scores_T = hidden_TD.detach()
                              .to(at::kFloat)
                              .mv(units_LD_.select(0, site.layer))
                              .to(at::kCPU, at::kDouble)
                              .contiguous();
    const double* data = scores_T.const_data_ptr<double>();
    auto& scores =
        scores_[static_cast<std::size_t>(site.layer - layers_.first)];
    for (std::int64_t b = 0; b < batch.num_rows(); ++b) {
      for (std::int64_t t = batch.offsets[static_cast<std::size_t>(b)] + 1;
           t < batch.offsets[static_cast<std::size_t>(b) + 1]; ++t) {
        scores.push_back(data[t]);
      }
    }
    return hidden_TD;
  }
  // Of a pass that may not reach its end nothing counts before it did.
  void begin() {
    for (auto& scores : scores_) {
      scores.clear();
    }
  }
  void count() {
    for (std::size_t l = 0; l < scores_.size(); ++l) {
      for (const double score : scores_[l]) {
        moments_[l].add(score);
      }
    }
  }
  std::vector<RunningNumber> take() { return std::move(moments_); }

 private:
  at::Tensor units_LD_;
  Layers layers_;
  ResidualPoint point_;
  std::vector<std::vector<double>> scores_;  // of the running pass, by layer
  std::vector<RunningNumber> moments_;
};

}  // namespace

at::Tensor CapturedTexts::stacked_LND(std::size_t position) const {
  return at::stack(rows.at(position));
}

CapturedTexts capture_texts(const Transformer& model,
                            std::span<const EncodedChat> texts,
                            const CaptureRequest& request,
                            const Monitor& monitor) {
  check_request(model, texts, request);
  const RepeatableScope repeatable;
  const Layers layers = wanted_layers(model, request);
  Recorder recorder(make_sites(layers, request.points));
  recorder.keep_norms(request.norms);
  CapturedTexts out;
  for (std::size_t p = 0; p < request.positions.size(); ++p) {
    out.rows.push_back(empty_rows(std::ssize(recorder.sites()),
                                  std::ssize(texts), model.config().width,
                                  request.spill_folder));
  }
  out.norms.resize(request.norms ? static_cast<std::size_t>(layers.count())
                                 : 0);
  out.num_tokens = run_batches(
      model, texts, request, recorder, layers.last, monitor,
      [&](const auto& members, const PackedBatch& batch) {
        recorder.begin(batch, token_groups(texts, members, request.positions));
      },
      [&](const auto& members, const PackedBatch& batch) {
        store_rows(recorder.take(), members, recorder.sites(), model.dtype(),
                   out);
        if (request.norms) {
          store_norms(recorder.take_norms(), texts, members, batch, out);
        }
      });
  return out;
}

std::vector<RunningNumber> token_projections(const Transformer& model,
                                             std::span<const EncodedChat> texts,
                                             const at::Tensor& directions_LD,
                                             const CaptureRequest& request,
                                             const Monitor& monitor) {
  check_request(model, texts, request);
  const RepeatableScope repeatable;
  const Layers layers = wanted_layers(model, request);
  const auto directions = directions_LD.to(at::kFloat);
  const auto sizes = directions.norm(2, 1, /*keepdim=*/true);
  Projector projector(directions / sizes.clamp_min(1e-30), layers,
                      request.points.front(), model.device());
  run_batches(
      model, texts, request, projector, layers.last, monitor,
      [&](const auto&, const PackedBatch&) { projector.begin(); },
      [&](const auto&, const PackedBatch&) { projector.count(); });
  return projector.take();
}

}  // namespace veer
