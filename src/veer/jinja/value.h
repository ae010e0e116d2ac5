// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "veer/jinja/text.h"

namespace veer::jinja {

class Interpreter;
struct List;
struct Dict;
struct Object;

struct None {};
// What a missing name or key gives. `message` is the error its use raises.
struct Undefined {
  std::string message;
};
struct Range {
  std::int64_t start = 0;
  std::int64_t stop = 0;
  std::int64_t step = 1;
  std::int64_t size() const;
};

// A value of the template language: Python's, as far as templates see them.
// Strings, lists and dicts are immutable and shared (the sandbox refuses
// mutators), so values are cheap to copy.
class Value {
 public:
  using Data =
      std::variant<std::shared_ptr<const Undefined>, None, bool, std::int64_t,
                   double, std::shared_ptr<const Str>, std::shared_ptr<List>,
                   std::shared_ptr<Dict>, std::shared_ptr<const Range>,
                   std::shared_ptr<Object>>;

  Value() : data_(None{}) {}
  Value(bool value) : data_(value) {}
  Value(std::int64_t value) : data_(value) {}
  Value(double value) : data_(value) {}
  explicit Value(Data data) : data_(std::move(data)) {}
  Value(Str text) : data_(std::make_shared<const Str>(std::move(text))) {}
  // A literal string.
  static Value text(std::string bytes);
  static Value undefined(std::string message);

  template <class T>
  const T* get() const {
    return std::get_if<T>(&data_);
  }
  const Str* str() const { return shared<const Str>(); }
  List* list() const { return shared<List>(); }
  Dict* dict() const { return shared<Dict>(); }
  const Range* range() const { return shared<const Range>(); }
  Object* object() const { return shared<Object>(); }
  const Undefined* undefined() const { return shared<const Undefined>(); }
  bool is_undefined() const { return undefined() != nullptr; }
  bool is_none() const { return get<None>() != nullptr; }
  // bool or integer.
  bool as_integer(std::int64_t& out) const;
  bool is_number() const;
  // Nesting of containers in this value: 0 for a scalar.
  int depth() const;
  const Data& data() const { return data_; }

 private:
  template <class T>
  T* shared() const {
    const auto* p = std::get_if<std::shared_ptr<T>>(&data_);
    return p == nullptr ? nullptr : p->get();
  }
  Data data_;
};

enum class ListKind { kList, kTuple, kGenerator, kKeys, kValues, kItems };

struct List {
  std::vector<Value> items;
  ListKind kind = ListKind::kList;
  // A generator (result of map, select, ...) gives its items once.
  bool consumed = false;
  int depth = 1;
};

// A dict in order of insertion, or a namespace() object.
struct Dict {
  std::vector<std::pair<Value, Value>> entries;
  std::unordered_map<std::string, std::size_t> index;
  bool is_namespace = false;
  int depth = 1;

  const Value* find(const Value& key) const;
  const Value* find(std::string_view key) const;
  void set(const Value& key, Value value);
};

// Whether a value can be a key, and the text that equal keys share
// (1, 1.0 and true are one key). False: unhashable, or hashable_by_identity.
bool hash_key(const Value& value, std::string& out);
// What Python hashes by identity: functions, generators, namespaces, tuples of
// such. No key here; asked for, it is in no dict.
bool hashable_by_identity(const Value& value);

struct Args {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> keywords;
};

using Callable = std::function<Value(Interpreter&, Args&)>;

// Anything else: functions, macros, bound methods, loop, cycler, joiner.
struct Object {
  explicit Object(std::string name) : repr(std::move(name)) {}
  virtual ~Object() = default;
  // Attribute, or null if there is none of this name.
  virtual bool attribute(Interpreter&, std::string_view, Value&) {
    return false;
  }
  // Throws where Python would print an address.
  virtual std::string print(Interpreter& in);

  std::string repr;
  Callable call;  // empty = cannot be called
  int depth = 1;
};

Value make_list(std::vector<Value> items, ListKind kind = ListKind::kList);
Value make_function(std::string name, Callable call, int depth = 1);

}  // namespace veer::jinja
