// SPDX-License-Identifier: MIT
// JSON in and out: variables become values, tojson writes as json.dumps does.
#include <cmath>
#include <limits>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/jinja/interpreter.h"

namespace veer::jinja {
namespace {

void append_escape(std::uint32_t c, std::string& out) {
  if (c > 0xFFFF) {
    const std::uint32_t v = c - 0x10000;
    out += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (v >> 10U),
                       0xDC00 + (v & 0x3FFU));
  } else {
    out += fmt::format("\\u{:04x}", c);
  }
}

std::string escape_code_point(std::uint32_t c, std::string_view bytes,
                              bool ascii) {
  switch (c) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    case '\b':
      return "\\b";
    case '\f':
      return "\\f";
    default:
      break;
  }
  if (c < 0x20 || (ascii && c > 0x7E)) {
    std::string out;
    append_escape(c, out);
    return out;
  }
  return std::string(bytes);
}

class JsonWriter {
 public:
  JsonWriter(Interpreter& in, const JsonStyle& style)
      : in_(in), style_(style) {}

  Str write(const Value& value) {
    append(value, 0);
    return out_.take();
  }

 private:
  void append_text(const Str& text) {
    OriginCursor origin(text);
    in_.step(static_cast<std::int64_t>(text.bytes.size() / 16));
    out_.append("\"");
    for (std::size_t at = 0; at < text.bytes.size();) {
      const CodePoint c = code_point_at(text.bytes, at);
      out_.append(
          escape_code_point(c.value,
                            std::string_view(text.bytes).substr(at, c.length),
                            style_.ascii),
          origin.at(at));
      at += c.length;
    }
    out_.append("\"");
  }

  void new_line(int depth) {
    if (style_.pretty) {
      out_.append("\n");
      for (int i = 0; i < depth; ++i) {
        out_.append(style_.indent);
      }
    }
  }

  std::string scalar(const Value& value) {
    if (const auto* real = value.get<double>()) {
      return std::isnan(*real)   ? "NaN"
             : std::isinf(*real) ? (*real < 0 ? "-Infinity" : "Infinity")
                                 : float_text(*real);
    }
    if (const bool* flag = value.get<bool>()) {
      return *flag ? "true" : "false";
    }
    if (value.is_none()) {
      return "null";
    }
    if (const auto* integer = value.get<std::int64_t>()) {
      return fmt::format("{}", *integer);
    }
    in_.fail(fmt::format("an object of type {} is not JSON serializable",
                         type_name(value)));
  }

  void append_list(const List& list, int depth) {
    if (list.kind != ListKind::kList && list.kind != ListKind::kTuple) {
      in_.fail("a generator or dict view is not JSON serializable",
               "a list, e.g. by |list");
    }
    if (list.items.empty()) {
      out_.append("[]");
      return;
    }
    out_.append("[");
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      out_.append(i > 0 ? style_.item_separator : "");
      new_line(depth + 1);
      append(list.items[i], depth + 1);
    }
    new_line(depth);
    out_.append("]");
  }

  void append_dict(const Dict& dict, int depth) {
    if (dict.is_namespace) {
      in_.fail("a namespace is not JSON serializable");
    }
    if (dict.entries.empty()) {
      out_.append("{}");
      return;
    }
    std::vector<Value> keys;
    for (const auto& entry : dict.entries) {
      keys.push_back(entry.first);
    }
    std::vector<std::size_t> order(keys.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
      order[i] = i;
    }
    if (style_.sort_keys) {
      order = sorted_order(in_, keys, false);
    }
    out_.append("{");
    for (std::size_t i = 0; i < order.size(); ++i) {
      const auto& [key, value] = dict.entries[order[i]];
      out_.append(i > 0 ? style_.item_separator : "");
      new_line(depth + 1);
      if (key.str() != nullptr) {
        append_text(*key.str());
      } else {
        out_.append("\"" + scalar(key) + "\"");
      }
      out_.append(style_.key_separator);
      append(value, depth + 1);
    }
    new_line(depth);
    out_.append("}");
  }

  void append(const Value& value, int depth) {
    in_.step();
    in_.check_depth(depth);
    if (out_.size() > in_.limits().max_output_bytes) {
      in_.charge_bytes(in_.limits().max_string_bytes);
    }
    if (value.str() != nullptr) {
      append_text(*value.str());
    } else if (value.list() != nullptr) {
      append_list(*value.list(), depth);
    } else if (value.dict() != nullptr) {
      append_dict(*value.dict(), depth);
    } else {
      out_.append(scalar(value));
    }
  }

  Interpreter& in_;
  const JsonStyle& style_;
  StrBuilder out_;
};

Value convert(Interpreter& in, const Json& json, int depth,
              std::int32_t origin) {
  in.check_depth(depth);
  switch (json.type()) {
    case Json::value_t::string: {
      Str text;
      text.bytes = json.get_ref<const std::string&>();
      if (!valid_utf8(text.bytes)) {
        in.fail("a variable holds text that is no valid UTF-8");
      }
      if (origin != OriginRun::kLiteral && !text.bytes.empty()) {
        text.runs = {{static_cast<std::uint32_t>(text.bytes.size()), origin}};
      }
      return Value(std::move(text));
    }
    case Json::value_t::boolean:
      return Value(json.get<bool>());
    case Json::value_t::number_integer:
      return Value(json.get<std::int64_t>());
    case Json::value_t::number_unsigned:
      if (json.get<std::uint64_t>() >
          static_cast<std::uint64_t>(
              std::numeric_limits<std::int64_t>::max())) {
        in.fail("a variable holds an integer beyond 64 bits");
      }
      return Value(json.get<std::int64_t>());
    case Json::value_t::number_float:
      return Value(json.get<double>());
    case Json::value_t::array: {
      std::vector<Value> items;
      for (const Json& item : json) {
        items.push_back(convert(in, item, depth + 1, origin));
      }
      return make_list(std::move(items));
    }
    case Json::value_t::object: {
      auto dict = std::make_shared<Dict>();
      for (const auto& [key, value] : json.items()) {
        dict->set(Value::text(key), convert(in, value, depth + 1, origin));
      }
      return Value(Value::Data(std::move(dict)));
    }
    default:
      return Value();
  }
}

// messages[k]: content carries origin k, everything else is literal.
Value convert_message(Interpreter& in, const Json& json, std::int32_t k,
                      std::span<const std::vector<OriginRun>> runs) {
  if (!json.is_object()) {
    return convert(in, json, 2, OriginRun::kLiteral);
  }
  auto dict = std::make_shared<Dict>();
  const auto index = static_cast<std::size_t>(k);
  for (const auto& [key, value] : json.items()) {
    const bool content = key == "content";
    Value item =
        convert(in, value, 3, content ? k : std::int32_t{OriginRun::kLiteral});
    if (content && item.str() != nullptr && index < runs.size() &&
        !runs[index].empty()) {
      Str text = *item.str();
      text.runs = runs[index];
      item = Value(std::move(text));
    }
    dict->set(Value::text(key), std::move(item));
  }
  return Value(Value::Data(std::move(dict)));
}

}  // namespace

Str json_text(Interpreter& in, const Value& value, const JsonStyle& style) {
  return JsonWriter(in, style).write(value);
}

Value value_of_json(Interpreter& in, const Json& json) {
  return convert(in, json, 0, OriginRun::kLiteral);
}

Value value_of_variables(Interpreter& in, const Json& variables,
                         std::span<const std::vector<OriginRun>> runs) {
  auto out = std::make_shared<Dict>();
  if (!variables.is_object()) {
    in.fail("the variables are no object");
  }
  for (const auto& [key, value] : variables.items()) {
    if (key != "messages" || !value.is_array()) {
      out->set(Value::text(key), convert(in, value, 1, OriginRun::kLiteral));
      continue;
    }
    std::vector<Value> messages;
    for (std::size_t k = 0; k < value.size(); ++k) {
      messages.push_back(
          convert_message(in, value[k], static_cast<std::int32_t>(k), runs));
    }
    out->set(Value::text(key), make_list(std::move(messages)));
  }
  return Value(Value::Data(std::move(out)));
}

}  // namespace veer::jinja
