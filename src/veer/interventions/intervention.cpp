// SPDX-License-Identifier: MIT
#include "veer/interventions/intervention.h"

#include <cmath>
#include <numbers>
#include <numeric>
#include <optional>
#include <utility>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/stack.h>
#include <fmt/format.h>

#include "veer/base/error.h"
#include "veer/interventions/matched_control.h"
#include "veer/vectors/direction_layers.h"

namespace veer {
namespace {

// A layer that acts and the layer whose direction it uses.
struct ActingLayer {
  std::int64_t layer = 0;
  std::int64_t source = 0;
};

// Whether an edit pushes past a threshold of its coordinate.
bool is_soft(EditCode code) {
  return code == EditCode::kSoftTanh || code == EditCode::kSoftSigmoid ||
         code == EditCode::kSoftRelu;
}

class Compiler {
 public:
  Compiler(const Intervention& intervention, const SteeringInput& input,
           std::int64_t num_layers)
      : wish_(intervention),
        input_(input),
        row_(find_operator(intervention.operation)),
        num_layers_(num_layers) {}

  std::vector<SiteEdit> run() {
    check();
    // Scale 0 excuses no layer that the vector does not have.
    const auto layers = acting_layers();
    std::vector<SiteEdit> edits;
    if (row_.zero_is_off && wish_.scale == 0.0) {
      return edits;
    }
    strength_ = wish_.scale * share(static_cast<double>(layers.size()));
    for (const auto& acting : layers) {
      if (auto edit = edit_at(acting); edit.has_value()) {
        if (input_.control_LKD.defined()) {
          turn_into_control(
              *edit,
              need(input_.control_LKD, "random directions", 3)[acting.source],
              operation());
        }
        edits.push_back(std::move(*edit));
      }
    }
    return edits;
  }

 private:
  [[noreturn]] void refuse(std::string_view found, std::string_view expected,
                           std::string_view cause = {}) const {
    fail(operation(), found, expected, cause);
  }

  bool needs_direction() const {
    return row_.need != OperatorNeed::kDonor &&
           row_.need != OperatorNeed::kSubspace &&
           row_.need != OperatorNeed::kLowRank;
  }

  void check() const {
    if (!std::isfinite(wish_.scale)) {
      refuse("a scale that is not finite", "a number");
    }
    if (wish_.budget != Budget::kFull && !row_.zero_is_off) {
      refuse("a budget that shares the strength out",
             "an operator whose scale 0 is off",
             "a target value cannot be divided over layers");
    }
    if (needs_direction()) {
      need(input_.directions_LD, "directions", 2);
    }
  }

  const at::Tensor& need(const at::Tensor& tensor, std::string_view what,
                         std::int64_t dims) const {
    if (!tensor.defined()) {
      refuse(fmt::format("no {}", what), fmt::format("{} per layer", what));
    }
    if (tensor.dim() != dims || tensor.size(0) != num_layers_) {
      refuse(fmt::format("{} for {} layers", what,
                         tensor.dim() > 0 ? tensor.size(0) : 0),
             fmt::format("{} layers", num_layers_),
             "the vector belongs to another model");
    }
    return tensor;
  }

  std::string operation() const {
    return fmt::format("intervention {} with {}", wish_.operation, input_.name);
  }

  // A layer without a direction is not one with a zero direction: adding
  // nothing there would look like a vector without effect.
  void require_layers(std::span<const std::int64_t> layers,
                      std::string_view cause = {}) const {
    if (needs_direction()) {
      require_directions(input_.directions_LD, layers, operation(), cause);
    }
  }

  std::vector<std::int64_t> every_layer() const {
    std::vector<std::int64_t> layers(num_layers_);
    std::iota(layers.begin(), layers.end(), 0);
    return layers;
  }

  // The layers that act.
  std::vector<std::int64_t> chosen_layers() const {
    if (wish_.layer_mode == LayerMode::kAllOwn && needs_direction()) {
      auto own = layers_with_direction(input_.directions_LD);
      if (own.empty()) {
        require_layers(every_layer());
      }
      return own;
    }
    if (wish_.layer_mode == LayerMode::kIncrements) {
      require_layers(every_layer(),
                     "an increment is the step from the layer before, and a "
                     "layer that is missing is no zero vector");
    }
    return wish_.layer_mode == LayerMode::kSet ? wish_.layers : every_layer();
  }

  std::vector<ActingLayer> acting_layers() const {
    const auto layers = chosen_layers();
    if (layers.empty()) {
      refuse("no layer", "at least one");
    }
    std::int64_t source = wish_.source_layer;
    if (wish_.layer_mode == LayerMode::kAllSame && source < 0) {
      if (wish_.layers.size() != 1) {
        refuse("layer mode all_same without a source layer",
               "exactly one layer, whose direction acts everywhere");
      }
      source = wish_.layers.front();
    }
    std::vector<ActingLayer> acting;
    std::vector<std::int64_t> sources;
    for (const auto layer : layers) {
      acting.push_back(
          {in_range(layer), source < 0 ? layer : in_range(source)});
      if (sources.empty() || sources.back() != acting.back().source) {
        sources.push_back(acting.back().source);
      }
    }
    require_layers(sources);
    return acting;
  }

  std::int64_t in_range(std::int64_t layer) const {
    if (layer < 0 || layer >= num_layers_) {
      refuse(fmt::format("layer {}", layer),
             fmt::format("0 to {}", num_layers_ - 1),
             "layers are counted from 0");
    }
    return layer;
  }

  double share(double count) const {
    switch (wish_.budget) {
      case Budget::kPerLayer:
        return 1.0 / count;
      case Budget::kPerRootLayer:
        return 1.0 / std::sqrt(count);
      default:
        return 1.0;
    }
  }

  // The raw direction [D], fp64.
  at::Tensor direction(std::int64_t source) const {
    auto v = input_.directions_LD[source].to(at::kDouble);
    if (wish_.layer_mode == LayerMode::kIncrements && source > 0) {
      v = v - input_.directions_LD[source - 1].to(at::kDouble);
    }
    return v;
  }

  static at::Tensor rows_of(const at::Tensor& row_D) {
    return row_D.to(at::kFloat).reshape({1, -1}).contiguous();
  }

  double unit_length(ActingLayer acting, double raw_norm) const {
    switch (wish_.unit) {
      case ScaleUnit::kRaw:
        return raw_norm;
      case ScaleUnit::kRel:
        return statistic(norms(), acting.layer, "residual norms");
      case ScaleUnit::kSigma:
        return statistic(input_.sigma_L, acting.layer,
                         "spread along the direction (sigma)");
      default:
        return 1.0;
    }
  }

  const std::vector<double>& norms() const {
    auto kind = wish_.norm_kind;
    if (kind == NormKind::kAuto) {
      kind = wish_.scope.kind == TokenScope::Kind::kPrompt
                 ? NormKind::kPrompt
                 : NormKind::kGenerated;
    }
    switch (kind) {
      case NormKind::kPrompt:
        return input_.norms.prompt_L;
      case NormKind::kPromptEnd:
        return input_.norms.prompt_end_L;
      default:
        return input_.norms.generated_L;
    }
  }

  double statistic(const std::vector<double>& per_layer, std::int64_t layer,
                   std::string_view what) const {
    if (static_cast<std::int64_t>(per_layer.size()) != num_layers_) {
      refuse(fmt::format("unit {} without {}", unit_name(wish_.unit), what),
             "one value per layer, measured on the model being steered",
             "the vector comes from another tool or model; units rel_token, "
             "unit and raw need no measurement");
    }
    return per_layer[layer];
  }

  std::optional<SiteEdit> edit_at(ActingLayer acting) const {
    SiteEdit edit;
    edit.site = {acting.layer, wish_.point};
    edit.code = row_.code;
    edit.keeps_norm = row_.keeps_norm;
    edit.scope = wish_.scope;
    edit.numbers.q = 1.0F;
    if (!needs_direction()) {
      fill_without_direction(edit, acting);
      return edit;
    }
    const auto v_D = direction(acting.source);
    const double norm = v_D.norm().item<double>();
    if (!std::isfinite(norm)) {
      refuse(fmt::format("a direction that is not finite at layer {}",
                         acting.source),
             "finite numbers");
    }
    if (norm == 0.0) {
      // Only an increment gets here: two layers have the same direction.
      if (row_.code == EditCode::kPush && wish_.unit == ScaleUnit::kRaw) {
        return std::nullopt;  // a step of nothing
      }
      refuse(fmt::format("no step from layer {} to layer {}", acting.source - 1,
                         acting.source),
             "unit raw, in which a step of nothing adds nothing",
             "both layers have the same direction");
    }
    const auto u_D = v_D / norm;
    edit.read_KD = rows_of(u_D);
    edit.write_KD = edit.read_KD;
    edit.offset_K = {0.0F};
    fill_numbers(edit, acting, norm);
    fill_extra(edit, acting, v_D, u_D);
    return edit;
  }

  void fill_without_direction(SiteEdit& edit, ActingLayer acting) const {
    edit.numbers.a = static_cast<float>(row_.sign * strength_);
    if (row_.need == OperatorNeed::kSubspace) {
      const auto& basis = need(input_.basis_LKD, "orthonormal directions", 3);
      edit.read_KD = basis[acting.source].to(at::kFloat).contiguous();
      edit.write_KD = edit.read_KD;
      edit.offset_K.assign(edit.read_KD.size(0), 0.0F);
    } else if (row_.need == OperatorNeed::kLowRank) {
      fill_low_rank(edit, acting);
    }
  }

  void fill_low_rank(SiteEdit& edit, ActingLayer acting) const {
    const auto source = acting.source;
    const auto R_KD =
        need(input_.low_rank_read_LKD, "low-rank R", 3)[source].to(at::kFloat);
    const auto W_KD =
        need(input_.low_rank_target_LKD, "low-rank W", 3)[source].to(
            at::kFloat);
    const auto b_K =
        need(input_.low_rank_bias_LK, "low-rank b", 2)[source].to(at::kFloat);
    edit.read_KD = at::cat({R_KD, W_KD}).contiguous();
    edit.write_KD = R_KD.contiguous();
    edit.offset_K.assign(R_KD.size(0), 0.0F);
    for (std::int64_t j = 0; j < b_K.size(0); ++j) {
      edit.offset_K.push_back(b_K[j].item<float>());
    }
  }

  void fill_numbers(SiteEdit& edit, ActingLayer acting, double norm) const {
    auto& n = edit.numbers;
    if (!row_.takes_unit) {
      n.a = static_cast<float>(row_.sign * strength_);
      return;
    }
    if (wish_.unit == ScaleUnit::kRelToken) {
      n.b = static_cast<float>(row_.sign * strength_);
    } else {
      n.a =
          static_cast<float>(row_.sign * strength_ * unit_length(acting, norm));
    }
    if (is_soft(row_.code)) {
      fill_soft(n, acting, norm);
    }
  }

  void fill_soft(EditNumbers& n, ActingLayer acting, double norm) const {
    if (wish_.unit == ScaleUnit::kRelToken) {
      refuse("unit rel_token", "raw, unit, rel or sigma",
             "the threshold of a soft push is a fixed coordinate");
    }
    n.t = static_cast<float>(wish_.threshold * unit_length(acting, norm));
    n.q = static_cast<float>(wish_.steepness);
  }

  void fill_extra(SiteEdit& edit, ActingLayer acting, const at::Tensor& v_D,
                  const at::Tensor& u_D) const {
    switch (row_.need) {
      case OperatorNeed::kNegativeMean:
        return fill_target(edit, acting, u_D, input_.negative_mean_LD);
      case OperatorNeed::kPositiveMean:
        return fill_target(edit, acting, u_D, input_.positive_mean_LD);
      case OperatorNeed::kReadDirection:
        return fill_leace(edit, acting, v_D);
      case OperatorNeed::kSecondVector:
        return fill_plane(edit, acting, u_D);
      case OperatorNeed::kCondition:
        require_directions(need(input_.condition_LD, "condition direction", 2),
                           {{acting.layer}}, operation());
        edit.condition_D =
            input_.condition_LD[acting.layer].to(at::kFloat).contiguous();
        edit.gate_threshold = static_cast<float>(wish_.threshold);
        return;
      default:
        return;
    }
  }

  // set_*: the class mean's coordinate, reached by the share s. affine: that
  // coordinate plus the displacement.
  void fill_target(SiteEdit& edit, ActingLayer acting, const at::Tensor& u_D,
                   const at::Tensor& mean_LD) const {
    const auto mean_D =
        need(mean_LD, "class means", 2)[acting.layer].to(at::kDouble);
    const auto target = static_cast<float>(mean_D.dot(u_D).item<double>());
    if (row_.takes_unit) {
      edit.numbers.a += target;
    } else {
      edit.numbers.a = target;
      edit.numbers.q = static_cast<float>(strength_);
    }
  }

  void fill_leace(SiteEdit& edit, ActingLayer acting,
                  const at::Tensor& v_D) const {
    const auto g_D =
        need(input_.read_LD, "LEACE read directions", 2)[acting.source].to(
            at::kDouble);
    const auto mean_D =
        need(input_.mean_LD, "overall means", 2)[acting.source].to(at::kDouble);
    const double scale = v_D.dot(g_D).item<double>();
    if (!(std::abs(scale) > 0.0)) {
      refuse("read and write directions that are orthogonal",
             "g = S^-1 D of the same data as D");
    }
    edit.read_KD = rows_of(g_D / scale);
    edit.write_KD = rows_of(v_D);
    edit.offset_K = {
        static_cast<float>(-g_D.dot(mean_D).item<double>() / scale)};
    edit.numbers.a = static_cast<float>(row_.sign * strength_);
  }

  // b1 = u, b2 = the second vector's part at right angles to it.
  void fill_plane(SiteEdit& edit, ActingLayer acting,
                  const at::Tensor& u_D) const {
    require_directions(
        need(input_.second_LD, "second direction of the plane", 2),
        {{acting.source}}, operation() + ", second vector");
    const auto w_D = input_.second_LD[acting.source].to(at::kDouble);
    const auto rest_D = w_D - u_D * w_D.dot(u_D);
    const double length = rest_D.norm().item<double>();
    if (!(length > 1e-6 * w_D.norm().item<double>())) {
      refuse("two parallel directions", "two that span a plane");
    }
    edit.read_KD =
        at::stack({u_D, rest_D / length}).to(at::kFloat).contiguous();
    edit.write_KD = edit.read_KD;
    edit.offset_K = {0.0F, 0.0F};
    edit.numbers.a = static_cast<float>(wish_.scale * std::numbers::pi / 180.0);
    edit.numbers.one_sided = row_.one_sided;
  }

  const Intervention& wish_;
  const SteeringInput& input_;
  const OperatorRow& row_;
  std::int64_t num_layers_;
  double strength_ = 0.0;
};

}  // namespace

std::vector<SiteEdit> compile(const Intervention& intervention,
                              const SteeringInput& input,
                              std::int64_t num_layers) {
  return Compiler(intervention, input, num_layers).run();
}

}  // namespace veer
