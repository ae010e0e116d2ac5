// SPDX-License-Identifier: MIT
#include "veer/settings/manifest.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/settings/removed_keys.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

// template_vars as a table becomes the text of a JSON object, in a section
// [model] or an entry of [[model]].
void join_template_vars(Json& model) {
  if (!model.is_object()) {
    return;
  }
  if (const auto found = model.find("template_vars");
      found != model.end() && found->is_object()) {
    *found = dump_json(*found);
  }
}

// The same in a document with a section [model].
void join_model_vars(Json& document) {
  if (const auto found = document.find("model"); found != document.end()) {
    join_template_vars(*found);
  }
}

// Removes the table [preset] and returns it.
Json take_presets(Json& document, const std::string& origin) {
  Json presets = Json::object();
  if (const auto found = document.find("preset"); found != document.end()) {
    presets = *found;
    document.erase(found);
  }
  const bool tables =
      presets.is_object() &&
      std::ranges::all_of(presets, [](const Json& p) { return p.is_object(); });
  if (!tables) {
    fail("read manifest", origin + ": preset is no table of tables",
         "[preset.NAME.SECTION]");
  }
  for (auto& [name, changes] : presets.items()) {
    require_none_removed(changes, origin + ", preset " + name);
    join_model_vars(changes);
  }
  return presets;
}

void flatten(const Json& table, const std::string& prefix,
             SettingFlags& changes) {
  for (const auto& [key, value] : table.items()) {
    if (value.is_object()) {
      flatten(value, prefix + key + ".", changes);
    } else {
      changes.emplace_back(prefix + key, value.is_string()
                                             ? value.get<std::string>()
                                             : dump_json(value));
    }
  }
}

// Removes from an entry of [[model]] the tables that it changes for itself.
SettingFlags take_changes(Json& entry, const std::string& origin) {
  Json tables = Json::object();
  for (const auto& [key, value] : entry.items()) {
    if (value.is_object()) {
      tables[key] = value;
    }
  }
  if (tables.contains("model")) {
    fail("read manifest", origin + ": a table model within [[model]]",
         "path = \"FOLDER\" in the entry itself");
  }
  for (const auto& [key, value] : tables.items()) {
    entry.erase(key);
  }
  require_none_removed(tables, origin);
  Manifest trial;  // an unknown key or a wrong type is found here
  apply_settings(setting_fields(trial), tables, origin);
  SettingFlags changes;
  flatten(tables, "", changes);
  return changes;
}

void apply_changes(Manifest& manifest, const SettingFlags& changes) {
  const auto fields = setting_fields(manifest);
  for (const auto& [path, text] : changes) {
    apply_setting(fields, path, text);
  }
}

// Removes the list [[model]] and returns its entries; leaves a table [model].
std::vector<ListedModel> take_models(Json& document,
                                     const std::string& origin) {
  std::vector<ListedModel> models;
  const auto found = document.find("model");
  if (found == document.end() || !found->is_array()) {
    return models;
  }
  for (auto& entry : *found) {
    ListedModel model;
    const auto where =
        fmt::format("{}, [[model]] {}", origin, models.size() + 1);
    join_template_vars(entry);
    model.changes = take_changes(entry, where);
    apply_settings(setting_fields(model), entry, where);
    if (model.name.empty()) {
      const fs::path path(model.path);
      model.name =
          (path.has_filename() ? path : path.parent_path()).filename().string();
      std::ranges::replace(model.name, ':', '-');
    }
    models.push_back(std::move(model));
  }
  document.erase(found);
  return models;
}

// "contrastive:pca_diff@answer_mean@resid_mid".
std::string vector_name(const ListedVector& vector, const std::string& origin) {
  if (vector.contrast.empty()) {
    fail("read manifest", origin + " without a contrast",
         "contrast = \"contrastive\" or another");
  }
  if (vector.position.empty() && !vector.site.empty()) {
    fail("read manifest", origin + " with a site and no position",
         "position = \"answer_mean\" or another");
  }
  std::string name = vector.contrast;
  for (const auto& [mark, part] :
       {std::pair{":", &vector.method}, std::pair{"@", &vector.position},
        std::pair{"@", &vector.site}}) {
    name += part->empty() ? "" : mark + *part;
  }
  return name;
}

// Makes extract.vectors of the list [[vector]].
void join_vectors(Json& document, const std::string& origin) {
  const auto found = document.find("vector");
  if (found == document.end()) {
    return;
  }
  if (!found->is_array()) {
    fail("read manifest", origin + ": vector is no list of tables",
         "[[vector]]");
  }
  Json names = Json::array();
  for (const auto& entry : *found) {
    ListedVector vector;
    const auto where =
        fmt::format("{}, [[vector]] {}", origin, names.size() + 1);
    apply_settings(setting_fields(vector), entry, where);
    names.push_back(vector_name(vector, where));
  }
  document.erase(found);
  Json& extract = document["extract"];
  if (extract.contains("vectors")) {
    fail("read manifest", origin + ": [[vector]] beside extract.vectors",
         "one of them");
  }
  extract["vectors"] = std::move(names);
}

// The changes of an entry as tables within it.
std::string changes_toml(const Manifest& manifest, const ListedModel& model) {
  Manifest own = manifest;
  apply_changes(own, model.changes);
  auto fields = setting_fields(own);
  std::erase_if(fields, [&](const SettingField& field) {
    return std::ranges::none_of(model.changes, [&](const auto& change) {
      return change.first == field.path;
    });
  });
  for (auto& field : fields) {
    field.path = "model." + field.path;
  }
  return fields.empty() ? "" : "\n" + settings_to_toml(fields);
}

std::string preset_names(const Json& presets) {
  std::string names;
  for (const auto& [name, changes] : presets.items()) {
    names += (names.empty() ? "" : ", ") + name;
  }
  return names.empty() ? "(the file has none)" : names;
}

void apply_preset(Manifest& manifest, const Json& changes,
                  const std::string& name, const std::string& origin) {
  manifest.run.name += "-" + name;
  apply_settings(setting_fields(manifest), changes,
                 origin + ", preset " + name);
}

// A mistyped key in a preset is found before that preset is needed.
void check_presets(const Json& presets, const Manifest& manifest,
                   const std::string& origin) {
  for (const auto& [name, changes] : presets.items()) {
    Manifest trial = manifest;
    apply_preset(trial, changes, name, origin);
    validate(trial);
  }
}

}  // namespace

Manifest load_manifest(const std::filesystem::path& file,
                       const SettingFlags& flags, const std::string& preset) {
  Manifest manifest;
  Json presets = Json::object();
  if (!file.empty()) {
    manifest.run.name = file.stem().string();
    Json document = parse_toml(read_file(file, 1 << 20), file.string());
    presets = take_presets(document, file.string());
    require_none_removed(document, file.string());
    manifest.models = take_models(document, file.string());
    join_vectors(document, file.string());
    join_model_vars(document);
    apply_settings(setting_fields(manifest), document, file.string());
  }
  check_presets(presets, manifest, file.string());
  if (!preset.empty()) {
    if (!presets.contains(preset)) {
      fail("read manifest",
           fmt::format("{} has no preset \"{}\"",
                       file.empty() ? "an empty manifest" : file.string(),
                       preset),
           "one of: " + preset_names(presets));
    }
    apply_preset(manifest, presets[preset], preset, file.string());
  }
  const auto fields = setting_fields(manifest);
  for (const auto& [path, text] : flags) {
    if (path.starts_with("model.") && !manifest.models.empty()) {
      fail("read manifest",
           fmt::format("--{} beside [[model]] in {}", path, file.string()),
           "one of them");
    }
    require_not_removed(path, "");
    apply_setting(fields, path, text);
  }
  validate(manifest);
  if (!manifest.models.empty()) {
    std::ranges::for_each(manifests_of_models(manifest), validate);
  }
  return manifest;
}

std::string manifest_toml(const Manifest& manifest) {
  Manifest copy = manifest;
  auto fields = setting_fields(copy);
  if (copy.models.empty()) {
    return settings_to_toml(fields);
  }
  std::erase_if(fields, [](const SettingField& field) {
    return field.path.starts_with("model.");
  });
  std::string text = settings_to_toml(fields);
  for (auto& model : copy.models) {
    text += "\n[[model]]\n" + settings_to_toml(setting_fields(model)) +
            changes_toml(manifest, model);
  }
  return text;
}

std::vector<Manifest> manifests_of_models(const Manifest& manifest) {
  if (manifest.models.empty()) {
    return {manifest};
  }
  std::vector<Manifest> out;
  for (const auto& model : manifest.models) {
    out.push_back(manifest);
    out.back().models.clear();
    apply_changes(out.back(), model.changes);
    out.back().model = {model.path,
                        model.finetuned,
                        model.finetuned_honest,
                        model.repetition_penalty,
                        model.template_vars,
                        model.thinking_tokens};
    out.back().run.name = model.name;
  }
  return out;
}

void require_one_model(const Manifest& manifest, std::string_view what) {
  if (!manifest.models.empty()) {
    fail(std::string(what),
         fmt::format("a study of {} models", manifest.models.size()),
         fmt::format("the run folder of one, such as models/{}",
                     manifest.models.front().name));
  }
}

Json manifest_section(const Manifest& manifest, std::string_view section) {
  Manifest copy = manifest;
  const Json all = settings_to_json(setting_fields(copy));
  return all.at(std::string(section));
}

}  // namespace veer
