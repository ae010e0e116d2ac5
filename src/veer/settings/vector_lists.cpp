// SPDX-License-Identifier: MIT
#include "veer/settings/vector_lists.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "veer/base/error.h"
#include "veer/results/vector_name.h"
#include "veer/settings/grid_line.h"

namespace veer {
namespace {

void each_once(std::string_view key, const std::vector<std::string>& names) {
  std::set<std::string> seen;
  for (const auto& name : names) {
    if (!seen.insert(name).second) {
      fail("check settings", fmt::format("{} holds \"{}\" twice", key, name),
           "each vector once");
    }
  }
}

// Whether extract makes a vector of that name: named itself, or one of
// extract.methods of a named one.
bool is_extracted(const std::string& name, const ExtractSettings& extract) {
  auto plain = name;
  for (const auto& method : extract.methods) {
    if (const auto at = plain.find(":" + method + "@"); at != plain.npos) {
      plain.erase(at, method.size() + 1);
      break;
    }
  }
  return std::ranges::any_of(extract.vectors, [&](const std::string& made) {
    return made == name || made == plain;
  });
}

// Vectors of the grid's lines. Mixtures, random vectors and files in folders of
// vectors/ are made from the others.
void require_grid_vectors(const Manifest& manifest) {
  const auto& sweep = manifest.sweep;
  for (const auto& text : sweep.grid) {
    for (const auto& name :
         parse_grid_line(text, sweep.scope, sweep.budget).vectors) {
      const auto kind = parse_vector_name(name).kind;
      if (kind != VectorName::Kind::kMixture &&
          kind != VectorName::Kind::kRandom &&
          name.find('/') == std::string::npos &&
          !is_extracted(name, manifest.extract)) {
        fail("check settings",
             fmt::format("sweep.grid \"{}\" names {}, which is not extracted",
                         text, name),
             fmt::format("one of {}, or blend:W, common:A, private:A",
                         fmt::join(manifest.extract.vectors, ", ")));
      }
    }
  }
}

}  // namespace

void require_vector_lists(const Manifest& manifest) {
  const auto& extract = manifest.extract;
  each_once("extract.vectors", extract.vectors);
  each_once("sweep.vectors", manifest.sweep.vectors);
  for (const auto& name : manifest.sweep.vectors) {
    // Files in folders of vectors/ (confounds, controls, seeds) are not listed.
    if (name.find('/') == std::string::npos && !is_extracted(name, extract)) {
      fail("check settings",
           fmt::format("sweep.vectors names {}, which is not extracted", name),
           fmt::format("one of {}", fmt::join(extract.vectors, ", ")),
           "it is missing in extract.vectors");
    }
  }
  require_grid_vectors(manifest);
}

}  // namespace veer
