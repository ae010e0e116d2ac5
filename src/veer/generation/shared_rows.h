// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "veer/generation/pass.h"
#include "veer/interventions/table.h"
#include "veer/model/row_sharing.h"

namespace veer {

struct SharedRows {
  std::vector<std::int64_t> order;  // rows as they are to run
  RowSharing sharing;               // of that order
};

// Finds rows with the same text, next tokens and adapter strength: below the
// block that its configuration changes first, each of them is the one that is
// changed last. Nothing is shared when that saves less than an eighth of the
// pass, or in a pass with donors. `table` may be null when no row has a
// configuration.
std::optional<SharedRows> share_rows(const InterventionTable* table,
                                     std::span<const PassRow> rows,
                                     std::int64_t num_layers);

}  // namespace veer
