// SPDX-License-Identifier: MIT
#include "veer/jinja/names.h"

namespace veer::jinja {
namespace {

using Names = std::set<std::string>;

void collect(const ExprPtr& node, Names& names) {
  if (node == nullptr) {
    return;
  }
  if (node->kind == ExprKind::kName) {
    names.insert(node->name);
  }
  for (const ExprPtr* part : {&node->first, &node->second, &node->third}) {
    collect(*part, names);
  }
  for (const ExprPtr& item : node->items) {
    collect(item, names);
  }
  if (node->call != nullptr) {
    for (const ExprPtr& item : node->call->positional) {
      collect(item, names);
    }
    for (const auto& [name, item] : node->call->keywords) {
      collect(item, names);
    }
    collect(node->call->more_positional, names);
    collect(node->call->more_keywords, names);
  }
}

void collect(const Body& body, Names& names) {
  for (const auto& statement : body) {
    // The target of a set is written, not read.
    for (const ExprPtr* node : {&statement->value, &statement->condition}) {
      collect(*node, names);
    }
    for (const auto* list : {&statement->expressions, &statement->conditions,
                             &statement->signature.defaults}) {
      for (const ExprPtr& node : *list) {
        collect(node, names);
      }
    }
    for (const Body& inner : statement->bodies) {
      collect(inner, names);
    }
  }
}

}  // namespace

std::set<std::string> read_names(const Program& program) {
  Names names;
  collect(program.body, names);
  return names;
}

}  // namespace veer::jinja
