// SPDX-License-Identifier: MIT
// The tests behind "is".
#include <array>

#include <fmt/core.h>

#include "veer/jinja/strings.h"

namespace veer::jinja {
namespace {

void no_arguments(Interpreter& in, Args& args, std::string_view name) {
  const ArgReader reader(in, args, name, {});
}

const Value& one_argument(Interpreter& in, Args& args, std::string_view name) {
  const ArgReader reader(in, args, name, {"other"}, 1);
  return *reader.get(0);
}

template <bool (*predicate)(Interpreter&, const Value&)>
bool plain(Interpreter& in, const Value& value, Args& args) {
  no_arguments(in, args, "test");
  return predicate(in, value);
}

bool is_defined(Interpreter&, const Value& v) {
  return !v.is_undefined();
}
bool is_undefined(Interpreter&, const Value& v) {
  return v.is_undefined();
}
bool is_none(Interpreter&, const Value& v) {
  return v.is_none();
}
bool is_boolean(Interpreter&, const Value& v) {
  return v.get<bool>() != nullptr;
}
bool is_true(Interpreter&, const Value& v) {
  return v.get<bool>() != nullptr && *v.get<bool>();
}
bool is_false(Interpreter&, const Value& v) {
  return v.get<bool>() != nullptr && !*v.get<bool>();
}
bool is_integer(Interpreter&, const Value& v) {
  return v.get<std::int64_t>() != nullptr;
}
bool is_float(Interpreter&, const Value& v) {
  return v.get<double>() != nullptr;
}
bool is_number(Interpreter&, const Value& v) {
  return v.is_number();
}
bool is_string(Interpreter&, const Value& v) {
  return v.str() != nullptr;
}
bool is_mapping(Interpreter&, const Value& v) {
  return v.dict() != nullptr && !v.dict()->is_namespace;
}
bool is_iterable(Interpreter& in, const Value& v) {
  return v.is_undefined() || v.str() != nullptr || v.list() != nullptr ||
         is_mapping(in, v) || v.range() != nullptr ||
         dynamic_cast<Loop*>(v.object()) != nullptr;
}
bool is_sequence(Interpreter& in, const Value& v) {
  const List* list = v.list();
  return v.is_undefined() || v.str() != nullptr || is_mapping(in, v) ||
         v.range() != nullptr ||
         (list != nullptr &&
          (list->kind == ListKind::kList || list->kind == ListKind::kTuple));
}
bool is_callable(Interpreter&, const Value& v) {
  return v.is_undefined() || (v.object() != nullptr && v.object()->call);
}
bool is_escaped(Interpreter&, const Value& v) {
  return v.str() != nullptr && v.str()->markup;
}
bool is_lower_text(Interpreter& in, const Value& v) {
  return all_characters(to_str(in, v).bytes, CharacterTest::kLower);
}
bool is_upper_text(Interpreter& in, const Value& v) {
  return all_characters(to_str(in, v).bytes, CharacterTest::kUpper);
}

bool remainder_is(Interpreter& in, const Value& value, std::int64_t divisor,
                  std::int64_t rest) {
  return equal(in, binary(in, "%", value, Value(divisor)), Value(rest));
}
bool is_even(Interpreter& in, const Value& v) {
  return remainder_is(in, v, 2, 0);
}
bool is_odd(Interpreter& in, const Value& v) {
  return remainder_is(in, v, 2, 1);
}
bool is_filter(Interpreter&, const Value& v) {
  return v.str() != nullptr && find_filter(v.str()->bytes) != nullptr;
}
bool is_test(Interpreter&, const Value& v) {
  return v.str() != nullptr && find_test(v.str()->bytes) != nullptr;
}

bool divisible_by(Interpreter& in, const Value& value, Args& args) {
  return equal(in,
               binary(in, "%", value, one_argument(in, args, "divisibleby")),
               Value(std::int64_t{0}));
}
bool test_eq(Interpreter& in, const Value& value, Args& args) {
  return equal(in, value, one_argument(in, args, "eq"));
}
bool test_ne(Interpreter& in, const Value& value, Args& args) {
  return !equal(in, value, one_argument(in, args, "ne"));
}
bool test_lt(Interpreter& in, const Value& value, Args& args) {
  return less(in, value, one_argument(in, args, "lt"));
}
bool test_gt(Interpreter& in, const Value& value, Args& args) {
  return less(in, one_argument(in, args, "gt"), value);
}
bool test_le(Interpreter& in, const Value& value, Args& args) {
  const Value& other = one_argument(in, args, "le");
  return less(in, value, other) || equal(in, value, other);
}
bool test_ge(Interpreter& in, const Value& value, Args& args) {
  const Value& other = one_argument(in, args, "ge");
  return less(in, other, value) || equal(in, value, other);
}
bool test_in(Interpreter& in, const Value& value, Args& args) {
  return contains(in, one_argument(in, args, "in"), value);
}

// Identity: of containers by address, of scalars by kind and value.
bool same_as(Interpreter& in, const Value& value, Args& args) {
  const Value& other = one_argument(in, args, "sameas");
  if (value.list() != nullptr) {
    return value.list() == other.list();
  }
  if (value.dict() != nullptr) {
    return value.dict() == other.dict();
  }
  return value.data().index() == other.data().index() &&
         equal(in, value, other);
}

struct NamedTest {
  std::string_view name;
  Test test;
};
using T = NamedTest;

constexpr std::array kTests = {
    T{"defined", plain<is_defined>},
    T{"undefined", plain<is_undefined>},
    T{"none", plain<is_none>},
    T{"boolean", plain<is_boolean>},
    T{"true", plain<is_true>},
    T{"false", plain<is_false>},
    T{"integer", plain<is_integer>},
    T{"float", plain<is_float>},
    T{"number", plain<is_number>},
    T{"string", plain<is_string>},
    T{"mapping", plain<is_mapping>},
    T{"iterable", plain<is_iterable>},
    T{"sequence", plain<is_sequence>},
    T{"callable", plain<is_callable>},
    T{"escaped", plain<is_escaped>},
    T{"lower", plain<is_lower_text>},
    T{"upper", plain<is_upper_text>},
    T{"even", plain<is_even>},
    T{"odd", plain<is_odd>},
    T{"filter", plain<is_filter>},
    T{"test", plain<is_test>},
    T{"divisibleby", divisible_by},
    T{"sameas", same_as},
    T{"in", test_in},
    T{"eq", test_eq},
    T{"equalto", test_eq},
    T{"==", test_eq},
    T{"ne", test_ne},
    T{"!=", test_ne},
    T{"lt", test_lt},
    T{"lessthan", test_lt},
    T{"<", test_lt},
    T{"gt", test_gt},
    T{"greaterthan", test_gt},
    T{">", test_gt},
    T{"le", test_le},
    T{"<=", test_le},
    T{"ge", test_ge},
    T{">=", test_ge},
};

}  // namespace

Test find_test(std::string_view name) {
  for (const NamedTest& entry : kTests) {
    if (entry.name == name) {
      return entry.test;
    }
  }
  return nullptr;
}

}  // namespace veer::jinja
