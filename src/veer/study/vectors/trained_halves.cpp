// SPDX-License-Identifier: MIT
#include "veer/study/vectors/trained_halves.h"

#include <algorithm>
#include <iterator>
#include <numeric>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/hash.h"
#include "veer/base/random.h"
#include "veer/data/question_units.h"
#include "veer/data/units.h"
#include "veer/run/trained_directions.h"
#include "veer/study/vectors/stages.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFewest = 6;  // a training needs three

std::vector<std::string> names_with_halves(const StudyContext& context) {
  const auto& extract = context.manifest().extract;
  std::vector<std::string> names;
  if (extract.trained_halves) {
    std::copy_if(extract.vectors.begin(), extract.vectors.end(),
                 std::back_inserter(names), is_trained_direction);
  }
  if (!names.empty() && trained_on(context).size() < kFewest) {
    names.clear();
  }
  return names;
}

std::string half_name(const std::string& name, std::size_t half) {
  return fmt::format("halves/{}.{}", name, half == 0 ? "a" : "b");
}

}  // namespace

std::pair<std::vector<QuestionRecord>, std::vector<QuestionRecord>> two_halves(
    std::span<const QuestionRecord> records, std::uint64_t seed) {
  const std::vector<QuestionRecord> all(records.begin(), records.end());
  auto members = unit_members(units_of(unit_names(all)), all.size());
  const auto largest = std::ranges::max_element(
      members, {}, [](const auto& unit) { return unit.size(); });
  // One unit that is most of the questions leaves no second half.
  if (!members.empty() && largest->size() > all.size() / 4) {
    members = unit_members({}, all.size());
  }
  std::vector<std::size_t> order(members.size());
  std::iota(order.begin(), order.end(), 0);
  Random(seed, "halves of questions").shuffle(order);
  // Questions that err together are in one half.
  std::vector<bool> in_first(all.size());
  std::size_t taken = 0;
  for (std::size_t u = 0; u < order.size() && taken < all.size() / 2; ++u) {
    for (const auto i : members[order[u]]) {
      in_first[i] = true;
      ++taken;
    }
  }
  std::pair<std::vector<QuestionRecord>, std::vector<QuestionRecord>> out;
  for (std::size_t i = 0; i < all.size(); ++i) {
    (in_first[i] ? out.first : out.second).push_back(all[i]);
  }
  return out;
}

std::vector<SteeringVector> train_halves(
    StudyContext& context, const std::string& name, const SteeringVector& like,
    std::span<const QuestionRecord> records) {
  if (records.size() < kFewest) {
    return {};
  }
  const auto [first, second] = two_halves(records, context.seed());
  return {train_direction(context, name, like, first, name + " half a"),
          train_direction(context, name, like, second, name + " half b")};
}

void write_trained_halves(StudyContext& context, const SteeringVector& like) {
  for (const auto& name : names_with_halves(context)) {
    const auto halves = train_halves(context, name, like, trained_on(context));
    for (std::size_t i = 0; i < halves.size(); ++i) {
      write_steering_vector(vector_file(context, half_name(name, i)),
                            halves[i]);
    }
  }
}

bool trained_halves_present(const StudyContext& context) {
  const auto names = names_with_halves(context);
  return std::all_of(names.begin(), names.end(), [&](const auto& name) {
    return fs::exists(vector_file(context, half_name(name, 0))) &&
           fs::exists(vector_file(context, half_name(name, 1)));
  });
}

Json trained_halves_fingerprint(const StudyContext& context) {
  Json out;
  for (const auto& name : names_with_halves(context)) {
    for (const std::size_t half : {0U, 1U}) {
      const auto file = vector_file(context, half_name(name, half));
      out[half_name(name, half)] =
          fs::exists(file) ? fingerprint_file(file.string()) : "";
    }
  }
  return out;
}

FixedDirection load_direction(StudyContext& context, const std::string& name) {
  FixedDirection out{load_vector(context, name), {}};
  const auto with_halves = names_with_halves(context);
  if (std::find(with_halves.begin(), with_halves.end(), name) !=
      with_halves.end()) {
    out.halves = {load_vector(context, half_name(name, 0)),
                  load_vector(context, half_name(name, 1))};
  }
  return out;
}

}  // namespace veer
