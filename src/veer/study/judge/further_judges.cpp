// SPDX-License-Identifier: MIT
#include "veer/study/judge/further_judges.h"

#include <memory>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"

namespace veer {

void ask_judges(Judging& judging, std::span<const std::string> further,
                bool again, const JudgeParts& parts, const Monitor& monitor) {
  std::vector<std::unique_ptr<Judge>> judges;
  for (const auto& name : further) {
    if (again || !judging.has(judge_name(name, parts.settings))) {
      judges.push_back(make_judge(name, parts));
      judges.back()->announce(judging.to_ask(), monitor);
    }
  }
  for (const auto& judge : judges) {
    judging.add(*judge, monitor);
    judging.finish();
  }
}

std::string kappa_text(const Json& pair) {
  const Json& kappa = member(pair, "kappa");
  if (!member(kappa, "value").is_number()) {
    return "no kappa";
  }
  return fmt::format("kappa {:.2f} [{:.2f}, {:.2f}], n {}",
                     kappa["value"].get<double>(), kappa["low"].get<double>(),
                     kappa["high"].get<double>(), kappa["n"].get<int>());
}

}  // namespace veer
