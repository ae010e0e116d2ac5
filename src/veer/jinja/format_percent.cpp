// SPDX-License-Identifier: MIT
// Python's "%" formatting.
#include <cmath>

#include <fmt/core.h>

#include "veer/jinja/format_spec.h"

namespace veer::jinja {
namespace {

class PercentFormatter {
 public:
  PercentFormatter(Interpreter& in, const Str& format, const Value& values)
      : in_(in), format_(format), values_(values) {}

  Value run() {
    const std::string_view text = format_.bytes;
    std::size_t done = 0;
    for (std::size_t at = text.find('%'); at != std::string_view::npos;
         at = text.find('%', done)) {
      out_.append(format_, done, at);
      done = at + 1;
      one(text, done);
    }
    out_.append(format_, done, text.size());
    // Whatever can be subscripted may be left unused, as in Python.
    const bool subscripted = values_.dict() != nullptr ||
                             (values_.list() != nullptr && !is_tuple()) ||
                             values_.range() != nullptr ||
                             values_.is_undefined();
    if (!used_mapping_ && next_ < count() && !subscripted) {
      in_.fail("not all arguments converted during string formatting");
    }
    return in_.text(out_.take());
  }

 private:
  bool is_tuple() const {
    return values_.list() != nullptr &&
           values_.list()->kind == ListKind::kTuple;
  }
  std::size_t count() const {
    return is_tuple() ? values_.list()->items.size() : 1;
  }
  Value take() {
    if (next_ >= count()) {
      in_.fail("not enough arguments for format string");
    }
    return is_tuple() ? values_.list()->items[next_++] : (++next_, values_);
  }

  void one(std::string_view text, std::size_t& at) {
    FormatSpec spec;
    Value value;
    bool given = false;
    if (one_of("(", text, at)) {
      const std::size_t close = text.find(')', at);
      if (close == std::string_view::npos || values_.dict() == nullptr) {
        in_.fail("format requires a mapping");
      }
      const Value* found =
          values_.dict()->find(text.substr(at + 1, close - at - 1));
      if (found == nullptr) {
        in_.fail(fmt::format("no key '{}' for the format",
                             text.substr(at + 1, close - at - 1)));
      }
      value = *found;
      given = used_mapping_ = true;
      at = close + 1;
    }
    read_flags(text, at, spec);
    if (at >= text.size()) {
      in_.fail("incomplete format");
    }
    spec.type = text[at++];
    if (spec.type == '%') {
      out_.append("%");
      return;
    }
    put(spec, given ? value : take());
  }

  void read_flags(std::string_view text, std::size_t& at, FormatSpec& spec) {
    bool left = false;
    bool zero = false;
    for (; one_of("-+ #0", text, at); ++at) {
      left = left || text[at] == '-';
      zero = zero || text[at] == '0';
      spec.alternative = spec.alternative || text[at] == '#';
      if (text[at] == '+' || (text[at] == ' ' && spec.sign != '+')) {
        spec.sign = text[at];
      }
    }
    if (one_of("*", text, at)) {
      in_.fail("a format width of '*' is not supported");
    }
    spec.width = read_count(in_, text, at);
    if (one_of(".", text, at)) {
      ++at;
      spec.precision = read_count(in_, text, at);
    }
    while (one_of("hlL", text, at)) {
      ++at;
    }
    spec.align = left ? '<' : zero ? '=' : '>';
    if (zero && !left) {
      spec.fill = "0";
    }
  }

  void put(const FormatSpec& spec, const Value& value) {
    switch (spec.type) {
      case 's':
        put_text(spec, to_str(in_, value));
        return;
      case 'r': {
        StrBuilder builder;
        append_repr(in_, value, builder);
        put_text(spec, builder.take());
        return;
      }
      case 'd':
      case 'i':
      case 'u':
      case 'x':
      case 'X':
      case 'o':
        put_integer(spec, value);
        return;
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G':
        put_float(spec, value);
        return;
      default:
        in_.fail(fmt::format("the format '%{}' is not supported", spec.type));
    }
  }

  void put_text(const FormatSpec& spec, const Str& text) {
    Str part = text;
    if (spec.precision >= 0) {
      part = slice_bytes(text, 0, byte_offset(text.bytes, spec.precision));
    }
    const std::int64_t room = spec.width - count_code_points(part.bytes);
    out_.append(spec.align == '<' ? pad_text(in_, part, 0, room, " ")
                                  : pad_text(in_, part, room, 0, " "));
  }

  void put_integer(const FormatSpec& spec, const Value& value) {
    std::int64_t integer = 0;
    const auto* real = value.get<double>();
    if (real != nullptr && std::abs(*real) < 9.2e18 &&
        one_of("diu", std::string_view(&spec.type, 1), 0)) {
      integer = static_cast<std::int64_t>(*real);
    } else if (!value.as_integer(integer)) {
      in_.fail(fmt::format("%{} format: a number is required, not {}",
                           spec.type, type_name(value)));
    }
    FormatSpec plain = spec;
    plain.type =
        one_of("diu", std::string_view(&spec.type, 1), 0) ? 'd' : spec.type;
    plain.precision = -1;
    if (spec.precision >= 0) {
      in_.fail("a precision for integers is not supported");
    }
    out_.append(format_integer(in_, integer, plain));
  }

  void put_float(const FormatSpec& spec, const Value& value) {
    std::int64_t integer = 0;
    const bool whole = value.as_integer(integer);
    if (!whole && value.get<double>() == nullptr) {
      in_.fail(fmt::format("must be real number, not {}", type_name(value)));
    }
    out_.append(format_float(
        whole ? static_cast<double>(integer) : *value.get<double>(), spec));
  }

  Interpreter& in_;
  const Str& format_;
  const Value& values_;
  StrBuilder out_;
  std::size_t next_ = 0;
  bool used_mapping_ = false;
};

}  // namespace

Value format_percent(Interpreter& in, const Str& format, const Value& values) {
  return PercentFormatter(in, format, values).run();
}

}  // namespace veer::jinja
