// SPDX-License-Identifier: MIT
// a.b, a['b'], a[1], a[1:2] and iteration, with the sandbox's rules: a.b
// tries the attribute first, a['b'] the key first.
#include <algorithm>

#include <fmt/core.h>

#include "veer/jinja/interpreter.h"

namespace veer::jinja {
namespace {

Value no_attribute(const Value& object, std::string_view name) {
  return Value::undefined(fmt::format("'{}' object has no attribute '{}'",
                                      type_name(object), name));
}

Value unsafe(const Value& object, std::string_view name) {
  return Value::undefined(
      fmt::format("access to attribute '{}' of '{}' object is unsafe", name,
                  type_name(object)));
}

// Attribute in Python's sense; false: there is none.
bool find_attribute(Interpreter& in, const Value& object, std::string_view name,
                    Value& out) {
  if (name.starts_with("__") && name.ends_with("__") && name.size() > 4) {
    out = unsafe(object, name);
    return true;
  }
  if (const Dict* dict = object.dict(); dict != nullptr && dict->is_namespace) {
    const Value* found = dict->find(name);
    if (found == nullptr) {
      return false;
    }
    out = name.starts_with("_") ? unsafe(object, name) : *found;
    return true;
  }
  if (Object* other = object.object()) {
    return other->attribute(in, name, out);
  }
  if (const Range* range = object.range()) {
    for (const auto& [own, number] :
         {std::pair{"start", range->start}, std::pair{"stop", range->stop},
          std::pair{"step", range->step}}) {
      if (name == own) {
        out = Value(number);
        return true;
      }
    }
  }
  return find_method(in, object, name, out);
}

// Python's index of a sequence of `size`; false: out of range.
bool wrap_index(std::int64_t index, std::int64_t size, std::int64_t& out) {
  out = index < 0 ? index + size : index;
  return out >= 0 && out < size;
}

bool find_by_index(Interpreter& in, const Value& object, std::int64_t index,
                   Value& out) {
  std::int64_t at = 0;
  if (const Str* text = object.str()) {
    in.step(static_cast<std::int64_t>(text->bytes.size() / 64));
    if (!wrap_index(index, count_code_points(text->bytes), at)) {
      return false;
    }
    const std::size_t begin = byte_offset(text->bytes, at);
    out = in.text(slice_bytes(
        *text, begin, begin + code_point_at(text->bytes, begin).length));
    return true;
  }
  if (const List* list = object.list();
      list != nullptr &&
      (list->kind == ListKind::kList || list->kind == ListKind::kTuple)) {
    if (!wrap_index(index, static_cast<std::int64_t>(list->items.size()), at)) {
      return false;
    }
    out = list->items[static_cast<std::size_t>(at)];
    return true;
  }
  if (const Range* range = object.range()) {
    if (!wrap_index(index, range->size(), at)) {
      return false;
    }
    out = Value(range->start + at * range->step);
    return true;
  }
  return false;
}

bool find_item(Interpreter& in, const Value& object, const Value& key,
               Value& out) {
  if (const Dict* dict = object.dict()) {
    const Value* found = dict->is_namespace ? nullptr : dict->find(key);
    if (found != nullptr) {
      out = *found;
    }
    return found != nullptr;
  }
  std::int64_t index = 0;
  return key.as_integer(index) && find_by_index(in, object, index, out);
}

}  // namespace

Value Interpreter::attribute(const Value& object, std::string_view name) {
  if (object.is_undefined() && name != "__class__") {
    fail_undefined(object);
  }
  Value out;
  if (find_attribute(*this, object, name, out)) {
    return out;
  }
  if (const Dict* dict = object.dict();
      dict != nullptr && !dict->is_namespace) {
    if (const Value* found = dict->find(name)) {
      return *found;
    }
  }
  return no_attribute(object, name);
}

Value Interpreter::item(const Value& object, const Value& key) {
  if (object.is_undefined()) {
    fail_undefined(object);
  }
  Value out;
  if (find_item(*this, object, key, out)) {
    return out;
  }
  if (const Str* name = key.str()) {
    if (find_attribute(*this, object, name->bytes, out)) {
      return out;
    }
    return no_attribute(object, name->bytes);
  }
  return Value::undefined(fmt::format("'{}' object has no element {}",
                                      type_name(object),
                                      to_str(*this, key).bytes));
}

std::vector<Value> Interpreter::iterate(const Value& value) {
  std::vector<Value> out;
  if (List* list = value.list()) {
    if (list->kind == ListKind::kGenerator) {
      if (list->consumed) {
        return out;
      }
      list->consumed = true;
    }
    step(static_cast<std::int64_t>(list->items.size()));
    return list->items;
  }
  if (const Str* text = value.str()) {
    for (std::size_t at = 0; at < text->bytes.size();) {
      const std::size_t next = at + code_point_at(text->bytes, at).length;
      step(4);
      Str piece = slice_bytes(*text, at, next);
      piece.markup = false;
      out.push_back(Value(std::move(piece)));
      at = next;
    }
    return out;
  }
  if (const Dict* dict = value.dict(); dict != nullptr && !dict->is_namespace) {
    step(static_cast<std::int64_t>(dict->entries.size()));
    for (const auto& entry : dict->entries) {
      out.push_back(entry.first);
    }
    return out;
  }
  if (const Range* range = value.range()) {
    step(range->size());
    for (std::int64_t i = 0; i < range->size(); ++i) {
      out.emplace_back(range->start + i * range->step);
    }
    return out;
  }
  if (value.is_undefined()) {
    return out;
  }
  fail(fmt::format("'{}' object is not iterable", type_name(value)));
}

namespace {

struct SliceBounds {
  std::int64_t start = 0;
  std::int64_t stop = 0;
  std::int64_t step = 1;
  std::int64_t count = 0;
};

std::int64_t slice_index(Interpreter& in, const Value& value,
                         std::int64_t fallback) {
  std::int64_t out = 0;
  if (value.is_none()) {
    return fallback;
  }
  if (!value.as_integer(out)) {
    in.fail("slice indices must be integers or none");
  }
  return out;
}

// PySlice_AdjustIndices.
SliceBounds slice_bounds(Interpreter& in, std::int64_t size,
                         const Value& start_value, const Value& stop_value,
                         const Value& step_value) {
  SliceBounds out;
  out.step = slice_index(in, step_value, 1);
  if (out.step == 0) {
    in.fail("slice step cannot be zero");
  }
  const bool back = out.step < 0;
  out.step = std::clamp<std::int64_t>(out.step, -(size + 1), size + 1);
  const auto clip = [&](const Value& value, std::int64_t fallback) {
    std::int64_t i = slice_index(in, value, fallback);
    if (value.is_none()) {
      return i;
    }
    if (i < 0) {
      i = i < -size ? -1 : i + size;
      return i < 0 ? (back ? std::int64_t{-1} : std::int64_t{0}) : i;
    }
    return i >= size ? (back ? size - 1 : size) : i;
  };
  out.start = clip(start_value, back ? size - 1 : 0);
  const std::int64_t stop = clip(stop_value, back ? -1 : size);
  out.stop = stop;
  if (back) {
    out.count = stop < out.start ? (out.start - stop - 1) / -out.step + 1 : 0;
  } else {
    out.count = out.start < stop ? (stop - out.start - 1) / out.step + 1 : 0;
  }
  return out;
}

Value slice_text(Interpreter& in, const Str& text, const SliceBounds& bounds) {
  in.step(static_cast<std::int64_t>(text.bytes.size() / 64));
  if (bounds.step == 1) {
    const std::size_t begin = byte_offset(text.bytes, bounds.start);
    const std::size_t end =
        begin +
        byte_offset(std::string_view(text.bytes).substr(begin), bounds.count);
    return in.text(slice_bytes(text, begin, end));
  }
  std::vector<std::size_t> begins;
  for (std::size_t at = 0; at < text.bytes.size();
       at += code_point_at(text.bytes, at).length) {
    begins.push_back(at);
  }
  StrBuilder out;
  for (std::int64_t i = 0; i < bounds.count; ++i) {
    const std::size_t at =
        begins[static_cast<std::size_t>(bounds.start + i * bounds.step)];
    out.append(text, at, at + code_point_at(text.bytes, at).length);
  }
  Str result = out.take();
  result.markup = text.markup;
  in.charge_bytes(text.bytes.size());
  return in.text(std::move(result));
}

}  // namespace

Value slice(Interpreter& in, const Value& value, const Value& start,
            const Value& stop, const Value& step) {
  if (value.is_undefined()) {
    in.fail_undefined(value);
  }
  if (const Str* text = value.str()) {
    return slice_text(
        in, *text,
        slice_bounds(in, count_code_points(text->bytes), start, stop, step));
  }
  if (const Range* range = value.range()) {
    const SliceBounds bounds =
        slice_bounds(in, range->size(), start, stop, step);
    Range out;
    out.start = range->start + bounds.start * range->step;
    out.step = range->step * bounds.step;
    out.stop = range->start + bounds.stop * range->step;
    return Value(Value::Data(std::make_shared<const Range>(out)));
  }
  const List* list = value.list();
  if (list == nullptr ||
      (list->kind != ListKind::kList && list->kind != ListKind::kTuple)) {
    in.fail(fmt::format("'{}' object cannot be sliced", type_name(value)));
  }
  const SliceBounds bounds = slice_bounds(
      in, static_cast<std::int64_t>(list->items.size()), start, stop, step);
  std::vector<Value> items;
  for (std::int64_t i = 0; i < bounds.count; ++i) {
    items.push_back(
        list->items[static_cast<std::size_t>(bounds.start + i * bounds.step)]);
  }
  return in.list(std::move(items), list->kind);
}

}  // namespace veer::jinja
