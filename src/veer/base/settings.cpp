// SPDX-License-Identifier: MIT
#include "veer/base/settings.h"

#include <algorithm>
#include <cmath>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/text_distance.h"

namespace veer {
namespace {

template <class T>
constexpr bool is_list = false;
template <class T>
constexpr bool is_list<std::vector<T>> = true;

template <class T>
std::string type_name() {
  if constexpr (std::is_same_v<T, bool>) {
    return "true or false";
  } else if constexpr (std::is_same_v<T, std::int64_t>) {
    return "a whole number";
  } else if constexpr (std::is_same_v<T, double>) {
    return "a number";
  } else if constexpr (std::is_same_v<T, std::string>) {
    return "a text in quotes";
  } else {
    return fmt::format("a list of items, each {}",
                       type_name<typename T::value_type>());
  }
}

template <class T>
bool read_value(const Json& json, T& value) {
  if constexpr (is_list<T>) {
    if (!json.is_array()) {
      return false;
    }
    T items;
    for (const auto& item : json) {
      typename T::value_type one{};
      if (!read_value(item, one)) {
        return false;
      }
      items.push_back(std::move(one));
    }
    value = std::move(items);
    return true;
  } else if constexpr (std::is_same_v<T, double>) {
    // Canonical JSON has no NaN and no infinity, and no setting means one.
    if (!json.is_number() || !std::isfinite(json.get<double>())) {
      return false;
    }
    value = json.get<double>();
    return true;
  } else {
    const bool fits = std::is_same_v<T, bool> ? json.is_boolean()
                                              : (std::is_same_v<T, std::int64_t>
                                                     ? json.is_number_integer()
                                                     : json.is_string());
    if (fits) {
      value = json.get<T>();
    }
    return fits;
  }
}

std::vector<std::string> section_names(std::span<const SettingField> fields,
                                       const std::string& prefix) {
  std::vector<std::string> names;
  for (const auto& field : fields) {
    if (field.path.starts_with(prefix)) {
      const auto end = field.path.find('.', prefix.size());
      std::string name = field.path.substr(0, end);
      if (names.empty() || names.back() != name) {
        names.push_back(std::move(name));
      }
    }
  }
  return names;
}

[[noreturn]] void fail_unknown(std::span<const SettingField> fields,
                               const std::string& prefix,
                               const std::string& path,
                               std::string_view origin) {
  auto candidates = section_names(fields, prefix);
  std::string near = nearest_name(path, candidates);
  if (near.empty()) {  // a right key in the wrong section
    const auto dot = path.rfind('.');
    const std::string last =
        "." + path.substr(dot == std::string::npos ? 0 : dot + 1);
    for (const auto& field : fields) {
      if (field.path.ends_with(last)) {
        near = field.path;
      }
    }
  }
  fail("read settings", fmt::format("{}: unknown key \"{}\"", origin, path),
       near.empty() ? "a key of --print-manifest"
                    : fmt::format("\"{}\", the nearest known one", near));
}

void set_field(const SettingField& field, const Json& json,
               std::string_view origin) {
  std::visit(
      [&](auto* target) {
        using T = std::remove_pointer_t<decltype(target)>;
        if (!read_value(json, *target)) {
          fail("read settings",
               fmt::format("{}: {} is {}", origin, field.path, dump_json(json)),
               type_name<T>());
        }
      },
      field.target);
}

void apply_table(std::span<const SettingField> fields, const Json& table,
                 const std::string& prefix, std::string_view origin) {
  for (const auto& [key, value] : table.items()) {
    const std::string path = prefix + key;
    bool found = false;
    for (const auto& field : fields) {
      if (field.path == path) {
        set_field(field, value, origin);
        found = true;
        break;
      }
      if (field.path.starts_with(path + ".")) {
        if (!value.is_object()) {
          fail("read settings",
               fmt::format("{}: {} is {}", origin, path, dump_json(value)),
               fmt::format("a section [{}]", path));
        }
        apply_table(fields, value, path + ".", origin);
        found = true;
        break;
      }
    }
    if (!found) {
      fail_unknown(fields, prefix, path, origin);
    }
  }
}

Json value_json(const SettingField& field) {
  return std::visit([](const auto* target) { return Json(*target); },
                    field.target);
}

// TOML has JSON's numbers, booleans, arrays and basic strings, except that
// a double must be recognisable as one.
std::string toml_value(const SettingField& field) {
  const Json json = value_json(field);
  if (json.is_array()) {
    std::string text = "[";
    for (const auto& item : json) {
      text += (text.size() > 1 ? ", " : "") + dump_json(item);
    }
    return text + "]";
  }
  return dump_json(json);
}

Json parse_scalar(std::string_view text, bool as_text) {
  if (as_text) {
    return Json(std::string(text));
  }
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return json.is_discarded() ? Json(std::string(text)) : json;
}

Json parse_list(std::string_view text, bool as_text) {
  Json items = Json::array();
  if (text.starts_with('[')) {
    const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (json.is_array()) {
      return json;
    }
  }
  while (!text.empty()) {
    const auto comma = text.find(',');
    items.push_back(parse_scalar(text.substr(0, comma), as_text));
    text.remove_prefix(comma == std::string_view::npos ? text.size()
                                                       : comma + 1);
  }
  return items;
}

Json sorted(const Json& value) {
  if (value.is_array()) {
    Json out = Json::array();
    for (const auto& item : value) {
      out.push_back(sorted(item));
    }
    return out;
  }
  if (!value.is_object()) {
    return value;
  }
  std::vector<std::string> keys;
  for (const auto& [key, unused] : value.items()) {
    keys.push_back(key);
  }
  std::sort(keys.begin(), keys.end());
  Json out = Json::object();
  for (const auto& key : keys) {
    out[key] = sorted(value.at(key));
  }
  return out;
}

}  // namespace

Json settings_to_json(std::span<const SettingField> fields) {
  Json root = Json::object();
  for (const auto& field : fields) {
    Json* at = &root;
    std::string_view rest = field.path;
    for (auto dot = rest.find('.'); dot != std::string_view::npos;
         dot = rest.find('.')) {
      at = &(*at)[std::string(rest.substr(0, dot))];
      rest.remove_prefix(dot + 1);
    }
    (*at)[std::string(rest)] = value_json(field);
  }
  return root;
}

std::string settings_to_toml(std::span<const SettingField> fields) {
  std::string text;
  std::string section;
  for (const auto& field : fields) {
    const auto dot = field.path.rfind('.');
    const std::string own =
        dot == std::string::npos ? "" : field.path.substr(0, dot);
    if (own != section) {
      text += fmt::format("{}[{}]\n", text.empty() ? "" : "\n", own);
      section = own;
    }
    text += fmt::format("# {}\n{} = {}\n", field.help,
                        field.path.substr(own.empty() ? 0 : own.size() + 1),
                        toml_value(field));
  }
  return text;
}

void apply_settings(std::span<const SettingField> fields, const Json& document,
                    std::string_view origin) {
  if (!document.is_object()) {
    fail("read settings", fmt::format("{} holds no table", origin),
         "sections such as [run]");
  }
  apply_table(fields, document, "", origin);
}

void apply_setting(std::span<const SettingField> fields, std::string_view path,
                   std::string_view text) {
  for (const auto& field : fields) {
    if (field.path == path) {
      std::visit(
          [&](const auto* target) {
            using T = std::remove_cv_t<std::remove_pointer_t<decltype(target)>>;
            const std::string origin = fmt::format("--{}", path);
            if constexpr (is_list<T>) {
              using Item = typename T::value_type;
              set_field(field,
                        parse_list(text, std::is_same_v<Item, std::string>),
                        origin);
            } else {
              set_field(field,
                        parse_scalar(text, std::is_same_v<T, std::string>),
                        origin);
            }
          },
          field.target);
      return;
    }
  }
  const auto dot = path.rfind('.');
  fail_unknown(
      fields,
      dot == std::string_view::npos ? "" : std::string(path.substr(0, dot + 1)),
      std::string(path), "flag");
}

std::string canonical_json(const Json& value) {
  return dump_json(sorted(value));
}

}  // namespace veer
