// SPDX-License-Identifier: MIT
#include <algorithm>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/bake.h"
#include "veer/base/error.h"
#include "veer/base/json.h"
#include "veer/train/adapter_files.h"
#include "veer/train/bake.h"

namespace veer::cli {
namespace {

void refuse_existing(const std::filesystem::path& out, const char* file) {
  if (std::filesystem::exists(out / file)) {
    fail("bake", (out / file).string() + " exists", "a new folder");
  }
}

void merge(const BakeOptions& options, Session& session) {
  refuse_existing(options.out, "model.safetensors");
  const auto adapter = read_adapter(options.adapter);
  auto baked = bake_adapter(read_model_tensors(options.model), adapter,
                            session.terminal.monitor());
  write_model_folder(options.out, baked.weights, options.model);
  const auto worst = std::ranges::max_element(
      baked.errors, {}, [](const BakeError& e) { return e.relative; });
  if (session.json) {
    Json errors = Json::object();
    for (const auto& [path, relative] : baked.errors) {
      errors[path] = relative;
    }
    session.terminal.out(
        dump_json({{"out", options.out.string()}, {"rounding_error", errors}}) +
        "\n");
    return;
  }
  session.terminal.out(fmt::format(
      "{} matrices merged into {}\nrounding error, as a share of what the "
      "adapter adds: at most {:.2g} ({})\n",
      baked.errors.size(), options.out.string(), worst->relative, worst->path));
}

void extract(const BakeOptions& options, Session& session) {
  refuse_existing(options.out, "adapter_model.safetensors");
  const auto found = extract_adapter(read_model_tensors(options.model),
                                     read_model_tensors(options.tuned),
                                     options.rank, session.terminal.monitor());
  write_adapter(options.out, found.adapter,
                {.base_model = options.model.string(),
                 .rank = options.rank,
                 .alpha = static_cast<double>(options.rank)});
  const auto least = std::ranges::min_element(
      found.pairs, {}, [](const ExtractedPair& p) { return p.energy; });
  if (session.json) {
    Json energy = Json::object();
    for (const auto& [path, share] : found.pairs) {
      energy[path] = share;
    }
    session.terminal.out(dump_json({{"out", options.out.string()},
                                    {"energy", found.energy},
                                    {"energy_held", energy},
                                    {"not_held", found.not_held}}) +
                         "\n");
    return;
  }
  std::string text = fmt::format(
      "{} pairs of rank {} written to {}\nshare of the squared change held: "
      "{:.4f} over all, at least {:.4f} ({})\n",
      found.pairs.size(), options.rank, options.out.string(), found.energy,
      least->energy, least->path);
  for (const auto& [name, change] : found.not_held) {
    text +=
        fmt::format("not held: {} (relative change {:.2g})\n", name, change);
  }
  session.terminal.out(text);
}

}  // namespace

void run_bake(const BakeOptions& options, Session& session) {
  if (options.adapter.empty() == options.tuned.empty()) {
    fail("bake", "neither --adapter nor --tuned", "one of them");
  }
  options.tuned.empty() ? merge(options, session) : extract(options, session);
}

}  // namespace veer::cli
