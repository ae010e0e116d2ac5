// SPDX-License-Identifier: MIT
#include "veer/sweep/vector_shelf.h"

#include <charconv>
#include <cmath>
#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/ops/ones_like.h>
#include <fmt/format.h>

#include "veer/base/error.h"
#include "veer/base/text_distance.h"
#include "veer/capture/capture_texts.h"
#include "veer/interventions/blend.h"
#include "veer/interventions/from_vector.h"
#include "veer/interventions/operators.h"
#include "veer/interventions/statistics.h"
#include "veer/results/vector_name.h"
#include "veer/sweep/random_directions.h"
#include "veer/sweep/subset_directions.h"
#include "veer/vectors/compare.h"
#include "veer/vectors/left_out.h"
#include "veer/vectors/vector_files.h"

namespace veer {
namespace {

using Kind = VectorName::Kind;

// Parts of a mixture before the vectors that it is made of: a blend's weight.
std::size_t num_weights(const VectorName& mixture) {
  return mixture.head == "blend" ? 1 : 0;
}

double weight_of(const std::string& name, const std::string& text) {
  double weight = 0.0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, weight);
  if (error != std::errc() || rest != end || !std::isfinite(weight)) {
    fail("vector " + name, fmt::format("weight \"{}\"", text),
         "a number such as blend:0.5");
  }
  return weight;
}

}  // namespace

VectorShelf::VectorShelf(std::filesystem::path run_folder,
                         const Transformer& model,
                         std::vector<std::string> names, std::uint64_t seed)
    : folder_(std::move(run_folder)),
      model_(model),
      names_(std::move(names)),
      pair_(primary_pair(names_)),
      seed_(seed) {
  for (const auto& name : names_) {
    auto vector =
        read_steering_vector(folder_ / "vectors" / (name + ".safetensors"));
    require_fits(vector, model_);
    vectors_.emplace(name, std::move(vector));
  }
}

void VectorShelf::add_file(const std::string& path, const VectorWarning& warn) {
  if (!vectors_.contains(path)) {
    ForeignVectorOptions layers;
    layers.num_layers = model_.config().num_layers;
    layers.one_serves_all = true;
    auto file = read_vector_file(path, layers, {}, warn);
    require_fits(file.vector, model_);
    vectors_.emplace(path, std::move(file.vector));
  }
}

void VectorShelf::leave_out(const std::set<std::string>& questions) {
  MethodOptions options;
  options.seed = static_cast<std::int64_t>(seed_);
  for (const auto& name : names_) {
    if (!has_rows(name)) {
      continue;
    }
    auto& vector = vectors_.at(name);
    rows_[name] = rows_without(rows(name), questions);
    vector.directions_LD = refitted_directions(vector, rows_.at(name), options);
  }
}

const SteeringVector& VectorShelf::vector(const std::string& name) {
  const auto found = vectors_.find(name);
  if (found == vectors_.end()) {
    if (names_.empty()) {
      fail("vector", fmt::format("\"{}\"", name),
           "a vector file; names are those of a run folder (--run)");
    }
    const auto near = nearest_name(name, names_);
    fail("vector", fmt::format("\"{}\"", name),
         fmt::format("one of {}, or blend:W, common:A, private:A, random-N, "
                     "random-cov-N",
                     fmt::join(names_, ", ")),
         near.empty() ? "" : fmt::format("\"{}\" was meant", near));
  }
  return found->second;
}

const VectorRows& VectorShelf::rows(const std::string& name) {
  const auto found = rows_.find(name);
  if (found != rows_.end()) {
    return found->second;
  }
  const auto path = folder_ / "vectors/items" / (name + ".safetensors");
  if (!std::filesystem::exists(path)) {
    fail("statistics of " + name, fmt::format("{} is not there", path.string()),
         "the rows that the vector was made of",
         "a vector from a file has none; use one of a run folder");
  }
  return rows_.emplace(name, read_vector_rows(path)).first->second;
}

bool VectorShelf::has_rows(const std::string& name) const {
  return std::filesystem::exists(folder_ / "vectors/items" /
                                 (name + ".safetensors"));
}

const VectorRows& VectorShelf::activations_for(const std::string& name) {
  for (const auto& other : names_) {
    if (!has_rows(name) && has_rows(other)) {
      return rows(other);
    }
  }
  return rows(name);
}

std::string VectorShelf::full_name(const std::string& word) const {
  const std::string& name = word == "contrastive" ? pair_.first
                            : word == "finetuned" ? pair_.second
                                                  : word;
  if (name.empty()) {
    fail("vector mixture", "the run has no contrastive and fine-tuned pair",
         "the full names of two vectors, as in blend:0.5:A:B");
  }
  return name;
}

std::string VectorShelf::other_of_pair(const std::string& name) {
  if (pair_.first.empty() || pair_.second.empty()) {
    fail("steer", "an operator that turns in a plane, and one vector",
         "the plane's other vector: /second NAME in a chat, --second NAME on "
         "the command line",
         "only a run with a contrastive and a fine-tuned vector has both by "
         "itself");
  }
  const std::string own = origin_of(name);
  return vector_family(own) == "contrastive" ? full_name("finetuned")
                                             : full_name("contrastive");
}

const std::string& VectorShelf::first_name() const {
  if (names_.empty()) {
    fail("vector", "no extracted vectors", "a run folder with vectors/",
         "--run is missing, or nothing was extracted yet");
  }
  return names_.front();
}

std::string VectorShelf::origin_of(const std::string& name) {
  if (vectors_.contains(name)) {
    return name;
  }
  const auto parsed = parse_vector_name(name);
  if (parsed.kind == Kind::kRandom || parsed.kind == Kind::kSubset) {
    return parsed.stands_in() ? origin_of(parsed.of) : first_name();
  }
  if (parsed.is_mixture()) {
    const auto first = num_weights(parsed);
    return full_name(parsed.parts.size() > first ? parsed.parts[first]
                                                 : "contrastive");
  }
  return vector(name).name;
}

at::Tensor VectorShelf::mixture(const std::string& name) {
  const auto parsed = parse_vector_name(name);
  const auto& parts = parsed.parts;
  const auto first = num_weights(parsed);
  // blend:W, blend:W:A:B, common:A, common:A:B, ...
  const bool good = parts.size() == first + 2 || parts.size() == 1;
  if (!good) {
    fail("vector mixture", fmt::format("\"{}\"", name),
         "blend:W, blend:W:A:B, common:A, common:A:B, private:A or "
         "private:A:B");
  }
  const std::string a =
      parts.size() > first ? full_name(parts[first]) : full_name("contrastive");
  const std::string b = parts.size() == first + 2 ? full_name(parts[first + 1])
                                                  : other_of_pair(a);
  const auto a_LD = vector(a).directions_LD;
  const auto b_LD = vector(b).directions_LD;
  if (first == 1) {
    const double weight = weight_of(name, parts.front());
    const at::Tensor both[] = {a_LD, b_LD};
    const double weights[] = {weight, 1.0 - weight};
    return blend(both, weights);
  }
  const auto split = split_along(a_LD, b_LD);
  return parsed.head == "common" ? split.parallel_LD : split.perpendicular_LD;
}

at::Tensor VectorShelf::random(const std::string& name) {
  return random_like(name, directions_of(controlled_by(name)));
}

at::Tensor VectorShelf::random_like(const std::string& name,
                                    const at::Tensor& like_LD) {
  return parse_vector_name(name).has_covariance
             ? covariance_directions(like_LD, activations_for(origin_of(name)),
                                     name, seed_)
             : isotropic_directions(like_LD, name, seed_);
}

std::int64_t VectorShelf::mean_of(const std::string& name) {
  const auto& made = vector(name);
  return has_rows(name) && no_cross_item_estimate(made, made).empty()
             ? rows(name).num_items()
             : 0;
}

at::Tensor VectorShelf::subset(const std::string& name) {
  const auto parsed = parse_vector_name(name);
  const auto& whole = parsed.of;
  const auto count = parsed.count;
  if (count < 1 || whole.empty()) {
    fail("vector", fmt::format("\"{}\"", name),
         "subset-N-I|NAME, such as subset-20-1|contrastive@answer_mean");
  }
  if (mean_of(whole) < count) {
    fail("vector", fmt::format("\"{}\" of {} questions", name, mean_of(whole)),
         fmt::format("a mean difference of {} questions or more", count));
  }
  return subset_directions(rows(whole), count, name, seed_);
}

std::string VectorShelf::controlled_by(const std::string& name) const {
  const auto parsed = parse_vector_name(name);
  return parsed.stands_in() ? parsed.of : first_name();
}

at::Tensor VectorShelf::random_axes(const std::string& name,
                                    const SteeringInput& input,
                                    OperatorNeed need) {
  const bool has_basis =
      need == OperatorNeed::kSubspace || need == OperatorNeed::kLowRank;
  const std::int64_t count = has_basis ? input.basis_LKD.size(1)
                             : need == OperatorNeed::kSecondVector ? 2
                                                                   : 1;
  const auto target = controlled_by(name);
  const auto kind = parse_vector_name(name).head;
  // Of some length also at layers where the vector has no direction.
  const auto like_LD = at::ones_like(directions_of(target));
  std::vector<at::Tensor> axes;
  for (std::int64_t i = 0; i < count; ++i) {
    axes.push_back(random_like(
        count == 1 ? name
                   : name_in_place(fmt::format("{}-axis{}", kind, i), target),
        like_LD));
  }
  return orthonormal_basis(axes);
}

SteeringInput VectorShelf::control_input(const std::string& name,
                                         const std::string& side,
                                         const InterventionText& text,
                                         const std::string& second) {
  auto control = input(controlled_by(name), side, text, second);
  control.name = name;
  if (is_plain_addition(text.operation) && text.layers != "increments") {
    control.directions_LD = directions_of(name);
  } else {
    control.control_LKD =
        random_axes(name, control, find_operator(text.operation).need);
  }
  return control;
}

double VectorShelf::class_gap(const std::string& name, std::int64_t layer) {
  if (!has_rows(name)) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const auto i = static_cast<std::size_t>(layer);
  const auto& own = rows(name);
  const auto mean_of = [](const at::Tensor& rows_ND) {
    return rows_ND.to(at::kDouble).mean(0);
  };
  return (mean_of(own.positive.at(i)) - mean_of(own.negative.at(i)))
      .norm()
      .item<double>();
}

at::Tensor VectorShelf::directions_of(const std::string& name) {
  if (vectors_.contains(name)) {
    return vectors_.at(name).directions_LD;
  }
  switch (parse_vector_name(name).kind) {
    case Kind::kRandom:
      return random(name);
    case Kind::kSubset:
      return subset(name);
    case Kind::kMixture:
      return mixture(name);
    default:
      return vector(name).directions_LD;
  }
}

ResidualPoint VectorShelf::point(const std::string& name) {
  return vector(origin_of(name)).point;
}

const ResidualNorms& VectorShelf::norms(const std::string& side) {
  return input(first_name(), side, {}).norms;
}

void VectorShelf::add_sigma(SteeringInput& input, const std::string& side) {
  if (!reference_texts_) {
    return;  // compile() says what is missing
  }
  CaptureRequest request;
  request.points = {point(input.name)};
  request.adapter_strength = side == "tuned" ? 1.0 : 0.0;
  input.sigma_L.clear();
  for (const auto& number : token_projections(model_, reference_texts_(),
                                              input.directions_LD, request)) {
    input.sigma_L.push_back(number.sd());
  }
}

void VectorShelf::forget(const std::string& name) {
  inputs_.erase({name, "base"});
  inputs_.erase({name, "tuned"});
}

const SteeringInput& VectorShelf::input(const std::string& name,
                                        const std::string& side,
                                        const InterventionText& text,
                                        const std::string& second) {
  if (parse_vector_name(name).kind == Kind::kRandom) {
    auto control = control_input(name, side, text, second);
    return inputs_[{name, side}] = std::move(control);
  }
  const auto [entry, is_new] = inputs_.try_emplace({name, side});
  auto& input = entry->second;
  if (is_new) {
    try {
      input = input_of(vector(origin_of(name)), side);
      input.name = name;
      input.directions_LD = directions_of(name);
      input.sigma_L.clear();
    } catch (...) {
      inputs_.erase(entry);
      throw;
    }
  }
  const auto& row = find_operator(text.operation);
  if (row.need == OperatorNeed::kSecondVector) {
    input.second_LD = second.empty() ? directions_of(other_of_pair(name))
                                     : directions_of(second);
  } else if (row.need != OperatorNeed::kNothing &&
             row.need != OperatorNeed::kDonor) {
    add_statistics(input, row.need, rows(origin_of(name)));
  }
  if (row.takes_unit && text.unit == "sigma" && input.sigma_L.empty()) {
    add_sigma(input, side);
  }
  return input;
}

}  // namespace veer
