// SPDX-License-Identifier: MIT
#include "veer/text/tokenizer/file.h"

#include <limits>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"

namespace veer {
namespace {

constexpr std::size_t kMaxDepth = 64;
constexpr int kMaxSequenceDepth = 16;

// Receives the parser's events. Each open container is one entry of
// `stack_`: what it is and, for kept parts, its place in the tree.
class Reader : public nlohmann::json_sax<Json> {
 public:
  explicit Reader(TokenizerFile& file) : file_(file) {}

  bool null() override { return value(Json(nullptr)); }
  bool boolean(bool v) override { return value(Json(v)); }
  bool number_float(number_float_t v, const string_t&) override {
    return value(Json(v));
  }
  bool number_integer(number_integer_t v) override {
    if (top() == Kind::kVocab) {
      place("vocab").fail(fmt::format("token '{}' has id {}", key_, v),
                          "an id from 0");
    }
    return value(Json(v));
  }
  bool number_unsigned(number_unsigned_t v) override {
    if (top() != Kind::kVocab) {
      return value(Json(v));
    }
    if (v > static_cast<number_unsigned_t>(
                std::numeric_limits<std::int32_t>::max())) {
      place("vocab").fail(fmt::format("token '{}' has id {}", key_, v),
                          "an id that fits 31 bits");
    }
    file_.vocab.emplace_back(std::move(key_), static_cast<std::int32_t>(v));
    return true;
  }
  bool string(string_t& v) override {
    if (top() == Kind::kMerges) {
      return merge(v);
    }
    if (top() == Kind::kMergePair) {
      pair_.push_back(std::move(v));
      return true;
    }
    return value(Json(std::move(v)));
  }
  bool binary(binary_t&) override { return false; }

  bool key(string_t& v) override {
    if (top() == Kind::kRoot && file_.sections.contains(v)) {
      file_.place.fail(fmt::format("the key '{}' twice", v));
    }
    key_ = std::move(v);
    return true;
  }
  bool start_object(std::size_t) override { return open(/*object=*/true); }
  bool start_array(std::size_t) override { return open(/*object=*/false); }
  bool end_object() override { return close(); }
  bool end_array() override {
    if (top() == Kind::kMergePair) {
      close_pair();
    }
    return close();
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& e) override {
    file_.place.fail(fmt::format("byte {}: {}", position, e.what()),
                     "valid JSON");
  }

 private:
  enum class Kind {
    kNone,
    kRoot,
    kModel,
    kVocab,
    kMerges,
    kMergePair,
    kSkipped,
    kKept
  };
  struct Open {
    Kind kind;
    Json* node;  // where children go; null for streamed parts
  };

  Kind top() const { return stack_.empty() ? Kind::kNone : stack_.back().kind; }
  TokenizerPlace place(std::string_view part) const {
    return file_.place / "model" / part;
  }

  // Puts a finished value or a new container into the open one.
  Json* put(Json v) {
    Json* node = stack_.back().node;
    if (node->is_array()) {
      node->push_back(std::move(v));
      return &node->back();
    }
    return &((*node)[key_] = std::move(v));
  }

  bool value(Json v) {
    switch (top()) {
      case Kind::kNone:
        file_.place.fail(v.type_name(), "an object");
      case Kind::kVocab:
        place("vocab").fail(
            fmt::format("token '{}' has a {} as id", key_, v.type_name()));
      case Kind::kMerges:
      case Kind::kMergePair:
        place("merges").fail(fmt::format("entry {} holds a {}",
                                         file_.merges.size(), v.type_name()),
                             "\"a b\" or [\"a\", \"b\"]");
      case Kind::kSkipped:
        return true;
      case Kind::kModel:
        // Null counts as missing.
        if (key_ != "vocab" && key_ != "merges") {
          put(std::move(v));
        }
        return true;
      default:
        put(std::move(v));
        return true;
    }
  }

  bool merge(const std::string& text) {
    if (text.starts_with("#version")) {
      return true;
    }
    const auto space = text.find(' ');
    if (space == text.npos || text.find(' ', space + 1) != text.npos) {
      place("merges").fail(fmt::format("entry {} is '{}'", file_.merges.size(),
                                       text.substr(0, 100)),
                           "two tokens with one space between");
    }
    file_.merges.push_back({text.substr(0, space), text.substr(space + 1)});
    return true;
  }

  void close_pair() {
    if (pair_.size() != 2) {
      place("merges").fail(fmt::format("entry {} has {} parts",
                                       file_.merges.size(), pair_.size()),
                           "2");
    }
    file_.merges.push_back({std::move(pair_[0]), std::move(pair_[1])});
    pair_.clear();
  }

  bool open(bool object) {
    if (stack_.size() >= kMaxDepth) {
      file_.place.fail("values nested too deep",
                       fmt::format("at most {} levels", kMaxDepth));
    }
    stack_.push_back(opened(object));
    return true;
  }

  Open opened(bool object) {
    const auto empty = [&] { return object ? Json::object() : Json::array(); };
    switch (top()) {
      case Kind::kNone:
        if (!object) {
          file_.place.fail("an array", "an object");
        }
        file_.sections = Json::object();
        return {Kind::kRoot, &file_.sections};
      case Kind::kRoot:
        if (key_ == "model" && object) {
          file_.sections["model"] = nullptr;  // so that a second one is seen
          file_.model = Json::object();
          return {Kind::kModel, &file_.model};
        }
        return {Kind::kKept, put(empty())};
      case Kind::kModel:
        return opened_in_model(object);
      case Kind::kVocab:
        place("vocab").fail(
            fmt::format("token '{}' has no number as id", key_));
      case Kind::kMerges:
        if (object) {
          place("merges").fail("an object as entry");
        }
        return {Kind::kMergePair, nullptr};
      case Kind::kMergePair:
        place("merges").fail("an entry within an entry");
      case Kind::kSkipped:
        return {Kind::kSkipped, nullptr};
      case Kind::kKept:
        break;
    }
    return {Kind::kKept, put(empty())};
  }

  Open opened_in_model(bool object) {
    if (key_ == "vocab") {
      if (file_.has_vocab) {
        place("vocab").fail("a second vocabulary");
      }
      file_.has_vocab = true;
      file_.vocab_is_list = !object;
      return {object ? Kind::kVocab : Kind::kSkipped, nullptr};
    }
    if (key_ == "merges") {
      if (file_.has_merges || object) {
        place("merges").fail(object ? "an object" : "a second list",
                             "one list");
      }
      file_.has_merges = true;
      return {Kind::kMerges, nullptr};
    }
    return {Kind::kKept, put(object ? Json::object() : Json::array())};
  }

  bool close() {
    stack_.pop_back();
    return true;
  }

  TokenizerFile& file_;
  std::vector<Open> stack_;
  std::string key_;
  std::vector<std::string> pair_;
};

// The value under `key`, or null when it is missing.
const Json& child(const Json& node, std::string_view key,
                  const TokenizerPlace& place) {
  static const Json kNull;
  if (!node.is_object()) {
    place.fail(fmt::format("a {}", node.type_name()), "an object");
  }
  const auto found = node.find(std::string(key));
  return found == node.end() ? kNull : *found;
}

void flatten(const Json& node, std::string_view key,
             const TokenizerPlace& place, int depth, std::vector<Json>& out) {
  if (node.is_null()) {
    return;
  }
  if (depth > kMaxSequenceDepth) {
    place.fail("sequences nested too deep",
               fmt::format("at most {} levels", kMaxSequenceDepth));
  }
  if (json_string(node, "type", place) != "Sequence") {
    out.push_back(node);
    return;
  }
  for (const Json& step : json_list(node, key, place)) {
    flatten(step, key, place, depth + 1, out);
  }
}

}  // namespace

void TokenizerPlace::fail(std::string_view found,
                          std::string_view expected) const {
  const auto where =
      text.ends_with(": ") ? text.substr(0, text.size() - 2) : text;
  veer::fail("read tokenizer", fmt::format("{}: {}", where, found), expected);
}

TokenizerFile read_tokenizer_file(std::string_view text,
                                  std::string_view origin) {
  TokenizerFile file;
  file.place.text = fmt::format("{}: ", origin);
  Reader reader(file);
  Json::sax_parse(text, &reader);
  if (!file.sections.is_object()) {
    file.place.fail("no object", "a tokenizer.json");
  }
  return file;
}

std::string json_string(const Json& node, std::string_view key,
                        const TokenizerPlace& place) {
  const Json& v = child(node, key, place);
  if (!v.is_string()) {
    (place / key).fail(fmt::format("a {}", v.type_name()), "a string");
  }
  return v.get<std::string>();
}

std::string json_string_or(const Json& node, std::string_view key,
                           std::string_view otherwise,
                           const TokenizerPlace& place) {
  return child(node, key, place).is_null() ? std::string(otherwise)
                                           : json_string(node, key, place);
}

bool json_bool_or(const Json& node, std::string_view key, bool otherwise,
                  const TokenizerPlace& place) {
  const Json& v = child(node, key, place);
  if (v.is_null()) {
    return otherwise;
  }
  if (!v.is_boolean()) {
    (place / key).fail(fmt::format("a {}", v.type_name()), "true or false");
  }
  return v.get<bool>();
}

std::int64_t json_int_or(const Json& node, std::string_view key,
                         std::int64_t otherwise, const TokenizerPlace& place) {
  const Json& v = child(node, key, place);
  if (v.is_null()) {
    return otherwise;
  }
  const std::int64_t limit = std::numeric_limits<std::int32_t>::max();
  if (!v.is_number_integer() || v.get<std::int64_t>() < 0 ||
      v.get<std::int64_t>() > limit) {
    (place / key)
        .fail(v.dump(-1, ' ', true), "a whole number from 0 to 2^31-1");
  }
  return v.get<std::int64_t>();
}

const Json& json_list(const Json& node, std::string_view key,
                      const TokenizerPlace& place) {
  static const Json kEmpty = Json::array();
  const Json& v = child(node, key, place);
  if (v.is_null()) {
    return kEmpty;
  }
  if (!v.is_array()) {
    (place / key).fail(fmt::format("a {}", v.type_name()), "a list");
  }
  return v;
}

std::vector<Json> json_steps(const Json& node, std::string_view key,
                             const TokenizerPlace& place) {
  std::vector<Json> out;
  flatten(node, key, place, 0, out);
  return out;
}

}  // namespace veer
