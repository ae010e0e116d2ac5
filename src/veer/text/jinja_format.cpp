// SPDX-License-Identifier: MIT
// Python's "%" formatting, str.format and format specifications.
#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/core.h>

#include "veer/text/jinja_strings.h"

namespace veer::jinja {
namespace {

constexpr std::int64_t kMaxWidth = 100'000;

struct Spec {
  std::string fill = " ";
  char align = '\0';
  char sign = '-';
  bool alternative = false;
  char group = '\0';
  std::int64_t width = 0;
  std::int64_t precision = -1;
  char type = '\0';
};

std::int64_t read_count(Interpreter& in, std::string_view text,
                        std::size_t& at) {
  std::int64_t out = 0;
  while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
    out = out * 10 + (text[at++] - '0');
    if (out > kMaxWidth) {
      in.fail(fmt::format("a format wider than {}", kMaxWidth));
    }
  }
  return out;
}

bool one_of(std::string_view set, std::string_view text, std::size_t at) {
  return at < text.size() && set.find(text[at]) != std::string_view::npos;
}

Spec read_spec(Interpreter& in, std::string_view text) {
  Spec out;
  std::size_t at = 0;
  if (!text.empty()) {
    const std::size_t first = code_point_at(text, 0).length;
    if (one_of("<>=^", text, first)) {
      out.fill = text.substr(0, first);
      out.align = text[first];
      at = first + 1;
    } else if (one_of("<>=^", text, 0)) {
      out.align = text[0];
      at = 1;
    }
  }
  if (one_of("+- ", text, at)) {
    out.sign = text[at++];
  }
  if (one_of("#", text, at)) {
    out.alternative = true;
    ++at;
  }
  if (one_of("0", text, at)) {
    if (out.align == '\0') {
      out.fill = "0";
      out.align = '=';
    }
    ++at;
  }
  out.width = read_count(in, text, at);
  if (one_of(",_", text, at)) {
    out.group = text[at++];
  }
  if (one_of(".", text, at)) {
    ++at;
    if (!one_of("0123456789", text, at)) {
      in.fail("format specifier missing precision");
    }
    out.precision = read_count(in, text, at);
  }
  if (at < text.size()) {
    out.type = text[at++];
  }
  if (at != text.size()) {
    in.fail(fmt::format("invalid format specifier '{}'", text));
  }
  return out;
}

std::string group_digits(const std::string& digits, char mark, int every) {
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % static_cast<std::size_t>(every) == 0) {
      out += mark;
    }
    out += digits[i];
  }
  return out;
}

// Digits of a non-negative number in one of e, f, g, %.
std::string float_digits(double value, char type, std::int64_t precision,
                         bool alternative) {
  const bool upper = type == 'E' || type == 'F' || type == 'G';
  if (!std::isfinite(value)) {
    const char* name =
        std::isnan(value) ? (upper ? "NAN" : "nan") : (upper ? "INF" : "inf");
    return name;
  }
  const std::string form = fmt::format("{{:{}.{}{}}}", alternative ? "#" : "",
                                       precision < 0 ? 6 : precision, type);
  return fmt::format(fmt::runtime(form), value);
}

std::string pad(const Spec& spec, std::string_view sign, std::string body,
                char natural) {
  const char align = spec.align == '\0' ? natural : spec.align;
  const std::int64_t size = count_code_points(sign) + count_code_points(body);
  const std::int64_t room = std::max<std::int64_t>(spec.width - size, 0);
  const auto fill = [&](std::int64_t n) {
    std::string out;
    for (std::int64_t i = 0; i < n; ++i) {
      out += spec.fill;
    }
    return out;
  };
  std::string out(sign);
  switch (align) {
    case '<':
      return out + body + fill(room);
    case '=':
      return out + fill(room) + body;
    case '^':
      return fill(room / 2) + out + body + fill(room - room / 2);
    default:
      return fill(room) + out + body;
  }
}

std::string sign_text(const Spec& spec, bool minus) {
  if (minus) {
    return "-";
  }
  return spec.sign == '-' ? "" : std::string(1, spec.sign);
}

std::string format_integer(Interpreter& in, std::int64_t value,
                           const Spec& spec) {
  const std::uint64_t size =
      value < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(value)
                : static_cast<std::uint64_t>(value);
  std::string digits;
  std::string prefix;
  int every = 4;
  switch (spec.type) {
    case 'x':
      digits = fmt::format("{:x}", size);
      prefix = "0x";
      break;
    case 'X':
      digits = fmt::format("{:X}", size);
      prefix = "0X";
      break;
    case 'o':
      digits = fmt::format("{:o}", size);
      prefix = "0o";
      break;
    case 'b':
      digits = fmt::format("{:b}", size);
      prefix = "0b";
      break;
    case 'd':
    case 'n':
    case '\0':
      digits = fmt::format("{}", size);
      every = 3;
      break;
    default:
      in.fail(
          fmt::format("unknown format code '{}' for an integer", spec.type));
  }
  if (spec.group != '\0') {
    digits = group_digits(digits, spec.group, every);
  }
  return pad(spec,
             sign_text(spec, value < 0) + (spec.alternative ? prefix : ""),
             digits, '>');
}

std::string format_float(double value, const Spec& spec) {
  std::string digits;
  const double size = std::abs(value);
  if (spec.type == '%') {
    digits =
        float_digits(size * 100.0, 'f', spec.precision, spec.alternative) + "%";
  } else if (spec.type == '\0' && spec.precision < 0) {
    digits = float_text(size);
  } else if (spec.type == '\0') {
    digits = float_digits(size, 'g', std::max<std::int64_t>(spec.precision, 1),
                          spec.alternative);
    if (digits.find_first_of(".en") == std::string::npos) {
      digits += ".0";
    }
  } else {
    digits = float_digits(size, spec.type == 'n' ? 'g' : spec.type,
                          spec.precision, spec.alternative);
  }
  if (spec.group != '\0') {
    const std::size_t end =
        std::min(digits.find_first_not_of("0123456789"), digits.size());
    digits =
        group_digits(digits.substr(0, end), spec.group, 3) + digits.substr(end);
  }
  return pad(spec, sign_text(spec, std::signbit(value) && !std::isnan(value)),
             digits, '>');
}

}  // namespace

std::string format_value(Interpreter& in, const Value& value,
                         std::string_view text) {
  if (text.empty()) {
    return to_str(in, value).bytes;
  }
  const Spec spec = read_spec(in, text);
  std::int64_t integer = 0;
  static constexpr std::string_view kFloatTypes = "eEfFgG%";
  const bool float_type = spec.type != '\0' &&
                          kFloatTypes.find(spec.type) != std::string_view::npos;
  if (value.as_integer(integer)) {
    if (float_type) {
      return format_float(static_cast<double>(integer), spec);
    }
    if (spec.type == 'c') {
      in.fail("the format code 'c' is not supported");
    }
    return format_integer(in, integer, spec);
  }
  if (const auto* real = value.get<double>()) {
    if (spec.type != '\0' && !float_type && spec.type != 'n') {
      in.fail(fmt::format("unknown format code '{}' for a float", spec.type));
    }
    return format_float(*real, spec);
  }
  if (value.str() == nullptr) {
    in.fail(
        fmt::format("unsupported format string for a {}", type_name(value)));
  }
  if ((spec.type != '\0' && spec.type != 's') || spec.align == '=') {
    in.fail(fmt::format("invalid format '{}' for a string", text));
  }
  std::string_view body = value.str()->bytes;
  if (spec.precision >= 0) {
    body = body.substr(0, byte_offset(body, spec.precision));
  }
  return pad(spec, "", std::string(body), '<');
}

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
    Spec spec;
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

  void read_flags(std::string_view text, std::size_t& at, Spec& spec) {
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

  void put(const Spec& spec, const Value& value) {
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

  void put_text(const Spec& spec, const Str& text) {
    Str part = text;
    if (spec.precision >= 0) {
      part = slice_bytes(text, 0, byte_offset(text.bytes, spec.precision));
    }
    const std::int64_t room = spec.width - count_code_points(part.bytes);
    out_.append(spec.align == '<' ? pad_text(in_, part, 0, room, " ")
                                  : pad_text(in_, part, room, 0, " "));
  }

  void put_integer(const Spec& spec, const Value& value) {
    std::int64_t integer = 0;
    const auto* real = value.get<double>();
    if (real != nullptr && std::abs(*real) < 9.2e18 &&
        one_of("diu", std::string_view(&spec.type, 1), 0)) {
      integer = static_cast<std::int64_t>(*real);
    } else if (!value.as_integer(integer)) {
      in_.fail(fmt::format("%{} format: a number is required, not {}",
                           spec.type, type_name(value)));
    }
    Spec plain = spec;
    plain.type =
        one_of("diu", std::string_view(&spec.type, 1), 0) ? 'd' : spec.type;
    plain.precision = -1;
    if (spec.precision >= 0) {
      in_.fail("a precision for integers is not supported");
    }
    out_.append(format_integer(in_, integer, plain));
  }

  void put_float(const Spec& spec, const Value& value) {
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

Value format_percent(Interpreter& in, const Str& format, const Value& values) {
  return PercentFormatter(in, format, values).run();
}

Value format_braces(Interpreter& in, const Str& format, Args& args) {
  return in.text(BraceFormatter(in, args).run(format, 0));
}

}  // namespace veer::jinja
