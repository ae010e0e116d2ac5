// SPDX-License-Identifier: MIT
//
// What the vector files of other tools have in common: directions by number
// of block. Everywhere in Veer such a number means where the other tool ADDS
// the direction, so that steering with it does the same here and there; where
// a tool measures at another place, its reader says so.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "veer/vectors/steering_vector.h"

namespace veer {

struct ForeignVectorOptions {
  // Blocks of the model; 0 = the highest direction in the file and one more.
  // Layers without a direction become zero.
  std::int64_t num_layers = 0;
  // Added to a file's number on reading, subtracted on writing. -1 takes
  // vectors of llama.cpp's generator to the block where they were measured.
  std::int64_t layer_offset = 0;
  // A file with one direction and no layer: it stands at every layer of a model
  // whose `num_layers` are known, to be used wherever it is asked for.
  bool one_serves_all = false;
};

// Hears of each thing that is lost on the way; may be empty.
using VectorWarning = std::function<void(std::string_view)>;

// A vector whose row l is `by_number[l - offset]`. A number that falls below
// layer 0 is left out with a warning. Throws Error{kBadInput} naming `origin`
// if nothing is left, lengths differ, a number is not finite or a layer lies
// outside the model.
SteeringVector vector_of_layers(
    const std::map<std::int64_t, std::vector<float>>& by_number,
    std::string_view origin, std::string_view format, std::int64_t offset,
    std::int64_t num_layers, const VectorWarning& warn);

// The number N at the end of a name like "direction.N"; -1 if the name does
// not begin with `prefix` or goes on in another way.
std::int64_t number_behind(std::string_view name, std::string_view prefix);

// The non-zero directions by the number that a file gives them, layer -
// offset. Those below `first` cannot be expressed and are left out with a
// warning that says `why`. Throws Error{kBadInput} for a vector of another
// point than resid_post, one that is not finite, or if no layer is left.
std::map<std::int64_t, std::vector<float>> layers_to_write(
    const SteeringVector& vector, const std::string& operation,
    std::int64_t offset, std::int64_t first, std::string_view why,
    const VectorWarning& warn);

}  // namespace veer
