// SPDX-License-Identifier: MIT
#include <algorithm>

#include <fmt/core.h>

#include "veer/jinja/interpreter.h"
#include "veer/jinja/lexer.h"

namespace veer::jinja {

namespace {

void set_undefined(Scope& scope, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    scope.names[name] =
        Value::undefined(fmt::format("'{}' is undefined", name));
  }
}

}  // namespace

Interpreter::Interpreter(const Program& program, std::int64_t now)
    : program_(program), now_(now) {}

Interpreter::~Interpreter() {
  for (const auto& space : namespaces_) {
    space->entries.clear();
  }
  for (const ScopePtr& scope : captured_scopes_) {
    scope->names.clear();
  }
}

JinjaRender Interpreter::render(
    const Json& variables,
    std::span<const std::vector<OriginRun>> content_runs) {
  const Value all = value_of_variables(*this, variables, content_runs);
  variables_ = std::get<std::shared_ptr<Dict>>(all.data());
  StrBuilder out;
  out_ = root_out_ = &out;
  auto scope = std::make_shared<Scope>();
  captured_scopes_.push_back(scope);
  set_undefined(*scope, program_.unset);
  run(program_.body, scope);
  JinjaRender result;
  result.runs = out.runs();
  result.text = out.take().bytes;
  result.generation_spans = std::move(generation_spans_);
  return result;
}

void Interpreter::fail(std::string_view what, std::string_view expected) const {
  fail_at(program_.source, offset_, program_.origin, what, expected);
}

void Interpreter::refuse(std::string_view message) const {
  throw TemplateRefusal(
      ErrorKind::kBadInput,
      fmt::format("[chat template] {}: the template refuses the "
                  "conversation: {}",
                  place_of(program_.source, offset_, program_.origin),
                  message));
}

void Interpreter::fail_undefined(const Value& undefined) const {
  fail(undefined.undefined()->message);
}

void Interpreter::step(std::int64_t count) {
  steps_ += count;
  if (steps_ > program_.limits.max_steps) {
    fail(fmt::format("more than {} steps", program_.limits.max_steps),
         "a template that ends");
  }
}

void Interpreter::charge_bytes(std::size_t count) {
  string_bytes_ += count;
  step(static_cast<std::int64_t>(count / 64));
  if (string_bytes_ > program_.limits.max_string_bytes) {
    fail(fmt::format("more than {} bytes of strings",
                     program_.limits.max_string_bytes));
  }
}

void Interpreter::check_depth(std::int64_t depth) const {
  if (depth > program_.limits.max_depth) {
    fail(fmt::format("values or calls nested deeper than {}",
                     program_.limits.max_depth));
  }
}

Value Interpreter::text(Str value) {
  charge_bytes(value.bytes.size());
  return Value(std::move(value));
}

Value Interpreter::text(std::string value) {
  charge_bytes(value.size());
  return Value::text(std::move(value));
}

Value Interpreter::list(std::vector<Value> items, ListKind kind) {
  step(static_cast<std::int64_t>(items.size()));
  Value out = make_list(std::move(items), kind);
  check_depth(out.depth());
  return out;
}

Value Interpreter::make_namespace(std::shared_ptr<Dict> dict) {
  step(32);
  dict->is_namespace = true;
  dict->depth = 1;  // namespaces are emptied at the end, they may nest
  namespaces_.push_back(dict);
  return Value(Value::Data(std::move(dict)));
}

void Interpreter::output(const Str& text) {
  if (out_->size() + text.bytes.size() > program_.limits.max_output_bytes) {
    fail(fmt::format("more than {} bytes of output",
                     program_.limits.max_output_bytes));
  }
  step(static_cast<std::int64_t>(text.bytes.size() / 64));
  out_->append(text);
}

ScopePtr Interpreter::inner(const ScopePtr& scope) const {
  auto out = std::make_shared<Scope>();
  out->parent = scope;
  return out;
}

ScopePtr Interpreter::inner(const ScopePtr& scope, const Stmt& statement,
                            std::size_t body) const {
  ScopePtr out = inner(scope);
  set_undefined(*out, statement.unset[body]);
  return out;
}

Interpreter::Flow Interpreter::run(const Body& body, const ScopePtr& scope) {
  for (const auto& statement : body) {
    const Flow flow = run_one(*statement, scope);
    if (flow != Flow::kNext) {
      return flow;
    }
  }
  return Flow::kNext;
}

Interpreter::Flow Interpreter::run_one(const Stmt& statement,
                                       const ScopePtr& scope) {
  offset_ = statement.offset;
  step();
  switch (statement.kind) {
    case StmtKind::kText: {
      Str text;
      text.bytes = statement.text;
      output(text);
      break;
    }
    case StmtKind::kPrint:
      run_print(statement, scope);
      break;
    case StmtKind::kIf:
      return run_if(statement, scope);
    case StmtKind::kFor:
      run_for(statement, eval(*statement.value, scope), scope, 0);
      break;
    case StmtKind::kSet:
      assign(*statement.target, eval(*statement.value, scope), scope);
      break;
    case StmtKind::kSetBlock:
      run_set_block(statement, scope);
      break;
    case StmtKind::kMacro:
      scope->names[statement.signature.name] = make_macro(statement, scope);
      break;
    case StmtKind::kCallBlock:
      run_call_block(statement, scope);
      break;
    case StmtKind::kFilterBlock:
      output(
          to_str(*this, apply_filters(statement.value.get(),
                                      text(capture(statement, scope)), scope)));
      break;
    case StmtKind::kWith:
      run_with(statement, scope);
      break;
    case StmtKind::kGeneration:
      run_generation(statement, scope);
      break;
    case StmtKind::kBreak:
      return Flow::kBreak;
    case StmtKind::kContinue:
      return Flow::kContinue;
  }
  return Flow::kNext;
}

void Interpreter::run_print(const Stmt& statement, const ScopePtr& scope) {
  for (const ExprPtr& node : statement.expressions) {
    const Value value = eval(*node, scope);
    offset_ = node->offset;
    if (const Str* text = value.str()) {
      output(*text);
    } else {
      output(to_str(*this, value));
    }
  }
}

Interpreter::Flow Interpreter::run_if(const Stmt& statement,
                                      const ScopePtr& scope) {
  for (std::size_t i = 0; i < statement.conditions.size(); ++i) {
    if (truth(*this, eval(*statement.conditions[i], scope))) {
      return run(statement.bodies[i], scope);
    }
  }
  return run(statement.bodies.back(), scope);
}

void Interpreter::run_for(const Stmt& statement, const Value& iterable,
                          const ScopePtr& scope, std::int64_t depth0) {
  auto loop = std::make_shared<Loop>();
  loop->self = loop;
  loop->statement = &statement;
  loop->outer = scope;
  loop->items = iterate(iterable);
  loop->depth = iterable.depth() + 1;
  loop->depth0 = depth0;
  if (statement.recursive) {
    const std::weak_ptr<Loop> weak = loop;
    loop->call = [weak](Interpreter& in, Args& args) {
      const auto self = weak.lock();
      const ArgReader reader(in, args, "loop", {"iterable"}, 1);
      in.check_depth(++in.depth_);
      StrBuilder out;
      StrBuilder* const before = std::exchange(in.out_, &out);
      in.run_for(*self->statement, *reader.get(0), self->outer,
                 self->depth0 + 1);
      in.out_ = before;
      --in.depth_;
      return in.text(out.take());
    };
  }
  // As in jinja2, a round that ends by break or continue does not count for
  // the else branch.
  bool any = false;
  Value item;
  while (loop->fetch(*this, item)) {
    step();
    const ScopePtr body = inner(scope, statement, 0);
    body->names["loop"] = Value(Value::Data(std::shared_ptr<Object>(loop)));
    assign(*statement.target, item, body);
    const Flow flow = run(statement.bodies[0], body);
    any = any || flow == Flow::kNext;
    if (flow == Flow::kBreak) {
      break;
    }
  }
  if (!any) {
    run(statement.bodies[1], inner(scope, statement, 1));
  }
}

void Interpreter::assign(const Expr& target, const Value& value,
                         const ScopePtr& scope) {
  offset_ = target.offset;
  if (target.kind == ExprKind::kName) {
    scope->names[target.name] = value;
    return;
  }
  if (target.kind == ExprKind::kNamespace) {
    Expr name;
    name.kind = ExprKind::kName;
    name.offset = target.offset;
    name.name = target.name;
    const Value space = eval_name(name, scope);
    if (space.dict() == nullptr || !space.dict()->is_namespace) {
      fail(fmt::format("\"{}\" is no namespace", target.name),
           "an object made by namespace()");
    }
    step(4);
    space.dict()->set(Value::text(target.names[0]), value);
    space.dict()->depth = 1;
    return;
  }
  const std::vector<Value> items = iterate(value);
  if (items.size() != target.items.size()) {
    fail(fmt::format("{} values for {} names", items.size(),
                     target.items.size()));
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    assign(*target.items[i], items[i], scope);
  }
}

Str Interpreter::capture(const Stmt& statement, const ScopePtr& scope) {
  StrBuilder out;
  StrBuilder* const before = std::exchange(out_, &out);
  run(statement.bodies[0], inner(scope, statement, 0));
  out_ = before;
  return out.take();
}

void Interpreter::run_set_block(const Stmt& statement, const ScopePtr& scope) {
  const Value captured = text(capture(statement, scope));
  assign(*statement.target,
         apply_filters(statement.value.get(), captured, scope), scope);
}

void Interpreter::run_with(const Stmt& statement, const ScopePtr& scope) {
  const ScopePtr body = inner(scope, statement, 0);
  for (std::size_t i = 0; i < statement.expressions.size(); ++i) {
    assign(*statement.expressions[i], eval(*statement.conditions[i], scope),
           body);
  }
  run(statement.bodies[0], body);
}

void Interpreter::run_call_block(const Stmt& statement, const ScopePtr& scope) {
  const Expr& node = *statement.value;
  const Value callee = eval(*node.first, scope);
  Args args = eval_args(*node.call, scope);
  args.keywords.emplace_back("caller", make_macro(statement, scope));
  offset_ = node.offset;
  output(to_str(*this, call(callee, args)));
}

void Interpreter::run_generation(const Stmt& statement, const ScopePtr& scope) {
  const std::size_t begin = out_->size();
  run(statement.bodies[0], inner(scope, statement, 0));
  if (out_ == root_out_) {
    generation_spans_.emplace_back(begin, out_->size());
  }
}

Value Interpreter::make_macro(const Stmt& statement, const ScopePtr& scope) {
  step(32);
  captured_scopes_.push_back(scope);
  const Stmt* const body = &statement;
  // The scope is kept by captured_scopes_; a macro never outlives the render.
  const std::weak_ptr<Scope> closure = scope;
  auto object = std::make_shared<Object>(
      fmt::format("<Macro '{}'>", statement.signature.name));
  object->call = [body, closure](Interpreter& in, Args& args) {
    return in.call_macro(*body, closure.lock(), args);
  };
  return Value(Value::Data(std::move(object)));
}

void Interpreter::bind_macro_arguments(const Stmt& statement,
                                       const ScopePtr& scope, Args& args) {
  const Signature& signature = statement.signature;
  const std::size_t count = signature.arguments.size();
  const std::size_t first_default = count - signature.defaults.size();
  auto keywords = std::make_shared<Dict>();
  for (auto& [name, value] : args.keywords) {
    keywords->set(Value::text(name), value);
  }
  const auto take = [&](const std::string& name, Value& out) {
    const auto at =
        std::find_if(args.keywords.begin(), args.keywords.end(),
                     [&](const auto& entry) { return entry.first == name; });
    if (at == args.keywords.end()) {
      return false;
    }
    out = at->second;
    args.keywords.erase(at);
    return true;
  };
  for (std::size_t i = 0; i < count; ++i) {
    const std::string& name = signature.arguments[i];
    Value value;
    if (i < args.positional.size()) {
      value = args.positional[i];
    } else if (!take(name, value)) {
      value = i >= first_default
                  ? eval(*signature.defaults[i - first_default], scope)
                  : Value::undefined(
                        fmt::format("parameter '{}' was not provided", name));
    }
    scope->names[name] = value;
  }
  if (signature.uses_caller && !scope->names.contains("caller")) {
    Value caller = Value::undefined("No caller defined");
    take("caller", caller);
    scope->names["caller"] = caller;
  }
  if (signature.uses_kwargs) {
    auto rest = std::make_shared<Dict>();
    for (auto& [name, value] : args.keywords) {
      rest->set(Value::text(name), value);
    }
    scope->names["kwargs"] = Value(Value::Data(std::move(rest)));
  } else if (!args.keywords.empty()) {
    fail(fmt::format("macro '{}' takes no keyword argument '{}'",
                     signature.name, args.keywords[0].first));
  }
  if (signature.uses_varargs) {
    const auto used = std::min(count, args.positional.size());
    scope->names["varargs"] =
        list({args.positional.begin() + static_cast<std::ptrdiff_t>(used),
              args.positional.end()},
             ListKind::kTuple);
  } else if (args.positional.size() > count) {
    fail(fmt::format("macro '{}' takes not more than {} argument(s)",
                     signature.name, count));
  }
}

Value Interpreter::call_macro(const Stmt& statement, const ScopePtr& closure,
                              Args& args) {
  check_depth(++depth_);
  const ScopePtr scope = inner(closure, statement, 0);
  bind_macro_arguments(statement, scope, args);
  StrBuilder out;
  StrBuilder* const before = std::exchange(out_, &out);
  run(statement.bodies[0], scope);
  out_ = before;
  --depth_;
  return text(out.take());
}

}  // namespace veer::jinja
