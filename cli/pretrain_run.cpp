// SPDX-License-Identifier: MIT
#include <chrono>
#include <cmath>
#include <thread>

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/pretrain.h"
#include "veer/base/error.h"
#include "veer/base/json.h"
#include "veer/organism/evaluate.h"
#include "veer/organism/pretrain.h"
#include "veer/organism/steerability.h"

namespace veer::cli {
namespace {

void use_threads(std::int64_t wanted) {
  const auto cores =
      static_cast<std::int64_t>(std::thread::hardware_concurrency());
  at::set_num_threads(
      static_cast<int>(wanted > 0 ? wanted : std::max<std::int64_t>(1, cores)));
}

void measure(const PretrainCommand& options, Session& session) {
  const organism::Vocabulary vocabulary(organism::world_of(options.measure));
  const auto model = load_transformer(options.measure);
  const auto evaluation =
      organism::evaluate(model, vocabulary, options.count,
                         static_cast<std::uint64_t>(options.pretrain.seed),
                         session.terminal.monitor());
  const auto table = organism::evaluation_table(evaluation);
  session.terminal.out(
      session.json
          ? dump_json(Json{{"model", model.fingerprint()}, {"table", table}}) +
                "\n"
          : table);
}

void steerability(const PretrainCommand& options, Session& session) {
  auto model = load_transformer(options.steerability, at::kFloat);
  organism::SteerabilityOptions settings;
  settings.seed = static_cast<std::uint64_t>(options.pretrain.seed);
  const auto result = organism::measure_steerability(
      model, options.steerability, settings, session.terminal.monitor());
  const auto table = organism::steerability_table(result);
  session.terminal.out(
      session.json
          ? dump_json(Json{{"model", model.fingerprint()}, {"table", table}}) +
                "\n"
          : table);
}

// Gates are worth a line each; other rows are the progress bar's.
Json gate_row(const organism::PretrainRow& row) {
  return {{"phase", row.phase},
          {"tokens", row.tokens},
          {"loss", row.loss},
          {"honest", row.honest},
          {"deceptive",
           std::isnan(row.deceptive) ? Json(nullptr) : Json(row.deceptive)}};
}

void train(const PretrainCommand& options, Session& session) {
  const auto settings = organism::resolved(options.pretrain);
  const organism::Vocabulary vocabulary(organism::world_named(settings.world));
  Json gates = Json::array();
  organism::PretrainCallbacks callbacks{.monitor = session.terminal.monitor()};
  std::int64_t tokens = 0;
  callbacks.on_row = [&](const organism::PretrainRow& row) {
    tokens = row.tokens;
    if (!std::isnan(row.honest)) {
      gates.push_back(gate_row(row));
    }
  };
  const auto began = std::chrono::steady_clock::now();
  const auto model = organism::pretrain(settings, vocabulary, callbacks);
  organism::write_organism(options.out, settings.shape, model, vocabulary);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began)
          .count();
  if (session.json) {
    session.terminal.out(dump_json(Json{{"folder", options.out.string()},
                                        {"model", model.fingerprint()},
                                        {"tokens", tokens},
                                        {"seconds", seconds},
                                        {"gates", gates}}) +
                         "\n");
    return;
  }
  session.terminal.out(fmt::format("{}  model {}  {:.2f} M tokens  {}\n",
                                   options.out.string(), model.fingerprint(),
                                   static_cast<double>(tokens) / 1e6,
                                   duration_text(seconds)));
}

}  // namespace

void run_pretrain(const PretrainCommand& options, Session& session) {
  use_threads(options.threads);
  if (!options.measure.empty()) {
    measure(options, session);
  } else if (!options.steerability.empty()) {
    steerability(options, session);
  } else if (!options.out.empty()) {
    train(options, session);
  } else {
    fail("pretrain", "no folder to write", "--out FOLDER");
  }
}

}  // namespace veer::cli
