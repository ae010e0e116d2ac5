// SPDX-License-Identifier: MIT
// Python's truth, equality, order and arithmetic.
#include <algorithm>
#include <cmath>

#include <fmt/core.h>

#include "veer/jinja/interpreter.h"

namespace veer::jinja {

std::string type_name(const Value& value) {
  if (value.is_undefined()) {
    return "Undefined";
  }
  if (value.is_none()) {
    return "NoneType";
  }
  if (value.get<bool>() != nullptr) {
    return "bool";
  }
  if (value.get<std::int64_t>() != nullptr) {
    return "int";
  }
  if (value.get<double>() != nullptr) {
    return "float";
  }
  if (value.str() != nullptr) {
    return "str";
  }
  if (const List* list = value.list()) {
    static constexpr const char* kNames[] = {
        "list", "tuple", "generator", "dict_keys", "dict_values", "dict_items"};
    return kNames[static_cast<std::size_t>(list->kind)];
  }
  if (const Dict* dict = value.dict()) {
    return dict->is_namespace ? "Namespace" : "dict";
  }
  return value.range() != nullptr ? "range" : "function";
}

std::int64_t length_of(Interpreter& in, const Value& value) {
  if (const Str* text = value.str()) {
    in.step(static_cast<std::int64_t>(text->bytes.size() / 64));
    return count_code_points(text->bytes);
  }
  if (const List* list = value.list();
      list != nullptr && list->kind != ListKind::kGenerator) {
    return static_cast<std::int64_t>(list->items.size());
  }
  if (const Dict* dict = value.dict(); dict != nullptr && !dict->is_namespace) {
    return static_cast<std::int64_t>(dict->entries.size());
  }
  if (const Range* range = value.range()) {
    return range->size();
  }
  if (value.is_undefined()) {
    return 0;
  }
  if (auto* loop = dynamic_cast<Loop*>(value.object())) {
    return loop->length(in);
  }
  in.fail(fmt::format("object of type '{}' has no len()", type_name(value)));
}

bool truth(Interpreter& in, const Value& value) {
  if (value.is_undefined() || value.is_none()) {
    return false;
  }
  std::int64_t integer = 0;
  if (value.as_integer(integer)) {
    return integer != 0;
  }
  if (const auto* number = value.get<double>()) {
    return *number != 0.0;
  }
  if (const Str* text = value.str()) {
    return !text->bytes.empty();
  }
  if (const List* list = value.list()) {
    return list->kind == ListKind::kGenerator || !list->items.empty();
  }
  if (const Dict* dict = value.dict()) {
    return dict->is_namespace || !dict->entries.empty();
  }
  return value.range() == nullptr || length_of(in, value) > 0;
}

namespace {

bool number(const Value& value, long double& out) {
  std::int64_t integer = 0;
  if (value.as_integer(integer)) {
    out = static_cast<long double>(integer);
    return true;
  }
  if (const auto* real = value.get<double>()) {
    out = *real;
    return true;
  }
  return false;
}

bool equal_lists(Interpreter& in, const List& a, const List& b, int depth) {
  if (&a == &b) {
    return true;
  }
  if (a.kind == ListKind::kGenerator || b.kind == ListKind::kGenerator ||
      a.kind != b.kind || a.items.size() != b.items.size()) {
    return false;
  }
  for (std::size_t i = 0; i < a.items.size(); ++i) {
    in.step();
    if (!equal(in, a.items[i], b.items[i], depth + 1)) {
      return false;
    }
  }
  return true;
}

bool equal_dicts(Interpreter& in, const Dict& a, const Dict& b, int depth) {
  if (&a == &b) {
    return true;
  }
  if (a.is_namespace || b.is_namespace ||
      a.entries.size() != b.entries.size()) {
    return false;
  }
  for (const auto& [key, value] : a.entries) {
    in.step(2);
    const Value* other = b.find(key);
    if (other == nullptr || !equal(in, value, *other, depth + 1)) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool equal(Interpreter& in, const Value& a, const Value& b, int depth) {
  in.check_depth(depth);
  long double x = 0;
  long double y = 0;
  if (number(a, x) && number(b, y)) {
    return x == y;
  }
  if (a.str() != nullptr && b.str() != nullptr) {
    in.step(static_cast<std::int64_t>(
        std::min(a.str()->bytes.size(), b.str()->bytes.size()) / 64));
    return a.str()->bytes == b.str()->bytes;
  }
  if (a.list() != nullptr && b.list() != nullptr) {
    return equal_lists(in, *a.list(), *b.list(), depth);
  }
  if (a.dict() != nullptr && b.dict() != nullptr) {
    return equal_dicts(in, *a.dict(), *b.dict(), depth);
  }
  if (a.range() != nullptr && b.range() != nullptr) {
    const Range& r = *a.range();
    const Range& s = *b.range();
    return r.size() == s.size() &&
           (r.size() == 0 ||
            (r.start == s.start && (r.size() == 1 || r.step == s.step)));
  }
  if (a.object() != nullptr) {
    return a.object() == b.object();
  }
  return (a.is_none() && b.is_none()) || (a.is_undefined() && b.is_undefined());
}

bool less(Interpreter& in, const Value& a, const Value& b, int depth) {
  in.check_depth(depth);
  if (a.is_undefined() || b.is_undefined()) {
    in.fail_undefined(a.is_undefined() ? a : b);
  }
  long double x = 0;
  long double y = 0;
  if (number(a, x) && number(b, y)) {
    return x < y;
  }
  if (a.str() != nullptr && b.str() != nullptr) {
    in.step(static_cast<std::int64_t>(
        std::min(a.str()->bytes.size(), b.str()->bytes.size()) / 64));
    return a.str()->bytes < b.str()->bytes;
  }
  const List* s = a.list();
  const List* t = b.list();
  if (s != nullptr && t != nullptr && s->kind == t->kind &&
      (s->kind == ListKind::kList || s->kind == ListKind::kTuple)) {
    for (std::size_t i = 0; i < std::min(s->items.size(), t->items.size());
         ++i) {
      in.step();
      if (!equal(in, s->items[i], t->items[i], depth + 1)) {
        return less(in, s->items[i], t->items[i], depth + 1);
      }
    }
    return s->items.size() < t->items.size();
  }
  in.fail(fmt::format("'<' not supported between instances of '{}' and '{}'",
                      type_name(a), type_name(b)));
}

bool contains(Interpreter& in, const Value& container, const Value& item) {
  if (const Str* text = container.str()) {
    if (item.str() == nullptr) {
      in.fail(
          fmt::format("'in <string>' requires string as left operand, not "
                      "{}",
                      type_name(item)));
    }
    in.step(static_cast<std::int64_t>(text->bytes.size() / 64));
    return text->bytes.find(item.str()->bytes) != std::string::npos;
  }
  if (const Dict* dict = container.dict();
      dict != nullptr && !dict->is_namespace) {
    std::string hashed;
    if (!hash_key(item, hashed)) {
      if (hashable_by_identity(item)) {
        return false;
      }
      in.fail(fmt::format("unhashable type: '{}'", type_name(item)));
    }
    return dict->index.contains(hashed);
  }
  if (container.list() == nullptr && container.range() == nullptr &&
      !container.is_undefined()) {
    in.fail(fmt::format("argument of type '{}' is not iterable",
                        type_name(container)));
  }
  const std::vector<Value> items = in.iterate(container);
  return std::any_of(items.begin(), items.end(), [&](const Value& value) {
    in.step();
    return equal(in, value, item);
  });
}

std::vector<std::size_t> sorted_order(Interpreter& in,
                                      const std::vector<Value>& keys,
                                      bool reverse) {
  std::vector<std::size_t> order(keys.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
  }
  // A stable merge sort, whatever the order says: NaN may not break it.
  const auto before = [&](std::size_t a, std::size_t b) {
    in.step();
    return reverse ? less(in, keys[b], keys[a]) : less(in, keys[a], keys[b]);
  };
  std::vector<std::size_t> merged(order.size());
  for (std::size_t width = 1; width < order.size(); width *= 2) {
    for (std::size_t low = 0; low < order.size(); low += 2 * width) {
      const std::size_t middle = std::min(low + width, order.size());
      const std::size_t high = std::min(low + 2 * width, order.size());
      std::size_t i = low;
      std::size_t j = middle;
      for (std::size_t k = low; k < high; ++k) {
        const bool right =
            i == middle || (j < high && before(order[j], order[i]));
        merged[k] = right ? order[j++] : order[i++];
      }
    }
    order.swap(merged);
  }
  return order;
}

}  // namespace veer::jinja
