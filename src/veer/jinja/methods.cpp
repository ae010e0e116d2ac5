// SPDX-License-Identifier: MIT
// Methods of strings, lists, tuples and dicts.
#include <algorithm>
#include <array>
#include <span>

#include <fmt/core.h>

#include "veer/jinja/strings.h"

namespace veer::jinja {
namespace {

struct Method {
  std::string_view name;
  Value (*call)(Interpreter&, const Value&, Args&);
};

const Str* optional_text(const ArgReader& reader, std::size_t i) {
  const Value* value = reader.get(i);
  return value == nullptr || value->is_none() ? nullptr : &reader.string(i);
}

template <Side side>
Value strip(Interpreter& in, const Value& self, Args& args) {
  const ArgReader reader(in, args, "strip", {"chars"});
  return in.text(strip_text(*self.str(), optional_text(reader, 0), side));
}

template <bool from_right>
Value split(Interpreter& in, const Value& self, Args& args) {
  const ArgReader reader(in, args, "split", {"sep", "maxsplit"});
  return in.list(split_text(in, *self.str(), optional_text(reader, 0),
                            reader.integer(1, -1), from_right));
}

template <bool ends>
Value starts_or_ends(Interpreter& in, const Value& self, Args& args) {
  const ArgReader reader(in, args, ends ? "endswith" : "startswith",
                         {"prefix", "start", "end"}, 1);
  std::string_view text = self.str()->bytes;
  if (reader.get(1) != nullptr || reader.get(2) != nullptr) {
    const Value part =
        slice(in, self, reader.get(1) == nullptr ? Value() : *reader.get(1),
              reader.get(2) == nullptr ? Value() : *reader.get(2), Value());
    Args inner;
    inner.positional = {*reader.get(0)};
    return starts_or_ends<ends>(in, part, inner);
  }
  const auto matches = [&](const Value& mark) {
    if (mark.str() == nullptr) {
      in.fail(fmt::format("{}() is given a {}",
                          ends ? "endswith" : "startswith", type_name(mark)),
              "a string or a tuple of strings");
    }
    const std::string& bytes = mark.str()->bytes;
    return ends ? text.ends_with(bytes) : text.starts_with(bytes);
  };
  if (const List* list = reader.get(0)->list();
      list != nullptr && list->kind == ListKind::kTuple) {
    return Value(std::any_of(list->items.begin(), list->items.end(), matches));
  }
  return Value(matches(*reader.get(0)));
}

template <CaseMap map>
Value change_case(Interpreter& in, const Value& self, Args& args) {
  const ArgReader reader(in, args, "case", {});
  return in.text(map_case(*self.str(), map));
}

template <CharacterTest test>
Value test_characters(Interpreter& in, const Value& self, Args& args) {
  const ArgReader reader(in, args, "is...", {});
  return Value(all_characters(self.str()->bytes, test));
}

Value replace(Interpreter& in, const Value& self, Args& args) {
  const ArgReader reader(in, args, "replace", {"old", "new", "count"}, 2);
  return in.text(replace_text(in, *self.str(), reader.string(0).bytes,
                              reader.string(1), reader.integer(2, -1)));
}

// Position in code points, -1 = not there.
template <bool from_right>
std::int64_t position(Interpreter& in, const Value& self, Args& args,
                      std::string_view name) {
  const ArgReader reader(in, args, name, {"sub", "start", "end"}, 1);
  const std::string& bytes = self.str()->bytes;
  in.step(static_cast<std::int64_t>(bytes.size() / 64));
  const std::int64_t size = count_code_points(bytes);
  const auto clip = [&](std::int64_t i) {
    return std::clamp<std::int64_t>(i < 0 ? i + size : i, 0, size);
  };
  const std::int64_t start_index = reader.integer(1, 0);
  if (start_index > size) {
    return -1;
  }
  const std::size_t start = byte_offset(bytes, clip(start_index));
  const std::size_t end = byte_offset(bytes, clip(reader.integer(2, size)));
  if (start > end) {
    return -1;
  }
  const std::string_view part =
      std::string_view(bytes).substr(start, end - start);
  const std::string& sub = reader.string(0).bytes;
  const std::size_t at = from_right ? part.rfind(sub) : part.find(sub);
  return at == std::string_view::npos
             ? -1
             : count_code_points(std::string_view(bytes).substr(0, start + at));
}

template <bool from_right>
Value find(Interpreter& in, const Value& self, Args& args) {
  return Value(position<from_right>(in, self, args, "find"));
}

template <bool from_right>
Value index(Interpreter& in, const Value& self, Args& args) {
  const std::int64_t at = position<from_right>(in, self, args, "index");
  if (at < 0) {
    in.fail("substring not found");
  }
  return Value(at);
}

Value count(Interpreter& in, const Value& self, Args& args) {
  const ArgReader reader(in, args, "count", {"sub", "start", "end"}, 1);
  const Value part =
      slice(in, self, reader.get(1) == nullptr ? Value() : *reader.get(1),
            reader.get(2) == nullptr ? Value() : *reader.get(2), Value());
  const std::string& bytes = part.str()->bytes;
  const std::string& sub = reader.string(0).bytes;
  in.step(static_cast<std::int64_t>(bytes.size() / 64));
  if (sub.empty()) {
    return Value(count_code_points(bytes) + 1);
  }
  std::int64_t times = 0;
  for (std::size_t at = bytes.find(sub); at != std::string::npos;
       at = bytes.find(sub, at + sub.size())) {
    ++times;
  }
  return Value(times);
}

Value join(Interpreter& in, const Value& self, Args& args) {
  const ArgReader reader(in, args, "join", {"iterable"}, 1);
  StrBuilder out;
  bool first = true;
  for (const Value& item : in.iterate(*reader.get(0))) {
    if (item.str() == nullptr) {
      in.fail(fmt::format("join() meets a {}", type_name(item)), "strings");
    }
    if (!first) {
      out.append(*self.str());
      in.charge_bytes(self.str()->bytes.size());
    }
    first = false;
    out.append(*item.str());
  }
  return in.text(out.take());
}

Value format(Interpreter& in, const Value& self, Args& args) {
  return format_braces(in, *self.str(), args);
}

Value split_lines(Interpreter& in, const Value& self, Args& args) {
  const ArgReader reader(in, args, "splitlines", {"keepends"});
  std::vector<Value> out;
  for (const auto& [begin, end] :
       line_ranges(self.str()->bytes, reader.flag(0, false))) {
    out.push_back(in.text(slice_bytes(*self.str(), begin, end)));
  }
  return in.list(std::move(out));
}

enum class Align { kLeft, kRight, kCenter };

template <Align align>
Value justify(Interpreter& in, const Value& self, Args& args) {
  const ArgReader reader(in, args, "justify", {"width", "fillchar"}, 1);
  const Str fill = reader.string_or(1, " ");
  if (count_code_points(fill.bytes) != 1) {
    in.fail("the fill character must be exactly one character long");
  }
  const std::int64_t width = reader.integer(0, 0);
  const std::int64_t room = width - count_code_points(self.str()->bytes);
  if (room <= 0) {
    return self;
  }
  std::int64_t left = align == Align::kLeft ? 0 : room;
  if (align == Align::kCenter) {
    left = room / 2 + (room & width & 1);
  }
  return in.text(pad_text(in, *self.str(), left, room - left, fill.bytes));
}

Value zfill(Interpreter& in, const Value& self, Args& args) {
  const ArgReader reader(in, args, "zfill", {"width"}, 1);
  const std::string& bytes = self.str()->bytes;
  const std::int64_t room = reader.integer(0, 0) - count_code_points(bytes);
  const std::size_t sign =
      bytes.starts_with("+") || bytes.starts_with("-") ? 1 : 0;
  if (room <= 0) {
    return self;
  }
  StrBuilder out;
  out.append(*self.str(), 0, sign);
  out.append(
      pad_text(in, slice_bytes(*self.str(), sign, bytes.size()), room, 0, "0"));
  return in.text(out.take());
}

template <bool from_right>
Value partition(Interpreter& in, const Value& self, Args& args) {
  const ArgReader reader(in, args, "partition", {"sep"}, 1);
  const Str& text = *self.str();
  const Str& sep = reader.string(0);
  if (sep.bytes.empty()) {
    in.fail("empty separator");
  }
  const std::size_t at =
      from_right ? text.bytes.rfind(sep.bytes) : text.bytes.find(sep.bytes);
  // As markupsafe does, the pieces are what the text is.
  const auto piece = [&](Str part) {
    part.markup = text.markup;
    return Value(std::move(part));
  };
  if (at == std::string::npos) {
    const Value empty = piece(Str());
    return in.list(from_right ? std::vector<Value>{empty, empty, self}
                              : std::vector<Value>{self, empty, empty},
                   ListKind::kTuple);
  }
  return in.list(
      {piece(slice_bytes(text, 0, at)), piece(sep),
       piece(slice_bytes(text, at + sep.bytes.size(), text.bytes.size()))},
      ListKind::kTuple);
}

template <bool suffix>
Value remove_affix(Interpreter& in, const Value& self, Args& args) {
  const ArgReader reader(in, args, suffix ? "removesuffix" : "removeprefix",
                         {"affix"}, 1);
  const Str& text = *self.str();
  const std::string& affix = reader.string(0).bytes;
  if (suffix && !affix.empty() && text.bytes.ends_with(affix)) {
    return in.text(slice_bytes(text, 0, text.bytes.size() - affix.size()));
  }
  if (!suffix && text.bytes.starts_with(affix)) {
    return in.text(slice_bytes(text, affix.size(), text.bytes.size()));
  }
  return self;
}

Value dict_get(Interpreter& in, const Value& self, Args& args) {
  const ArgReader reader(in, args, "get", {"key", "default"}, 1);
  std::string hashed;
  if (!hash_key(*reader.get(0), hashed) &&
      !hashable_by_identity(*reader.get(0))) {
    in.fail(fmt::format("unhashable type: '{}'", type_name(*reader.get(0))));
  }
  const Value* found = self.dict()->find(*reader.get(0));
  if (found != nullptr) {
    return *found;
  }
  return reader.get(1) == nullptr ? Value() : *reader.get(1);
}

template <ListKind kind>
Value dict_view(Interpreter& in, const Value& self, Args& args) {
  const ArgReader reader(in, args, "view", {});
  std::vector<Value> out;
  for (const auto& [key, value] : self.dict()->entries) {
    out.push_back(kind == ListKind::kKeys ? key
                  : kind == ListKind::kValues
                      ? value
                      : in.list({key, value}, ListKind::kTuple));
  }
  return in.list(std::move(out), kind);
}

Value dict_copy(Interpreter& in, const Value& self, Args& args) {
  const ArgReader reader(in, args, "copy", {});
  in.step(static_cast<std::int64_t>(self.dict()->entries.size()) * 8);
  return Value(Value::Data(std::make_shared<Dict>(*self.dict())));
}

Value sequence_index(Interpreter& in, const Value& self, Args& args) {
  const ArgReader reader(in, args, "index", {"value"}, 1);
  const auto items = in.iterate(self);
  for (std::size_t i = 0; i < items.size(); ++i) {
    in.step();
    if (equal(in, items[i], *reader.get(0))) {
      return Value(static_cast<std::int64_t>(i));
    }
  }
  in.fail(fmt::format("the value is not in the {}", type_name(self)));
}

Value sequence_count(Interpreter& in, const Value& self, Args& args) {
  const ArgReader reader(in, args, "count", {"value"}, 1);
  std::int64_t times = 0;
  for (const Value& item : in.iterate(self)) {
    in.step();
    times += equal(in, item, *reader.get(0)) ? 1 : 0;
  }
  return Value(times);
}

Value list_copy(Interpreter& in, const Value& self, Args& args) {
  const ArgReader reader(in, args, "copy", {});
  return in.list(self.list()->items);
}

using M = Method;
constexpr std::array kStrings = {
    M{"strip", strip<Side::kBoth>},
    M{"lstrip", strip<Side::kLeft>},
    M{"rstrip", strip<Side::kRight>},
    M{"split", split<false>},
    M{"rsplit", split<true>},
    M{"splitlines", split_lines},
    M{"startswith", starts_or_ends<false>},
    M{"endswith", starts_or_ends<true>},
    M{"upper", change_case<CaseMap::kUpper>},
    M{"lower", change_case<CaseMap::kLower>},
    M{"title", change_case<CaseMap::kTitle>},
    M{"capitalize", change_case<CaseMap::kCapitalize>},
    M{"swapcase", change_case<CaseMap::kSwap>},
    M{"replace", replace},
    M{"find", find<false>},
    M{"rfind", find<true>},
    M{"index", index<false>},
    M{"rindex", index<true>},
    M{"count", count},
    M{"join", join},
    M{"format", format},
    M{"isdigit", test_characters<CharacterTest::kDigit>},
    M{"isalpha", test_characters<CharacterTest::kAlpha>},
    M{"isalnum", test_characters<CharacterTest::kAlnum>},
    M{"isspace", test_characters<CharacterTest::kSpace>},
    M{"isupper", test_characters<CharacterTest::kUpper>},
    M{"islower", test_characters<CharacterTest::kLower>},
    M{"isdecimal", test_characters<CharacterTest::kDecimal>},
    M{"isnumeric", test_characters<CharacterTest::kNumeric>},
    M{"ljust", justify<Align::kLeft>},
    M{"rjust", justify<Align::kRight>},
    M{"center", justify<Align::kCenter>},
    M{"zfill", zfill},
    M{"partition", partition<false>},
    M{"rpartition", partition<true>},
    M{"removeprefix", remove_affix<false>},
    M{"removesuffix", remove_affix<true>},
};
constexpr std::array kDicts = {
    M{"get", dict_get},
    M{"keys", dict_view<ListKind::kKeys>},
    M{"values", dict_view<ListKind::kValues>},
    M{"items", dict_view<ListKind::kItems>},
    M{"copy", dict_copy},
};
constexpr std::array kLists = {
    M{"index", sequence_index},
    M{"count", sequence_count},
    M{"copy", list_copy},
};

// What the sandbox refuses and what Python has beyond the tables above.
constexpr std::array<std::string_view, 12> kMutators = {
    "append", "clear", "extend",  "insert",     "pop",    "popitem",
    "remove", "sort",  "reverse", "setdefault", "update", "add"};
constexpr std::array<std::string_view, 22> kUnsupported = {
    "encode",      "expandtabs", "format_map", "isascii",    "isidentifier",
    "isprintable", "istitle",    "maketrans",  "translate",  "casefold",
    "fromkeys",    "real",       "imag",       "numerator",  "denominator",
    "conjugate",   "bit_length", "bit_count",  "is_integer", "as_integer_ratio",
    "to_bytes",    "hex"};

template <std::size_t N>
bool listed(const std::array<std::string_view, N>& names,
            std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::span<const Method> methods_of(const Value& self) {
  if (self.str() != nullptr) {
    return kStrings;
  }
  if (self.dict() != nullptr) {
    return kDicts;
  }
  if (const List* list = self.list()) {
    if (list->kind == ListKind::kList) {
      return kLists;
    }
    if (list->kind == ListKind::kTuple) {
      return std::span(kLists).first(2);
    }
  }
  if (self.range() != nullptr) {
    return std::span(kLists).first(2);
  }
  return {};
}

bool is_mutator_of(const Value& self, std::string_view name) {
  const List* list = self.list();
  return (self.dict() != nullptr ||
          (list != nullptr && list->kind == ListKind::kList)) &&
         listed(kMutators, name);
}

}  // namespace

bool find_method(Interpreter& in, const Value& self, std::string_view name,
                 Value& out) {
  for (const Method& method : methods_of(self)) {
    if (method.name == name) {
      const auto call = method.call;
      out = make_function(
          std::string(name),
          [call, self](Interpreter& inner, Args& args) {
            return call(inner, self, args);
          },
          self.depth() + 1);
      in.check_depth(self.depth() + 1);
      return true;
    }
  }
  if (is_mutator_of(self, name)) {
    const bool own = self.dict() != nullptr
                         ? name == "clear" || name == "pop" ||
                               name == "popitem" || name == "setdefault" ||
                               name == "update"
                         : name != "popitem" && name != "setdefault" &&
                               name != "update" && name != "add";
    if (own) {
      out = Value::undefined(
          fmt::format("access to attribute '{}' of '{}' object is unsafe", name,
                      type_name(self)));
      return true;
    }
  }
  const bool scalar = self.str() != nullptr || self.is_number();
  if ((scalar || (self.dict() != nullptr && name == "fromkeys")) &&
      listed(kUnsupported, name)) {
    const bool of_text =
        std::find(kUnsupported.begin(), kUnsupported.begin() + 10, name) !=
        kUnsupported.begin() + 10;
    if (of_text == (self.str() != nullptr) || self.dict() != nullptr) {
      in.fail(fmt::format("the attribute '{}' of '{}' is not supported", name,
                          type_name(self)));
    }
  }
  return false;
}

}  // namespace veer::jinja
