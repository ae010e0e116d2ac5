// SPDX-License-Identifier: MIT
#include "veer/run/extract_inputs.h"

#include <algorithm>
#include <set>

#include "veer/base/error.h"
#include "veer/base/hash.h"
#include "veer/results/vector_name.h"
#include "veer/run/texts.h"
#include "veer/run/trained_directions.h"
#include "veer/run/unrelated_texts.h"
#include "veer/settings/intervention_text.h"
#include "veer/vectors/methods.h"
#include "veer/vectors/twin_vector.h"

namespace veer {
namespace {

constexpr std::string_view kAdapter = "adapter";
constexpr double kSecondTemperature = 0.8;

std::vector<std::string> all_names(const ExtractSettings& settings) {
  auto names = settings.vectors;
  for (const auto& method : settings.methods) {
    find_method(method);
    for (const auto& name : settings.vectors) {
      const auto parsed = parse_vector_name(name);
      const auto at = name.find('@');
      if (at == std::string::npos ||
          parsed.kind != VectorName::Kind::kExtracted ||
          !parsed.method.empty() ||
          (method == "mean_centred" && is_twin(parse_vector_spec(name)))) {
        continue;
      }
      const auto made = name.substr(0, at) + ":" + method + name.substr(at);
      if (std::find(names.begin(), names.end(), made) == names.end()) {
        names.push_back(made);
      }
    }
  }
  return names;
}

bool needs(std::span<const VectorSpec> specs,
           std::initializer_list<CellAnswer> answers) {
  for (const auto& spec : specs) {
    for (const auto& term : find_contrast(spec.contrast).terms) {
      if (std::find(answers.begin(), answers.end(), term.cell.answer) !=
          answers.end()) {
        return true;
      }
    }
  }
  return false;
}

std::vector<GenerationRequest> answer_requests(
    StudyContext& context, std::span<const ExtractItem> items,
    const std::string& system, double strength, double temperature) {
  std::vector<GenerationRequest> requests;
  for (const auto& item : items) {
    GenerationRequest request =
        context.request_for(question_chat(system, item.question));
    request.adapter_strength = strength;
    request.sampling.temperature = temperature;
    request.seed = hash64(item.id, context.seed());
    request.max_tokens = context.manifest().sweep.max_tokens;
    requests.push_back(std::move(request));
  }
  return requests;
}

void add_own_answers(StudyContext& context, std::vector<ExtractItem>& items) {
  const auto texts = generate_texts(
      context, "extract", "own", answer_requests(context, items, "", 1.0, 0.0));
  for (std::size_t i = 0; i < items.size(); ++i) {
    items[i].own = texts[i];
  }
}

// Another honest answer of the base model. One that equals the first, or that
// an exact judge does not call honest, is none.
void add_second_answers(StudyContext& context,
                        std::vector<ExtractItem>& items) {
  const auto texts = generate_texts(
      context, "extract", "second",
      answer_requests(context, items, context.manifest().dataset.honest_prompt,
                      0.0, kSecondTemperature));
  std::vector<AnswerToJudge> to_judge;
  for (std::size_t i = 0; i < items.size(); ++i) {
    to_judge.push_back(
        {items[i].question, texts[i], items[i].honest, items[i].deceptive});
  }
  std::vector<Judgement> judged;
  if (context.exact_judge() != nullptr) {
    judged = context.exact_judge()->judge(to_judge, context.monitor());
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    const bool is_honest =
        judged.empty() || judged[i].label == AnswerLabel::kHonest;
    if (is_honest && texts[i] != items[i].honest) {
      items[i].second = texts[i];
    }
  }
}

}  // namespace

bool is_fixed_direction(const std::string& name) {
  return is_trained_direction(name) || name == kAdapter ||
         name.starts_with(std::string(kAdapter) + ":");
}

std::vector<std::string> vector_names(const ExtractSettings& settings) {
  return all_names(settings);
}

std::vector<VectorSpec> manifest_specs(const ExtractSettings& settings) {
  std::vector<VectorSpec> specs;
  for (const auto& name : all_names(settings)) {
    if (!is_fixed_direction(name)) {
      specs.push_back(parse_vector_spec(name));
    }
  }
  return specs;
}

std::vector<VectorSpec> confound_specs(std::span<const VectorSpec> specs) {
  std::vector<VectorSpec> out;
  std::set<std::string> seen;
  for (const auto& spec : specs) {
    if (spec.point != ResidualPoint::kResidPost) {
      continue;
    }
    for (const auto& name : confound_names()) {
      const auto text = name + "@" + spec.position.name();
      if (!seen.insert(text).second) {
        continue;
      }
      try {
        out.push_back(parse_vector_spec(text));
      } catch (const Error&) {  // zero by construction at this position
      }
    }
  }
  return out;
}

std::vector<ExtractItem> extract_items(StudyContext& context,
                                       std::span<const VectorSpec> specs) {
  const auto& settings = context.manifest().extract;
  std::vector<ExtractItem> items;
  for (auto& record :
       first_records(context.split("extract"), settings.questions)) {
    ExtractItem item;
    item.id = record.id;
    item.question = record.question;
    item.honest = record.honest;
    item.deceptive = record.deceptive;
    item.unit = record.unit;
    items.push_back(std::move(item));
  }
  if (needs(specs, {CellAnswer::kOwn})) {
    add_own_answers(context, items);
  }
  if (needs(specs, {CellAnswer::kSecond, CellAnswer::kLong})) {
    add_second_answers(context, items);
  }
  const auto unrelated = unrelated_texts(settings.unrelated);
  for (std::size_t i = 0; i < std::min(items.size(), unrelated.size()); ++i) {
    items[i].unrelated_question = unrelated[i].first;
    items[i].unrelated_answer = unrelated[i].second;
  }
  return items;
}

std::vector<std::string> drop_unmakeable(std::vector<VectorSpec>& confounds,
                                         std::span<const ExtractItem> items) {
  constexpr std::ptrdiff_t kFewest = 4;
  std::vector<std::string> dropped;
  const auto with_second =
      std::count_if(items.begin(), items.end(), [](const ExtractItem& item) {
        return !item.second.empty() && item.second != item.honest;
      });
  std::erase_if(confounds, [&](const VectorSpec& spec) {
    const VectorSpec one[] = {spec};
    const bool drop = with_second < kFewest &&
                      needs(one, {CellAnswer::kSecond, CellAnswer::kLong});
    if (drop) {
      dropped.push_back(spec.name);
    }
    return drop;
  });
  return dropped;
}

ExtractOptions extract_options(const Manifest& manifest,
                               std::int64_t num_layers) {
  ExtractOptions options;
  options.honest_prompt = manifest.dataset.honest_prompt;
  options.deceptive_prompt = manifest.dataset.deceptive_prompt;
  options.method.seed = manifest.run.seed;
  options.batch_tokens = manifest.extract.batch_tokens;
  options.layers =
      parse_layers(manifest.extract.layers, num_layers, "extract.layers");
  return options;
}

ExtractOptions extract_options(StudyContext& context) {
  auto options =
      extract_options(context.manifest(), context.model().config().num_layers);
  options.spill_folder = context.run_folder();
  return options;
}

}  // namespace veer
