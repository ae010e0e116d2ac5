// SPDX-License-Identifier: MIT
// Filters of sequences and mappings. What Python makes a generator is made
// whole here; it is still used up once.
#include <algorithm>
#include <array>
#include <charconv>
#include <unordered_set>

#include <fmt/core.h>

#include "veer/jinja/filters.h"
#include "veer/jinja/strings.h"

namespace veer::jinja {
namespace {

Value length(Interpreter& in, const Value& value, Args& args) {
  const ArgReader reader(in, args, "length", {});
  return Value(length_of(in, value));
}

Value list(Interpreter& in, const Value& value, Args& args) {
  const ArgReader reader(in, args, "list", {});
  return in.list(in.iterate(value));
}

Value first(Interpreter& in, const Value& value, Args& args) {
  const ArgReader reader(in, args, "first", {});
  const std::vector<Value> items = in.iterate(value);
  return items.empty() ? Value::undefined("No first item, sequence was empty.")
                       : items.front();
}

Value last(Interpreter& in, const Value& value, Args& args) {
  const ArgReader reader(in, args, "last", {});
  if (const List* l = value.list();
      l != nullptr && l->kind == ListKind::kGenerator) {
    in.fail("'generator' object is not reversible");
  }
  const std::vector<Value> items = in.iterate(value);
  if (items.empty()) {
    return Value::undefined("No last item, sequence was empty.");
  }
  // Python reads a text backwards by index, and an index keeps the mark that a
  // loop loses.
  if (const Str* text = value.str(); text != nullptr && text->markup) {
    Str item = *items.back().str();
    item.markup = true;
    return in.text(std::move(item));
  }
  return items.back();
}

Value join(Interpreter& in, const Value& value, Args& args) {
  const ArgReader reader(in, args, "join", {"d", "attribute"});
  const Value* mark = reader.get(0);
  const Str separator = mark == nullptr ? Str() : to_str(in, *mark);
  const Value* attribute = reader.get(1);
  StrBuilder out;
  bool begun = false;
  for (const Value& item : in.iterate(value)) {
    if (begun) {
      out.append(separator);
      in.charge_bytes(separator.bytes.size());
    }
    begun = true;
    const bool whole = attribute == nullptr || attribute->is_none();
    out.append(to_str(in, whole ? item : in.item(item, *attribute)));
  }
  return in.text(out.take());
}

// The parts of an attribute path: "a.0.b", an integer, or none.
std::vector<Value> path_of(Interpreter& in, const Value* attribute) {
  std::vector<Value> out;
  if (attribute == nullptr || attribute->is_none()) {
    return out;
  }
  if (attribute->str() == nullptr) {
    return {*attribute};
  }
  Str dot;
  dot.bytes = ".";
  for (const Value& part : split_text(in, *attribute->str(), &dot, -1, false)) {
    const std::string& name = part.str()->bytes;
    std::int64_t index = 0;
    const auto end =
        std::from_chars(name.data(), name.data() + name.size(), index);
    const bool number = end.ec == std::errc() && !name.empty() &&
                        name[0] != '-' && end.ptr == name.data() + name.size();
    out.push_back(number ? Value(index) : part);
  }
  return out;
}

Value walk(Interpreter& in, Value item, const std::vector<Value>& path,
           const Value* fallback = nullptr) {
  for (const Value& part : path) {
    item = in.item(item, part);
    if (fallback != nullptr && !fallback->is_none() && item.is_undefined()) {
      item = *fallback;
    }
  }
  return item;
}

Value ignore_case(const Value& value) {
  return value.str() == nullptr
             ? value
             : Value(map_case(*value.str(), CaseMap::kLower));
}

Value key_of(Interpreter& in, const Value& item, const std::vector<Value>& path,
             bool case_sensitive) {
  const Value out = walk(in, item, path);
  return case_sensitive ? out : ignore_case(out);
}

Value take_in_order(Interpreter& in, const std::vector<Value>& items,
                    const std::vector<Value>& keys, bool reverse) {
  std::vector<Value> out;
  for (const std::size_t i : sorted_order(in, keys, reverse)) {
    out.push_back(items[i]);
  }
  return in.list(std::move(out));
}

Value sort(Interpreter& in, const Value& value, Args& args) {
  const ArgReader reader(in, args, "sort",
                         {"reverse", "case_sensitive", "attribute"});
  std::vector<std::vector<Value>> paths;
  if (const Value* attribute = reader.get(2);
      attribute != nullptr && attribute->str() != nullptr) {
    Str comma;
    comma.bytes = ",";
    for (const Value& part :
         split_text(in, *attribute->str(), &comma, -1, false)) {
      paths.push_back(path_of(in, &part));
    }
  } else {
    paths.push_back(path_of(in, attribute));
  }
  const std::vector<Value> items = in.iterate(value);
  std::vector<Value> keys;
  for (const Value& item : items) {
    std::vector<Value> key;
    for (const auto& path : paths) {
      key.push_back(key_of(in, item, path, reader.flag(1, false)));
    }
    keys.push_back(in.list(std::move(key)));
  }
  return take_in_order(in, items, keys, reader.flag(0, false));
}

Value dict_sort(Interpreter& in, const Value& value, Args& args) {
  const ArgReader reader(in, args, "dictsort",
                         {"case_sensitive", "by", "reverse"});
  if (value.dict() == nullptr || value.dict()->is_namespace) {
    in.fail(fmt::format("dictsort of a {}", type_name(value)), "a dict");
  }
  const std::string by = reader.string_or(1, "key").bytes;
  if (by != "key" && by != "value") {
    in.fail("dictsort: by must be \"key\" or \"value\"");
  }
  std::vector<Value> items;
  std::vector<Value> keys;
  for (const auto& [key, item] : value.dict()->entries) {
    const Value& chosen = by == "key" ? key : item;
    keys.push_back(reader.flag(0, false) ? chosen : ignore_case(chosen));
    items.push_back(in.list({key, item}, ListKind::kTuple));
  }
  return take_in_order(in, items, keys, reader.flag(2, false));
}

template <bool largest>
Value extreme(Interpreter& in, const Value& value, Args& args) {
  const ArgReader reader(in, args, largest ? "max" : "min",
                         {"case_sensitive", "attribute"});
  const std::vector<Value> path = path_of(in, reader.get(1));
  const std::vector<Value> items = in.iterate(value);
  if (items.empty()) {
    return Value::undefined("No aggregated item, sequence was empty.");
  }
  const bool exact = reader.flag(0, false);
  std::size_t best = 0;
  Value best_key = key_of(in, items[0], path, exact);
  for (std::size_t i = 1; i < items.size(); ++i) {
    const Value key = key_of(in, items[i], path, exact);
    if (largest ? less(in, best_key, key) : less(in, key, best_key)) {
      best = i;
      best_key = key;
    }
  }
  return items[best];
}

Value unique(Interpreter& in, const Value& value, Args& args) {
  const ArgReader reader(in, args, "unique", {"case_sensitive", "attribute"});
  const std::vector<Value> path = path_of(in, reader.get(1));
  std::unordered_set<std::string> seen;
  std::vector<Value> out;
  for (const Value& item : in.iterate(value)) {
    const Value key = key_of(in, item, path, reader.flag(0, false));
    std::string hashed;
    if (!hash_key(key, hashed)) {
      in.fail(fmt::format("unhashable type: '{}'", type_name(key)));
    }
    if (seen.insert(std::move(hashed)).second) {
      out.push_back(item);
    }
  }
  return in.list(std::move(out), ListKind::kGenerator);
}

Value reverse(Interpreter& in, const Value& value, Args& args) {
  const ArgReader reader(in, args, "reverse", {});
  if (value.str() != nullptr) {
    return slice(in, value, Value(), Value(), Value(std::int64_t{-1}));
  }
  const List* source = value.list();
  const bool generator =
      source != nullptr && source->kind == ListKind::kGenerator;
  std::vector<Value> items = in.iterate(value);
  std::reverse(items.begin(), items.end());
  return in.list(std::move(items),
                 generator ? ListKind::kList : ListKind::kGenerator);
}

Value sum(Interpreter& in, const Value& value, Args& args) {
  const ArgReader reader(in, args, "sum", {"attribute", "start"});
  const std::vector<Value> path = path_of(in, reader.get(0));
  Value total =
      reader.get(1) == nullptr ? Value(std::int64_t{0}) : *reader.get(1);
  if (total.str() != nullptr) {
    in.fail("sum cannot add strings", "join");
  }
  for (const Value& item : in.iterate(value)) {
    total = binary(in, "+", total, walk(in, item, path));
  }
  return total;
}

Value items(Interpreter& in, const Value& value, Args& args) {
  const ArgReader reader(in, args, "items", {});
  std::vector<Value> out;
  if (!value.is_undefined()) {
    if (value.dict() == nullptr || value.dict()->is_namespace) {
      in.fail("items: can only get item pairs from a mapping");
    }
    for (const auto& [key, item] : value.dict()->entries) {
      out.push_back(in.list({key, item}, ListKind::kTuple));
    }
  }
  return in.list(std::move(out), ListKind::kGenerator);
}

Value batch(Interpreter& in, const Value& value, Args& args) {
  const ArgReader reader(in, args, "batch", {"linecount", "fill_with"}, 1);
  const std::int64_t size = reader.integer(0, 1);
  std::vector<Value> out;
  std::vector<Value> row;
  for (const Value& item : in.iterate(value)) {
    if (static_cast<std::int64_t>(row.size()) == size) {
      out.push_back(in.list(std::move(row)));
      row.clear();
    }
    row.push_back(item);
  }
  if (!row.empty()) {
    const Value* fill = reader.get(1);
    while (fill != nullptr && !fill->is_none() &&
           static_cast<std::int64_t>(row.size()) < size) {
      in.step();
      row.push_back(*fill);
    }
    out.push_back(in.list(std::move(row)));
  }
  return in.list(std::move(out), ListKind::kGenerator);
}

Value slices(Interpreter& in, const Value& value, Args& args) {
  const ArgReader reader(in, args, "slice", {"slices", "fill_with"}, 1);
  const std::int64_t count = reader.integer(0, 1);
  const std::vector<Value> all = in.iterate(value);
  if (count == 0) {
    in.fail("division by zero");
  }
  const auto total = static_cast<std::int64_t>(all.size());
  std::vector<Value> out;
  std::int64_t at = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    in.step();
    const std::int64_t size = total / count + (i < total % count ? 1 : 0);
    std::vector<Value> row(all.begin() + at, all.begin() + at + size);
    at += size;
    if (reader.get(1) != nullptr && !reader.get(1)->is_none() &&
        i >= total % count) {
      row.push_back(*reader.get(1));
    }
    out.push_back(in.list(std::move(row)));
  }
  return in.list(std::move(out), ListKind::kGenerator);
}

Value attr(Interpreter& in, const Value& value, Args& args) {
  const ArgReader reader(in, args, "attr", {"name"}, 1);
  const std::string& name = reader.string(0).bytes;
  Value out;
  if (value.is_undefined()) {
    in.fail_undefined(value);
  }
  const Dict* dict = value.dict();
  if (dict != nullptr && !dict->is_namespace &&
      !find_method(in, value, name, out)) {
    return Value::undefined(fmt::format("'{}' object has no attribute '{}'",
                                        type_name(value), name));
  }
  return in.attribute(value, name);
}

std::string first_name(Interpreter& in, const Args& args, std::size_t at,
                       std::string_view what) {
  if (args.positional.size() <= at || args.positional[at].str() == nullptr) {
    in.fail(fmt::format("{} needs a name", what));
  }
  return args.positional[at].str()->bytes;
}

Args rest_of(const Args& args, std::size_t skip) {
  Args out;
  out.positional.assign(
      args.positional.begin() + static_cast<std::ptrdiff_t>(skip),
      args.positional.end());
  out.keywords = args.keywords;
  return out;
}

Value map_attribute(Interpreter& in, const Value& value, Args& args) {
  const ArgReader reader(in, args, "map", {"attribute", "default"}, 1);
  const std::vector<Value> path = path_of(in, reader.get(0));
  std::vector<Value> out;
  for (const Value& item : in.iterate(value)) {
    out.push_back(walk(in, item, path, reader.get(1)));
  }
  return in.list(std::move(out), ListKind::kGenerator);
}

Value map(Interpreter& in, const Value& value, Args& args) {
  if (!truth(in, value)) {
    return in.list({}, ListKind::kGenerator);
  }
  if (args.positional.empty()) {
    return map_attribute(in, value, args);
  }
  const std::string name = first_name(in, args, 0, "map");
  const Filter filter = find_filter(name);
  if (filter == nullptr) {
    in.fail(fmt::format("the filter \"{}\" is not supported", name));
  }
  std::vector<Value> out;
  for (const Value& item : in.iterate(value)) {
    Args rest = rest_of(args, 1);
    out.push_back(filter(in, item, rest));
  }
  return in.list(std::move(out), ListKind::kGenerator);
}

template <bool wanted, bool by_attribute>
Value choose(Interpreter& in, const Value& value, Args& args) {
  if (!truth(in, value)) {
    return in.list({}, ListKind::kGenerator);
  }
  constexpr std::size_t kSkip = by_attribute ? 1 : 0;
  std::vector<Value> path;
  if (by_attribute) {
    if (args.positional.empty()) {
      in.fail("selectattr and rejectattr need an attribute's name");
    }
    path = path_of(in, args.positional.data());
  }
  Test test = nullptr;
  if (args.positional.size() > kSkip) {
    const std::string name = first_name(in, args, kSkip, "select");
    test = find_test(name);
    if (test == nullptr) {
      in.fail(fmt::format("the test \"{}\" is not supported", name));
    }
  }
  std::vector<Value> out;
  for (const Value& item : in.iterate(value)) {
    const Value tested = walk(in, item, path);
    bool holds = false;
    if (test == nullptr) {
      holds = truth(in, tested);
    } else {
      Args rest = rest_of(args, kSkip + 1);
      holds = test(in, tested, rest);
    }
    if (holds == wanted) {
      out.push_back(item);
    }
  }
  return in.list(std::move(out), ListKind::kGenerator);
}

using F = NamedFilter;
constexpr std::array kFilters = {
    F{"length", length},
    F{"count", length},
    F{"list", list},
    F{"first", first},
    F{"last", last},
    F{"join", join},
    F{"sort", sort},
    F{"dictsort", dict_sort},
    F{"min", extreme<false>},
    F{"max", extreme<true>},
    F{"unique", unique},
    F{"reverse", reverse},
    F{"sum", sum},
    F{"items", items},
    F{"batch", batch},
    F{"slice", slices},
    F{"attr", attr},
    F{"map", map},
    F{"select", choose<true, false>},
    F{"reject", choose<false, false>},
    F{"selectattr", choose<true, true>},
    F{"rejectattr", choose<false, true>},
};

}  // namespace

std::span<const NamedFilter> sequence_filters() {
  return kFilters;
}

}  // namespace veer::jinja
