// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "veer/jinja/value.h"

namespace veer::jinja {

using Filter = Value (*)(Interpreter&, const Value&, Args&);
using Test = bool (*)(Interpreter&, const Value&, Args&);

// Null if there is none of this name.
Filter find_filter(std::string_view name);
Test find_test(std::string_view name);

// The method `name` of a string, list, dict, ... bound to `self`. Returns
// false if Python has no such attribute. Throws for one that Python has and
// we do not support. Mutators and names with a leading "_" give an undefined
// value whose use raises, as the sandbox does.
bool find_method(Interpreter& in, const Value& self, std::string_view name,
                 Value& out);

// A global of the environment: range, namespace, raise_exception, ...
bool find_global(std::string_view name, Value& out);

// Arguments by name or position, as a Python function takes them.
class ArgReader {
 public:
  // Throws for unknown, repeated, missing and too many arguments. The first
  // `required` names must be given.
  ArgReader(Interpreter& in, Args& args, std::string_view function,
            std::initializer_list<std::string_view> names,
            std::size_t required = 0);
  // Null if not given.
  const Value* get(std::size_t i) const { return values_[i]; }
  bool flag(std::size_t i, bool fallback) const;
  // none counts as not given.
  std::int64_t integer(std::size_t i, std::int64_t fallback) const;
  const Str& string(std::size_t i) const;
  Str string_or(std::size_t i, std::string_view fallback) const;

 private:
  [[noreturn]] void wrong(std::size_t i, std::string_view expected) const;
  Interpreter& in_;
  std::string function_;
  std::vector<std::string> names_;
  std::vector<const Value*> values_;
};

// jinja_format_*.cpp
Value format_percent(Interpreter& in, const Str& format, const Value& values);
Value format_braces(Interpreter& in, const Str& format, Args& args);
// Python's format(value, spec).
std::string format_value(Interpreter& in, const Value& value,
                         std::string_view spec);

// jinja_json.cpp
struct JsonStyle {
  bool ascii = false;
  bool pretty = false;  // indent given
  std::string indent;   // text of one level
  std::string item_separator = ", ";
  std::string key_separator = ": ";
  bool sort_keys = false;
};
Str json_text(Interpreter& in, const Value& value, const JsonStyle& style);
// `runs`: of messages[k].content; see JinjaTemplate::render().
Value value_of_json(Interpreter& in, const Json& json);
Value value_of_variables(Interpreter& in, const Json& variables,
                         std::span<const std::vector<OriginRun>> runs);

// jinja_operators.cpp
bool truth(Interpreter& in, const Value& value);
bool equal(Interpreter& in, const Value& a, const Value& b, int depth = 0);
bool less(Interpreter& in, const Value& a, const Value& b, int depth = 0);
bool contains(Interpreter& in, const Value& container, const Value& item);
Value binary(Interpreter& in, std::string_view op, const Value& a,
             const Value& b);
Value negative(Interpreter& in, const Value& value);
Value slice(Interpreter& in, const Value& value, const Value& start,
            const Value& stop, const Value& step);
// "int", "str", "list", "dict", ...
std::string type_name(const Value& value);
std::int64_t length_of(Interpreter& in, const Value& value);
Str escape_html(const Str& text);

// jinja_print.cpp: str(value) and repr(value)
std::string float_text(double value);
Str to_str(Interpreter& in, const Value& value);
void append_repr(Interpreter& in, const Value& value, StrBuilder& out,
                 int depth = 0);

// Sorts by `less`, stable; `keys[i]` belongs to item i. Returns the order.
std::vector<std::size_t> sorted_order(Interpreter& in,
                                      const std::vector<Value>& keys,
                                      bool reverse);

}  // namespace veer::jinja
