// SPDX-License-Identifier: MIT
// Real templates: what 30 of them make of one conversation.
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "veer/base/files.h"
#include "veer/jinja/jinja.h"

namespace veer {
namespace {

std::filesystem::path data_folder() {
  const char* set = std::getenv("VEER_TEST_DATA");
  return set != nullptr ? set : "../shared/data";
}

// llama.cpp renders these differently from Hugging Face.
const std::set<std::string> kNotAsHuggingFace = {
    "mistralai/Mistral-7B-Instruct-v0.2 (NOTE: Old pre-v1 without a system "
    "prompt)",
    "google/gemma-7b-it",
    "mlabonne/AlphaMonarch-7B",
    "OrionStarAI/Orion-14B-Chat",
    "Phi-3-mini",
    "Phi-3-medium",
    "ChatGLM3",
    "ai-sage/GigaChat-20B-A3B-instruct",
};

JinjaRender render_golden(const Json& golden) {
  Json variables = Json::object();
  for (const char* name :
       {"messages", "bos_token", "eos_token", "add_generation_prompt"}) {
    variables[name] = golden.at(name);
  }
  variables["tools"] = nullptr;
  variables["documents"] = nullptr;
  return JinjaTemplate::parse(golden.at("chat_template").get<std::string>(),
                              golden.at("name").get<std::string>())
      .render(variables);
}

class ChatTemplateGoldens : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto file = data_folder() / "chat_templates/goldens_llamacpp.jsonl";
    if (!std::filesystem::exists(file)) {
      GTEST_SKIP() << "no " << file << "; set VEER_TEST_DATA";
    }
    for (const std::string& line : read_lines(file)) {
      goldens_.push_back(parse_json(line, file.string()));
    }
  }
  std::vector<Json> goldens_;
};

TEST_F(ChatTemplateGoldens, AreWhatHuggingFaceRenders) {
  int equal = 0;
  for (const Json& golden : goldens_) {
    const auto name = golden.at("name").get<std::string>();
    if (kNotAsHuggingFace.contains(name)) {
      continue;
    }
    const auto& expected = golden.at("expected_jinja");
    const auto wanted = expected.is_string() && !expected.empty()
                            ? expected
                            : golden.at("expected_builtin");
    EXPECT_EQ(render_golden(golden).text, wanted.get<std::string>()) << name;
    ++equal;
  }
  EXPECT_EQ(equal, 22);
}

TEST_F(ChatTemplateGoldens, RefusalsAreTheTemplatesOwn) {
  for (const Json& golden : goldens_) {
    const auto name = golden.at("name").get<std::string>();
    if (name == "google/gemma-7b-it") {
      EXPECT_THROW(render_golden(golden), TemplateRefusal);
    } else if (name == "ai-sage/GigaChat-20B-A3B-instruct") {
      // It needs additional_special_tokens, which the golden does not give.
      EXPECT_THROW(render_golden(golden), Error);
    } else if (name == "ChatGLM3") {
      EXPECT_EQ(render_golden(golden).text,
                golden.at("expected_builtin").get<std::string>());
    } else if (name == "Phi-3-mini") {
      EXPECT_EQ(render_golden(golden).text.find("You are a helpful"),
                std::string::npos);
    }
  }
}

TEST_F(ChatTemplateGoldens, RunsCoverTheTextAndHoldTheContents) {
  for (const Json& golden : goldens_) {
    JinjaRender render;
    try {
      render = render_golden(golden);
    } catch (const Error&) {
      continue;
    }
    std::size_t at = 0;
    for (const OriginRun& run : render.runs) {
      if (run.origin >= 0) {
        const auto content =
            golden.at("messages")[run.origin]["content"].get<std::string>();
        EXPECT_NE(content.find(render.text.substr(at, run.length)),
                  std::string::npos)
            << golden.at("name");
      }
      at += run.length;
    }
    EXPECT_EQ(at, render.text.size());
  }
}

}  // namespace
}  // namespace veer
