// SPDX-License-Identifier: MIT
#include "veer/model/transformer.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/tiny_models.h"
#include "veer/base/error.h"

namespace veer {
namespace {

using testing::HasSubstr;

TEST(Stories260K, GivesThePublishedLogits) {
  const auto folder = test_data() / "models" / "stories260K";
  if (!std::filesystem::exists(folder)) {
    GTEST_SKIP() << folder << " is absent; set VEER_TEST_DATA";
  }
  const Transformer model = load_transformer(folder);
  const c10::AutoGradMode no_grad(false);
  std::vector<std::int32_t> ids{1, 403, 407, 261, 378};
  const auto hidden = model.forward(pack(Rows{ids}));
  const auto logits_V = model.logits(hidden.narrow(0, 4, 1)).squeeze(0);
  EXPECT_NEAR(logits_V[432].item<float>(), 17.7994, 1e-4);
  EXPECT_NEAR(logits_V[383].item<float>(), 14.2813, 1e-4);
  EXPECT_NEAR(logits_V[322].item<float>(), 9.7097, 1e-4);
  std::vector<std::int32_t> continued;
  for (int step = 0; step < 10; ++step) {
    const auto last = model.logits(model.forward(pack(Rows{ids})));
    ids.push_back(static_cast<std::int32_t>(
        last.select(0, -1).argmax().item<std::int64_t>()));
    continued.push_back(ids.back());
  }
  EXPECT_EQ(continued, (std::vector<std::int32_t>{432, 383, 286, 261, 376, 298,
                                                  315, 421, 395, 317}));
}

}  // namespace
}  // namespace veer
