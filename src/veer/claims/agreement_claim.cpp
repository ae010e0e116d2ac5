// SPDX-License-Identifier: MIT
#include "veer/claims/agreement_claim.h"

#include <set>
#include <string>

#include <fmt/core.h>

#include "veer/claims/direction_claims.h"
#include "veer/results/vector_name.h"

namespace veer {
namespace {

enum class Kind { kBoth, kNeither, kAgreementOnly, kEffectOnly, kOpen };

struct Place {
  Kind kind = Kind::kOpen;
  std::string text;
  Measure cosine = Measure::none("no verdict there");
};

// "layer 3", "layers 0 and 3".
std::string layers_text(const std::set<std::int64_t>& layers) {
  return layers.size() == 1 ? fmt::format("layer {}", *layers.begin())
                            : fmt::format("layers {} and {}", *layers.begin(),
                                          *layers.rbegin());
}

struct Verdicts {
  bool agree = true;
  bool apart = true;
  Measure cosine = Measure::none("no verdict there");
};

// What the verdicts say of the pair at these layers; the cosine furthest from
// zero of them.
Verdicts verdicts_at(const PairComparison& pair,
                     const std::set<std::int64_t>& layers) {
  Verdicts out;
  PairComparison there;
  there.num_clusters = pair.num_clusters;
  for (const auto& at : pair.by_layer) {
    if (layers.contains(at.layer)) {
      there.by_layer.push_back(at);
      out.agree = out.agree && at.verdict == "align";
      out.apart =
          out.apart && (at.verdict == "orthogonal" || at.verdict == "opposed");
    }
  }
  if (there.by_layer.size() != layers.size() || layers.empty()) {
    return {false, false, Measure::none("no verdict there")};
  }
  out.cosine = strongest_cosine(there);
  return out;
}

Place place_of_pair(const PairComparison& pair, const ChosenEffect& a,
                    const ChosenEffect& b, double margin) {
  Place place;
  std::set<std::int64_t> layers;
  bool effect = false;
  bool none = true;
  for (const auto* own : {&a, &b}) {
    if (!own->layer) {
      place.text = own->vector +
                   " was added at several layers at once, where no one cosine "
                   "stands";
      place.cosine = strongest_cosine(pair);
      return place;
    }
    layers.insert(*own->layer);
    const auto standing = judge_effect(*own, margin).standing;
    effect = effect || standing == Standing::kWorks;
    none = none && standing == Standing::kFails;
  }
  const auto found = verdicts_at(pair, layers);
  const std::string there = " at " + layers_text(layers);
  place.cosine = found.cosine;
  if (!found.agree && !found.apart) {
    place.text = "agreement is undecided" + there;
    place.text += effect ? ", where adding has an effect" : "";
  } else if (!effect && !none) {
    place.text = "effect of adding is undecided" + there;
  } else if (found.agree) {
    place.kind = effect ? Kind::kBoth : Kind::kAgreementOnly;
    place.text =
        (effect ? "agreement with effect" : "agreement without effect") + there;
  } else {
    place.kind = effect ? Kind::kEffectOnly : Kind::kNeither;
    place.text =
        (effect ? "effect without agreement" : "neither agreement nor effect") +
        there;
  }
  return place;
}

bool is_tuned(const std::string& name) {
  const auto family = vector_family(name);
  return family == "finetune" || family == "twin";
}

struct NamedPlace {
  std::string names;  // "a and b: ", empty for the primary pair
  Place place;
};

void decide(HypothesisResult& row, const std::set<Kind>& kinds) {
  if (kinds.contains(Kind::kAgreementOnly) ||
      kinds.contains(Kind::kEffectOnly)) {
    row.decision = Decision::kContradicted;
  } else if (kinds.contains(Kind::kBoth) && kinds.contains(Kind::kNeither)) {
    row.decision = Decision::kSupported;
  } else if (kinds.contains(Kind::kBoth)) {
    row.reason += "; no place without agreement was there to test the rest";
  } else if (kinds.contains(Kind::kNeither)) {
    row.reason += "; no place with agreement was there to test the rest";
  }
}

}  // namespace

HypothesisResult agreement_claim(const Comparison* comparison,
                                 const std::vector<ChosenEffect>& effects) {
  if (comparison == nullptr) {
    return not_measured("A1", "the pair of vectors was not measured");
  }
  std::vector<std::string> names;
  for (const auto& vector : comparison->vectors) {
    names.push_back(vector.name);
  }
  const auto primary = primary_pair(names);
  auto row = claim_row("A1");
  std::set<Kind> kinds;
  std::vector<NamedPlace> places;  // the primary pair's first
  for (const auto& a : names) {
    for (const auto& b : names) {
      const bool is_primary = a == primary.first && b == primary.second;
      if (vector_family(a) != "contrastive" || !is_tuned(b) ||
          (vector_position(a) != vector_position(b) && !is_primary)) {
        continue;
      }
      const auto* pair = pair_of(*comparison, a, b);
      const auto* add_a = find_effect(effects, a, "induction", "linear");
      const auto* add_b = find_effect(effects, b, "induction", "linear");
      if (pair == nullptr || add_a == nullptr || add_b == nullptr) {
        continue;
      }
      auto place = place_of_pair(*pair, *add_a, *add_b, row.margin());
      kinds.insert(place.kind);
      places.insert(
          is_primary ? places.begin() : places.end(),
          {is_primary ? "" : a + " and " + b + ": ", std::move(place)});
    }
  }
  if (places.empty()) {
    return not_measured("A1", "plain addition of both was not measured");
  }
  // A counterexample decides, and is shown; otherwise the primary pair.
  const auto against = std::ranges::find_if(places, [](const auto& own) {
    return own.place.kind == Kind::kAgreementOnly ||
           own.place.kind == Kind::kEffectOnly;
  });
  if (against != places.end()) {
    std::rotate(places.begin(), against, against + 1);
  }
  row.effect = places.front().place.cosine;
  row.reason.clear();
  for (const auto& own : places) {
    row.reason += (row.reason.empty() ? "" : "; ") + own.names + own.place.text;
  }
  decide(row, kinds);
  return row;
}

}  // namespace veer
