// SPDX-License-Identifier: MIT
// Python's str.format.
#include <algorithm>
#include <charconv>

#include <fmt/core.h>

#include "veer/jinja/format_spec.h"

namespace veer::jinja {
namespace {

class BraceFormatter {
 public:
  BraceFormatter(Interpreter& in, Args& args) : in_(in), args_(args) {}

  Str run(const Str& format, int depth) {
    if (depth > 2) {
      in_.fail("max string recursion exceeded");
    }
    StrBuilder out;
    const std::string_view text = format.bytes;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t brace =
          std::min(text.find_first_of("{}", at), text.size());
      out.append(format, at, brace);
      at = brace;
      if (at == text.size()) {
        break;
      }
      if (at + 1 < text.size() && text[at + 1] == text[at]) {
        out.append(text.substr(at, 1));
        at += 2;
      } else if (text[at] == '}') {
        in_.fail("single '}' encountered in format string");
      } else {
        at = field(text, at + 1, depth, out);
      }
    }
    return out.take();
  }

 private:
  // One replacement field behind its "{"; returns where it ends.
  std::size_t field(std::string_view text, std::size_t begin, int depth,
                    StrBuilder& out) {
    std::size_t end = begin;
    for (int open = 1; end < text.size(); ++end) {
      open += text[end] == '{' ? 1 : text[end] == '}' ? -1 : 0;
      if (open == 0) {
        break;
      }
    }
    if (end >= text.size()) {
      in_.fail("expected '}' before end of string");
    }
    std::string_view inside = text.substr(begin, end - begin);
    std::string spec;
    const std::size_t colon = inside.find(':');
    if (colon != std::string_view::npos) {
      Str nested;
      nested.bytes = inside.substr(colon + 1);
      spec = run(nested, depth + 1).bytes;
      inside = inside.substr(0, colon);
    }
    char conversion = '\0';
    if (inside.size() >= 2 && inside[inside.size() - 2] == '!') {
      conversion = inside.back();
      inside.remove_suffix(2);
    }
    put(resolve(inside), conversion, spec, out);
    return end + 1;
  }

  void put(const Value& value, char conversion, const std::string& spec,
           StrBuilder& out) {
    Value shown = value;
    if (conversion == 'r' || conversion == 'a') {
      StrBuilder builder;
      append_repr(in_, value, builder);
      shown = Value(builder.take());
    } else if (conversion == 's') {
      shown = Value(to_str(in_, value));
    } else if (conversion != '\0') {
      in_.fail(fmt::format("unknown conversion specifier '{}'", conversion));
    }
    if (spec.empty()) {
      out.append(to_str(in_, shown));
    } else {
      out.append(format_value(in_, shown, spec));
    }
    in_.charge_bytes(spec.size());
  }

  Value resolve(std::string_view name) {
    const std::size_t end = std::min(name.find_first_of(".["), name.size());
    Value value = first(name.substr(0, end));
    std::size_t at = end;
    while (at < name.size()) {
      if (name[at] == '.') {
        const std::size_t stop =
            std::min(name.find_first_of(".[", at + 1), name.size());
        value = in_.attribute(value, name.substr(at + 1, stop - at - 1));
        at = stop;
        continue;
      }
      const std::size_t close = name.find(']', at);
      if (name[at] != '[' || close == std::string_view::npos) {
        in_.fail("wrong field name in a format string");
      }
      const std::string_view key = name.substr(at + 1, close - at - 1);
      value = in_.item(value, key_value(key));
      at = close + 1;
    }
    return value;
  }

  static Value key_value(std::string_view key) {
    std::int64_t index = 0;
    const auto end =
        std::from_chars(key.data(), key.data() + key.size(), index);
    const bool number = !key.empty() && end.ec == std::errc() &&
                        key[0] != '-' && end.ptr == key.data() + key.size();
    return number ? Value(index) : Value::text(std::string(key));
  }

  Value first(std::string_view name) {
    const Value key = name.empty() ? Value(automatic_++) : key_value(name);
    if (const auto* index = key.get<std::int64_t>()) {
      if (*index >= static_cast<std::int64_t>(args_.positional.size())) {
        in_.fail(fmt::format("replacement index {} out of range", *index));
      }
      return args_.positional[static_cast<std::size_t>(*index)];
    }
    for (const auto& [keyword, value] : args_.keywords) {
      if (keyword == name) {
        return value;
      }
    }
    in_.fail(fmt::format("format() has no argument '{}'", name));
  }

  Interpreter& in_;
  Args& args_;
  std::int64_t automatic_ = 0;
};

}  // namespace

Value format_braces(Interpreter& in, const Str& format, Args& args) {
  return in.text(BraceFormatter(in, args).run(format, 0));
}

}  // namespace veer::jinja
