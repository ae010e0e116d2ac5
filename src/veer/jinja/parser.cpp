// SPDX-License-Identifier: MIT
#include "veer/jinja/parser.h"

#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "veer/jinja/builtins.h"

namespace veer::jinja {

Parser::Parser(std::string_view source, std::string_view origin,
               const JinjaLimits& limits)
    : source_(source),
      origin_(origin),
      limits_(limits),
      tokens_(tokenize(source, origin)) {}

Parser::Nested::Nested(Parser& owner) : parser(owner) {
  if (++parser.depth_ > parser.limits_.max_depth) {
    --parser.depth_;
    parser.fail(parser.now(), fmt::format("nesting deeper than {}",
                                          parser.limits_.max_depth));
  }
}

void Parser::fail(const Token& token, std::string_view what,
                  std::string_view expected) const {
  fail_at(source_, token.offset, origin_, what, expected);
}

std::string Parser::describe(const Token& token) const {
  switch (token.type) {
    case TokenType::kEnd:
      return "the end of the template";
    case TokenType::kBlockEnd:
      return "\"%}\"";
    case TokenType::kVariableEnd:
      return "\"}}\"";
    case TokenType::kString:
      return "a string";
    default:
      return fmt::format("\"{}\"", token.text);
  }
}

const Token& Parser::take() {
  const Token& token = tokens_[at_];
  at_ = std::min(at_ + 1, tokens_.size() - 1);
  return token;
}

bool Parser::skip_name(std::string_view name) {
  if (now().is_name(name)) {
    take();
    return true;
  }
  return false;
}

bool Parser::skip_op(std::string_view op) {
  if (now().is_op(op)) {
    take();
    return true;
  }
  return false;
}

const Token& Parser::expect_op(std::string_view op) {
  if (!now().is_op(op)) {
    fail(now(), describe(now()), fmt::format("\"{}\"", op));
  }
  return take();
}

const Token& Parser::expect(TokenType type, std::string_view what) {
  if (now().type != type) {
    fail(now(), describe(now()), what);
  }
  return take();
}

void Parser::check_known(const std::string& name, bool is_filter,
                         const Token& token) const {
  const bool known =
      is_filter ? find_filter(name) != nullptr : find_test(name) != nullptr;
  if (!known && !in_branch_) {
    fail(token, fmt::format("the {} \"{}\" is not supported",
                            is_filter ? "filter" : "test", name));
  }
}

Body Parser::parse() {
  return parse_body({});
}

// Statements up to a block that begins with one of `ends` (its name is the
// current token then), or up to the end of the template.
Body Parser::parse_body(std::initializer_list<std::string_view> ends) {
  const Nested nested(*this);
  Body body;
  while (now().type != TokenType::kEnd) {
    const Token& token = take();
    if (token.type == TokenType::kData) {
      auto text = make(StmtKind::kText, token);
      text->text = token.text;
      body.push_back(std::move(text));
    } else if (token.type == TokenType::kVariableBegin) {
      auto print = make(StmtKind::kPrint, now());
      print->expressions.push_back(parse_tuple());
      expect(TokenType::kVariableEnd, "\"}}\"");
      body.push_back(std::move(print));
    } else {
      if (now().type == TokenType::kName &&
          std::find(ends.begin(), ends.end(), now().text) != ends.end()) {
        return body;
      }
      body.push_back(parse_statement());
      expect(TokenType::kBlockEnd, "\"%}\"");
    }
  }
  if (ends.size() > 0) {
    fail(now(), "the template ends within a block",
         fmt::format("\"{}\"", *(ends.end() - 1)));
  }
  return body;
}

// "%}", a body, and the name that ends it taken.
Body Parser::parse_block(std::initializer_list<std::string_view> ends) {
  skip_op(":");
  expect(TokenType::kBlockEnd, "\"%}\"");
  return parse_body(ends);
}

std::unique_ptr<Stmt> Parser::make(StmtKind kind, const Token& token) {
  auto statement = std::make_unique<Stmt>();
  statement->kind = kind;
  statement->offset = token.offset;
  return statement;
}

void Parser::fail_unknown_statement(const Token& token) {
  static constexpr std::array<std::string_view, 7> kOfJinja = {
      "block", "extends", "include", "import", "from", "autoescape", "do"};
  const bool known =
      std::find(kOfJinja.begin(), kOfJinja.end(), token.text) != kOfJinja.end();
  fail(token,
       known ? fmt::format("the statement \"{}\" is not supported", token.text)
             : fmt::format("unknown statement {}", describe(token)));
}

std::unique_ptr<Stmt> Parser::parse_statement() {
  if (now().type != TokenType::kName) {
    fail(now(), describe(now()), "the name of a statement");
  }
  const Token& token = take();
  auto out = make(StmtKind::kPrint, token);
  const std::string& name = token.text;
  if (name == "if") {
    parse_if(*out);
  } else if (name == "for") {
    parse_for(*out);
  } else if (name == "set") {
    parse_set(*out);
  } else if (name == "macro") {
    parse_macro(*out);
  } else if (name == "call") {
    parse_call_block(*out);
  } else if (name == "with") {
    parse_with(*out);
  } else if (name == "filter") {
    out->kind = StmtKind::kFilterBlock;
    out->value = parse_filter(nullptr, /*inline_start=*/true);
    out->bodies.push_back(parse_block({"endfilter"}));
    take();
  } else if (name == "generation") {
    out->kind = StmtKind::kGeneration;
    out->bodies.push_back(parse_block({"endgeneration"}));
    take();
  } else if (name == "print") {
    while (now().type != TokenType::kBlockEnd) {
      if (!out->expressions.empty()) {
        expect_op(",");
      }
      out->expressions.push_back(parse_expression());
    }
  } else if (name == "break" || name == "continue") {
    out->kind = name == "break" ? StmtKind::kBreak : StmtKind::kContinue;
    if (loops_ == 0) {
      fail(token, fmt::format("\"{}\" outside of a loop", name));
    }
  } else {
    fail_unknown_statement(token);
  }
  return out;
}

void Parser::parse_if(Stmt& out) {
  out.kind = StmtKind::kIf;
  const bool outer = in_branch_;
  while (true) {
    in_branch_ = outer;
    out.conditions.push_back(parse_tuple(false, /*with_condition=*/false));
    in_branch_ = true;
    out.bodies.push_back(parse_block({"elif", "else", "endif"}));
    const Token& token = take();
    if (token.text == "elif") {
      continue;
    }
    out.bodies.emplace_back();
    if (token.text == "else") {
      out.bodies.back() = parse_block({"endif"});
      take();
    }
    break;
  }
  in_branch_ = outer;
}

void Parser::parse_for(Stmt& out) {
  out.kind = StmtKind::kFor;
  out.target = parse_target(/*until_in=*/true, /*with_namespace=*/false);
  if (!skip_name("in")) {
    fail(now(), describe(now()), "\"in\"");
  }
  out.value = parse_tuple(false, /*with_condition=*/false, "recursive");
  if (skip_name("if")) {
    out.condition = parse_expression();
  }
  out.recursive = skip_name("recursive");
  const bool outer = in_branch_;
  in_branch_ = false;
  ++loops_;
  out.bodies.push_back(parse_block({"endfor", "else"}));
  --loops_;
  out.bodies.emplace_back();
  if (take().text == "else") {
    out.bodies.back() = parse_block({"endfor"});
    take();
  }
  in_branch_ = outer;
}

void Parser::parse_set(Stmt& out) {
  out.target = parse_target(/*until_in=*/false, /*with_namespace=*/true);
  if (skip_op("=")) {
    out.kind = StmtKind::kSet;
    out.value = parse_tuple();
    return;
  }
  out.kind = StmtKind::kSetBlock;
  out.value = parse_filter(nullptr);
  out.bodies.push_back(parse_block({"endset"}));
  take();
}

void Parser::parse_with(Stmt& out) {
  out.kind = StmtKind::kWith;
  while (now().type != TokenType::kBlockEnd) {
    if (!out.expressions.empty()) {
      expect_op(",");
    }
    out.expressions.push_back(parse_target(false, false));
    expect_op("=");
    out.conditions.push_back(parse_expression());
  }
  out.bodies.push_back(parse_block({"endwith"}));
  take();
}

void Parser::parse_signature(Signature& out) {
  expect_op("(");
  while (!now().is_op(")")) {
    if (!out.arguments.empty()) {
      expect_op(",");
    }
    const Token& name = expect(TokenType::kName, "the name of an argument");
    if (skip_op("=")) {
      out.defaults.push_back(parse_expression());
    } else if (!out.defaults.empty()) {
      fail(name, "an argument without a default follows one with a default");
    }
    out.arguments.push_back(name.text);
  }
  expect_op(")");
}

void Parser::parse_macro_body(Stmt& out, std::string_view end) {
  const bool outer = in_branch_;
  const int loops = loops_;
  in_branch_ = false;
  loops_ = 0;
  macros_.push_back(&out.signature);
  out.bodies.push_back(parse_block({end}));
  take();
  macros_.pop_back();
  loops_ = loops;
  in_branch_ = outer;
}

void Parser::parse_macro(Stmt& out) {
  out.kind = StmtKind::kMacro;
  out.signature.name = expect(TokenType::kName, "the macro's name").text;
  parse_signature(out.signature);
  parse_macro_body(out, "endmacro");
}

void Parser::parse_call_block(Stmt& out) {
  out.kind = StmtKind::kCallBlock;
  out.signature.name = "caller";
  if (now().is_op("(")) {
    parse_signature(out.signature);
  }
  const Token& token = now();
  out.value = parse_expression();
  if (out.value->kind != ExprKind::kCall) {
    fail(token, "no call after \"call\"", "a call such as name(...)");
  }
  parse_macro_body(out, "endcall");
}

ExprPtr Parser::parse_target(bool until_in, bool with_namespace) {
  ExprPtr target =
      parse_tuple(/*simple=*/true, /*with_condition=*/true,
                  until_in ? "in" : "", /*in_parens=*/false, with_namespace);
  check_target(*target);
  return target;
}

void Parser::check_target(const Expr& target) {
  if (target.kind == ExprKind::kTuple) {
    for (const ExprPtr& item : target.items) {
      check_target(*item);
    }
  } else if (target.kind != ExprKind::kName &&
             target.kind != ExprKind::kNamespace) {
    fail_at(source_, target.offset, origin_, "cannot assign to this",
            "a name, names with commas, or namespace.name");
  }
}

}  // namespace veer::jinja
