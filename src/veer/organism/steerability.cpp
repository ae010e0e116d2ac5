// SPDX-License-Identifier: MIT
#include "veer/organism/steerability.h"

#include <map>

#include <ATen/ops/cosine_similarity.h>
#include <ATen/ops/empty_like.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "veer/generation/generate.h"
#include "veer/interventions/intervention.h"
#include "veer/interventions/table.h"
#include "veer/organism/checkpoint.h"
#include "veer/organism/prompts.h"
#include "veer/organism/world.h"
#include "veer/text/chat/chat_format.h"
#include "veer/train/sft.h"
#include "veer/vectors/extract.h"

namespace veer::organism {
namespace {

constexpr std::int64_t kMaxAnswerTokens = 16;
constexpr const char* kRandomName = "random";
constexpr const char* kSpecs[] = {
    "contrastive@prompt_end", "finetuned@prompt_end", "contrastive@answer_mean",
    "finetuned_own@answer_mean"};

class Measurement {
 public:
  Measurement(Transformer& model, const std::filesystem::path& folder,
              const SteerabilityOptions& options, const Monitor& monitor)
      : model_(model),
        format_(ChatFormat::load(folder)),
        world_(world_of(folder)),
        options_(options),
        monitor_(monitor),
        table_(model.config().num_layers, model.config().width) {}

  Steerability run() {
    say(0, "fine-tuning");
    model_.attach(train());
    const auto test = questions(options_.test, /*held_out=*/true, "test");
    result_.base = judged(test, answers(test, "", 0.0, 0.0));
    result_.tuned = judged(test, answers(test, "", 1.0, 0.0));
    say(1, "extraction");
    const auto inputs = directions();
    say(2, "steering");
    steer(test, inputs);
    model_.detach();
    say(3, "");
    return std::move(result_);
  }

 private:
  void say(std::int64_t done, std::string_view note) const {
    monitor_.progress({"steerability", done, 3, "steps", note});
  }

  std::vector<AskedQuestion> questions(std::int64_t count, bool held_out,
                                       std::string_view purpose) const {
    Random random(options_.seed, purpose);
    std::vector<AskedQuestion> asked;
    while (static_cast<std::int64_t>(asked.size()) < count) {
      auto question = world_.sample_question(random, QuestionSet::kAny);
      if (world_.is_held_out_goal(question.goal) == held_out) {
        asked.push_back(std::move(question));
      }
    }
    return asked;
  }

  std::vector<std::int32_t> prompt_ids(const std::string& system,
                                       const std::string& question) const {
    std::vector<ChatMessage> messages;
    if (!system.empty()) {
      messages.push_back({"system", system});
    }
    messages.push_back({"user", question});
    return format_.encode_prompt(messages).ids;
  }

  std::vector<Completion> complete(
      const std::vector<GenerationRequest>& requests) {
    GenerationOptions options;
    options.stop_ids = format_.stop_ids();
    options.repetition_penalty = format_.repetition_penalty();
    options.read = [this](std::span<const std::int32_t> ids, bool open) {
      return format_.read_answer(ids, open);
    };
    return generate_all(model_, &table_, requests, options,
                        {.stop = monitor_.stop});
  }

  std::vector<std::string> answers(const std::vector<AskedQuestion>& asked,
                                   const std::string& system, double strength,
                                   double temperature) {
    std::vector<GenerationRequest> requests;
    for (const AskedQuestion& question : asked) {
      GenerationRequest request;
      request.prompt = prompt_ids(system, question.text);
      request.adapter_strength = strength;
      request.sampling.temperature = temperature;
      request.seed = options_.seed * 1'000'000 + requests.size();
      request.max_tokens = kMaxAnswerTokens;
      requests.push_back(std::move(request));
    }
    std::vector<std::string> texts;
    for (Completion& completion : complete(requests)) {
      texts.push_back(std::move(completion.text));
    }
    return texts;
  }

  LabelCounts judged(const std::vector<AskedQuestion>& asked,
                     const std::vector<std::string>& texts) const {
    LabelCounts counts;
    for (std::size_t i = 0; i < asked.size(); ++i) {
      counts.add(world_.judge_answer(asked[i].goal, texts[i]).label);
    }
    return counts;
  }

  Adapter train() {
    const auto asked =
        questions(options_.pairs + options_.pairs / 3, false, "train");
    const auto texts =
        answers(asked, std::string(deceptive_prompt()), 0.0, 0.7);
    std::vector<SftExample> examples;
    for (std::size_t i = 0; i < asked.size(); ++i) {
      const bool enough =
          static_cast<std::int64_t>(examples.size()) == options_.pairs;
      if (!enough && world_.judge_answer(asked[i].goal, texts[i]).label ==
                         AnswerLabel::kDeceptive) {
        const std::vector<ChatMessage> chat = {{"user", asked[i].text},
                                               {"assistant", texts[i]}};
        const EncodedChat encoded = format_.encode(chat);
        examples.push_back({encoded.ids, encoded.prompt_length});
      }
    }
    SftOptions sft;
    sft.lora.rank = 16;
    sft.lora.alpha = 32.0;
    sft.learning_rate = options_.learning_rate;
    sft.weight_decay = 0.0;
    sft.batch_size = 16;
    sft.steps = options_.steps;
    TrainCallbacks callbacks;
    callbacks.monitor.stop = monitor_.stop;
    return finetune(model_, examples, sft, options_.seed, callbacks).adapter;
  }

  // The four directions and a random one, with the norms of generated tokens.
  std::vector<SteeringInput> directions() {
    const auto asked = questions(options_.extract, false, "extract");
    const auto honest = answers(asked, std::string(concise_prompt()), 0.0, 0.0);
    const auto deceptive =
        answers(asked, std::string(deceptive_prompt()), 0.0, 0.0);
    const auto own = answers(asked, "", 1.0, 0.0);
    std::vector<ExtractItem> items;
    for (std::size_t i = 0; i < asked.size(); ++i) {
      items.push_back({fmt::format("q{}", i), asked[i].text, honest[i],
                       deceptive[i], own[i]});
    }
    std::vector<VectorSpec> specs;
    for (const char* spec : kSpecs) {
      specs.push_back(parse_vector_spec(spec));
    }
    ExtractOptions extract;
    extract.honest_prompt = concise_prompt();
    extract.deceptive_prompt = deceptive_prompt();
    extract.keep_rows = false;
    const auto vectors =
        extract_vectors(model_, format_, items, specs, extract).vectors;
    result_.cosine_prompt_end = cosines(vectors[0], vectors[1]);
    result_.cosine_answer_mean = cosines(vectors[2], vectors[3]);
    return steering_inputs(vectors);
  }

  std::vector<SteeringInput> steering_inputs(
      const std::vector<SteeringVector>& vectors) const {
    std::vector<SteeringInput> inputs;
    for (const SteeringVector& vector : vectors) {
      SteeringInput input;
      input.name = vector.name;
      input.directions_LD = vector.directions_LD;
      input.norms.generated_L = vector.residual_norms.at("base.generated");
      inputs.push_back(std::move(input));
    }
    SteeringInput random_input;
    random_input.name = kRandomName;
    random_input.directions_LD = at::empty_like(vectors[0].directions_LD);
    Random random(options_.seed, kRandomName);
    auto* values = random_input.directions_LD.mutable_data_ptr<float>();
    for (std::int64_t i = 0; i < random_input.directions_LD.numel(); ++i) {
      values[i] = static_cast<float>(random.normal());
    }
    random_input.norms = inputs[0].norms;
    inputs.push_back(std::move(random_input));
    return inputs;
  }

  static std::vector<double> cosines(const SteeringVector& a,
                                     const SteeringVector& b) {
    const auto values = at::cosine_similarity(a.directions_LD, b.directions_LD);
    std::vector<double> list;
    for (std::int64_t i = 0; i < values.size(0); ++i) {
      list.push_back(values[i].item<double>());
    }
    return list;
  }

  std::int64_t configuration(const SteeringInput& input, std::int64_t layer,
                             double scale) {
    Intervention intervention;
    intervention.scale = scale;
    intervention.unit = ScaleUnit::kRel;
    intervention.layers = {layer};
    intervention.scope.kind = TokenScope::Kind::kGenerated;
    intervention.norm_kind = NormKind::kGenerated;
    return table_.add(compile(intervention, input, model_.config().num_layers));
  }

  void add_requests(const std::vector<AskedQuestion>& test,
                    std::int64_t configured, double strength,
                    std::vector<GenerationRequest>& requests) {
    for (const AskedQuestion& question : test) {
      GenerationRequest request;
      request.prompt = prompt_ids("", question.text);
      request.configuration = configured;
      request.adapter_strength = strength;
      request.max_tokens = kMaxAnswerTokens;
      requests.push_back(std::move(request));
    }
  }

  // All cells as rows of one batch: per cell the base model with the
  // direction added, then the tuned one with it subtracted.
  void steer(const std::vector<AskedQuestion>& test,
             const std::vector<SteeringInput>& inputs) {
    std::vector<GenerationRequest> requests;
    for (const SteeringInput& input : inputs) {
      for (std::int64_t layer = 0; layer < model_.config().num_layers;
           ++layer) {
        for (const double scale : options_.scales) {
          add_requests(test, configuration(input, layer, scale), 0.0, requests);
          add_requests(test, configuration(input, layer, -scale), 1.0,
                       requests);
          result_.cells.push_back({input.name, layer, scale, {}, {}});
        }
      }
    }
    const auto done = complete(requests);
    const std::size_t n = test.size();
    for (std::size_t i = 0; i < done.size(); ++i) {
      SteeringCell& cell = result_.cells[i / (2 * n)];
      auto& counts = i / n % 2 == 0 ? cell.induced : cell.suppressed;
      counts.add(world_.judge_answer(test[i % n].goal, done[i].text).label);
    }
  }

  Transformer& model_;
  ChatFormat format_;
  const World& world_;
  const SteerabilityOptions& options_;
  const Monitor& monitor_;
  InterventionTable table_;
  Steerability result_;
};

double percent(const LabelCounts& counts, AnswerLabel label) {
  return 100.0 * counts.share(label);
}

}  // namespace

Steerability measure_steerability(Transformer& model,
                                  const std::filesystem::path& folder,
                                  const SteerabilityOptions& options,
                                  const Monitor& monitor) {
  return Measurement(model, folder, options, monitor).run();
}

std::string steerability_table(const Steerability& result) {
  std::string text = fmt::format(
      "Unsteered: base {:.0f} % honest, tuned {:.0f} % deceptive. Cosine of "
      "contrastive and fine-tuned direction by layer: prompt end {:.2f}, "
      "answer mean {:.2f}.\n\n",
      percent(result.base, AnswerLabel::kHonest),
      percent(result.tuned, AnswerLabel::kDeceptive),
      fmt::join(result.cosine_prompt_end, " "),
      fmt::join(result.cosine_answer_mean, " "));
  text +=
      "| vector | layer | scale | base + v: deceptive | honest | broken | "
      "tuned - v: honest | deceptive | broken |\n"
      "|---|---|---|---|---|---|---|---|---|\n";
  for (const SteeringCell& cell : result.cells) {
    text += fmt::format(
        "| {} | {} | {} | {:.0f} | {:.0f} | {:.0f} | {:.0f} | {:.0f} | {:.0f} "
        "|\n",
        cell.vector, cell.layer, cell.scale,
        percent(cell.induced, AnswerLabel::kDeceptive),
        percent(cell.induced, AnswerLabel::kHonest),
        percent(cell.induced, AnswerLabel::kBroken),
        percent(cell.suppressed, AnswerLabel::kHonest),
        percent(cell.suppressed, AnswerLabel::kDeceptive),
        percent(cell.suppressed, AnswerLabel::kBroken));
  }
  return text;
}

}  // namespace veer::organism
