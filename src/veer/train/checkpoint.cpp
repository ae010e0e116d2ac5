// SPDX-License-Identifier: MIT
#include "veer/train/checkpoint.h"

#include <cmath>

#include <ATen/core/grad_mode.h>
#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/json.h"
#include "veer/tensors/safetensors.h"

namespace veer {
namespace fs = std::filesystem;
namespace {

fs::path file_of(const fs::path& folder) {
  return folder / "checkpoint.safetensors";
}

std::string rows_json(const std::vector<MetricsRow>& rows) {
  Json out = Json::array();
  for (const auto& row : rows) {
    Json values = Json::object();
    for (const auto& [name, value] : row.values) {
      values[name] = value;
    }
    out.push_back({row.step, values});
  }
  return dump_json(out);
}

std::vector<MetricsRow> parse_rows(const std::string& text,
                                   const std::string& origin) {
  std::vector<MetricsRow> rows;
  for (const auto& item : parse_json(text, origin)) {
    MetricsRow row{.step = item.at(0).get<std::int64_t>(), .values = {}};
    for (const auto& [name, value] : item.at(1).items()) {
      // JSON has no NaN; an evaluation that had none to give wrote null.
      row.values[name] = value.is_null() ? std::nan("") : value.get<double>();
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

[[noreturn]] void other_run(const std::string& origin) {
  fail("resume training", origin + " belongs to another run",
       "a checkpoint of the same options, data, seed and model",
       "a setting was changed; use another folder or delete this one");
}

// Steps and metrics; the parsers' own exceptions become one Error.
TrainState parse_state(const std::string& step, const std::string& best,
                       const std::string& rows, const std::string& origin) {
  try {
    TrainState state{.step = std::stoll(step),
                     .rows = parse_rows(rows, origin)};
    state.best.step = std::stoll(best);
    if (state.best.step > 0) {
      state.best.loss =
          state.rows.at(static_cast<std::size_t>(state.best.step - 1))
              .values.at(kHeldOutLoss);
    }
    return state;
  } catch (const Error&) {
    throw;
  } catch (const std::exception& e) {
    fail("resume training", fmt::format("{}: {}", origin, e.what()),
         "a checkpoint that Veer wrote", "the file was changed");
  }
}

void restore(const TensorMap& tensors, const std::string& name,
             at::Tensor target, const std::string& origin) {
  const auto found = tensors.find(name);
  if (found == tensors.end() || found->second.sizes() != target.sizes()) {
    other_run(origin);
  }
  target.copy_(found->second);
}

void add_factors(TensorMap& tensors, const std::string& prefix,
                 const Adapter& adapter) {
  for (const auto& [path, pair] : adapter.pairs) {
    tensors[prefix + "A." + path] = pair.A_RI;
    tensors[prefix + "B." + path] = pair.B_OR;
  }
}

void restore_factors(const TensorMap& tensors, const std::string& prefix,
                     const Adapter& adapter, const std::string& origin) {
  for (const auto& [path, pair] : adapter.pairs) {
    restore(tensors, prefix + "A." + path, pair.A_RI, origin);
    restore(tensors, prefix + "B." + path, pair.B_OR, origin);
  }
}

std::map<std::string, at::Tensor> with_prefix(const TensorMap& tensors,
                                              const std::string& prefix) {
  std::map<std::string, at::Tensor> out;
  for (const auto& [name, tensor] : tensors) {
    if (name.starts_with(prefix)) {
      out[name.substr(prefix.size())] = tensor;
    }
  }
  return out;
}

}  // namespace

Adapter copy_of(const Adapter& adapter) {
  Adapter copy = adapter;
  for (auto& [path, pair] : copy.pairs) {
    pair.A_RI = pair.A_RI.detach().clone();
    pair.B_OR = pair.B_OR.detach().clone();
  }
  return copy;
}

void write_checkpoint(const fs::path& folder, const Adapter& adapter,
                      const AdamW& optimizer, const TrainState& state,
                      const std::string& run) {
  TensorMap tensors;
  add_factors(tensors, "", adapter);
  add_factors(tensors, "best.", state.best.adapter);
  for (const auto& [name, tensor] : optimizer.state()) {
    tensors["optimizer." + name] = tensor;
  }
  write_safetensors(file_of(folder), tensors,
                    {{"run", run},
                     {"step", std::to_string(state.step)},
                     {"best_step", std::to_string(state.best.step)},
                     {"rows", rows_json(state.rows)}});
}

TrainState read_checkpoint(const fs::path& folder, const Adapter& adapter,
                           AdamW& optimizer, const std::string& run) {
  const fs::path path = file_of(folder);
  if (!fs::exists(path)) {
    return {};
  }
  const SafetensorsFile file = read_safetensors(path);
  const auto entry = [&](const char* key) -> const std::string& {
    const auto found = file.metadata.find(key);
    if (found == file.metadata.end()) {
      other_run(path.string());
    }
    return found->second;
  };
  if (entry("run") != run) {
    other_run(path.string());
  }
  TrainState state = parse_state(entry("step"), entry("best_step"),
                                 entry("rows"), path.string());
  const at::NoGradGuard no_grad;
  restore_factors(file.tensors, "", adapter, path.string());
  if (state.best.step > 0) {
    state.best.adapter = copy_of(adapter);
    restore_factors(file.tensors, "best.", state.best.adapter, path.string());
  }
  optimizer.load_state(with_prefix(file.tensors, "optimizer."));
  return state;
}

}  // namespace veer
