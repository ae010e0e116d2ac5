// SPDX-License-Identifier: MIT
// Format specifications and Python's format().
#include "veer/jinja/format_spec.h"

#include <algorithm>
#include <cmath>

#include <fmt/core.h>

namespace veer::jinja {
namespace {

constexpr std::int64_t kMaxWidth = 100'000;

FormatSpec read_spec(Interpreter& in, std::string_view text) {
  FormatSpec out;
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

std::string pad(const FormatSpec& spec, std::string_view sign, std::string body,
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

std::string sign_text(const FormatSpec& spec, bool minus) {
  if (minus) {
    return "-";
  }
  return spec.sign == '-' ? "" : std::string(1, spec.sign);
}

}  // namespace

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

std::string format_integer(Interpreter& in, std::int64_t value,
                           const FormatSpec& spec) {
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

std::string format_float(double value, const FormatSpec& spec) {
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

std::string format_value(Interpreter& in, const Value& value,
                         std::string_view text) {
  if (text.empty()) {
    return to_str(in, value).bytes;
  }
  const FormatSpec spec = read_spec(in, text);
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

}  // namespace veer::jinja
