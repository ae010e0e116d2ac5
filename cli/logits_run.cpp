// SPDX-License-Identifier: MIT
#include <ATen/core/Tensor.h>
#include <fmt/core.h>

#include "cli/look.h"
#include "veer/model/transformer.h"
#include "veer/tensors/safetensors.h"

namespace veer::cli {

// fp32 [tokens, vocabulary] under "logits", or "logits.N" of a list of lists.
void run_logits(const LookOptions& options, Session& session) {
  const TokenRows rows = read_token_rows(options.ids);
  TensorMap logits;
  for_each_row(
      options, rows, session,
      [&](const Transformer& model, const PackedBatch& batch,
          const ForwardOptions& forward, std::size_t n) {
        const auto name = rows.is_list ? fmt::format("logits.{}", n) : "logits";
        logits[name] =
            model.logits(model.forward(batch, forward), forward.adapter)
                .to(at::kCPU, at::kFloat);
      });
  write_safetensors(options.out, logits);
  session.terminal.note(fmt::format("logits of {} texts in {}",
                                    rows.rows.size(), options.out.string()));
}

}  // namespace veer::cli
