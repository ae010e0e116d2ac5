// SPDX-License-Identifier: MIT
#include "veer/study/vector_names.h"

namespace veer {

std::string vector_family(const std::string& name) {
  const std::string contrast = name.substr(0, name.find_first_of(":@"));
  // First: "random-1|contrastive@..." controls a contrastive vector.
  for (const char* family : {"random", "subset", "contrastive", "finetune"}) {
    if (contrast.find(family) != std::string::npos) {
      return family;
    }
  }
  return contrast;
}

std::string vector_position(const std::string& name) {
  const auto at = name.find('@');
  if (at == std::string::npos) {
    return "";
  }
  return name.substr(at + 1, name.find('@', at + 1) - at - 1);
}

std::pair<std::string, std::string> primary_pair(
    const std::vector<std::string>& names) {
  std::pair<std::string, std::string> any;
  for (const auto& a : names) {
    for (const auto& b : names) {
      if (vector_family(a) != "contrastive" || vector_family(b) != "finetune") {
        continue;
      }
      if (vector_position(a) == vector_position(b)) {
        return {a, b};
      }
      if (any.first.empty()) {
        any = {a, b};
      }
    }
  }
  return any;
}

}  // namespace veer
