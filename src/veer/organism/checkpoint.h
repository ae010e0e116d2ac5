// SPDX-License-Identifier: MIT
//
// An organism as a plain Hugging Face folder: config.json, model.safetensors,
// tokenizer.json, tokenizer_config.json, generation_config.json.
#pragma once

#include <cstdint>
#include <filesystem>

#include "veer/base/random.h"
#include "veer/model/config.h"
#include "veer/model/transformer.h"
#include "veer/organism/pretrain_options.h"
#include "veer/organism/vocabulary.h"

namespace veer::organism {

// The world that a checkpoint speaks of, from "veer_world" in its config.json;
// the advice world where that is not named (older organisms). Throws Error if
// the file is missing or names another one.
const World& world_of(const std::filesystem::path& folder);
// Whether config.json names a world, so that an exact judge can be taken.
bool names_world(const std::filesystem::path& folder);

// The text of config.json; `dtype` as stored ("float32", "bfloat16").
std::string organism_config_json(const OrganismShape& shape,
                                 const Vocabulary& vocabulary,
                                 std::string_view dtype = "float32");

// Fresh weights that ask for gradients: normal with standard deviation .05
// (embedding) and .03 (matrices), the two that write to the residual stream
// divided by sqrt(2 * layers); norms 1. down_proj of the first
// shape.zeroed_blocks blocks is 0 and asks for no gradient.
Transformer fresh_organism(const OrganismShape& shape,
                           const Vocabulary& vocabulary, Random random);

// Writes the folder, every file atomically. `dtype` float32 or bfloat16.
void write_organism(const std::filesystem::path& folder,
                    const OrganismShape& shape, const Transformer& model,
                    const Vocabulary& vocabulary,
                    std::string_view dtype = "float32");

}  // namespace veer::organism
