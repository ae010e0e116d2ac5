// SPDX-License-Identifier: MIT
#include "veer/sweep/proofs.h"

#include <map>
#include <set>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "veer/base/error.h"
#include "veer/model/load.h"
#include "veer/sweep/thinking_scope.h"
#include "veer/tensors/float_range.h"

namespace veer {
namespace {

// The think block of a text on which edits are tried; where it has none, its
// answer stands for thoughts.
PositionRange probe_thoughts(const EncodedChat& text) {
  const auto own = thinking_range(text.thinking);
  return own.empty() ? PositionRange{text.answer_begin, text.answer_end} : own;
}

void require_proof(const CellProof& cell) {
  if (!cell.proof.holds) {
    fail_run(
        "proof of application",
        fmt::format("{} at layer {} of the {} model: {}", cell.row.operation,
                    cell.row.layers, cell.row.model, cell.proof.summary),
        fmt::format("a deviation below {:g} and no other token changed",
                    cell.proof.tolerance),
        "a defect of the program or a scale beyond the dtype; nothing "
        "was steered");
  }
}

std::string kind_of(const SweepCell& cell) {
  return fmt::format("{}|{}|{}|{}|{}|{}|{}", cell.row.operation, cell.row.unit,
                     cell.act.scope, cell.act.site, cell.row.model,
                     cell.layer() < 0 ? cell.row.layers : std::string("one"),
                     cell.is_random());
}

// `overflown`: a cell of each kind that has no proof, null where it has one.
void tell_overflows(StudyContext& context,
                    const std::map<std::string, const SweepCell*>& overflown) {
  std::set<std::string> names;
  for (const auto& [kind, cell] : overflown) {
    if (cell != nullptr) {
      names.insert(fmt::format("{} in {} units, layers {}, {} model",
                               cell->row.operation, cell->row.unit,
                               cell->row.layers, cell->row.model));
    }
  }
  if (!names.empty()) {
    const auto dtype = context.model().dtype();
    context.monitor().message(fmt::format(
        "Not proved, because at every scale the probe's numbers leave what {} "
        "can hold: {}. The cause: {}",
        dtype_name(dtype), fmt::join(names, "; "),
        overflow_cause(dtype, "it is steered far too strongly")));
  }
}

}  // namespace

std::vector<CellProof> prove_cells(StudyContext& context, SweepRunner& runner,
                                   std::span<const SweepCell> cells) {
  const auto& select = runner.questions("select");
  const auto encoded =
      reference_texts(context.format(), {select.data(), 1}).front();
  std::vector<CellProof> proofs;
  std::map<std::string, const SweepCell*> overflown;  // null: proved
  for (const auto& cell : cells) {
    const auto kind = kind_of(cell);
    const auto known = overflown.find(kind);
    if (!cell.has_intervention() ||
        (known != overflown.end() && known->second == nullptr)) {
      continue;
    }
    require_thinking(context.format(), cell.act.scope);
    if (context.judge_kind() == JudgeKind::kLogprob) {
      require_thoughts(encoded, cell.act.scope);
    }
    ProbeText probe;
    probe.ids = encoded.ids;
    probe.prompt_length = encoded.prompt_length;
    probe.thinking = probe_thoughts(encoded);
    probe.adapter_strength = cell.adapter_strength;
    probe.donor_strength = cell.donor_strength();
    CellProof own{
        cell.row, cell.act.scope,
        prove_application(context.model(), runner.edits_of(cell), probe)};
    require_proof(own);
    overflown[kind] = own.proof.overflows ? &cell : nullptr;
    if (!own.proof.overflows) {
      proofs.push_back(std::move(own));
    }
  }
  tell_overflows(context, overflown);
  return proofs;
}

}  // namespace veer
