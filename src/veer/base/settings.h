// SPDX-License-Identifier: MIT
//
// Settings live in plain structs that list their fields once:
//
//   template <class Self, class Visitor>
//   static void visit(Self& self, Visitor&& field) {
//     field("rank", self.rank, "low-rank size");
//   }
//
// From that list come the manifest (TOML), flags (--finetune.rank 16), the
// printed defaults, and the hash. A field is a bool, std::int64_t, double,
// std::string, a vector of the last three, or again a struct with visit().
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "veer/base/json.h"

namespace veer {

// One value somewhere in a tree of option structs, by its dotted path. The
// pointer lives as long as the struct.
struct SettingField {
  using Target = std::variant<bool*, std::int64_t*, double*, std::string*,
                              std::vector<std::int64_t>*, std::vector<double>*,
                              std::vector<std::string>*>;
  std::string path;  // "finetune.rank"
  Target target;
  std::string help;
};

namespace settings_detail {

template <class T>
concept Visitable = requires(T& value) { T::visit(value, [](auto&&...) {}); };

template <class Options>
void collect(Options& options, const std::string& prefix,
             std::vector<SettingField>& fields) {
  Options::visit(
      options, [&](std::string_view name, auto& value, std::string_view help) {
        using Value = std::remove_reference_t<decltype(value)>;
        const std::string path = prefix + std::string(name);
        if constexpr (Visitable<Value>) {
          collect(value, path + ".", fields);
        } else {
          fields.push_back({path, &value, std::string(help)});
        }
      });
}

}  // namespace settings_detail

// All fields in order of declaration; sections flattened to dotted paths.
template <class Options>
std::vector<SettingField> setting_fields(Options& options) {
  std::vector<SettingField> fields;
  settings_detail::collect(options, "", fields);
  return fields;
}

// Nested JSON of all values, in order of declaration.
Json settings_to_json(std::span<const SettingField> fields);

// TOML of all values with their help as comments, sections as tables.
std::string settings_to_toml(std::span<const SettingField> fields);

// Sets the fields that `document` (nested, as parsed from TOML or JSON)
// names and leaves the others. Throws Error on a key that no field claims,
// naming the nearest one, and on a value of the wrong type; both name the
// full path and `origin`. A whole number is accepted where a double stands.
void apply_settings(std::span<const SettingField> fields, const Json& document,
                    std::string_view origin);

// Sets one field from the text of a flag. A list is written "1,2,3".
void apply_setting(std::span<const SettingField> fields, std::string_view path,
                   std::string_view text);

// The text from which a setting's fingerprint is made: keys sorted, no
// spaces, numbers in their shortest form.
std::string canonical_json(const Json& value);

}  // namespace veer
