// SPDX-License-Identifier: MIT
// The loop variable. Items are fetched one at a time, and a filter ("for x in
// y if ...") is evaluated when its item is fetched, as jinja2's generator is.
#include <fmt/core.h>

#include "veer/jinja/interpreter.h"

namespace veer::jinja {

bool Loop::peek(Interpreter& in) {
  if (after) {
    return true;
  }
  while (next < items.size()) {
    Value item = items[next++];
    if (statement->condition != nullptr && !filtered) {
      const ScopePtr scope = in.inner(outer);
      in.assign(*statement->target, item, scope);
      in.step();
      if (!truth(in, in.eval(*statement->condition, scope))) {
        continue;
      }
    }
    after = std::move(item);
    return true;
  }
  return false;
}

bool Loop::fetch(Interpreter& in, Value& out) {
  if (!peek(in)) {
    return false;
  }
  before = std::move(current);
  current = *after;
  out = std::move(*after);
  after.reset();
  ++index0;
  return true;
}

std::int64_t Loop::length(Interpreter& in) {
  if (statement->condition == nullptr || filtered) {
    return static_cast<std::int64_t>(items.size());
  }
  // Fetch the rest, keep what passes the filter.
  std::vector<Value> rest;
  while (peek(in)) {
    rest.push_back(std::move(*after));
    after.reset();
  }
  std::vector<Value> kept(static_cast<std::size_t>(index0 + 1));
  kept.insert(kept.end(), rest.begin(), rest.end());
  items = std::move(kept);
  next = static_cast<std::size_t>(index0 + 1);
  filtered = true;
  return static_cast<std::int64_t>(items.size());
}

bool Loop::attribute(Interpreter& in, std::string_view name, Value& out) {
  const auto integer = [&](std::int64_t value) { out = Value(value); };
  if (name == "index") {
    integer(index0 + 1);
  } else if (name == "index0") {
    integer(index0);
  } else if (name == "revindex") {
    integer(length(in) - index0);
  } else if (name == "revindex0") {
    integer(length(in) - index0 - 1);
  } else if (name == "length") {
    integer(length(in));
  } else if (name == "first") {
    out = Value(index0 == 0);
  } else if (name == "last") {
    out = Value(!peek(in));
  } else if (name == "depth") {
    integer(depth0 + 1);
  } else if (name == "depth0") {
    integer(depth0);
  } else if (name == "previtem") {
    out = index0 > 0 ? *before : Value::undefined("there is no previous item");
  } else if (name == "nextitem") {
    out = peek(in) ? *after : Value::undefined("there is no next item");
  } else if (name == "cycle") {
    const std::int64_t at = index0;
    out = make_function("cycle", [at](Interpreter& inner, Args& args) {
      if (args.positional.empty()) {
        inner.fail("no items for cycling given");
      }
      return args
          .positional[static_cast<std::size_t>(at) % args.positional.size()];
    });
  } else if (name == "changed") {
    const std::weak_ptr<Loop> weak = self;
    out = make_function("changed", [weak](Interpreter& inner, Args& args) {
      const auto loop = weak.lock();
      if (loop == nullptr) {
        inner.fail("loop.changed is called after its loop");
      }
      Value now = inner.list(args.positional, ListKind::kTuple);
      const bool same =
          loop->last_changed && equal(inner, *loop->last_changed, now);
      loop->last_changed = std::move(now);
      return Value(!same);
    });
  } else {
    return false;
  }
  return true;
}

std::string Loop::print(Interpreter& in) {
  return fmt::format("<LoopContext {}/{}>", index0 + 1, length(in));
}

}  // namespace veer::jinja
