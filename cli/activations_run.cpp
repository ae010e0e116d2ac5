// SPDX-License-Identifier: MIT
#include <algorithm>

#include <ATen/core/Tensor.h>
#include <fmt/core.h>

#include "cli/look.h"
#include "veer/base/error.h"
#include "veer/capture/recorder.h"
#include "veer/model/transformer.h"
#include "veer/tensors/safetensors.h"

namespace veer::cli {
namespace {

// "resid_post" stands for all layers, "resid_post.3" for one.
std::vector<ResidualSite> sites_of(const std::vector<std::string>& names,
                                   std::int64_t num_layers) {
  std::vector<ResidualSite> sites;
  const auto add = [&](ResidualSite site) {
    if (std::ranges::find(sites, site) == sites.end()) {
      sites.push_back(site);
    }
  };
  for (const std::string& name : names) {
    if (name.find('.') == std::string::npos) {
      for (std::int64_t layer = 0; layer < num_layers; ++layer) {
        add({layer, parse_point(name)});
      }
      continue;
    }
    const ResidualSite site = parse_site(name);
    if (site.layer >= num_layers) {
      fail("activations", "site " + name,
           fmt::format("a layer in 0..{}", num_layers - 1));
    }
    add(site);
  }
  return sites;
}

// Every token a group of its own.
std::vector<TokenGroup> single_tokens(std::int64_t count) {
  std::vector<TokenGroup> groups;
  for (std::int64_t t = 0; t < count; ++t) {
    groups.push_back({t});
  }
  return groups;
}

}  // namespace

// fp32 [tokens, width] under "SITE.LAYER", or "N.SITE.LAYER" of a list of
// lists.
void run_activations(const ActivationsOptions& options, Session& session) {
  const TokenRows rows = read_token_rows(options.ids);
  TensorMap activations;
  for_each_row(
      options, rows, session,
      [&](const Transformer& model, const PackedBatch& batch,
          const ForwardOptions& forward, std::size_t n) {
        Recorder recorder(sites_of(options.sites, model.config().num_layers));
        recorder.begin(batch, {single_tokens(batch.num_tokens())});
        std::vector<ResidualHook*> hooks{&recorder};
        ForwardOptions recorded = forward;
        recorded.hooks = hooks;
        recorded.last_layer = recorder.last_layer();
        model.forward(batch, recorded);
        const auto states_TSD = recorder.take().squeeze(0);
        for (std::size_t s = 0; s < recorder.sites().size(); ++s) {
          const std::string site = recorder.sites()[s].name();
          activations[rows.is_list ? fmt::format("{}.{}", n, site) : site] =
              states_TSD.select(1, static_cast<std::int64_t>(s));
        }
      });
  write_safetensors(options.out, activations);
  session.terminal.note(fmt::format("activations of {} texts in {}",
                                    rows.rows.size(), options.out.string()));
}

}  // namespace veer::cli
