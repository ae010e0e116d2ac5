// SPDX-License-Identifier: MIT
//
// What the verbs share that run a model over given token ids and write what
// they see (logits, activations).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "cli/command.h"

namespace veer {
class Transformer;
struct ForwardOptions;
struct PackedBatch;
}  // namespace veer

namespace veer::cli {

struct LookOptions {
  std::filesystem::path model;
  std::filesystem::path adapter;
  std::filesystem::path ids;
  std::filesystem::path out;
  std::string device = "auto";
  std::string dtype = "auto";
  std::int64_t threads = 0;
};

struct ActivationsOptions : LookOptions {
  std::vector<std::string> sites{"resid_post"};
};

// Adds the options of LookOptions.
void add_look_options(CLI::App& app, LookOptions& options);

// The token ids of a JSON file: one list, or a list of lists.
struct TokenRows {
  std::vector<std::vector<std::int32_t>> rows;
  bool is_list = false;  // of lists, though it may hold one
};

// Throws Error on a file of another shape, an empty list, or a number that no
// token id can be.
TokenRows read_token_rows(const std::filesystem::path& path);

// Loads the model, telling what was assumed, attaches the adapter if one is
// given, and calls `body` for each row: the row as a batch of its own, what a
// pass over it needs, its number. No tokenizer is read. Only in veer-core.
using RowBody = std::function<void(const Transformer&, const PackedBatch&,
                                   const ForwardOptions&, std::size_t)>;
void for_each_row(const LookOptions& options, const TokenRows& rows,
                  Session& session, const RowBody& body);

[[gnu::weak]] void run_logits(const LookOptions& options, Session& session);
[[gnu::weak]] void run_activations(const ActivationsOptions& options,
                                   Session& session);

}  // namespace veer::cli
