// SPDX-License-Identifier: MIT
#include <c10/core/GradMode.h>

#include "cli/look.h"
#include "veer/run/machine.h"
#include "veer/train/adapter_files.h"

namespace veer::cli {

void for_each_row(const LookOptions& options, const TokenRows& rows,
                  Session& session, const RowBody& body) {
  const auto on_note = session.terminal.monitor().on_message;
  RunSettings machine;
  machine.device = options.device;
  machine.dtype = options.dtype;
  machine.threads = options.threads;
  Transformer model =
      load_model(model_folder(options.model.string()), machine, on_note);
  ForwardOptions forward;
  if (!options.adapter.empty()) {
    model.attach(read_adapter(options.adapter, model));
    forward.adapter.uniform = 1.0;
  }
  const c10::AutoGradMode no_grad(false);
  for (std::size_t n = 0; n < rows.rows.size(); ++n) {
    body(model, pack({&rows.rows[n], 1}, model.device()), forward, n);
  }
}

}  // namespace veer::cli
