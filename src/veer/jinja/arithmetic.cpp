// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>

#include <fmt/core.h>

#include "veer/jinja/interpreter.h"

namespace veer::jinja {
namespace {

[[noreturn]] void overflow(Interpreter& in) {
  in.fail("an integer beyond 64 bits", "integers of 64 bits");
}

std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  const std::int64_t quotient = a / b;
  return quotient - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

Value integer_power(Interpreter& in, std::int64_t base, std::int64_t power) {
  if (power < 0) {
    if (base == 0) {
      in.fail("0 cannot be raised to a negative power");
    }
    return Value(
        std::pow(static_cast<double>(base), static_cast<double>(power)));
  }
  std::int64_t out = 1;
  while (power > 0) {
    if ((power & 1) != 0 && __builtin_mul_overflow(out, base, &out)) {
      overflow(in);
    }
    power >>= 1;
    if (power > 0 && __builtin_mul_overflow(base, base, &base)) {
      overflow(in);
    }
  }
  return Value(out);
}

Value integers(Interpreter& in, std::string_view op, std::int64_t a,
               std::int64_t b) {
  std::int64_t out = 0;
  if (op == "+" || op == "-" || op == "*") {
    const bool over = op == "+"   ? __builtin_add_overflow(a, b, &out)
                      : op == "-" ? __builtin_sub_overflow(a, b, &out)
                                  : __builtin_mul_overflow(a, b, &out);
    if (over) {
      overflow(in);
    }
    return Value(out);
  }
  if (op == "**") {
    return integer_power(in, a, b);
  }
  if (b == 0) {
    in.fail("division by zero");
  }
  if (op == "/") {
    return Value(static_cast<double>(static_cast<long double>(a) /
                                     static_cast<long double>(b)));
  }
  if (b == -1) {  // the one quotient that overflows
    if (op == "%") {
      return Value(std::int64_t{0});
    }
    if (__builtin_sub_overflow(std::int64_t{0}, a, &out)) {
      overflow(in);
    }
    return Value(out);
  }
  const std::int64_t quotient = floor_divide(a, b);
  return Value(op == "//" ? quotient : a - quotient * b);
}

// Python's float divmod.
void divide_floats(double a, double b, double& quotient, double& rest) {
  rest = std::fmod(a, b);
  double div = (a - rest) / b;
  if (rest != 0.0) {
    if ((b < 0) != (rest < 0)) {
      rest += b;
      div -= 1.0;
    }
  } else {
    rest = std::copysign(0.0, b);
  }
  if (div != 0.0) {
    quotient = std::floor(div);
    if (div - quotient > 0.5) {
      quotient += 1.0;
    }
  } else {
    quotient = std::copysign(0.0, a / b);
  }
}

Value floats(Interpreter& in, std::string_view op, double a, double b) {
  if (op == "+") {
    return Value(a + b);
  }
  if (op == "-") {
    return Value(a - b);
  }
  if (op == "*") {
    return Value(a * b);
  }
  if (op == "**") {
    if (a < 0 && std::floor(b) != b) {
      in.fail("a complex number", "a real result");
    }
    if (a == 0 && b < 0) {
      in.fail("0.0 cannot be raised to a negative power");
    }
    const double out = std::pow(a, b);
    if (std::isinf(out) && std::isfinite(a) && std::isfinite(b)) {
      in.fail("the power is too large");
    }
    return Value(out);
  }
  if (b == 0.0) {
    in.fail("float division by zero");
  }
  if (op == "/") {
    return Value(a / b);
  }
  double quotient = 0;
  double rest = 0;
  divide_floats(a, b, quotient, rest);
  return Value(op == "//" ? quotient : rest);
}

[[noreturn]] void unsupported(Interpreter& in, std::string_view op,
                              const Value& a, const Value& b) {
  in.fail(fmt::format("unsupported operand types for {}: '{}' and '{}'", op,
                      type_name(a), type_name(b)));
}

double as_double(const Value& value) {
  std::int64_t integer = 0;
  return value.as_integer(integer) ? static_cast<double>(integer)
                                   : *value.get<double>();
}

Value add_texts(Interpreter& in, const Str& a, const Str& b) {
  StrBuilder out;
  const bool markup = a.markup || b.markup;
  out.append(markup && !a.markup ? escape_html(a) : a);
  out.append(markup && !b.markup ? escape_html(b) : b);
  Str text = out.take();
  text.markup = markup;
  return in.text(std::move(text));
}

Value repeat(Interpreter& in, const Value& sequence, std::int64_t times) {
  const std::int64_t count = std::max<std::int64_t>(times, 0);
  if (const Str* text = sequence.str()) {
    if (count > 0 && text->bytes.size() > 0 &&
        count > static_cast<std::int64_t>(in.limits().max_string_bytes /
                                          text->bytes.size())) {
      in.charge_bytes(in.limits().max_string_bytes + 1);
    }
    if (text->bytes.empty()) {
      return sequence;
    }
    in.step(count);
    StrBuilder out;
    for (std::int64_t i = 0; i < count; ++i) {
      out.append(*text);
    }
    return in.text(out.take());
  }
  const List* list = sequence.list();
  const auto size = static_cast<std::int64_t>(list->items.size());
  if (size > 0 && count > in.limits().max_steps / size) {
    in.step(in.limits().max_steps + 1);
  }
  in.step(count * size);
  std::vector<Value> items;
  for (std::int64_t i = 0; size > 0 && i < count; ++i) {
    items.insert(items.end(), list->items.begin(), list->items.end());
  }
  return in.list(std::move(items), list->kind);
}

bool is_sequence(const Value& value) {
  const List* list = value.list();
  return value.str() != nullptr ||
         (list != nullptr &&
          (list->kind == ListKind::kList || list->kind == ListKind::kTuple));
}

Value add_lists(Interpreter& in, const List& a, const List& b) {
  std::vector<Value> items = a.items;
  items.insert(items.end(), b.items.begin(), b.items.end());
  return in.list(std::move(items), a.kind);
}

}  // namespace

Value binary(Interpreter& in, std::string_view op, const Value& a,
             const Value& b) {
  if (op == "%" && a.str() != nullptr) {
    return format_percent(in, *a.str(), b);
  }
  if (a.is_undefined() || b.is_undefined()) {
    in.fail_undefined(a.is_undefined() ? a : b);
  }
  std::int64_t x = 0;
  std::int64_t y = 0;
  if (a.as_integer(x) && b.as_integer(y)) {
    return integers(in, op, x, y);
  }
  if (a.is_number() && b.is_number()) {
    return floats(in, op, as_double(a), as_double(b));
  }
  if (op == "+" && a.str() != nullptr && b.str() != nullptr) {
    return add_texts(in, *a.str(), *b.str());
  }
  if (op == "+" && is_sequence(a) && is_sequence(b) && a.list() != nullptr &&
      b.list() != nullptr && a.list()->kind == b.list()->kind) {
    return add_lists(in, *a.list(), *b.list());
  }
  if (op == "*" && is_sequence(a) && b.as_integer(y)) {
    return repeat(in, a, y);
  }
  if (op == "*" && is_sequence(b) && a.as_integer(x)) {
    return repeat(in, b, x);
  }
  unsupported(in, op, a, b);
}

Value negative(Interpreter& in, const Value& value) {
  if (value.is_undefined()) {
    in.fail_undefined(value);
  }
  std::int64_t integer = 0;
  if (value.as_integer(integer)) {
    std::int64_t out = 0;
    if (__builtin_sub_overflow(std::int64_t{0}, integer, &out)) {
      overflow(in);
    }
    return Value(out);
  }
  if (const auto* real = value.get<double>()) {
    return Value(-*real);
  }
  in.fail(fmt::format("bad operand type for unary -: '{}'", type_name(value)));
}

}  // namespace veer::jinja
