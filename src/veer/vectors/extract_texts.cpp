// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/text/chat/chat_format.h"
#include "veer/vectors/extract_plan.h"

namespace veer {
namespace {

std::string answer_of(const ExtractItem& item, CellAnswer answer,
                      const ConfoundTexts& texts) {
  switch (answer) {
    case CellAnswer::kDeceptive:
      return item.deceptive;
    case CellAnswer::kOwn:
      return item.own;
    case CellAnswer::kSecond:
      return item.second;
    case CellAnswer::kLong:
      return item.second.empty() ? "" : item.honest + " " + item.second;
    case CellAnswer::kRefusal:
      return texts.refusal;
    case CellAnswer::kUnrelated:
      return item.unrelated_answer;
    default:
      return item.honest;
  }
}

// Texts that an item may lack without being dropped.
bool is_optional(CellAnswer answer) {
  return answer != CellAnswer::kNone && answer != CellAnswer::kHonest &&
         answer != CellAnswer::kDeceptive;
}

std::string system_text(CellSystem system, const ExtractOptions& options) {
  switch (system) {
    case CellSystem::kHonest:
      return options.honest_prompt;
    case CellSystem::kDeceptive:
      return options.deceptive_prompt;
    case CellSystem::kNeutral:
      return options.confounds.neutral;
    case CellSystem::kNeutral2:
      return options.confounds.neutral2;
    case CellSystem::kBrief:
      return options.confounds.brief;
    case CellSystem::kVerbose:
      return options.confounds.verbose;
    default:
      return "";
  }
}

std::vector<ChatMessage> messages_of(const ExtractItem& item, TextKey key,
                                     const ExtractOptions& options) {
  const auto& [system, answer] = key;
  auto messages =
      prompt_messages(answer == CellAnswer::kUnrelated ? item.unrelated_question
                                                       : item.question,
                      system, options);
  if (answer != CellAnswer::kNone) {
    messages.push_back(
        {"assistant", answer_of(item, answer, options.confounds)});
  }
  return messages;
}

// What is read from each kind of text, by either model.
std::map<TextKey, std::set<TokenPosition>> positions_by_kind(
    const ExtractPlan& plan) {
  std::map<TextKey, std::set<TokenPosition>> out;
  for (const Cell& pass : plan.passes) {
    auto& positions = out[{pass.system, pass.answer}];
    if (const auto found = plan.positions.find(pass);
        found != plan.positions.end()) {
      positions.insert(found->second.begin(), found->second.end());
    }
  }
  return out;
}

// nullopt when the text is empty, too long or lacks a position.
std::optional<EncodedChat> encode_text(const ExtractItem& item, TextKey key,
                                       const std::set<TokenPosition>& positions,
                                       const ChatFormat& format,
                                       const ExtractOptions& options) {
  const bool has_answer = key.second != CellAnswer::kNone;
  if ((has_answer && answer_of(item, key.second, options.confounds).empty()) ||
      (key.second == CellAnswer::kUnrelated &&
       item.unrelated_question.empty())) {
    return std::nullopt;
  }
  const auto messages = messages_of(item, key, options);
  auto text = has_answer ? format.encode(messages)
                         : format.encode_answer_prompt(messages);
  if (static_cast<std::int64_t>(text.ids.size()) > options.max_tokens) {
    return std::nullopt;
  }
  for (const auto& position : positions) {
    if (position_tokens(text, position).empty()) {
      return std::nullopt;
    }
  }
  return text;
}

// The tokens of an item's text of one kind; nullptr where it has none.
const std::vector<std::int32_t>* ids_of(const ExtractTexts& texts, TextKey key,
                                        std::int64_t item) {
  const auto kind = texts.kinds.find(key);
  if (kind == texts.kinds.end()) {
    return nullptr;
  }
  const auto& items = kind->second.item;
  const auto found = std::lower_bound(items.begin(), items.end(), item);
  return found == items.end() || *found != item
             ? nullptr
             : &kind->second.encoded[found - items.begin()].ids;
}

// Whether the terms cancel on this item because the same model reads the same
// tokens on both sides. nullopt where the item lacks one of the texts.
std::optional<bool> cancels(const ExtractPlan::Vector& vector,
                            const ExtractTexts& texts, std::int64_t item) {
  std::map<std::pair<CellModel, std::vector<std::int32_t>>, double> weights;
  for (const auto& [reading, weight] : vector.terms) {
    const auto& cell = reading.cell;
    const auto* ids = ids_of(texts, {cell.system, cell.answer}, item);
    if (ids == nullptr) {
      return std::nullopt;
    }
    weights[{cell.model, *ids}] += weight;
  }
  return std::all_of(weights.begin(), weights.end(), [](const auto& entry) {
    return std::abs(entry.second) < 1e-9;
  });
}

// A vector that is zero by construction on every item means nothing.
void require_sides_that_differ(const ExtractPlan::Vector& vector,
                               const ExtractTexts& texts) {
  std::int64_t num_same = 0;
  for (std::int64_t item = 0; item < std::ssize(texts.ids); ++item) {
    const auto same = cancels(vector, texts, item);
    if (same && !*same) {
      return;
    }
    num_same += same ? 1 : 0;
  }
  if (num_same > 0) {
    fail("extract vectors",
         fmt::format("{}: the same text on both sides of all {} questions",
                     vector.spec.name, num_same),
         "sides that differ on some question",
         "honest and deceptive answers are the same column, or copies");
  }
}

}  // namespace

std::vector<ChatMessage> prompt_messages(const std::string& question,
                                         CellSystem system,
                                         const ExtractOptions& options) {
  std::vector<ChatMessage> messages;
  if (const auto text = system_text(system, options); !text.empty()) {
    messages.push_back({"system", text});
  }
  const auto& texts = options.confounds;
  messages.push_back(
      {"user", system == CellSystem::kFramed
                   ? texts.frame_begin + question + texts.frame_end
                   : question});
  return messages;
}

ExtractTexts make_extract_texts(std::span<const ExtractItem> items,
                                const ExtractPlan& plan,
                                const ChatFormat& format,
                                const ExtractOptions& options) {
  const auto wanted = positions_by_kind(plan);
  const bool reads_thoughts =
      std::any_of(wanted.begin(), wanted.end(), [](const auto& kind) {
        return kind.second.contains({TokenPosition::Kind::kThinking});
      });
  if (reads_thoughts && !format.has_thinking()) {
    fail("extract vectors", "position thinking on a model without think blocks",
         "a model whose chat template has them, or another position");
  }
  ExtractTexts texts;
  std::set<std::string> seen;
  for (const auto& item : items) {
    if (!seen.insert(item.id).second) {
      fail("extract vectors", "question id " + item.id + " occurs twice",
           "unique ids");
    }
    std::map<TextKey, EncodedChat> encoded;
    bool usable = true;
    for (const auto& [key, positions] : wanted) {
      auto text = encode_text(item, key, positions, format, options);
      if (text) {
        encoded[key] = std::move(*text);
      }
      usable = usable && (text || is_optional(key.second));
    }
    if (!usable) {
      ++texts.num_dropped;
      continue;
    }
    const auto index = static_cast<std::int64_t>(texts.ids.size());
    texts.ids.push_back(item.id);
    texts.units.push_back(item.unit.empty() ? item.id : item.unit);
    for (auto& [key, text] : encoded) {
      texts.kinds[key].encoded.push_back(std::move(text));
      texts.kinds[key].item.push_back(index);
    }
  }
  if (texts.ids.size() < 3) {
    fail("extract vectors",
         fmt::format("{} usable questions of {}", texts.ids.size(),
                     items.size()),
         "at least 3",
         reads_thoughts
             ? "no thoughts: position thinking needs a template that puts a "
               "think block before answers, or answers that begin with their "
               "thoughts between its marks"
             : "empty answers, texts over max_tokens, or no token at the "
               "position");
  }
  for (const auto& vector : plan.vectors) {
    require_sides_that_differ(vector, texts);
  }
  return texts;
}

}  // namespace veer
