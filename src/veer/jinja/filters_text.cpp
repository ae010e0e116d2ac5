// SPDX-License-Identifier: MIT
// Filters of texts and numbers.
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/core.h>

#include "veer/jinja/filters.h"
#include "veer/jinja/strings.h"

namespace veer::jinja {

Str escape_html(const Str& text) {
  if (text.markup) {
    return text;
  }
  StrBuilder out;
  OriginCursor origin(text);
  for (std::size_t at = 0; at < text.bytes.size(); ++at) {
    const char c = text.bytes[at];
    const std::string_view piece = c == '&'    ? "&amp;"
                                   : c == '<'  ? "&lt;"
                                   : c == '>'  ? "&gt;"
                                   : c == '\'' ? "&#39;"
                                   : c == '"'  ? "&#34;"
                                               : std::string_view(&c, 1);
    out.append(piece, origin.at(at));
  }
  Str result = out.take();
  result.markup = true;
  return result;
}

namespace {

constexpr std::string_view name_of(CaseMap map) {
  switch (map) {
    case CaseMap::kUpper:
      return "upper";
    case CaseMap::kLower:
      return "lower";
    case CaseMap::kJinjaTitle:
      return "title";
    default:
      return "capitalize";
  }
}

template <CaseMap map>
Value change_case(Interpreter& in, const Value& value, Args& args) {
  const ArgReader reader(in, args, name_of(map), {});
  return in.text(map_case(to_str(in, value), map));
}

Value trim(Interpreter& in, const Value& value, Args& args) {
  const ArgReader reader(in, args, "trim", {"chars"});
  const bool given = reader.get(0) != nullptr && !reader.get(0)->is_none();
  return in.text(strip_text(to_str(in, value),
                            given ? &reader.string(0) : nullptr, Side::kBoth));
}

Value replace(Interpreter& in, const Value& value, Args& args) {
  const ArgReader reader(in, args, "replace", {"old", "new", "count"}, 2);
  return in.text(
      replace_text(in, to_str(in, value), to_str(in, *reader.get(0)).bytes,
                   to_str(in, *reader.get(1)), reader.integer(2, -1)));
}

Value string(Interpreter& in, const Value& value, Args& args) {
  const ArgReader reader(in, args, "string", {});
  return in.text(to_str(in, value));
}

Value escape(Interpreter& in, const Value& value, Args& args) {
  const ArgReader reader(in, args, "escape", {});
  return in.text(escape_html(to_str(in, value)));
}

Value force_escape(Interpreter& in, const Value& value, Args& args) {
  const ArgReader reader(in, args, "forceescape", {});
  Str text = to_str(in, value);
  text.markup = false;
  return in.text(escape_html(text));
}

Value safe(Interpreter& in, const Value& value, Args& args) {
  const ArgReader reader(in, args, "safe", {});
  Str text = to_str(in, value);
  text.markup = true;
  return in.text(std::move(text));
}

Value default_value(Interpreter& in, const Value& value, Args& args) {
  const ArgReader reader(in, args, "default", {"default_value", "boolean"});
  const bool use =
      value.is_undefined() || (reader.flag(1, false) && !truth(in, value));
  if (!use) {
    return value;
  }
  return reader.get(0) == nullptr ? Value::text("") : *reader.get(0);
}

Value indent(Interpreter& in, const Value& value, Args& args) {
  const ArgReader reader(in, args, "indent", {"width", "first", "blank"});
  if (value.str() == nullptr) {
    in.fail(fmt::format("indent of a {}", type_name(value)), "a string");
  }
  std::string pad;
  if (reader.get(0) != nullptr && reader.get(0)->str() != nullptr) {
    pad = reader.string(0).bytes;
  } else {
    const std::int64_t width = std::max<std::int64_t>(reader.integer(0, 4), 0);
    if (width > 1'000'000) {
      in.fail("an indent of more than a million spaces");
    }
    pad.assign(static_cast<std::size_t>(width), ' ');
  }
  const bool blank = reader.flag(2, false);
  StrBuilder source;
  source.append(*value.str());
  source.append("\n");
  const Str text = source.take();
  StrBuilder out;
  bool first_line = true;
  for (const auto& [begin, end] : line_ranges(text.bytes)) {
    if (!first_line) {
      out.append("\n");
    }
    const bool pads = first_line ? reader.flag(1, false) : blank || end > begin;
    if (pads) {
      in.charge_bytes(pad.size());
      out.append(pad);
    }
    out.append(text, begin, end);
    first_line = false;
  }
  Str result = out.take();
  result.markup = value.str()->markup;
  return in.text(std::move(result));
}

Value word_count(Interpreter& in, const Value& value, Args& args) {
  const ArgReader reader(in, args, "wordcount", {});
  const Str text = to_str(in, value);
  std::int64_t words = 0;
  bool inside = false;
  for (std::size_t at = 0; at < text.bytes.size();) {
    const CodePoint c = code_point_at(text.bytes, at);
    const bool word = is_word(c.value);
    words += word && !inside ? 1 : 0;
    inside = word;
    at += c.length;
  }
  return Value(words);
}

Value center(Interpreter& in, const Value& value, Args& args) {
  const ArgReader reader(in, args, "center", {"width"});
  const Str text = to_str(in, value);
  const std::int64_t width = reader.integer(0, 80);
  const std::int64_t room = width - count_code_points(text.bytes);
  if (room <= 0) {
    return Value(text);
  }
  const std::int64_t left = room / 2 + (room & width & 1);
  return in.text(pad_text(in, text, left, room - left, " "));
}

Value truncate(Interpreter& in, const Value& value, Args& args) {
  const ArgReader reader(in, args, "truncate",
                         {"length", "killwords", "end", "leeway"});
  const Str end = reader.string_or(2, "...");
  const std::int64_t length = reader.integer(0, 255);
  const std::int64_t leeway = reader.integer(3, 5);
  const std::int64_t keep = length - count_code_points(end.bytes);
  if (keep < 0 || leeway < 0) {
    in.fail("truncate: the length is shorter than the end");
  }
  if (length_of(in, value) <= length + leeway) {
    return value;
  }
  if (value.str() == nullptr) {
    in.fail(fmt::format("truncate of a long {}", type_name(value)), "a string");
  }
  const Str& text = *value.str();
  std::size_t cut = byte_offset(text.bytes, keep);
  if (!reader.flag(1, false)) {
    const std::size_t space =
        std::string_view(text.bytes).substr(0, cut).rfind(' ');
    cut = space == std::string_view::npos ? cut : space;
  }
  StrBuilder out;
  out.append(text, 0, cut);
  out.append(end);
  return in.text(out.take());
}

Value format(Interpreter& in, const Value& value, Args& args) {
  if (!args.positional.empty() && !args.keywords.empty()) {
    in.fail("format: positional and keyword arguments at the same time");
  }
  if (args.keywords.empty()) {
    return format_percent(in, to_str(in, value),
                          in.list(args.positional, ListKind::kTuple));
  }
  auto dict = std::make_shared<Dict>();
  for (const auto& [name, item] : args.keywords) {
    dict->set(Value::text(name), item);
  }
  return format_percent(in, to_str(in, value), Value(Value::Data(dict)));
}

Value to_json(Interpreter& in, const Value& value, Args& args) {
  const ArgReader reader(in, args, "tojson",
                         {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style;
  style.ascii = reader.flag(0, false);
  style.sort_keys = reader.flag(3, false);
  if (const Value* width = reader.get(1);
      width != nullptr && !width->is_none()) {
    style.pretty = true;
    style.item_separator = ",";
    if (width->str() != nullptr) {
      style.indent = width->str()->bytes;
    } else {
      const std::int64_t spaces = reader.integer(1, 0);
      if (spaces > 1000) {
        in.fail("tojson: an indent of more than 1000 spaces");
      }
      style.indent.assign(
          static_cast<std::size_t>(std::max<std::int64_t>(spaces, 0)), ' ');
    }
  }
  if (const Value* marks = reader.get(2);
      marks != nullptr && !marks->is_none()) {
    const std::vector<Value> both = in.iterate(*marks);
    if (both.size() != 2 || both[0].str() == nullptr ||
        both[1].str() == nullptr) {
      in.fail("tojson: separators must be two strings");
    }
    style.item_separator = both[0].str()->bytes;
    style.key_separator = both[1].str()->bytes;
  }
  return in.text(json_text(in, value, style));
}

// Python's int(text, base); false: ValueError.
bool parse_integer(Interpreter& in, std::string_view text, std::int64_t base,
                   std::int64_t& out) {
  std::string digits(
      text.substr(skip_space(text),
                  trim_end(text) - std::min(skip_space(text), trim_end(text))));
  bool minus = false;
  if (!digits.empty() && (digits[0] == '+' || digits[0] == '-')) {
    minus = digits[0] == '-';
    digits.erase(0, 1);
  }
  const char mark = digits.size() > 1 && digits[0] == '0'
                        ? static_cast<char>(digits[1] | 0x20)
                        : '\0';
  const std::int64_t marked = mark == 'x'   ? 16
                              : mark == 'o' ? 8
                              : mark == 'b' ? 2
                                            : 0;
  if (marked != 0 && (base == marked || base == 0)) {
    base = marked;
    digits.erase(0, digits.size() > 2 && digits[2] == '_' ? 3 : 2);
  } else if (base == 0) {
    base = 10;
  }
  if (digits.empty() || digits.front() == '_' || digits.back() == '_' ||
      digits.find("__") != std::string::npos || base < 2 || base > 36) {
    return false;
  }
  std::erase(digits, '_');
  const auto result =
      std::from_chars(digits.data(), digits.data() + digits.size(), out,
                      static_cast<int>(base));
  if (result.ec == std::errc::result_out_of_range) {
    in.fail("an integer beyond 64 bits", "integers of 64 bits");
  }
  if (result.ec != std::errc() || result.ptr != digits.data() + digits.size()) {
    return false;
  }
  out = minus ? -out : out;
  return true;
}

// Python's float(text); false: ValueError.
bool parse_float(std::string_view text, double& out) {
  const std::size_t begin = skip_space(text);
  const std::size_t end = trim_end(text, std::min(begin, text.size()));
  std::string digits(text.substr(begin, end - begin));
  if (digits.empty() || digits.front() == '_' || digits.back() == '_' ||
      digits.find("__") != std::string::npos ||
      digits.find_first_of("xXpP(") != std::string::npos) {
    return false;
  }
  std::erase(digits, '_');
  char* stop = nullptr;
  out = std::strtod(digits.c_str(), &stop);
  return stop == digits.c_str() + digits.size();
}

bool float_of(Interpreter& in, const Value& value, double& out) {
  if (value.is_undefined()) {
    in.fail_undefined(value);
  }
  std::int64_t integer = 0;
  if (value.as_integer(integer)) {
    out = static_cast<double>(integer);
    return true;
  }
  if (const auto* real = value.get<double>()) {
    out = *real;
    return true;
  }
  return value.str() != nullptr && parse_float(value.str()->bytes, out);
}

Value to_int(Interpreter& in, const Value& value, Args& args) {
  const ArgReader reader(in, args, "int", {"default", "base"});
  std::int64_t out = 0;
  if (value.as_integer(out)) {
    return Value(out);
  }
  if (value.str() != nullptr &&
      parse_integer(in, value.str()->bytes, reader.integer(1, 10), out)) {
    return Value(out);
  }
  double real = 0;
  if (float_of(in, value, real) && std::isfinite(real)) {
    if (std::abs(real) >= 9.2e18) {
      in.fail("an integer beyond 64 bits", "integers of 64 bits");
    }
    return Value(static_cast<std::int64_t>(real));
  }
  return reader.get(0) == nullptr ? Value(std::int64_t{0}) : *reader.get(0);
}

Value to_float(Interpreter& in, const Value& value, Args& args) {
  const ArgReader reader(in, args, "float", {"default"});
  double out = 0;
  if (float_of(in, value, out)) {
    return Value(out);
  }
  return reader.get(0) == nullptr ? Value(0.0) : *reader.get(0);
}

Value absolute(Interpreter& in, const Value& value, Args& args) {
  const ArgReader reader(in, args, "abs", {});
  std::int64_t integer = 0;
  if (value.as_integer(integer)) {
    return integer < 0 ? negative(in, Value(integer)) : Value(integer);
  }
  if (const auto* real = value.get<double>()) {
    return Value(std::abs(*real));
  }
  if (value.is_undefined()) {
    in.fail_undefined(value);
  }
  in.fail(fmt::format("bad operand type for abs(): '{}'", type_name(value)));
}

double round_half_even(double value, std::int64_t precision) {
  if (!std::isfinite(value) || precision > 300) {
    return value;
  }
  if (precision >= 0) {  // the printed digits are rounded exactly
    return std::strtod(fmt::format("{:.{}f}", value, precision).c_str(),
                       nullptr);
  }
  const long double scale = std::pow(
      10.0L, static_cast<long double>(std::min<std::int64_t>(-precision, 400)));
  return static_cast<double>(std::nearbyint(value / scale) * scale);
}

Value round_value(Interpreter& in, const Value& value, Args& args) {
  const ArgReader reader(in, args, "round", {"precision", "method"});
  const std::string method = reader.string_or(1, "common").bytes;
  const std::int64_t precision = reader.integer(0, 0);
  std::int64_t integer = 0;
  if (value.is_undefined()) {
    in.fail_undefined(value);
  }
  if (!value.is_number()) {
    in.fail(fmt::format("round of a {}", type_name(value)), "a number");
  }
  const bool whole = value.as_integer(integer);
  const double real =
      whole ? static_cast<double>(integer) : *value.get<double>();
  if (method == "common") {
    if (whole) {
      return precision >= 0 ? Value(integer)
                            : Value(static_cast<std::int64_t>(
                                  round_half_even(real, precision)));
    }
    return Value(round_half_even(real, precision));
  }
  if (method != "ceil" && method != "floor") {
    in.fail("round: the method must be common, ceil or floor");
  }
  const double scale = std::pow(10.0, static_cast<double>(precision));
  const double scaled = real * scale;
  if (!std::isfinite(scaled) || std::abs(scaled) >= 9.2e18) {
    in.fail("round: the number is too large");
  }
  const double cut = method == "ceil" ? std::ceil(scaled) : std::floor(scaled);
  return Value(cut / scale);
}

using F = NamedFilter;
constexpr std::array kFilters = {
    F{"upper", change_case<CaseMap::kUpper>},
    F{"lower", change_case<CaseMap::kLower>},
    F{"title", change_case<CaseMap::kJinjaTitle>},
    F{"capitalize", change_case<CaseMap::kCapitalize>},
    F{"trim", trim},
    F{"replace", replace},
    F{"string", string},
    F{"e", escape},
    F{"escape", escape},
    F{"forceescape", force_escape},
    F{"safe", safe},
    F{"default", default_value},
    F{"d", default_value},
    F{"indent", indent},
    F{"wordcount", word_count},
    F{"center", center},
    F{"truncate", truncate},
    F{"format", format},
    F{"tojson", to_json},
    F{"int", to_int},
    F{"float", to_float},
    F{"abs", absolute},
    F{"round", round_value},
};

}  // namespace

std::span<const NamedFilter> text_filters() {
  return kFilters;
}

Filter find_filter(std::string_view name) {
  for (const auto& table : {text_filters(), sequence_filters()}) {
    for (const NamedFilter& entry : table) {
      if (entry.name == name) {
        return entry.filter;
      }
    }
  }
  return nullptr;
}

}  // namespace veer::jinja
