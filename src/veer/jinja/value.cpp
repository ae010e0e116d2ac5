// SPDX-License-Identifier: MIT
#include "veer/jinja/value.h"

#include <algorithm>
#include <cmath>

#include <fmt/core.h>

namespace veer::jinja {

std::int64_t Range::size() const {
  if (step > 0) {
    return start < stop ? (stop - start - 1) / step + 1 : 0;
  }
  return start > stop ? (start - stop - 1) / -step + 1 : 0;
}

Value Value::text(std::string bytes) {
  Str text;
  text.bytes = std::move(bytes);
  return Value(std::move(text));
}

Value Value::undefined(std::string message) {
  return Value(
      Data(std::make_shared<const Undefined>(Undefined{std::move(message)})));
}

bool Value::as_integer(std::int64_t& out) const {
  if (const auto* b = get<bool>()) {
    out = *b ? 1 : 0;
    return true;
  }
  if (const auto* i = get<std::int64_t>()) {
    out = *i;
    return true;
  }
  return false;
}

bool Value::is_number() const {
  return get<bool>() != nullptr || get<std::int64_t>() != nullptr ||
         get<double>() != nullptr;
}

int Value::depth() const {
  if (const auto* l = list()) {
    return l->depth;
  }
  if (const auto* d = dict()) {
    return d->depth;
  }
  if (const auto* o = object()) {
    return o->depth;
  }
  return 0;
}

bool hash_key(const Value& value, std::string& out) {
  if (const Str* s = value.str()) {
    out += fmt::format("s{}:", s->bytes.size());
    out += s->bytes;
    return true;
  }
  std::int64_t i = 0;
  if (value.as_integer(i)) {
    out += fmt::format("n{};", i);
    return true;
  }
  if (const auto* d = value.get<double>()) {
    const bool whole = std::floor(*d) == *d && std::abs(*d) < 9e18;
    out += whole ? fmt::format("n{};", static_cast<std::int64_t>(*d))
                 : fmt::format("f{};", *d);
    return true;
  }
  if (value.is_none()) {
    out += "N";
    return true;
  }
  if (value.is_undefined()) {
    out += "U";
    return true;
  }
  if (const List* l = value.list();
      l != nullptr && l->kind == ListKind::kTuple) {
    out += fmt::format("t{}(", l->items.size());
    return std::all_of(l->items.begin(), l->items.end(),
                       [&](const Value& v) { return hash_key(v, out); });
  }
  if (const Range* r = value.range()) {
    out += fmt::format("r{},{},{};", r->start, r->stop, r->step);
    return true;
  }
  return false;
}

bool hashable_by_identity(const Value& value) {
  if (const List* l = value.list()) {
    std::string hashed;
    return l->kind == ListKind::kGenerator || l->kind == ListKind::kValues ||
           (l->kind == ListKind::kTuple &&
            std::all_of(l->items.begin(), l->items.end(), [&](const Value& v) {
              return hash_key(v, hashed) || hashable_by_identity(v);
            }));
  }
  const Dict* dict = value.dict();
  return value.object() != nullptr || (dict != nullptr && dict->is_namespace);
}

const Value* Dict::find(const Value& key) const {
  std::string hashed;
  if (!hash_key(key, hashed)) {
    return nullptr;
  }
  const auto at = index.find(hashed);
  return at == index.end() ? nullptr : &entries[at->second].second;
}

const Value* Dict::find(std::string_view key) const {
  const auto at = index.find(fmt::format("s{}:{}", key.size(), key));
  return at == index.end() ? nullptr : &entries[at->second].second;
}

void Dict::set(const Value& key, Value value) {
  std::string hashed;
  hash_key(key, hashed);
  depth = std::max({depth, value.depth() + 1, key.depth() + 1});
  const auto [at, is_new] = index.try_emplace(hashed, entries.size());
  if (is_new) {
    entries.emplace_back(key, std::move(value));
  } else {
    entries[at->second].second = std::move(value);
  }
}

Value make_list(std::vector<Value> items, ListKind kind) {
  auto list = std::make_shared<List>();
  for (const Value& item : items) {
    list->depth = std::max(list->depth, item.depth() + 1);
  }
  list->items = std::move(items);
  list->kind = kind;
  return Value(Value::Data(std::move(list)));
}

Value make_function(std::string name, Callable call, int depth) {
  auto object = std::make_shared<Object>(fmt::format("<function {}>", name));
  object->call = std::move(call);
  object->depth = depth;
  return Value(Value::Data(std::move(object)));
}

}  // namespace veer::jinja
