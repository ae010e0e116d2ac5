// SPDX-License-Identifier: MIT
#include <algorithm>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/shown_text.h"
#include "cli/verbs.h"
#include "veer/base/json.h"
#include "veer/base/model_list.h"

namespace veer::cli {
namespace {

struct ModelsOptions {};

std::string as_text(const std::vector<FoundModel>& models) {
  std::size_t widest = 0;
  for (const auto& model : models) {
    widest = std::max(widest, model.name.size());
  }
  std::string out;
  for (const auto& model : models) {
    out += fmt::format("{:{}}  {:11}  {}\n", model.name, widest, model.kind,
                       model.about.empty() ? model.path.string() : model.about);
  }
  return out + "Any other model: --model FOLDER or --model FILE.gguf\n";
}

void run_models(const ModelsOptions&, Session& session) {
  const auto models = list_models();
  if (!session.json) {
    session.terminal.out(shown_text(as_text(models)));
    return;
  }
  Json list = Json::array();
  for (const auto& model : models) {
    list.push_back({{"name", model.name},
                    {"kind", model.kind},
                    {"path", model.path.string()},
                    {"about", model.about}});
  }
  session.terminal.out(dump_json({{"models", std::move(list)}}) + "\n");
}

}  // namespace

void setup_models(Commands& commands) {
  commands.add("models", "list the models that can be named here",
               std::make_shared<ModelsOptions>(), run_models);
}

}  // namespace veer::cli
