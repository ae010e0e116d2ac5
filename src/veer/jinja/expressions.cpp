// SPDX-License-Identifier: MIT
#include <fmt/core.h>

#include "veer/jinja/interpreter.h"

namespace veer::jinja {

Value Interpreter::eval(const Expr& node, const ScopePtr& scope) {
  step();
  offset_ = node.offset;
  return eval_node(node, scope);
}

Value Interpreter::eval_node(const Expr& node, const ScopePtr& scope) {
  const auto child = [&](const ExprPtr& expr) {
    Value out = eval(*expr, scope);
    offset_ = node.offset;
    return out;
  };
  switch (node.kind) {
    case ExprKind::kConstant:
      return node.constant;
    case ExprKind::kName:
      return eval_name(node, scope);
    case ExprKind::kList:
    case ExprKind::kTuple: {
      std::vector<Value> items;
      items.reserve(node.items.size());
      for (const ExprPtr& item : node.items) {
        items.push_back(child(item));
      }
      return list(std::move(items), node.kind == ExprKind::kList
                                        ? ListKind::kList
                                        : ListKind::kTuple);
    }
    case ExprKind::kDict:
      return eval_dict(node, scope);
    case ExprKind::kAttribute:
      return attribute(child(node.first), node.name);
    case ExprKind::kItem: {
      const Value object = child(node.first);
      return item(object, child(node.second));
    }
    case ExprKind::kSlice:
      return eval_slice(node, scope);
    case ExprKind::kCall:
      return eval_call(node, scope);
    case ExprKind::kFilter:
      return eval_filter(node, scope);
    case ExprKind::kTest:
      return eval_test(node, scope);
    case ExprKind::kNot:
      return Value(!truth(*this, child(node.first)));
    case ExprKind::kNegative:
      return negative(*this, child(node.first));
    case ExprKind::kPositive: {
      const Value value = child(node.first);
      std::int64_t integer = 0;
      if (value.is_undefined()) {
        fail_undefined(value);
      }
      if (!value.is_number()) {
        fail(fmt::format("bad operand type for unary +: '{}'",
                         type_name(value)));
      }
      return value.as_integer(integer) ? Value(integer) : value;
    }
    case ExprKind::kBinary: {
      const Value left = child(node.first);
      return binary(*this, node.name, left, child(node.second));
    }
    case ExprKind::kConcat:
      return eval_concat(node, scope);
    case ExprKind::kCompare:
      return eval_compare(node, scope);
    case ExprKind::kAnd: {
      Value left = child(node.first);
      return truth(*this, left) ? child(node.second) : left;
    }
    case ExprKind::kOr: {
      Value left = child(node.first);
      return truth(*this, left) ? left : child(node.second);
    }
    case ExprKind::kCondition:
      return eval_condition(node, scope);
    case ExprKind::kNamespace:
      break;
  }
  fail("an assignment target stands where a value is needed");
}

Value Interpreter::eval_name(const Expr& node, const ScopePtr& scope) {
  for (const Scope* at = scope.get(); at != nullptr; at = at->parent.get()) {
    const auto found = at->names.find(node.name);
    if (found != at->names.end()) {
      return found->second;
    }
  }
  if (const Value* variable = variables_->find(node.name)) {
    return *variable;
  }
  Value out;
  if (find_global(node.name, out)) {
    return out;
  }
  return Value::undefined(fmt::format("'{}' is undefined", node.name));
}

Value Interpreter::eval_dict(const Expr& node, const ScopePtr& scope) {
  auto dict = std::make_shared<Dict>();
  for (std::size_t i = 0; i < node.items.size(); i += 2) {
    const Value key = eval(*node.items[i], scope);
    const Value value = eval(*node.items[i + 1], scope);
    offset_ = node.offset;
    std::string hashed;
    if (!hash_key(key, hashed)) {
      fail(fmt::format("unhashable type: '{}'", type_name(key)));
    }
    step(8);
    dict->set(key, value);
  }
  check_depth(dict->depth);
  return Value(Value::Data(std::move(dict)));
}

Value Interpreter::eval_compare(const Expr& node, const ScopePtr& scope) {
  Value left = eval(*node.first, scope);
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    const Value right = eval(*node.items[i], scope);
    offset_ = node.offset;
    const std::string& op = node.names[i];
    bool holds = false;
    if (op == "==") {
      holds = equal(*this, left, right);
    } else if (op == "!=") {
      holds = !equal(*this, left, right);
    } else if (op == "in") {
      holds = contains(*this, right, left);
    } else if (op == "not in") {
      holds = !contains(*this, right, left);
    } else if (op == "<") {
      holds = less(*this, left, right);
    } else if (op == ">") {
      holds = less(*this, right, left);
    } else if (op == "<=") {
      holds = less(*this, left, right) || equal(*this, left, right);
    } else {
      holds = less(*this, right, left) || equal(*this, left, right);
    }
    if (!holds) {
      return Value(false);
    }
    left = right;
  }
  return Value(true);
}

Value Interpreter::eval_concat(const Expr& node, const ScopePtr& scope) {
  StrBuilder out;
  for (const ExprPtr& part : node.items) {
    const Value value = eval(*part, scope);
    if (const Str* text = value.str()) {
      out.append(*text);
    } else {
      out.append(to_str(*this, value));
    }
  }
  offset_ = node.offset;
  return text(out.take());
}

Value Interpreter::eval_slice(const Expr& node, const ScopePtr& scope) {
  const Value object = eval(*node.first, scope);
  Value bounds[3];
  for (std::size_t i = 0; i < 3; ++i) {
    if (node.items[i] != nullptr) {
      bounds[i] = eval(*node.items[i], scope);
    }
  }
  offset_ = node.offset;
  return slice(*this, object, bounds[0], bounds[1], bounds[2]);
}

Value Interpreter::eval_condition(const Expr& node, const ScopePtr& scope) {
  if (truth(*this, eval(*node.second, scope))) {
    return eval(*node.first, scope);
  }
  if (node.third == nullptr) {
    return Value::undefined(
        "the inline if-expression evaluated to false and no else section was "
        "defined");
  }
  return eval(*node.third, scope);
}

Args Interpreter::eval_args(const CallArgs& call, const ScopePtr& scope) {
  Args out;
  for (const ExprPtr& node : call.positional) {
    out.positional.push_back(eval(*node, scope));
  }
  for (const auto& [name, node] : call.keywords) {
    out.keywords.emplace_back(name, eval(*node, scope));
  }
  if (call.more_positional != nullptr) {
    for (Value& value : iterate(eval(*call.more_positional, scope))) {
      out.positional.push_back(std::move(value));
    }
  }
  if (call.more_keywords != nullptr) {
    const Value more = eval(*call.more_keywords, scope);
    if (more.dict() == nullptr || more.dict()->is_namespace) {
      fail(fmt::format("a value of type {} after **", type_name(more)),
           "a dict");
    }
    for (const auto& [key, value] : more.dict()->entries) {
      if (key.str() == nullptr) {
        fail("a key after ** is no string");
      }
      out.keywords.emplace_back(key.str()->bytes, value);
    }
  }
  step(static_cast<std::int64_t>(out.positional.size() + out.keywords.size()));
  return out;
}

Value Interpreter::eval_call(const Expr& node, const ScopePtr& scope) {
  const Value callee = eval(*node.first, scope);
  Args args = eval_args(*node.call, scope);
  offset_ = node.offset;
  return call(callee, args);
}

Value Interpreter::call(const Value& callee, Args& args) {
  if (callee.is_undefined()) {
    fail_undefined(callee);
  }
  const Object* object = callee.object();
  if (object == nullptr || !object->call) {
    fail(fmt::format("a value of type {} is called", type_name(callee)),
         "a function or macro");
  }
  step();
  const std::uint32_t at = offset_;
  Value out = object->call(*this, args);
  offset_ = at;
  return out;
}

Value Interpreter::eval_filter(const Expr& node, const ScopePtr& scope) {
  const Value input =
      node.first == nullptr ? block_text_ : eval(*node.first, scope);
  Args args = eval_args(*node.call, scope);
  offset_ = node.offset;
  const Filter filter = find_filter(node.name);
  if (filter == nullptr) {
    fail(fmt::format("the filter \"{}\" is not supported", node.name));
  }
  Value out = filter(*this, input, args);
  offset_ = node.offset;
  return out;
}

Value Interpreter::apply_filters(const Expr* chain, Value text,
                                 const ScopePtr& scope) {
  if (chain == nullptr) {
    return text;
  }
  const Value before = std::exchange(block_text_, std::move(text));
  Value out = eval(*chain, scope);
  block_text_ = before;
  return out;
}

Value Interpreter::eval_test(const Expr& node, const ScopePtr& scope) {
  const Value input = eval(*node.first, scope);
  Args args = eval_args(*node.call, scope);
  offset_ = node.offset;
  const Test test = find_test(node.name);
  if (test == nullptr) {
    fail(fmt::format("the test \"{}\" is not supported", node.name));
  }
  return Value(test(*this, input, args));
}

}  // namespace veer::jinja
