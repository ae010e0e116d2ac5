// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "veer/jinja/ast.h"
#include "veer/jinja/builtins.h"

namespace veer::jinja {

// Names of one block; a `set` stays inside.
struct Scope {
  std::unordered_map<std::string, Value> names;
  std::shared_ptr<Scope> parent;
};
using ScopePtr = std::shared_ptr<Scope>;

// The variable `loop` of a for statement and the state behind it.
struct Loop : Object {
  Loop() : Object("<LoopContext>") {}
  bool attribute(Interpreter& in, std::string_view name, Value& out) override;
  std::string print(Interpreter& in) override;
  bool fetch(Interpreter& in, Value& out);
  bool peek(Interpreter& in);
  std::int64_t length(Interpreter& in);

  const Stmt* statement = nullptr;
  ScopePtr outer;
  std::vector<Value> items;
  std::size_t next = 0;
  bool filtered = false;  // all items left have passed the filter
  std::int64_t index0 = -1;
  std::int64_t depth0 = 0;
  std::optional<Value> after, before, current, last_changed;
  std::weak_ptr<Loop> self;
};

// Evaluates a program once. Not for use by several threads.
class Interpreter {
 public:
  Interpreter(const Program& program, std::int64_t now);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  JinjaRender render(const Json& variables,
                     std::span<const std::vector<OriginRun>> content_runs);

  // Services for filters, tests and methods. -------------------------------

  // Throws at the place of the node that is being evaluated.
  [[noreturn]] void fail(std::string_view what,
                         std::string_view expected = {}) const;
  [[noreturn]] void refuse(std::string_view message) const;
  [[noreturn]] void fail_undefined(const Value& undefined) const;
  // Counts work against the limits.
  void step(std::int64_t count = 1);
  // Counts the bytes of a new string and makes it a value.
  Value text(Str value);
  Value text(std::string value);
  void charge_bytes(std::size_t count);
  void check_depth(std::int64_t depth) const;
  Value list(std::vector<Value> items, ListKind kind = ListKind::kList);

  Value call(const Value& callee, Args& args);
  // a.name and a[key]
  Value attribute(const Value& object, std::string_view name);
  Value item(const Value& object, const Value& key);
  // All items of an iterable; a generator is used up.
  std::vector<Value> iterate(const Value& value);
  Value make_namespace(std::shared_ptr<Dict> dict);
  std::int64_t now() const { return now_; }
  const JinjaLimits& limits() const { return program_.limits; }

 private:
  friend struct Loop;
  enum class Flow { kNext, kBreak, kContinue };

  // jinja_statements.cpp
  Flow run(const Body& body, const ScopePtr& scope);
  Flow run_one(const Stmt& statement, const ScopePtr& scope);
  void run_print(const Stmt& statement, const ScopePtr& scope);
  Flow run_if(const Stmt& statement, const ScopePtr& scope);
  void run_for(const Stmt& statement, const Value& iterable,
               const ScopePtr& scope, std::int64_t depth0);
  void run_set_block(const Stmt& statement, const ScopePtr& scope);
  void run_with(const Stmt& statement, const ScopePtr& scope);
  void run_call_block(const Stmt& statement, const ScopePtr& scope);
  void run_generation(const Stmt& statement, const ScopePtr& scope);
  void assign(const Expr& target, const Value& value, const ScopePtr& scope);
  // Text of a body in a scope of its own.
  Str capture(const Stmt& statement, const ScopePtr& scope);
  Value make_macro(const Stmt& statement, const ScopePtr& scope);
  Value call_macro(const Stmt& statement, const ScopePtr& closure, Args& args);
  void bind_macro_arguments(const Stmt& statement, const ScopePtr& scope,
                            Args& args);
  void output(const Str& text);

  // jinja_expressions.cpp
  Value eval(const Expr& node, const ScopePtr& scope);
  Value eval_node(const Expr& node, const ScopePtr& scope);
  Value eval_name(const Expr& node, const ScopePtr& scope);
  Value eval_dict(const Expr& node, const ScopePtr& scope);
  Value eval_compare(const Expr& node, const ScopePtr& scope);
  Value eval_concat(const Expr& node, const ScopePtr& scope);
  Value eval_slice(const Expr& node, const ScopePtr& scope);
  Value eval_condition(const Expr& node, const ScopePtr& scope);
  Value eval_call(const Expr& node, const ScopePtr& scope);
  Value eval_filter(const Expr& node, const ScopePtr& scope);
  Value eval_test(const Expr& node, const ScopePtr& scope);
  Args eval_args(const CallArgs& args, const ScopePtr& scope);
  // The statement `value` of filter and set blocks applied to a text.
  Value apply_filters(const Expr* chain, Value text, const ScopePtr& scope);
  ScopePtr inner(const ScopePtr& scope) const;
  // The scope of one of the statement's bodies.
  ScopePtr inner(const ScopePtr& scope, const Stmt& statement,
                 std::size_t body) const;

  const Program& program_;
  std::int64_t now_;
  std::int64_t steps_ = 0;
  std::int64_t depth_ = 0;
  std::size_t string_bytes_ = 0;
  std::uint32_t offset_ = 0;
  StrBuilder* out_ = nullptr;
  StrBuilder* root_out_ = nullptr;
  Value block_text_;  // what a filter block's first filter works on
  std::shared_ptr<Dict> variables_;
  std::vector<std::pair<std::size_t, std::size_t>> generation_spans_;
  // Kept until the end, then emptied: they may refer to one another.
  std::vector<ScopePtr> captured_scopes_;
  std::vector<std::shared_ptr<Dict>> namespaces_;
};

}  // namespace veer::jinja
