// SPDX-License-Identifier: MIT
#include "veer/jinja/jinja.h"

#include <fmt/core.h>

#include "veer/jinja/interpreter.h"
#include "veer/jinja/names.h"
#include "veer/jinja/parser.h"
#include "veer/jinja/symbols.h"

namespace veer {

JinjaTemplate JinjaTemplate::parse(std::string_view source,
                                   std::string_view origin,
                                   const JinjaLimits& limits) {
  if (source.size() > limits.max_template_bytes) {
    fail("chat template", fmt::format("{} has {} bytes", origin, source.size()),
         fmt::format("at most {}", limits.max_template_bytes));
  }
  if (!jinja::valid_utf8(source)) {
    fail("chat template", fmt::format("{} is no valid UTF-8", origin),
         "UTF-8 text");
  }
  auto program = std::make_shared<jinja::Program>();
  program->source = jinja::normalise_source(source);
  program->origin = std::string(origin);
  program->limits = limits;
  program->body =
      jinja::Parser(program->source, program->origin, limits).parse();
  jinja::find_unset_names(*program);
  JinjaTemplate out;
  out.program_ = std::move(program);
  return out;
}

JinjaRender JinjaTemplate::render(
    const Json& variables, std::span<const std::vector<OriginRun>> content_runs,
    std::int64_t now) const {
  return jinja::Interpreter(*program_, now).render(variables, content_runs);
}

std::vector<std::string> JinjaTemplate::names() const {
  const auto names = jinja::read_names(*program_);
  return {names.begin(), names.end()};
}

}  // namespace veer
