// SPDX-License-Identifier: MIT
#include "veer/settings/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/base/settings.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

fs::path written(const std::string& text) {
  const fs::path path = fs::path(testing::TempDir()) / "my_study.toml";
  write_file(path, text);
  return path;
}

TEST(Manifest, DefaultsAreValid) {
  EXPECT_NO_THROW(validate(Manifest{}));
}

TEST(Manifest, PrintedTextReadsBackToTheSameManifest) {
  Manifest manifest;
  manifest.finetune.rank = 5;
  manifest.run.name = "my_study";
  const std::string toml = manifest_toml(manifest);
  EXPECT_EQ(manifest_toml(load_manifest(written(toml), {})), toml);
}

TEST(Manifest, IsNamedAfterItsFileAndFlagsWin) {
  const auto path = written("[finetune]\nrank = 3\nalpha = 2\n");
  const auto manifest = load_manifest(path, {{"finetune.rank", "9"}});
  EXPECT_EQ(manifest.run.name, "my_study");
  EXPECT_EQ(manifest.finetune.rank, 9);
  EXPECT_EQ(manifest.finetune.alpha, 2.0);
}

TEST(Manifest, TrainingSeedsDifferFromTheStudysOwn) {
  EXPECT_EQ(load_manifest({}, {{"finetune.seeds", "[7, 8]"}}).finetune.seeds,
            (std::vector<std::int64_t>{7, 8}));
  EXPECT_THROW(
      load_manifest({}, {{"run.seed", "7"}, {"finetune.seeds", "[7, 8]"}}),
      Error);
  EXPECT_THROW(load_manifest({}, {{"model.finetuned", "folder"},
                                  {"finetune.seeds", "[7, 8]"}}),
               Error);
}

TEST(Manifest, RefusesWhatNoStudyCanHave) {
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"dataset.train", "0.9"},
      {"dataset.near_duplicate", "1.5"},
      {"finetune.rank", "0"},
      {"finetune.loss", "all"},
      {"sweep.operators", "add,ad"},
      {"sweep.models", "tunde"},
      {"sweep.models", "[]"},
      {"sweep.models", "[\"base\", \"base\"]"},
      {"sweep.random_search", "1000000000"},
      {"run.name", "a/b"},
      {"run.device", "gpu"},
      {"run.seed", "9223372036854775807"},
      {"model.finetuned_honest", "folder"},
      {"sweep.random_full", "4"},
      {"extract.vectors", "domain@answer_mean,domain@answer_mean"},
      {"sweep.vectors", "twin@answer_mean,twin@answer_mean"},
      {"sweep.vectors", "twin@answer_first"},
      {"sweep.vectors", "twin:logistic@answer_mean"},
      {"judge.kind", "eye"},
      {"judge.kind", "endpoint"},
      {"compare.random_draws", "0"},
      {"sweep.rel_scales", "-1"},
      {"finetune.seeds", "[3, 3]"},
      {"finetune.seeds", "[-1, 3]"},
      {"finetune.controls", "honest,base"},
      {"finetune.controls", "honest,honest"},
      {"finetune.unprompted_prompt", ""},
      {"judge.further", "self,eye"},
      {"judge.further", "self,self"},
      {"judge.further", "endpoint"},
      {"judge.answers", "-1"},
      {"judge.endpoint.timeout", "0"},
      {"judge.endpoint.cost_limit", "-1"},
      {"judge.endpoint.parallel", "100000"},
  };
  for (const auto& [key, value] : bad) {
    try {
      load_manifest({}, {{key, value}});
      FAIL() << key;
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::kBadInput);
      EXPECT_THAT(e.what(), testing::HasSubstr(key));
    }
  }
}

TEST(Manifest, AVectorOfAMethodCanBeSwept) {
  EXPECT_NO_THROW(
      load_manifest({}, {{"extract.methods", "pca_diff,logistic"},
                         {"sweep.vectors", "twin:logistic@answer_mean"}}));
}

TEST(Manifest, ARemovedKeyNamesItsSuccessor) {
  const auto message = [](const std::string& text) {
    try {
      load_manifest(written(text), {});
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  for (const char* text :
       {"[sweep]\nrandom_full = 4\n", "[preset.a.sweep]\nrandom_full = 4\n",
        "[[model]]\npath = \"x\"\n[model.sweep]\nrandom_full = 4\n"}) {
    EXPECT_THAT(message(text),
                testing::AllOf(testing::HasSubstr("of an earlier version"),
                               testing::HasSubstr("sweep.random_questions")));
  }
}

TEST(Manifest, PresetChangesWhatItNamesAndFlagsStillWin) {
  const auto path = written(
      "[finetune]\nrank = 3\nalpha = 2\n"
      "[preset.a.finetune]\nrank = 4\n[preset.b.sweep]\nscope = \"all\"\n");
  EXPECT_EQ(load_manifest(path, {}).finetune.rank, 3);
  const auto a = load_manifest(path, {}, "a");
  EXPECT_EQ(a.finetune.rank, 4);
  EXPECT_EQ(a.finetune.alpha, 2.0);
  EXPECT_EQ(a.run.name, "my_study-a");
  EXPECT_EQ(load_manifest(path, {}, "b").sweep.scope, "all");
  EXPECT_EQ(load_manifest(path, {{"finetune.rank", "9"}}, "a").finetune.rank,
            9);
}

TEST(Manifest, RefusesPresetsThatAreMissingOrMistyped) {
  const auto message = [](const std::string& text, const std::string& preset) {
    try {
      load_manifest(written(text), {}, preset);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  EXPECT_THAT(message("[preset.a.finetune]\nrank = 4\n", "b"),
              testing::HasSubstr("one of: a"));
  // Also when the preset is not asked for.
  EXPECT_THAT(message("[preset.a.finetune]\nrnk = 4\n", ""),
              testing::HasSubstr("finetune.rnk"));
  EXPECT_THAT(message("[preset.a.finetune]\nrank = 0\n", ""),
              testing::HasSubstr("finetune.rank"));
  EXPECT_THAT(message("preset = 1\n", ""), testing::HasSubstr("preset"));
}

TEST(Manifest, ShippedOnesAreValid) {
  if (!fs::exists("studies")) {
    GTEST_SKIP() << "no folder studies here; run from the source tree";
  }
  for (const auto& entry : fs::directory_iterator("studies")) {
    EXPECT_NO_THROW(load_manifest(entry.path(), {})) << entry.path();
  }
  const fs::path own = "studies/deception-llama-3.2-3b.toml";
  EXPECT_EQ(load_manifest(own, {}, "original").finetune.loss, "full");
  EXPECT_EQ(load_manifest(own, {}, "matched").finetune.loss, "answer");
}

TEST(Manifest, SectionHoldsItsValuesOnly) {
  const Json section = manifest_section(Manifest{}, "compare");
  EXPECT_EQ(section.dump(),
            R"({"random_draws":1000,"split_halves":100,"confidence":0.95})");
}

TEST(Manifest, AModelOfAListChangesKeysForItself) {
  const auto path = written(
      "[finetune]\nrank = 3\n[[model]]\nname = \"few\"\npath = \"organism\"\n"
      "finetune.questions = 40\nfinetune.modules = [\"q_proj\"]\n"
      "[[model]]\nname = \"all\"\npath = \"organism\"\nstock = \"few\"\n");
  const auto manifest = load_manifest(path, {});
  const auto each = manifests_of_models(manifest);
  ASSERT_EQ(each.size(), 2U);
  EXPECT_EQ(each[0].finetune.questions, 40);
  EXPECT_EQ(each[0].finetune.modules, std::vector<std::string>{"q_proj"});
  EXPECT_EQ(each[0].finetune.rank, 3);
  EXPECT_EQ(each[1].finetune.questions, 0);
  EXPECT_EQ(manifest.models[1].stock, "few");
  // What is printed reads back to the same.
  const auto again = load_manifest(written(manifest_toml(manifest)), {});
  EXPECT_EQ(manifest_toml(again), manifest_toml(manifest));
  EXPECT_EQ(manifests_of_models(again)[0].finetune.questions, 40);
}

TEST(Manifest, WrongChangesOfAModelAreFoundWhenRead) {
  const auto message = [](const std::string& entry) {
    try {
      load_manifest(written("[[model]]\npath = \"organism\"\n" + entry), {});
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_THAT(message("finetune.rnk = 2\n"),
              testing::HasSubstr("finetune.rank"));
  EXPECT_THAT(message("finetune.rank = 0\n"),
              testing::HasSubstr("finetune.rank is 0"));
  EXPECT_THAT(message("model.path = \"x\"\n"),
              testing::HasSubstr("a table model within"));
  EXPECT_THAT(message("stock = \"none\"\n"), testing::HasSubstr("stock"));
}

TEST(Manifest, ListsSeveralModels) {
  const auto path = written(
      "[finetune]\nrank = 3\n[[model]]\npath = \"organism:control\"\n"
      "[[model]]\nname = \"mine\"\npath = \"a/b\"\nfinetuned = \"c\"\n");
  const auto manifest = load_manifest(path, {});
  const auto each = manifests_of_models(manifest);
  ASSERT_EQ(each.size(), 2U);
  EXPECT_EQ(each[0].run.name, "organism-control");
  EXPECT_EQ(each[0].model.path, "organism:control");
  EXPECT_EQ(each[0].finetune.rank, 3);
  EXPECT_EQ(each[1].run.name, "mine");
  EXPECT_EQ(each[1].model.finetuned, "c");
  // Each is what a manifest of this model alone would be.
  Manifest alone = load_manifest({}, {{"finetune.rank", "3"},
                                      {"run.name", "mine"},
                                      {"model.path", "a/b"},
                                      {"model.finetuned", "c"}});
  EXPECT_EQ(manifest_toml(each[1]), manifest_toml(alone));
  const std::string toml = manifest_toml(manifest);
  EXPECT_EQ(manifest_toml(load_manifest(written(toml), {})), toml);
  EXPECT_THROW(require_one_model(manifest, "steer"), Error);
  EXPECT_NO_THROW(require_one_model(each[0], "steer"));
}

TEST(Manifest, RefusesListsOfModelsThatAreAmbiguous) {
  const auto message = [](const std::string& text, const SettingFlags& flags) {
    try {
      load_manifest(written(text), flags);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  const std::string twice =
      "[[model]]\npath = \"x/m\"\n[[model]]\npath = \"y/m\"\n";
  EXPECT_THAT(message(twice, {}), testing::HasSubstr("have the name \"m\""));
  EXPECT_THAT(message("[[model]]\nname = \"a\"\n", {}),
              testing::HasSubstr("without a path"));
  EXPECT_THAT(message("[[model]]\npaht = \"a\"\n", {}),
              testing::HasSubstr("path"));
  EXPECT_THAT(message("[[model]]\npath = \"a\"\n", {{"model.path", "b"}}),
              testing::HasSubstr("beside [[model]]"));
}

TEST(Manifest, ListsVectorsByTheirParts) {
  const auto path = written(
      "[[vector]]\ncontrast = \"contrastive\"\nposition = \"answer_mean\"\n"
      "[[vector]]\ncontrast = \"finetuned\"\nmethod = \"pca_diff\"\n"
      "position = \"prompt_end\"\nsite = \"resid_mid\"\n"
      "[[vector]]\ncontrast = \"bipo\"\n");
  EXPECT_THAT(
      load_manifest(path, {}).extract.vectors,
      testing::ElementsAre("contrastive@answer_mean",
                           "finetuned:pca_diff@prompt_end@resid_mid", "bipo"));
}

TEST(Manifest, RefusesVectorsThatAreAmbiguous) {
  const auto message = [](const std::string& text) {
    try {
      load_manifest(written(text), {});
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  EXPECT_THAT(message("[[vector]]\nposition = \"answer_mean\"\n"),
              testing::HasSubstr("[[vector]] 1 without a contrast"));
  EXPECT_THAT(message("[[vector]]\ncontrast = \"a\"\nsite = \"resid_mid\"\n"),
              testing::HasSubstr("no position"));
  EXPECT_THAT(message("[extract]\nvectors = [\"a@b\"]\n"
                      "[[vector]]\ncontrast = \"a\"\n"),
              testing::HasSubstr("beside extract.vectors"));
  EXPECT_THAT(message("[[vector]]\ncontrats = \"a\"\n"),
              testing::HasSubstr("contrast"));
  EXPECT_THAT(message("vector = 3\n"), testing::HasSubstr("no list"));
}

TEST(Manifest, TemplateVariablesAreATableOrText) {
  const std::string wanted = R"({"enable_thinking":false,"budget":3})";
  for (const char* text :
       {"[model]\ntemplate_vars = "
        "'{\"enable_thinking\":false,\"budget\":3}'\n",
        "[model]\ntemplate_vars = { enable_thinking = false, budget = 3 }\n",
        "[model.template_vars]\nenable_thinking = false\nbudget = 3\n"}) {
    const auto manifest = load_manifest(written(text), {});
    EXPECT_EQ(canonical_json(Json::parse(manifest.model.template_vars)),
              canonical_json(Json::parse(wanted)));
    const auto toml = manifest_toml(manifest);
    EXPECT_EQ(manifest_toml(load_manifest(written(toml), {})), toml);
  }
  const auto flag = load_manifest({}, {{"model.template_vars", wanted}});
  EXPECT_EQ(flag.model.template_vars, wanted);
  const auto preset = load_manifest(
      written("[preset.off.model.template_vars]\nenable_thinking = false\n"),
      {}, "off");
  EXPECT_EQ(Json::parse(preset.model.template_vars),
            Json::parse(R"({"enable_thinking": false})"));
}

TEST(Manifest, EachListedModelHasItsOwnTemplateVariables) {
  const auto manifest =
      load_manifest(written("[[model]]\nname = \"a\"\npath = \"organism\"\n"
                            "template_vars = { thinking = true }\n"
                            "[[model]]\nname = \"b\"\npath = \"organism\"\n"),
                    {});
  const auto each = manifests_of_models(manifest);
  EXPECT_EQ(Json::parse(each[0].model.template_vars),
            Json::parse(R"({"thinking": true})"));
  EXPECT_EQ(each[1].model.template_vars, "");
  const auto toml = manifest_toml(manifest);
  EXPECT_EQ(manifest_toml(load_manifest(written(toml), {})), toml);
}

TEST(Manifest, RefusesTemplateVariablesThatAreNoObject) {
  for (const char* wrong :
       {"enable_thinking=false", "[1]", R"({"messages": []})"}) {
    EXPECT_THROW(load_manifest({}, {{"model.template_vars", wrong}}), Error);
    EXPECT_THROW(load_manifest(written("[[model]]\npath = \"organism\"\n"
                                       "template_vars = '" +
                                       std::string(wrong) + "'\n"),
                               {}),
                 Error);
  }
}

}  // namespace
}  // namespace veer
