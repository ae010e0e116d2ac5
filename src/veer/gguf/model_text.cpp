// SPDX-License-Identifier: MIT
#include "veer/gguf/model_text.h"

#include "veer/base/files.h"
#include "veer/base/model_folder.h"
#include "veer/gguf/config.h"

namespace veer {

ModelText read_config_text(const std::filesystem::path& model) {
  if (is_gguf(model)) {
    return {gguf_config_json(GgufModel::open(model)), model.string()};
  }
  const auto path = model / "config.json";
  return {read_file(path, 1 << 24), path.string()};
}

}  // namespace veer
