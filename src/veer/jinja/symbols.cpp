// SPDX-License-Identifier: MIT
#include "veer/jinja/symbols.h"

#include <map>
#include <set>

namespace veer::jinja {
namespace {

enum class Load { kGiven, kResolve, kAlias, kUndefined };

// The names of one block.
struct Frame {
  const Frame* parent = nullptr;
  std::map<std::string, Load> names;
  std::set<std::string> stores;

  bool knows(const std::string& name) const {
    return names.contains(name) || (parent != nullptr && parent->knows(name));
  }
  bool outer_knows(const std::string& name) const {
    return parent != nullptr && parent->knows(name);
  }
  void load(const std::string& name) {
    if (!knows(name)) {
      names[name] = Load::kResolve;
    }
  }
  void give(const std::string& name) {
    stores.insert(name);
    names[name] = Load::kGiven;
  }
  void store(const std::string& name) {
    stores.insert(name);
    if (!names.contains(name)) {
      names[name] = outer_knows(name) ? Load::kAlias : Load::kUndefined;
    }
  }
  // What branches of an if stored is set on some ways only.
  void merge(const std::vector<Frame>& branches) {
    std::set<std::string> stored;
    for (const Frame& branch : branches) {
      for (const std::string& name : branch.stores) {
        if (!stores.contains(name)) {
          stored.insert(name);
        }
      }
    }
    for (const Frame& branch : branches) {
      for (const auto& [name, how] : branch.names) {
        names[name] = how;
      }
      stores.insert(branch.stores.begin(), branch.stores.end());
    }
    for (const std::string& name : stored) {
      names[name] = outer_knows(name) ? Load::kAlias : Load::kResolve;
    }
  }
  std::vector<std::string> unset() const {
    std::vector<std::string> out;
    for (const auto& [name, how] : names) {
      if (how == Load::kUndefined) {
        out.push_back(name);
      }
    }
    return out;
  }
};

void read(const ExprPtr& node, Frame& frame) {
  if (node == nullptr) {
    return;
  }
  if (node->kind == ExprKind::kName || node->kind == ExprKind::kNamespace) {
    frame.load(node->name);
  }
  read(node->first, frame);
  read(node->second, frame);
  read(node->third, frame);
  for (const ExprPtr& item : node->items) {
    read(item, frame);
  }
  if (node->call != nullptr) {
    for (const ExprPtr& item : node->call->positional) {
      read(item, frame);
    }
    for (const auto& [name, item] : node->call->keywords) {
      read(item, frame);
    }
    read(node->call->more_positional, frame);
    read(node->call->more_keywords, frame);
  }
}

void write(const ExprPtr& target, Frame& frame, bool given) {
  if (target->kind == ExprKind::kName) {
    given ? frame.give(target->name) : frame.store(target->name);
  } else if (target->kind == ExprKind::kNamespace) {
    frame.load(target->name);
  }
  for (const ExprPtr& item : target->items) {
    write(item, frame, given);
  }
}

void visit_body(const Body& body, Frame& frame);

// The branches from `from` on of an if: what visit_If does with one of them.
void visit_if(const Stmt& statement, std::size_t from, Frame& frame) {
  read(statement.conditions[from], frame);
  const bool first = from == 0;
  std::vector<Frame> branches(3, frame);
  visit_body(statement.bodies[from], branches[0]);
  if (first) {
    for (std::size_t i = 1; i < statement.conditions.size(); ++i) {
      visit_if(statement, i, branches[1]);
    }
    visit_body(statement.bodies.back(), branches[2]);
  }
  frame.merge(branches);
}

void visit(const Stmt& statement, Frame& frame) {
  switch (statement.kind) {
    case StmtKind::kPrint:
      for (const ExprPtr& node : statement.expressions) {
        read(node, frame);
      }
      break;
    case StmtKind::kIf:
      visit_if(statement, 0, frame);
      break;
    case StmtKind::kFor:
    case StmtKind::kCallBlock:
    case StmtKind::kFilterBlock:
      read(statement.value, frame);
      break;
    case StmtKind::kSet:
      read(statement.value, frame);
      write(statement.target, frame, false);
      break;
    case StmtKind::kSetBlock:
      write(statement.target, frame, false);
      break;
    case StmtKind::kMacro:
      frame.store(statement.signature.name);
      break;
    case StmtKind::kWith:
      for (const ExprPtr& node : statement.conditions) {
        read(node, frame);
      }
      break;
    default:
      break;
  }
}

void visit_body(const Body& body, Frame& frame) {
  for (const auto& statement : body) {
    visit(*statement, frame);
  }
}

void enter_all(Body& body, const Frame& frame);

void give_arguments(const Signature& signature, Frame& frame) {
  for (const std::string& name : signature.arguments) {
    frame.give(name);
  }
  for (const ExprPtr& node : signature.defaults) {
    read(node, frame);
  }
  for (const auto& [used, name] :
       {std::pair(signature.uses_caller, "caller"),
        std::pair(signature.uses_kwargs, "kwargs"),
        std::pair(signature.uses_varargs, "varargs")}) {
    if (used) {
      frame.give(name);
    }
  }
}

// The frames of the bodies of a statement, and of those inside.
void enter(Stmt& statement, const Frame& outer) {
  statement.unset.resize(statement.bodies.size());
  if (statement.kind == StmtKind::kIf) {
    for (Body& body : statement.bodies) {
      enter_all(body, outer);
    }
    return;
  }
  for (std::size_t i = 0; i < statement.bodies.size(); ++i) {
    Frame frame;
    frame.parent = &outer;
    if (statement.kind == StmtKind::kFor && i == 0) {
      frame.give("loop");
      write(statement.target, frame, true);
    }
    give_arguments(statement.signature, frame);
    if (statement.kind == StmtKind::kWith) {
      for (const ExprPtr& node : statement.expressions) {
        write(node, frame, true);
      }
    }
    visit_body(statement.bodies[i], frame);
    statement.unset[i] = frame.unset();
    enter_all(statement.bodies[i], frame);
  }
}

void enter_all(Body& body, const Frame& frame) {
  for (const auto& statement : body) {
    enter(*statement, frame);
  }
}

}  // namespace

void find_unset_names(Program& program) {
  Frame frame;
  visit_body(program.body, frame);
  program.unset = frame.unset();
  enter_all(program.body, frame);
}

}  // namespace veer::jinja
