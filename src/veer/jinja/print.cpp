// SPDX-License-Identifier: MIT
// str() and repr() of Python.
#include <charconv>
#include <cmath>

#include <fmt/core.h>

#include "veer/jinja/interpreter.h"

namespace veer::jinja {

std::string float_text(double value) {
  if (std::isnan(value)) {
    return "nan";
  }
  if (std::isinf(value)) {
    return value < 0 ? "-inf" : "inf";
  }
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value,
                                 std::chars_format::scientific);
  const std::string_view text(buffer,
                              static_cast<std::size_t>(end.ptr - buffer));
  const std::size_t e = text.find('e');
  int exponent = 0;
  const std::size_t sign = text[e + 1] == '+' ? 1 : 0;
  std::from_chars(text.data() + e + 1 + sign, text.data() + text.size(),
                  exponent);
  if (exponent < -4 || exponent >= 16) {
    return fmt::format("{}e{}{:02}", text.substr(0, e),
                       exponent < 0 ? '-' : '+', std::abs(exponent));
  }
  const auto fixed = std::to_chars(buffer, buffer + sizeof buffer, value,
                                   std::chars_format::fixed);
  std::string out(buffer, fixed.ptr);
  if (out.find('.') == std::string::npos) {
    out += ".0";
  }
  return out;
}

namespace {

void append_repr_text(const Str& text, StrBuilder& out) {
  const std::string_view bytes = text.bytes;
  const bool double_quoted = bytes.find('\'') != std::string_view::npos &&
                             bytes.find('"') == std::string_view::npos;
  const char quote = double_quoted ? '"' : '\'';
  OriginCursor origin(text);
  out.append(std::string_view(&quote, 1));
  for (std::size_t at = 0; at < bytes.size();) {
    const CodePoint c = code_point_at(bytes, at);
    std::string piece;
    if (c.value == static_cast<std::uint32_t>(quote) || c.value == '\\') {
      piece = fmt::format("\\{}", static_cast<char>(c.value));
    } else if (c.value == '\n') {
      piece = "\\n";
    } else if (c.value == '\r') {
      piece = "\\r";
    } else if (c.value == '\t') {
      piece = "\\t";
    } else if (is_printable(c.value)) {
      piece = bytes.substr(at, c.length);
    } else if (c.value < 0x100) {
      piece = fmt::format("\\x{:02x}", c.value);
    } else if (c.value < 0x10000) {
      piece = fmt::format("\\u{:04x}", c.value);
    } else {
      piece = fmt::format("\\U{:08x}", c.value);
    }
    out.append(piece, origin.at(at));
    at += c.length;
  }
  out.append(std::string_view(&quote, 1));
}

void append_repr_list(Interpreter& in, const List& list, StrBuilder& out,
                      int depth) {
  static constexpr const char* kOpen[] = {
      "[", "(", "", "dict_keys([", "dict_values([", "dict_items(["};
  static constexpr const char* kClose[] = {"]", ")", "", "])", "])", "])"};
  if (list.kind == ListKind::kGenerator) {
    in.fail("a generator is printed", "its items, e.g. by |list or |join");
  }
  const auto kind = static_cast<std::size_t>(list.kind);
  out.append(kOpen[kind]);
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    out.append(i > 0 ? ", " : "");
    append_repr(in, list.items[i], out, depth + 1);
  }
  out.append(list.kind == ListKind::kTuple && list.items.size() == 1 ? ","
                                                                     : "");
  out.append(kClose[kind]);
}

void append_repr_dict(Interpreter& in, const Dict& dict, StrBuilder& out,
                      int depth) {
  out.append(dict.is_namespace ? "<Namespace {" : "{");
  bool first = true;
  for (const auto& [key, value] : dict.entries) {
    out.append(first ? "" : ", ");
    first = false;
    append_repr(in, key, out, depth + 1);
    out.append(": ");
    append_repr(in, value, out, depth + 1);
  }
  out.append(dict.is_namespace ? "}>" : "}");
}

}  // namespace

void append_repr(Interpreter& in, const Value& value, StrBuilder& out,
                 int depth) {
  in.step();
  in.check_depth(depth);
  if (out.size() > in.limits().max_output_bytes) {
    in.charge_bytes(in.limits().max_string_bytes);
  }
  if (const Str* text = value.str()) {
    in.step(static_cast<std::int64_t>(text->bytes.size() / 16));
    out.append(text->markup ? "Markup(" : "");
    append_repr_text(*text, out);
    out.append(text->markup ? ")" : "");
  } else if (const List* list = value.list()) {
    append_repr_list(in, *list, out, depth);
  } else if (const Dict* dict = value.dict()) {
    append_repr_dict(in, *dict, out, depth);
  } else if (value.is_undefined()) {
    out.append("Undefined");
  } else {
    out.append(to_str(in, value));
  }
}

std::string Object::print(Interpreter& in) {
  if (!repr.starts_with("<Macro ")) {
    in.fail(fmt::format("{} is printed", repr), "its call or a value");
  }
  return repr;
}

Str to_str(Interpreter& in, const Value& value) {
  Str out;
  if (const Str* text = value.str()) {
    return *text;
  }
  if (value.list() != nullptr || value.dict() != nullptr) {
    StrBuilder builder;
    append_repr(in, value, builder);
    in.charge_bytes(builder.size());
    return builder.take();
  }
  if (value.is_none()) {
    out.bytes = "None";
  } else if (const bool* flag = value.get<bool>()) {
    out.bytes = *flag ? "True" : "False";
  } else if (const auto* integer = value.get<std::int64_t>()) {
    out.bytes = fmt::format("{}", *integer);
  } else if (const auto* real = value.get<double>()) {
    out.bytes = float_text(*real);
  } else if (const Range* range = value.range()) {
    out.bytes = range->step == 1
                    ? fmt::format("range({}, {})", range->start, range->stop)
                    : fmt::format("range({}, {}, {})", range->start,
                                  range->stop, range->step);
  } else if (Object* object = value.object()) {
    out.bytes = object->print(in);
  }
  return out;
}

}  // namespace veer::jinja
