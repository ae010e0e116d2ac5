// SPDX-License-Identifier: MIT
#include "veer/data/layouts.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/text_distance.h"
#include "veer/data/conversation.h"
#include "veer/data/named_values.h"
#include "veer/data/value_reader.h"

namespace veer {
namespace {

constexpr std::string_view kKnownLayouts =
    "question with honest and deceptive; prompt (or the first messages) with "
    "chosen and rejected; question with answer_matching_behavior and "
    "answer_not_matching_behavior; TruthfulQA's columns; messages or "
    "conversations; prompt and completion; instruction and output; question "
    "and answer";
constexpr std::string_view kQuestionNames[] = {
    "question", "prompt", "query", "instruction", "problem", "input"};
constexpr std::string_view kAnswerNames[] = {
    "answer", "answers", "response", "completion", "output", "reply"};

// A label of KTO. A cell of a table is text, as is what other writers make of a
// boolean.
std::optional<bool> truth_of(const Json& label) {
  if (label.is_boolean()) {
    return label.get<bool>();
  }
  if (!label.is_string()) {
    return std::nullopt;
  }
  std::string word = label.get<std::string>();
  std::ranges::transform(word, word.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  if (word == "true") {
    return true;
  }
  return word == "false" ? std::optional(false) : std::nullopt;
}

class LayoutReader {
 public:
  LayoutReader(const Json& row, const std::string& place,
               const DataColumns& columns, bool from_table)
      : row_(row),
        place_(place),
        columns_(columns),
        from_table_(from_table),
        values_(row.is_object() ? row : kNothing),
        reader_(place, from_table, out_) {}

  RowContent read() {
    if (row_.is_array()) {
      read_conversation(row_);
      return out_;
    }
    if (!row_.is_object()) {
      fail_row(place_, shown_value(row_), "an object or a list of messages");
    }
    read_about();
    const bool mapped = read_mapped();
    if (!mapped && !read_pair() && !read_messages()) {
      read_question();
      read_sides();
      read_targets();
      read_one_answer();
    } else if (mapped) {
      read_question();
      read_sides();
    }
    require_complete(mapped);
    return out_;
  }

 private:
  static const Json kNothing;

  // -- layouts ------------------------------------------------------------

  void read_about() {
    const auto field = [&](const std::string& mapped, std::string_view name) {
      return reader_.word_of(
          mapped.empty() ? values_.take(name) : values_.take_key(mapped),
          mapped.empty() ? name : mapped);
    };
    out_.id = field(columns_.id, "id");
    out_.split = field(columns_.split, "split");
    out_.topic = field(columns_.topic, "topic");
    if (out_.topic.empty() && columns_.topic.empty()) {
      out_.topic = reader_.word_of(values_.take("category"), "category");
    }
    // Exactly so: TruthfulQA's "Source" is the address of the truth.
    if (const Json* source = values_.take_key("source");
        source != nullptr && source->is_string()) {
      out_.source = source->get<std::string>();
    }
  }

  const Json* mapped_value(const std::string& column) {
    bool exists = false;
    const Json* value = values_.take_key(column, &exists);
    if (!exists) {
      std::vector<std::string> keys;
      for (const auto& entry : values_.entries()) {
        keys.push_back(entry.key);
      }
      fail_row(place_,
               fmt::format("no \"{}\" among {}", column, quoted_list(keys)),
               "the keys that [dataset.columns] names");
    }
    return value;
  }

  // What [dataset.columns] names. True if it names an answer.
  bool read_mapped() {
    if (!columns_.question.empty()) {
      const Json* value = mapped_value(columns_.question);
      if (value == nullptr) {
        fail_row(place_, "an empty question", "text");
      }
      out_.question = reader_.question_of(*value, columns_.question);
    }
    if (!columns_.answer.empty()) {
      const Json* value = mapped_value(columns_.answer);
      set_one_answer(
          value == nullptr ? "" : reader_.text_of(*value, columns_.answer));
      return true;
    }
    if (columns_.honest.empty() && columns_.deceptive.empty()) {
      return false;
    }
    out_.layout = RowLayout::kSides;
    for (const auto& [column, text] :
         {std::pair(&columns_.honest, &out_.first),
          std::pair(&columns_.deceptive, &out_.second)}) {
      const Json* value = column->empty() ? nullptr : mapped_value(*column);
      *text = value == nullptr ? "" : reader_.text_of(*value, *column);
    }
    return true;
  }

  bool read_pair() {
    for (const auto& [first, second, layout] :
         {std::tuple("chosen", "rejected", RowLayout::kPreference),
          std::tuple("answer_matching_behavior", "answer_not_matching_behavior",
                     RowLayout::kMatching),
          std::tuple("answer_matching_behaviour",
                     "answer_not_matching_behaviour", RowLayout::kMatching)}) {
      if (!values_.has(first) || !values_.has(second)) {
        continue;
      }
      out_.layout = layout;
      const Json& one = *values_.take(first);
      const Json& other = *values_.take(second);
      const bool has_turns =
          values_.has("conversations") && !values_.has("prompt");
      if (has_turns) {  // LLaMA-Factory
        out_.question = reader_.question_of(*values_.take("conversations"),
                                            "conversations");
      } else if (!find_question()) {
        read_common_prompt(one, other);
        return true;
      }
      out_.first = reader_.text_of(one, first);
      out_.second = reader_.text_of(other, second);
      return true;
    }
    return false;
  }

  // TRL's implicit prompt: both hold the whole conversation.
  void read_common_prompt(const Json& chosen, const Json& rejected) {
    const auto turns_of = [&](const Json& value) {
      if (value.is_string()) {
        const std::string text =
            reader_.plain_text(value.get_ref<const std::string&>(), "chosen");
        if (!is_transcript(text)) {
          fail_row(place_, "\"chosen\" and \"rejected\" without a question",
                   "\"prompt\", or whole conversations in both");
        }
        return prompt_of(text);
      }
      return messages_of(value, place_);
    };
    const Conversation one = turns_of(chosen);
    const Conversation other = turns_of(rejected);
    const auto same = [](const ChatMessage& a, const ChatMessage& b) {
      return a.role == b.role && a.content == b.content;
    };
    const bool common = one.messages.size() == other.messages.size() &&
                        !one.messages.empty() &&
                        std::equal(one.messages.begin(), one.messages.end() - 1,
                                   other.messages.begin(), same);
    if (!common) {
      fail_row(place_,
               "\"chosen\" and \"rejected\" differ before their last message",
               "the same messages in both, then one answer each");
    }
    reader_.note(one);
    reader_.note(other);
    out_.question = question_in(one, place_);
    out_.first = answer_in(one, place_);
    out_.second = answer_in(other, place_);
  }

  void read_conversation(const Json& value) {
    const Conversation turns = messages_of(value, place_);
    reader_.note(turns);
    if (out_.question.empty()) {
      out_.question = question_in(turns, place_);
    }
    set_one_answer(answer_in(turns, place_));
  }

  // False too where the messages are a prompt whose answers stand beside it.
  bool read_messages() {
    for (const char* name :
         {"messages", "conversations", "conversation", "dialogue", "dialog"}) {
      if (const Json* value = values_.take(name)) {
        if (value->is_string()) {
          reader_.plain_text(value->get_ref<const std::string&>(), name);
        }
        if (!value->is_array()) {
          fail_row(place_,
                   fmt::format("\"{}\" is {}", name, shown_value(*value)),
                   "a list of messages");
        }
        const Conversation turns = messages_of(*value, place_);
        if (!turns.messages.empty() && turns.messages.back().role == "user" &&
            names_sides()) {
          out_.question = reader_.question_of(*value, name);
          return false;
        }
        read_conversation(*value);
        return true;
      }
    }
    return false;
  }

  bool names_sides() const {
    return std::any_of(values_.entries().begin(), values_.entries().end(),
                       [](const NamedValues::Entry& entry) {
                         return side_of_key(entry.key).has_value();
                       });
  }

  bool find_question() {
    if (!out_.question.empty()) {  // of [dataset.columns]
      return true;
    }
    for (const std::string_view name : kQuestionNames) {
      if (const Json* value = values_.take(name)) {
        out_.question = reader_.question_of(*value, name);
        if (name == "instruction") {
          add_input();
        }
        return true;
      }
    }
    return false;
  }

  // Alpaca: the input stands behind the instruction, and "text" repeats all.
  void add_input() {
    if (const Json* input = values_.take("input")) {
      out_.question += "\n\n" + reader_.text_of(*input, "input");
    }
    if (values_.has("output")) {
      values_.take("text");
    }
  }

  void read_question() {
    if (find_question()) {
      return;
    }
    std::vector<std::string> keys;
    for (const auto& entry : values_.entries()) {
      keys.push_back(entry.key);
    }
    fail_row(place_,
             keys.empty() ? "an empty row"
                          : "no question; the keys are " + quoted_list(keys),
             kKnownLayouts,
             "another name for the question, which [dataset.columns] tells");
  }

  // Answers whose names say their side; "best_answer" before the lists.
  void read_sides() {
    for (const AnswerSide side :
         {AnswerSide::kHonest, AnswerSide::kDeceptive}) {
      std::string& text =
          side == AnswerSide::kHonest ? out_.first : out_.second;
      const std::string& mapped =
          side == AnswerSide::kHonest ? columns_.honest : columns_.deceptive;
      if (!mapped.empty() || !columns_.answer.empty()) {
        continue;
      }
      text = best_of_side(side);
      if (!text.empty()) {
        out_.layout = RowLayout::kSides;
      }
    }
  }

  std::string best_of_side(AnswerSide side) {
    NamedValues::Entry* best = nullptr;
    int best_rank = 0;
    for (auto& entry : values_.entries()) {
      const auto name = side_of_key(entry.key);
      if (entry.taken || !name || name->side != side ||
          !values_.has(entry.name)) {
        continue;
      }
      if (best != nullptr && best_rank == name->rank) {
        fail_row(place_,
                 fmt::format("\"{}\" and \"{}\" for the {} answer", best->key,
                             entry.key, side_name(side)),
                 fmt::format("one of them; [dataset.columns] {} = \"...\" "
                             "says which",
                             side_name(side)));
      }
      if (best == nullptr || name->rank < best_rank) {
        best = &entry;
        best_rank = name->rank;
      }
    }
    if (best == nullptr) {
      return "";
    }
    best->taken = true;
    std::string text = reader_.text_of(*best->value, best->key);
    if (const auto end = text.find(";");
        from_table_ && best_rank == 3 && best->value->is_string() &&
        end != std::string::npos) {  // TruthfulQA: "one; another"
      out_.first_of_several = true;
      text = trimmed(text.substr(0, end));
    }
    return text;
  }

  // TruthfulQA's multiple choice: {"choices", "labels"}, or labels by choice.
  void read_targets() {
    const Json* targets = out_.first.empty() && out_.second.empty()
                              ? values_.take("mc1_targets")
                              : nullptr;
    if (targets == nullptr || !targets->is_object()) {
      return;
    }
    values_.take("mc2_targets");
    out_.layout = RowLayout::kSides;
    const auto add = [&](const Json& choice, const Json& label) {
      std::string& text = label == 1 ? out_.first : out_.second;
      text = text.empty() ? reader_.text_of(choice, "mc1_targets") : text;
    };
    const bool lists =
        targets->contains("choices") && targets->contains("labels") &&
        targets->at("choices").is_array() && targets->at("labels").is_array() &&
        targets->at("choices").size() == targets->at("labels").size();
    if (lists) {
      for (std::size_t i = 0; i < targets->at("choices").size(); ++i) {
        add(targets->at("choices")[i], targets->at("labels")[i]);
      }
      return;
    }
    for (const auto& [choice, label] : targets->items()) {
      add(Json(choice), label);
    }
  }

  void set_one_answer(const std::string& answer) {
    if (answer.empty()) {
      fail_row(place_, "an empty answer", "text",
               "a row without an answer; dataset.skip_bad_rows = true leaves "
               "such rows out");
    }
    out_.layout = RowLayout::kOneAnswer;
    out_.first = answer;
  }

  void read_one_answer() {
    if (out_.layout != RowLayout::kQuestion) {
      return;
    }
    const NamedValues::Entry* found = nullptr;
    for (const std::string_view name : kAnswerNames) {
      for (auto& entry : values_.entries()) {
        if (entry.name != name || entry.taken) {
          continue;
        }
        if (found == nullptr || !values_.has(found->name)) {
          found = &entry;
        }
      }
    }
    if (found == nullptr) {
      return;
    }
    const bool labelled = values_.has("label") && found->name == "completion";
    for (auto& entry : values_.entries()) {
      entry.taken = entry.taken || &entry == found;
    }
    set_one_answer(found->value->is_null()
                       ? ""
                       : reader_.text_of(*found->value, found->key));
    add_context();
    if (labelled) {
      read_label();
    }
  }

  void read_label() {  // TRL's unpaired preferences
    const Json& label = *values_.take("label");
    const auto wanted = truth_of(label);
    if (!wanted) {
      fail_row(place_, fmt::format("\"label\" is {}", shown_value(label)),
               "true or false, whether the answer is wanted",
               "a class of another kind; give the column another name");
    }
    out_.layout = RowLayout::kLabelled;
    out_.wanted = *wanted;
  }

  // The text that a question is about (SQuAD).
  void add_context() {
    for (const char* name : {"context", "passage"}) {
      if (const Json* value = values_.take(name)) {
        out_.question = reader_.text_of(*value, name) + "\n\n" + out_.question;
        out_.context = true;
      }
    }
  }

  // -- what is left -------------------------------------------------------

  // One side is there and a key is left over that is nearly the other's name:
  // the row is no question with one answer.
  void refuse_misspelt_side() {
    if (out_.first.empty() == out_.second.empty()) {
      return;
    }
    const std::string missing(side_name(
        out_.first.empty() ? AnswerSide::kHonest : AnswerSide::kDeceptive));
    for (const auto& key : out_.unused_keys) {
      if (nearest_name(key, {&missing, 1}) == missing) {
        fail_row(place_, fmt::format("the key \"{}\"", key),
                 fmt::format("\"{}\"", missing),
                 fmt::format("a misspelt key; [dataset.columns] {} = \"{}\" "
                             "takes it as it is",
                             missing, key));
      }
    }
  }

  void require_complete(bool mapped) {
    if (out_.question.empty()) {
      fail_row(place_, "an empty question", "text");
    }
    out_.unused_keys = values_.left_over();
    const bool complete = !out_.first.empty() && !out_.second.empty();
    if (complete || mapped || out_.layout == RowLayout::kLabelled) {
      return;
    }
    refuse_misspelt_side();
    const auto answers = values_.left_over_answers();
    if (!answers.empty()) {
      fail_row(place_,
               fmt::format("{} would be ignored, and {} looks like an answer",
                           quoted_list(answers),
                           answers.size() == 1 ? "it" : "each"),
               kKnownLayouts,
               "answers under other names; [dataset.columns] with honest, "
               "deceptive or answer = \"KEY\" says where they stand");
    }
  }

  const Json& row_;
  const std::string& place_;
  const DataColumns& columns_;
  bool from_table_;
  NamedValues values_;
  RowContent out_;
  ValueReader reader_;
};

const Json LayoutReader::kNothing = Json::object();

}  // namespace

RowContent content_of_row(const Json& row, const std::string& place,
                          const DataColumns& columns, bool from_table) {
  return LayoutReader(row, place, columns, from_table).read();
}

}  // namespace veer
