// SPDX-License-Identifier: MIT
// Global functions: jinja2's own and those that apply_chat_template adds.
#include <array>
#include <ctime>

#include <fmt/core.h>

#include "veer/jinja/interpreter.h"

namespace veer::jinja {
namespace {

constexpr std::int64_t kMaxRange = 100'000;  // the sandbox's own limit

Value range(Interpreter& in, Args& args) {
  if (args.positional.empty() || args.positional.size() > 3 ||
      !args.keywords.empty()) {
    in.fail("range() takes one to three integers");
  }
  std::int64_t bounds[3] = {0, 0, 1};
  for (std::size_t i = 0; i < args.positional.size(); ++i) {
    if (args.positional[i].is_undefined()) {
      in.fail_undefined(args.positional[i]);
    }
    if (!args.positional[i].as_integer(bounds[i])) {
      in.fail(
          fmt::format("range() is given a {}", type_name(args.positional[i])),
          "integers");
    }
  }
  Range out{bounds[0], bounds[1], bounds[2]};
  if (args.positional.size() == 1) {
    out.start = 0;
    out.stop = bounds[0];
  }
  if (out.step == 0) {
    in.fail("range() with a step of zero");
  }
  const __int128 span = static_cast<__int128>(out.stop) - out.start;
  const __int128 step = out.step;
  const __int128 count = (span > 0) == (step > 0) && span != 0
                             ? (span - (step > 0 ? 1 : -1)) / step + 1
                             : 0;
  if (count > kMaxRange) {
    in.fail(fmt::format("a range of more than {} numbers", kMaxRange));
  }
  if (count == 0 && span != 0) {
    // Empty whatever the bounds; keep what prints.
    constexpr std::int64_t kBig = std::int64_t{1} << 61;
    if (out.start > kBig || out.start < -kBig || out.stop > kBig ||
        out.stop < -kBig) {
      in.fail("range() with bounds beyond 61 bits");
    }
  }
  return Value(Value::Data(std::make_shared<const Range>(out)));
}

std::shared_ptr<Dict> dict_of(Interpreter& in, Args& args,
                              std::string_view function) {
  auto out = std::make_shared<Dict>();
  if (args.positional.size() > 1) {
    in.fail(
        fmt::format("{}() takes at most one positional argument", function));
  }
  const auto put = [&](const Value& key, const Value& value) {
    std::string hashed;
    if (!hash_key(key, hashed)) {
      in.fail(fmt::format("unhashable type: '{}'", type_name(key)));
    }
    in.step(8);
    out->set(key, value);
  };
  if (!args.positional.empty()) {
    const Value& source = args.positional[0];
    if (const Dict* dict = source.dict();
        dict != nullptr && !dict->is_namespace) {
      for (const auto& [key, value] : dict->entries) {
        put(key, value);
      }
    } else {
      for (const Value& item : in.iterate(source)) {
        const std::vector<Value> pair = in.iterate(item);
        if (pair.size() != 2) {
          in.fail(fmt::format("{}() needs pairs", function));
        }
        put(pair[0], pair[1]);
      }
    }
  }
  for (const auto& [name, value] : args.keywords) {
    put(Value::text(name), value);
  }
  in.check_depth(out->depth);
  return out;
}

Value dict(Interpreter& in, Args& args) {
  return Value(Value::Data(dict_of(in, args, "dict")));
}

Value make_space(Interpreter& in, Args& args) {
  return in.make_namespace(dict_of(in, args, "namespace"));
}

Value raise_exception(Interpreter& in, Args& args) {
  const ArgReader reader(in, args, "raise_exception", {"message"}, 1);
  in.refuse(to_str(in, *reader.get(0)).bytes);
}

Value strftime_now(Interpreter& in, Args& args) {
  const ArgReader reader(in, args, "strftime_now", {"format"}, 1);
  const std::string& format = reader.string(0).bytes;
  if (format.empty()) {
    return Value::text("");
  }
  const auto seconds = static_cast<std::time_t>(in.now());
  std::tm time{};
  gmtime_r(&seconds, &time);
  std::string out(format.size() * 64 + 64, '\0');
  out.resize(std::strftime(out.data(), out.size(), format.c_str(), &time));
  if (!valid_utf8(out)) {
    in.fail("strftime_now() made no valid UTF-8");
  }
  return in.text(std::move(out));
}

struct Cycler : Object {
  Cycler() : Object("<Cycler>") {}
  bool attribute(Interpreter& in, std::string_view name, Value& out) override {
    if (name == "current") {
      out = items[position];
      return true;
    }
    if (name != "next" && name != "reset") {
      return false;
    }
    const bool next = name == "next";
    // Strong: a cycler's items are fixed and cannot hold this function.
    const std::shared_ptr<Cycler> cycler = self.lock();
    out = make_function(
        std::string(name),
        [cycler, next](Interpreter&, Args&) {
          if (!next) {
            cycler->position = 0;
            return Value();
          }
          const Value item = cycler->items[cycler->position];
          cycler->position = (cycler->position + 1) % cycler->items.size();
          return item;
        },
        depth + 1);
    in.check_depth(depth + 1);
    return true;
  }

  std::vector<Value> items;
  std::size_t position = 0;
  std::weak_ptr<Cycler> self;
};

Value cycler(Interpreter& in, Args& args) {
  if (args.positional.empty() || !args.keywords.empty()) {
    in.fail("cycler() needs at least one item");
  }
  auto out = std::make_shared<Cycler>();
  out->self = out;
  const Value all = in.list(args.positional);
  out->depth = all.depth() + 1;
  out->items = args.positional;
  return Value(Value::Data(std::shared_ptr<Object>(std::move(out))));
}

Value joiner(Interpreter& in, Args& args) {
  const ArgReader reader(in, args, "joiner", {"sep"});
  const Value separator =
      reader.get(0) == nullptr ? Value::text(", ") : *reader.get(0);
  const auto used = std::make_shared<bool>(false);
  in.check_depth(separator.depth() + 1);
  return make_function(
      "joiner",
      [separator, used](Interpreter&, Args&) {
        return std::exchange(*used, true) ? separator : Value::text("");
      },
      separator.depth() + 1);
}

Value lipsum(Interpreter& in, Args&) {
  in.fail("the function \"lipsum\" is not supported");
}

struct Global {
  std::string_view name;
  Value (*call)(Interpreter&, Args&);
};
constexpr std::array kGlobals = {
    Global{"range", range},
    Global{"dict", dict},
    Global{"namespace", make_space},
    Global{"raise_exception", raise_exception},
    Global{"strftime_now", strftime_now},
    Global{"cycler", cycler},
    Global{"joiner", joiner},
    Global{"lipsum", lipsum},
};

}  // namespace

bool find_global(std::string_view name, Value& out) {
  for (const Global& global : kGlobals) {
    if (global.name == name) {
      out = make_function(std::string(name), global.call);
      return true;
    }
  }
  return false;
}

}  // namespace veer::jinja
