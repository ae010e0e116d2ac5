// SPDX-License-Identifier: MIT
// The residual stream of a row among others is the stream of the row alone:
// what generate_test.cpp sees of token ids, held for the states themselves.
#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "interventions/support.h"
#include "model/tiny_models.h"
#include "veer/interventions/operators.h"
#include "veer/interventions/table.h"
#include "veer/model/transformer.h"

namespace veer {
namespace {

using testing::kLayers;
using testing::kWidth;

constexpr double kTolerance = 1e-6;
// A row of one token is multiplied by another routine (matrix times vector)
// than one among others, and the cached kernel sums over the keys in another
// order than the whole one: seen up to 1.3e-6, where slerp's arc cosine
// multiplies what was rounded before it.
constexpr double kStepTolerance = 4e-6;

struct MixedRow {
  std::string name;
  std::vector<std::int32_t> ids;
  RowBinding binding;  // donor: the row behind it
  double strength = 0.0;
};

// Keeps every block's output as the hooks before it left it.
class Recorder : public ResidualHook {
 public:
  bool wants(ResidualSite site) const override {
    return site.point == ResidualPoint::kResidPost;
  }
  at::Tensor visit(ResidualSite, const at::Tensor& hidden_TD,
                   const PackedBatch&) override {
    states_.push_back(hidden_TD.clone());
    return hidden_TD;
  }
  at::Tensor states_LTD() const { return at::stack(states_); }

 private:
  std::vector<at::Tensor> states_;
};

// Tokens of each part of a cached text: two of four tokens or more, then one.
std::vector<std::int64_t> parts_of(std::int64_t length) {
  return {5, length - 6, 1};
}

class MixedStates : public ::testing::Test {
 protected:
  MixedStates() {
    at::set_num_threads(1);  // tensors this small gain nothing from more
    model_.attach(random_full_adapter(model_, 2, 5));
    const auto input = testing::full_input();
    constexpr std::array kPoints = {
        ResidualPoint::kResidPre, ResidualPoint::kAttnOut,
        ResidualPoint::kResidMid, ResidualPoint::kMlpOut,
        ResidualPoint::kResidPost};
    constexpr std::array kScopes = {"all", "prompt", "generated", "first:3",
                                    "from:-2"};
    constexpr std::array kStrengths = {0.0, 1.0, 0.5, 0.7};
    for (const auto& row : operator_table()) {
      const auto n = rows_.size();
      // A cap above every state would do nothing.
      auto wish = testing::at_layer(std::string(row.name),
                                    row.code == EditCode::kCap ? -0.6 : 0.6);
      wish.layers = {static_cast<std::int64_t>(n % kLayers)};
      wish.point = kPoints[n % kPoints.size()];
      wish.scope = parse_scope(kScopes[n / 2 % kScopes.size()]);
      const auto edits = compile(wish, input, kLayers);
      add(std::string(row.name), table_.add(edits),
          kStrengths[n % kStrengths.size()]);
      if (row.code == EditCode::kPatch) {  // the donor: the same tokens
        auto donor = rows_.back();
        rows_.back().binding.donor = static_cast<std::int64_t>(rows_.size());
        donor.name += " donor";
        donor.binding.configuration = -1;
        donor.strength = donor.strength < 0.5 ? 1.0 : 0.0;
        rows_.push_back(donor);
      }
    }
    add("unsteered", -1, 0.0);
    add("unsteered, tuned", -1, 1.0);
  }

  void add(const std::string& name, std::int64_t configuration,
           double strength) {
    const auto length = 10 + static_cast<std::int64_t>(rows_.size() % 4);
    const auto ids =
        random_rows({length}, model_.config().vocab_size, rows_.size());
    const auto prompt = 5 + static_cast<std::int64_t>(rows_.size() % 3);
    rows_.push_back({name, ids[0], {configuration, prompt, -1}, strength});
  }

  // The rows that run together when row `b` is alone: a patch has its donor.
  std::vector<MixedRow> alone(std::size_t b) const {
    std::vector<MixedRow> rows = {rows_[b]};
    if (rows_[b].binding.donor >= 0) {
      rows.push_back(rows_[rows_[b].binding.donor]);
      rows[0].binding.donor = 1;
    }
    return rows;
  }

  // One pass; the states [L, tokens, D] of each row.
  std::vector<at::Tensor> pass(const std::vector<MixedRow>& rows,
                               const PackedBatch& batch, KvCache* cache) {
    std::vector<RowBinding> bindings;
    std::vector<float> strengths;
    for (const auto& row : rows) {
      bindings.push_back(row.binding);
      strengths.push_back(static_cast<float>(row.strength));
    }
    table_.bind(bindings);
    Recorder recorder;
    const std::array<ResidualHook*, 2> hooks = {&table_, &recorder};
    ForwardOptions options;
    options.hooks = hooks;
    options.cache = cache;
    if (rows.size() == 1) {
      options.adapter.uniform = rows[0].strength;
    } else {
      options.adapter.per_row_B =
          at::tensor(at::ArrayRef<float>(strengths), at::kFloat);
    }
    const at::NoGradGuard no_grad;
    model_.forward(batch, options);
    std::vector<at::Tensor> states;
    for (std::size_t b = 0; b < rows.size(); ++b) {
      const auto row = static_cast<std::int64_t>(b);
      states.push_back(recorder.states_LTD().narrow(1, batch.offsets[row],
                                                    batch.length(row)));
    }
    return states;
  }

  std::vector<at::Tensor> whole(const std::vector<MixedRow>& rows) {
    Rows ids;
    for (const auto& row : rows) {
      ids.push_back(row.ids);
    }
    return pass(rows, pack(ids), nullptr);
  }

  // The same texts through the cache: [part][row].
  std::vector<std::vector<at::Tensor>> cached(
      const std::vector<MixedRow>& rows) {
    KvCache cache(model_.config(), std::ssize(rows), 16, at::kFloat);
    std::vector<std::int64_t> starts(rows.size());
    std::vector<std::int64_t> slots;
    for (std::size_t b = 0; b < rows.size(); ++b) {
      slots.push_back(static_cast<std::int64_t>(rows.size() - 1 - b));
    }
    std::vector<std::vector<at::Tensor>> parts;
    for (std::size_t part = 0; part < 3; ++part) {
      Rows ids;
      for (std::size_t b = 0; b < rows.size(); ++b) {
        const auto length = parts_of(std::ssize(rows[b].ids))[part];
        const auto* const first = rows[b].ids.data() + starts[b];
        ids.emplace_back(first, first + length);
      }
      parts.push_back(pass(rows, pack_cached(ids, starts, slots), &cache));
      for (std::size_t b = 0; b < rows.size(); ++b) {
        starts[b] += std::ssize(ids[b]);
      }
    }
    return parts;
  }

  Transformer model_ =
      tiny_model(fmt::format(R"(, "hidden_size": {})", kWidth));
  InterventionTable table_{kLayers, kWidth};
  std::vector<MixedRow> rows_;
};

// |got - wanted| <= tolerance |wanted| of every token at every layer. Not bit
// by bit: of all that a block is made of only the AVX-512 product promises a
// row the same bits beside others (from four tokens on, ops_test.cpp), and the
// table's kernels (table_test.cpp). Elsewhere the library that multiplies picks
// its order of summation by the size of the batch, and a strength that is one
// of several is rounded to fp32 before it meets the pair's scale.
void expect_close(const at::Tensor& got_LTD, const at::Tensor& wanted_LTD,
                  double tolerance, const std::string& name) {
  ASSERT_EQ(got_LTD.sizes(), wanted_LTD.sizes()) << name;
  const auto error_LT = (got_LTD.to(at::kDouble) - wanted_LTD).norm(2, -1);
  const auto size_LT = wanted_LTD.to(at::kDouble).norm(2, -1);
  EXPECT_LE((error_LT / size_LT).max().item<double>(), tolerance) << name;
}

TEST_F(MixedStates, OfAWholePassAreThoseOfTheRowAlone) {
  const auto mixed = whole(rows_);
  for (std::size_t b = 0; b < rows_.size(); ++b) {
    expect_close(mixed[b], whole(alone(b))[0], kTolerance, rows_[b].name);
  }
}

TEST_F(MixedStates, OfCachedPassesAreThoseOfTheRowAlone) {
  const auto mixed = cached(rows_);
  for (std::size_t b = 0; b < rows_.size(); ++b) {
    const auto own = cached(alone(b));
    for (std::size_t part = 0; part < own.size(); ++part) {
      const bool is_step = own[part][0].size(1) == 1;
      expect_close(mixed[part][b], own[part][0],
                   is_step ? kStepTolerance : kTolerance, rows_[b].name);
    }
    expect_close(at::cat({mixed[0][b], mixed[1][b], mixed[2][b]}, 1),
                 whole(alone(b))[0], kStepTolerance, rows_[b].name);
  }
}

// What the two above would not see if nothing acted.
TEST_F(MixedStates, DifferFromThoseOfTheUnsteeredRow) {
  const auto mixed = whole(rows_);
  for (std::size_t b = 0; b < rows_.size(); ++b) {
    auto plain = rows_[b];
    plain.binding.configuration = -1;
    plain.binding.donor = -1;
    const auto without = whole({plain})[0];
    const double change =
        ((mixed[b] - without).norm() / without.norm()).item<double>();
    if (rows_[b].binding.configuration < 0) {
      EXPECT_LT(change, 1e-6) << rows_[b].name;
    } else {
      EXPECT_GT(change, 1e-4) << rows_[b].name;
    }
  }
}

}  // namespace
}  // namespace veer
