// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "veer/jinja/parser.h"

namespace veer::jinja {
namespace {

int height_of(const ExprPtr& node) {
  return node == nullptr ? 0 : node->height;
}

}  // namespace

ExprPtr Parser::node(ExprKind kind, const Token& token) const {
  auto out = std::make_unique<Expr>();
  out->kind = kind;
  out->offset = token.offset;
  return out;
}

ExprPtr Parser::finish(ExprPtr node) const {
  int height = std::max({height_of(node->first), height_of(node->second),
                         height_of(node->third)});
  for (const ExprPtr& item : node->items) {
    height = std::max(height, height_of(item));
  }
  if (node->call != nullptr) {
    for (const ExprPtr& item : node->call->positional) {
      height = std::max(height, height_of(item));
    }
    for (const auto& [name, item] : node->call->keywords) {
      height = std::max(height, height_of(item));
    }
    height = std::max({height, height_of(node->call->more_positional),
                       height_of(node->call->more_keywords)});
  }
  node->height = height + 1;
  if (node->height > limits_.max_depth) {
    fail_at(
        source_, node->offset, origin_,
        fmt::format("an expression nested deeper than {}", limits_.max_depth));
  }
  return node;
}

ExprPtr Parser::parse_expression(bool with_condition) {
  const Nested nested(*this);
  return with_condition ? parse_condition() : parse_or();
}

ExprPtr Parser::parse_condition() {
  const Nested nested(*this);
  ExprPtr value = parse_or();
  while (now().is_name("if")) {
    ExprPtr out = node(ExprKind::kCondition, take());
    // The value was parsed before the "if" was seen: jinja2 checks it later,
    // when it knows that it stands in a branch. An unknown filter in it is
    // reported at once here.
    out->first = std::move(value);
    out->second = parse_or();
    if (skip_name("else")) {
      const bool outer = in_branch_;
      in_branch_ = true;
      out->third = parse_condition();
      in_branch_ = outer;
    }
    value = finish(std::move(out));
  }
  return value;
}

ExprPtr Parser::parse_or() {
  ExprPtr left = parse_and();
  while (now().is_name("or")) {
    ExprPtr out = node(ExprKind::kOr, take());
    out->first = std::move(left);
    out->second = parse_and();
    left = finish(std::move(out));
  }
  return left;
}

ExprPtr Parser::parse_and() {
  ExprPtr left = parse_not();
  while (now().is_name("and")) {
    ExprPtr out = node(ExprKind::kAnd, take());
    out->first = std::move(left);
    out->second = parse_not();
    left = finish(std::move(out));
  }
  return left;
}

ExprPtr Parser::parse_not() {
  if (now().is_name("not")) {
    const Nested nested(*this);
    ExprPtr out = node(ExprKind::kNot, take());
    out->first = parse_not();
    return finish(std::move(out));
  }
  return parse_compare();
}

ExprPtr Parser::parse_compare() {
  static constexpr std::array<std::string_view, 6> kCompare = {
      "==", "!=", "<", "<=", ">", ">="};
  const Token& start = now();
  ExprPtr first = parse_sum();
  ExprPtr out;
  while (true) {
    std::string name;
    if (now().type == TokenType::kOperator &&
        std::find(kCompare.begin(), kCompare.end(), now().text) !=
            kCompare.end()) {
      name = take().text;
    } else if (skip_name("in")) {
      name = "in";
    } else if (now().is_name("not") && ahead().is_name("in")) {
      take();
      take();
      name = "not in";
    } else {
      break;
    }
    if (out == nullptr) {
      out = node(ExprKind::kCompare, start);
      out->first = std::move(first);
    }
    out->names.push_back(std::move(name));
    out->items.push_back(parse_sum());
  }
  return out == nullptr ? std::move(first) : finish(std::move(out));
}

ExprPtr Parser::parse_sum() {
  ExprPtr left = parse_concat();
  while (now().is_op("+") || now().is_op("-")) {
    const Token& token = take();
    ExprPtr out = node(ExprKind::kBinary, token);
    out->name = token.text;
    out->first = std::move(left);
    out->second = parse_concat();
    left = finish(std::move(out));
  }
  return left;
}

ExprPtr Parser::parse_concat() {
  const Token& start = now();
  ExprPtr first = parse_product();
  if (!now().is_op("~")) {
    return first;
  }
  ExprPtr out = node(ExprKind::kConcat, start);
  out->items.push_back(std::move(first));
  while (skip_op("~")) {
    out->items.push_back(parse_product());
  }
  return finish(std::move(out));
}

ExprPtr Parser::parse_product() {
  ExprPtr left = parse_power();
  while (now().is_op("*") || now().is_op("/") || now().is_op("//") ||
         now().is_op("%")) {
    const Token& token = take();
    ExprPtr out = node(ExprKind::kBinary, token);
    out->name = token.text;
    out->first = std::move(left);
    out->second = parse_power();
    left = finish(std::move(out));
  }
  return left;
}

ExprPtr Parser::parse_power() {
  ExprPtr left = parse_unary();
  while (now().is_op("**")) {
    ExprPtr out = node(ExprKind::kBinary, take());
    out->name = "**";
    out->first = std::move(left);
    out->second = parse_unary();
    left = finish(std::move(out));
  }
  return left;
}

ExprPtr Parser::parse_unary(bool with_filter) {
  const Nested nested(*this);
  ExprPtr out;
  if (now().is_op("-") || now().is_op("+")) {
    const Token& token = take();
    out = node(token.text == "-" ? ExprKind::kNegative : ExprKind::kPositive,
               token);
    out->first = parse_unary(/*with_filter=*/false);
    out = finish(std::move(out));
  } else {
    out = parse_primary();
  }
  out = parse_postfix(std::move(out));
  return with_filter ? parse_filters_and_tests(std::move(out)) : std::move(out);
}

ExprPtr Parser::parse_primary(bool with_namespace) {
  const Token& token = now();
  switch (token.type) {
    case TokenType::kName:
      return parse_name(with_namespace);
    case TokenType::kString:
      return parse_string();
    case TokenType::kInteger:
    case TokenType::kFloat: {
      ExprPtr out = node(ExprKind::kConstant, take());
      out->constant = token.type == TokenType::kInteger ? Value(token.integer)
                                                        : Value(token.number);
      return out;
    }
    default:
      break;
  }
  if (token.is_op("(")) {
    take();
    ExprPtr out = parse_tuple(false, true, {}, /*in_parens=*/true);
    expect_op(")");
    return out;
  }
  if (token.is_op("[")) {
    return parse_list();
  }
  if (token.is_op("{")) {
    return parse_dict();
  }
  fail(token, fmt::format("unexpected {}", describe(token)), "an expression");
}

ExprPtr Parser::parse_name(bool with_namespace) {
  const Token& token = take();
  ExprPtr out = node(ExprKind::kConstant, token);
  const std::string& name = token.text;
  if (name == "true" || name == "True") {
    out->constant = Value(true);
  } else if (name == "false" || name == "False") {
    out->constant = Value(false);
  } else if (name == "none" || name == "None") {
    out->constant = Value();
  } else if (with_namespace && now().is_op(".")) {
    take();
    out->kind = ExprKind::kNamespace;
    out->name = name;
    out->names.push_back(expect(TokenType::kName, "a name after \".\"").text);
  } else {
    out->kind = ExprKind::kName;
    out->name = name;
    for (Signature* macro : macros_) {
      macro->uses_caller = macro->uses_caller || name == "caller";
      macro->uses_kwargs = macro->uses_kwargs || name == "kwargs";
      macro->uses_varargs = macro->uses_varargs || name == "varargs";
    }
  }
  return out;
}

ExprPtr Parser::parse_string() {
  ExprPtr out = node(ExprKind::kConstant, now());
  std::string text;
  while (now().type == TokenType::kString) {
    text += take().text;
  }
  out->constant = Value::text(std::move(text));
  return out;
}

bool Parser::at_tuple_end(std::string_view end_word) const {
  return now().type == TokenType::kVariableEnd ||
         now().type == TokenType::kBlockEnd || now().is_op(")") ||
         (!end_word.empty() && now().is_name(end_word));
}

ExprPtr Parser::parse_tuple(bool simple, bool with_condition,
                            std::string_view end_word, bool in_parens,
                            bool with_namespace) {
  const Nested nested(*this);
  ExprPtr out = node(ExprKind::kTuple, now());
  bool is_tuple = false;
  while (true) {
    if (!out->items.empty()) {
      expect_op(",");
    }
    if (at_tuple_end(end_word)) {
      break;
    }
    out->items.push_back(simple ? parse_primary(with_namespace)
                                : parse_expression(with_condition));
    if (!now().is_op(",")) {
      break;
    }
    is_tuple = true;
  }
  if (!is_tuple && !out->items.empty()) {
    return std::move(out->items[0]);
  }
  if (!is_tuple && !in_parens) {
    fail(now(), describe(now()), "an expression");
  }
  return finish(std::move(out));
}

ExprPtr Parser::parse_list() {
  ExprPtr out = node(ExprKind::kList, expect_op("["));
  while (!now().is_op("]")) {
    if (!out->items.empty()) {
      expect_op(",");
    }
    if (now().is_op("]")) {
      break;
    }
    out->items.push_back(parse_expression());
  }
  expect_op("]");
  return finish(std::move(out));
}

ExprPtr Parser::parse_dict() {
  ExprPtr out = node(ExprKind::kDict, expect_op("{"));
  while (!now().is_op("}")) {
    if (!out->items.empty()) {
      expect_op(",");
    }
    if (now().is_op("}")) {
      break;
    }
    out->items.push_back(parse_expression());
    expect_op(":");
    out->items.push_back(parse_expression());
  }
  expect_op("}");
  return finish(std::move(out));
}

ExprPtr Parser::parse_postfix(ExprPtr left) {
  while (true) {
    if (now().is_op(".") || now().is_op("[")) {
      left = parse_subscript(std::move(left));
    } else if (now().is_op("(")) {
      ExprPtr out = node(ExprKind::kCall, now());
      out->call = parse_call_args();
      out->first = std::move(left);
      left = finish(std::move(out));
    } else {
      return left;
    }
  }
}

ExprPtr Parser::parse_filters_and_tests(ExprPtr left) {
  while (true) {
    if (now().is_op("|")) {
      left = parse_filter(std::move(left));
    } else if (now().is_name("is")) {
      left = parse_test(std::move(left));
    } else if (now().is_op("(")) {
      ExprPtr out = node(ExprKind::kCall, now());
      out->call = parse_call_args();
      out->first = std::move(left);
      left = finish(std::move(out));
    } else {
      return left;
    }
  }
}

ExprPtr Parser::parse_subscript(ExprPtr left) {
  const Token& token = take();
  if (token.is_op(".")) {
    const Token& name = take();
    ExprPtr out = node(ExprKind::kAttribute, name);
    if (name.type == TokenType::kInteger) {
      out->kind = ExprKind::kItem;
      out->second = node(ExprKind::kConstant, name);
      out->second->constant = Value(name.integer);
    } else if (name.type != TokenType::kName) {
      fail(name, describe(name), "a name or a number after \".\"");
    }
    out->name = name.text;
    out->first = std::move(left);
    return finish(std::move(out));
  }
  std::vector<ExprPtr> items;
  while (!now().is_op("]")) {
    if (!items.empty()) {
      expect_op(",");
    }
    items.push_back(parse_one_subscript(nullptr));
  }
  expect_op("]");
  if (items.size() == 1 && items[0]->kind == ExprKind::kSlice &&
      items[0]->first == nullptr) {
    items[0]->first = std::move(left);
    return finish(std::move(items[0]));
  }
  ExprPtr out = node(ExprKind::kItem, token);
  if (items.size() == 1) {
    out->second = std::move(items[0]);
  } else {
    out->second = node(ExprKind::kTuple, token);
    for (const ExprPtr& item : items) {
      if (item->kind == ExprKind::kSlice && item->first == nullptr) {
        fail(token, "several subscripts with a slice are not supported");
      }
    }
    out->second->items = std::move(items);
    out->second = finish(std::move(out->second));
  }
  out->first = std::move(left);
  return finish(std::move(out));
}

ExprPtr Parser::parse_one_subscript(ExprPtr) {
  const Token& start = now();
  ExprPtr begin;
  if (!now().is_op(":")) {
    begin = parse_expression();
    if (!now().is_op(":")) {
      return begin;
    }
  }
  take();
  ExprPtr out = node(ExprKind::kSlice, start);
  out->items.push_back(std::move(begin));
  const auto at_end = [&] { return now().is_op("]") || now().is_op(","); };
  out->items.push_back(now().is_op(":") || at_end() ? nullptr
                                                    : parse_expression());
  ExprPtr step;
  if (skip_op(":") && !at_end()) {
    step = parse_expression();
  }
  out->items.push_back(std::move(step));
  return out;
}

std::unique_ptr<CallArgs> Parser::parse_call_args() {
  const Nested nested(*this);
  const Token& open = expect_op("(");
  auto out = std::make_unique<CallArgs>();
  bool need_comma = false;
  while (!now().is_op(")")) {
    if (need_comma) {
      expect_op(",");
      if (now().is_op(")")) {
        break;
      }
    }
    parse_one_argument(*out, open);
    need_comma = true;
  }
  expect_op(")");
  return out;
}

void Parser::parse_one_argument(CallArgs& out, const Token& open) {
  const auto require = [&](bool good) {
    if (!good) {
      fail(open, "the arguments of this call stand in a wrong order");
    }
  };
  if (skip_op("*")) {
    require(!out.more_positional && !out.more_keywords);
    out.more_positional = parse_expression();
  } else if (skip_op("**")) {
    require(!out.more_keywords);
    out.more_keywords = parse_expression();
  } else if (now().type == TokenType::kName && ahead().is_op("=")) {
    require(!out.more_keywords);
    const std::string name = take().text;
    take();
    out.keywords.emplace_back(name, parse_expression());
  } else {
    require(!out.more_positional && !out.more_keywords && out.keywords.empty());
    out.positional.push_back(parse_expression());
  }
}

std::string Parser::parse_dotted_name() {
  std::string name = expect(TokenType::kName, "a name").text;
  while (skip_op(".")) {
    name += "." + expect(TokenType::kName, "a name").text;
  }
  return name;
}

ExprPtr Parser::parse_filter(ExprPtr left, bool inline_start) {
  while (inline_start || now().is_op("|")) {
    if (!inline_start) {
      take();
    }
    inline_start = false;
    const Token& token = now();
    ExprPtr out = node(ExprKind::kFilter, token);
    out->name = parse_dotted_name();
    check_known(out->name, /*is_filter=*/true, token);
    out->call =
        now().is_op("(") ? parse_call_args() : std::make_unique<CallArgs>();
    out->first = std::move(left);
    left = finish(std::move(out));
  }
  return left;
}

ExprPtr Parser::parse_test(ExprPtr left) {
  take();  // is
  const bool negated = skip_name("not");
  const Token& token = now();
  ExprPtr out = node(ExprKind::kTest, token);
  out->name = parse_dotted_name();
  check_known(out->name, /*is_filter=*/false, token);
  out->call = std::make_unique<CallArgs>();
  const bool literal =
      now().type == TokenType::kName || now().type == TokenType::kString ||
      now().type == TokenType::kInteger || now().type == TokenType::kFloat ||
      now().is_op("[") || now().is_op("{");
  if (now().is_op("(")) {
    out->call = parse_call_args();
  } else if (literal && !now().is_name("else") && !now().is_name("or") &&
             !now().is_name("and")) {
    if (now().is_name("is")) {
      fail(now(), "tests cannot be chained with \"is\"");
    }
    out->call->positional.push_back(parse_postfix(parse_primary()));
  }
  out->first = std::move(left);
  out = finish(std::move(out));
  if (negated) {
    ExprPtr inverse = node(ExprKind::kNot, token);
    inverse->first = std::move(out);
    return finish(std::move(inverse));
  }
  return out;
}

}  // namespace veer::jinja
