// SPDX-License-Identifier: MIT
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "veer/jinja/ast.h"
#include "veer/jinja/lexer.h"

namespace veer::jinja {

// jinja2 3.1's parser for the statements of chat templates. One use per
// object. Throws Error{kBadInput} with line and column.
class Parser {
 public:
  Parser(std::string_view source, std::string_view origin,
         const JinjaLimits& limits);
  Body parse();

 private:
  // jinja_parser.cpp: statements
  Body parse_body(std::initializer_list<std::string_view> ends);
  Body parse_block(std::initializer_list<std::string_view> ends);
  std::unique_ptr<Stmt> parse_statement();
  std::unique_ptr<Stmt> make(StmtKind kind, const Token& token);
  void parse_for(Stmt& out);
  void parse_if(Stmt& out);
  void parse_set(Stmt& out);
  void parse_macro(Stmt& out);
  void parse_call_block(Stmt& out);
  void parse_with(Stmt& out);
  void parse_signature(Signature& out);
  void parse_macro_body(Stmt& out, std::string_view end);
  ExprPtr parse_target(bool until_in, bool with_namespace);
  void check_target(const Expr& target);
  [[noreturn]] void fail_unknown_statement(const Token& token);

  // jinja_parser_expressions.cpp
  ExprPtr parse_expression(bool with_condition = true);
  ExprPtr parse_condition();
  ExprPtr parse_or();
  ExprPtr parse_and();
  ExprPtr parse_not();
  ExprPtr parse_compare();
  ExprPtr parse_sum();
  ExprPtr parse_concat();
  ExprPtr parse_product();
  ExprPtr parse_power();
  ExprPtr parse_unary(bool with_filter = true);
  ExprPtr parse_primary(bool with_namespace = false);
  ExprPtr parse_name(bool with_namespace);
  ExprPtr parse_string();
  ExprPtr parse_tuple(bool simple = false, bool with_condition = true,
                      std::string_view end_word = {}, bool in_parens = false,
                      bool with_namespace = false);
  bool at_tuple_end(std::string_view end_word) const;
  ExprPtr parse_list();
  ExprPtr parse_dict();
  ExprPtr parse_postfix(ExprPtr node);
  ExprPtr parse_filters_and_tests(ExprPtr node);
  ExprPtr parse_subscript(ExprPtr node);
  ExprPtr parse_one_subscript(ExprPtr node);
  std::unique_ptr<CallArgs> parse_call_args();
  void parse_one_argument(CallArgs& out, const Token& open);
  ExprPtr parse_filter(ExprPtr node, bool inline_start = false);
  ExprPtr parse_test(ExprPtr node);
  std::string parse_dotted_name();

  const Token& now() const { return tokens_[at_]; }
  const Token& ahead() const {
    return tokens_[std::min(at_ + 1, tokens_.size() - 1)];
  }
  const Token& take();
  bool skip_name(std::string_view name);
  bool skip_op(std::string_view op);
  const Token& expect_op(std::string_view op);
  const Token& expect(TokenType type, std::string_view what);
  [[noreturn]] void fail(const Token& token, std::string_view what,
                         std::string_view expected = {}) const;
  std::string describe(const Token& token) const;
  ExprPtr node(ExprKind kind, const Token& token) const;
  // Sets the node's height from its children and holds it to the limit.
  ExprPtr finish(ExprPtr node) const;
  void check_known(const std::string& name, bool is_filter,
                   const Token& token) const;

  // Counts nesting while it lives.
  struct Nested {
    explicit Nested(Parser& parser);
    ~Nested() { --parser.depth_; }
    Parser& parser;
  };

  std::string_view source_;
  std::string_view origin_;
  JinjaLimits limits_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::int64_t depth_ = 0;
  int loops_ = 0;
  // Inside a branch an unknown filter or test is an error only when reached.
  bool in_branch_ = false;
  std::vector<Signature*> macros_;
};

}  // namespace veer::jinja
