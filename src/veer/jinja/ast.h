// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "veer/jinja/value.h"

namespace veer::jinja {

struct Expr;
struct Stmt;
using ExprPtr = std::unique_ptr<Expr>;
using Body = std::vector<std::unique_ptr<Stmt>>;

enum class ExprKind {
  kConstant,   // constant
  kName,       // name
  kList,       // items
  kTuple,      // items
  kDict,       // items: key, value, key, value, ...
  kAttribute,  // first.name
  kItem,       // first[second]
  kSlice,      // first[items[0]:items[1]:items[2]], null = left out
  kCall,       // first(call)
  kFilter,     // first|name(call); first null = text of a block
  kTest,       // first is name(call)
  kNot,        // not first
  kNegative,   // -first
  kPositive,   // +first
  kBinary,     // first name second, arithmetic
  kConcat,     // items joined by ~
  kCompare,    // first, then names[i] items[i]
  kAnd,        // first and second
  kOr,         // first or second
  kCondition,  // first if second else third (may be null)
  kNamespace   // name.names[0], only as a target of set
};

struct CallArgs {
  std::vector<ExprPtr> positional;
  std::vector<std::pair<std::string, ExprPtr>> keywords;
  ExprPtr more_positional;  // *expression
  ExprPtr more_keywords;    // **expression
};

struct Expr {
  ExprKind kind = ExprKind::kConstant;
  std::uint32_t offset = 0;
  int height = 1;
  std::string name;
  Value constant;
  ExprPtr first, second, third;
  std::vector<ExprPtr> items;
  std::vector<std::string> names;
  std::unique_ptr<CallArgs> call;
};

enum class StmtKind {
  kText,         // text
  kPrint,        // expressions
  kIf,           // conditions[i] -> bodies[i]; bodies.back() = else
  kFor,          // target in value if condition; bodies: loop, else
  kSet,          // target = value
  kSetBlock,     // target, value = filter chain or null, body
  kMacro,        // signature, body
  kCallBlock,    // signature of caller, value = call, body
  kFilterBlock,  // value = filter chain, body
  kWith,         // targets (expressions), conditions = values, body
  kGeneration,   // body
  kBreak,
  kContinue
};

struct Signature {
  std::string name;
  std::vector<std::string> arguments;
  std::vector<ExprPtr> defaults;  // of the last arguments
  bool uses_caller = false;
  bool uses_kwargs = false;
  bool uses_varargs = false;
};

struct Stmt {
  StmtKind kind = StmtKind::kText;
  std::uint32_t offset = 0;
  std::string text;
  ExprPtr target, value, condition;
  std::vector<ExprPtr> expressions;
  std::vector<ExprPtr> conditions;
  std::vector<Body> bodies;
  // Per body: names that are undefined when it begins (jinja_symbols.h).
  std::vector<std::vector<std::string>> unset;
  Signature signature;
  bool recursive = false;
};

struct Program {
  std::string source;  // normalised
  std::string origin;
  JinjaLimits limits;
  Body body;
  std::vector<std::string> unset;
};

}  // namespace veer::jinja
