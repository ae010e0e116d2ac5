// SPDX-License-Identifier: MIT
//
// Do the statistics of the comparison keep their promises? Rows of known truth
// are drawn again and again: means of known length and angle, noise with a
// power-law spectrum, items shared between the two vectors. Counted are bias
// of the cross-item cosine, coverage of its interval, and how often each test
// speaks when it should not.
//
//   calibration_bench [effort] [clustered]
//
// effort: more = more replications, default 1. "clustered" runs only the
// questions that come in clusters (clustered.cpp).
//
// Prints one JSON document (a line per scenario on stderr meanwhile).
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/randn.h>
#include <nlohmann/json.hpp>

#include "calibration/clustered.h"
#include "veer/base/json.h"
#include "veer/vectors/item_statistics.h"
#include "veer/vectors/null_bands.h"
#include "veer/vectors/tensor_numbers.h"

namespace {

using veer::Json;

struct Scenario {
  std::int64_t width = 64;
  double power = 0.0;    // eigenvalue j of the noise is j^-power
  std::int64_t n = 100;  // items per vector
  double snr = 0.1;      // |mean|^2 / tr(S)
  double cosine = 0.0;
  double shared = 0.0;       // correlation of the two noises of a shared item
  std::int64_t common = -1;  // items that both have; -1 = all
};

class Generator {
 public:
  explicit Generator(std::uint64_t seed)
      : generator_(at::make_generator<at::CPUGeneratorImpl>(seed)) {}
  at::Tensor normal(std::int64_t rows, std::int64_t columns) {
    return at::randn({rows, columns}, generator_, at::kDouble);
  }

 private:
  at::Generator generator_;
};

// Standard deviations per dimension, squares summing to 1.
at::Tensor spectrum(std::int64_t width, double power) {
  const auto values = at::pow(
      at::arange(1, static_cast<double>(width) + 1, at::kDouble), -power);
  return (values / values.sum()).sqrt();
}

struct Means {
  at::Tensor x_D, y_D;
};

// Two vectors of the asked length and exact cosine, in a random plane.
Means planted_means(const Scenario& s, Generator& random) {
  const auto axes = random.normal(2, s.width);
  const auto first = axes[0] / axes[0].norm();
  auto second = axes[1] - first * axes[1].dot(first);
  second = second / second.norm();
  const double length = std::sqrt(s.snr);
  return {first * length,
          (first * s.cosine + second * std::sqrt(1.0 - s.cosine * s.cosine)) *
              length};
}

struct Draw {
  at::Tensor x_ND, y_ND;
};

Draw draw_rows(const Scenario& s, const at::Tensor& sd_D, const Means& means,
               Generator& random) {
  const auto x_noise = random.normal(s.n, s.width);
  auto y_noise = random.normal(s.n, s.width);
  const std::int64_t common = s.common < 0 ? s.n : s.common;
  if (s.shared != 0.0 && common > 0) {
    auto part = y_noise.narrow(0, 0, common);
    part.mul_(std::sqrt(1.0 - s.shared * s.shared));
    part.add_(x_noise.narrow(0, s.n - common, common) * s.shared);
  }
  return {x_noise * sd_D + means.x_D, y_noise * sd_D + means.y_D};
}

// The last `common` items of x are the first of y.
veer::ItemUnion items_of(const Scenario& s) {
  if (s.common < 0) {
    return veer::same_items(s.n);
  }
  std::vector<std::string> x_ids;
  std::vector<std::string> y_ids;
  for (std::int64_t i = 0; i < s.n; ++i) {
    x_ids.push_back(std::to_string(i));
    y_ids.push_back(std::to_string(i + s.n - s.common));
  }
  return veer::unite_items(x_ids, y_ids);
}

struct Counts {
  std::int64_t reps = 0, established = 0, covered = 0, zero = 0, equal = 0;
  double sum = 0.0, squares = 0.0, errors = 0.0;
};

Json scenario_json(const Scenario& s, const Counts& c) {
  const auto k = static_cast<double>(std::max<std::int64_t>(c.established, 1));
  const double mean = c.sum / k;
  const double sd = std::sqrt(std::max(0.0, c.squares / k - mean * mean));
  return {{"width", s.width},
          {"power", s.power},
          {"n", s.n},
          {"snr", s.snr},
          {"cosine", s.cosine},
          {"shared_noise", s.shared},
          {"common_items", s.common < 0 ? s.n : s.common},
          {"expected_reliability",
           s.snr / (s.snr + 1.0 / static_cast<double>(s.n))},
          {"replications", c.reps},
          {"established",
           static_cast<double>(c.established) / static_cast<double>(c.reps)},
          {"bias", mean - s.cosine},
          {"bias_error", sd / std::sqrt(k)},
          {"coverage", static_cast<double>(c.covered) / k},
          {"coverage_error", std::sqrt(0.05 * 0.95 / k)},
          {"sd", sd},
          {"mean_standard_error", c.errors / k},
          {"zero_rejected", static_cast<double>(c.zero) / k},
          {"declared_orthogonal", static_cast<double>(c.equal) / k}};
}

Json run_scenario(const Scenario& s, double effort, std::uint64_t seed) {
  Generator random(seed);
  const auto sd_D = spectrum(s.width, s.power);
  const auto items = items_of(s);
  const double size = static_cast<double>(s.n * s.width);
  Counts c;
  c.reps = static_cast<std::int64_t>(effort *
                                     std::clamp(1.5e7 / size, 150.0, 1000.0));
  for (std::int64_t r = 0; r < c.reps; ++r) {
    const auto rows = draw_rows(s, sd_D, planted_means(s, random), random);
    const auto got = veer::cross_item_cosine(rows.x_ND, rows.y_ND, items);
    if (!got.cosine.value) {
      continue;
    }
    ++c.established;
    c.sum += *got.cosine.value;
    c.squares += *got.cosine.value * *got.cosine.value;
    c.errors += got.standard_error;
    c.covered +=
        *got.cosine.low <= s.cosine && s.cosine <= *got.cosine.high ? 1 : 0;
    c.zero += got.error->zero_p() < 0.05 ? 1 : 0;
    c.equal += got.error->equivalence_p(0.1) < 0.05 ? 1 : 0;
  }
  return scenario_json(s, c);
}

// How often pure noise is called a direction, per layer and over 8 layers.
Json run_existence(std::int64_t width, double power, std::int64_t n,
                   double effort) {
  Generator random(77);
  const auto sd_D = spectrum(width, power);
  const auto reps = static_cast<std::int64_t>(
      effort *
      std::clamp(5e7 / static_cast<double>(8 * n * width), 150.0, 2000.0));
  std::int64_t single = 0;
  std::int64_t any = 0;
  for (std::int64_t r = 0; r < reps; ++r) {
    const auto signs = veer::sign_matrix(199, n, static_cast<std::uint64_t>(r));
    std::vector<veer::FlippedA> layers;
    for (int l = 0; l < 8; ++l) {
      layers.push_back(
          veer::ItemGram(random.normal(n, width) * sd_D).flipped(signs));
    }
    const auto test = veer::existence_test(layers);
    bool found = false;
    for (int l = 0; l < 8; ++l) {
      single += test.p[static_cast<std::size_t>(l)] <= 0.05 ? 1 : 0;
      found |= test.adjusted_p[static_cast<std::size_t>(l)] <= 0.05;
    }
    any += found ? 1 : 0;
  }
  return {{"width", width},
          {"power", power},
          {"n", n},
          {"replications", reps},
          {"false_positives_per_layer",
           static_cast<double>(single) / static_cast<double>(8 * reps)},
          {"false_positives_any_of_8",
           static_cast<double>(any) / static_cast<double>(reps)}};
}

// Chance bands: pairs drawn from the null itself.
Json run_nulls(std::int64_t width, double power, std::int64_t rows,
               double effort) {
  Generator random(99);
  const auto sd_D = spectrum(width, power);
  const auto draws = veer::make_null_draws(499, rows, 5);
  const auto reps = static_cast<std::int64_t>(effort * 400.0);
  std::int64_t matched = 0;
  std::int64_t isotropic = 0;
  std::int64_t isotropic_of_matched = 0;
  for (std::int64_t r = 0; r < reps; ++r) {
    const auto z_ND = random.normal(rows, width) * sd_D;
    const auto z2_ND = random.normal(rows, width) * sd_D;
    const auto pair = random.normal(2, width);
    const auto a = pair[0] * sd_D;
    const auto b = pair[1] * sd_D;
    const double cosine = veer::plain_cosine(a, b).value_or(0.0);
    const auto null = veer::covariance_null(z_ND, z2_ND, a, b, cosine, draws);
    matched += null && null->pair.p.value_or(1.0) <= 0.05 ? 1 : 0;
    isotropic_of_matched +=
        veer::isotropic_null(width, cosine).p.value_or(1.0) <= 0.05 ? 1 : 0;
    isotropic +=
        veer::isotropic_null(width, veer::plain_cosine(pair[0], pair[1]))
                    .p.value_or(1.0) <= 0.05
            ? 1
            : 0;
  }
  const auto share = [&](std::int64_t k) {
    return static_cast<double>(k) / static_cast<double>(reps);
  };
  return {{"width", width},
          {"power", power},
          {"rows", rows},
          {"replications", reps},
          {"covariance_null_on_its_own_draws", share(matched)},
          {"isotropic_null_on_its_own_draws", share(isotropic)},
          {"isotropic_null_on_matched_draws", share(isotropic_of_matched)}};
}

// Joint coverage of the simultaneous band over 8 layers.
Json run_band(std::int64_t width, double power, std::int64_t n, double snr,
              double effort) {
  Generator random(55);
  Scenario s{width, power, n, snr, 0.3, 0.5};
  const auto sd_D = spectrum(width, power);
  const auto reps = static_cast<std::int64_t>(
      effort *
      std::clamp(5e7 / static_cast<double>(8 * n * width), 150.0, 2000.0));
  std::int64_t covered = 0;
  std::int64_t complete = 0;
  for (std::int64_t r = 0; r < reps; ++r) {
    std::vector<veer::CrossItemCosine> layers;
    bool all = true;
    for (int l = 0; l < 8; ++l) {
      const auto rows = draw_rows(s, sd_D, planted_means(s, random), random);
      layers.push_back(
          veer::cross_item_cosine(rows.x_ND, rows.y_ND, veer::same_items(n)));
      all &= layers.back().cosine.established();
    }
    const auto wider = veer::simultaneous_widening(layers);
    if (!all || !wider) {
      continue;
    }
    ++complete;
    bool inside = true;
    for (const auto& layer : layers) {
      const auto band = layer.error->interval(0.95, *wider);
      inside &= !band || (band->low <= s.cosine && s.cosine <= band->high);
    }
    covered += inside ? 1 : 0;
  }
  return {{"width", width},
          {"power", power},
          {"n", n},
          {"snr", snr},
          {"replications", complete},
          {"joint_coverage",
           static_cast<double>(covered) /
               static_cast<double>(std::max<std::int64_t>(complete, 1))}};
}

std::vector<Scenario> scenarios() {
  std::vector<Scenario> out;
  const std::vector<std::int64_t> sizes = {10, 20, 50, 100, 200, 500};
  for (const double power : {0.0, 0.5, 1.0}) {
    for (const std::int64_t n : sizes) {
      // As much signal as makes the expected reliability 0.8.
      const double snr = 4.0 / static_cast<double>(n);
      out.push_back({64, power, n, snr, 0.0, 0.7});
      out.push_back({64, power, n, snr, 0.5, 0.7});
      if (n == 20 || n == 100) {
        out.push_back({512, power, n, snr, 0.0, 0.7});
        out.push_back({512, power, n, snr, 0.5, 0.7});
      }
    }
  }
  for (const double power : {0.0, 0.8}) {
    out.push_back({3072, power, 50, 0.08, 0.0, 0.7});
    out.push_back({3072, power, 200, 0.02, 0.5, 0.7});
  }
  out.push_back({3072, 0.8, 500, 0.02, 0.0, 0.7});
  for (const double shared : {-0.7, 0.0, 0.95}) {
    out.push_back({256, 0.5, 100, 0.04, 0.0, shared});
  }
  for (const double cosine : {-0.5, 0.1, 0.3, 0.8, 0.95}) {
    out.push_back({256, 0.5, 100, 0.04, cosine, 0.7});
    out.push_back({256, 0.5, 100, 0.4, cosine, 0.7});
  }
  for (const double snr : {0.005, 0.01, 0.02, 0.2, 1.0}) {
    out.push_back({256, 0.5, 100, snr, 0.0, 0.7});
  }
  // Partly and not at all overlapping questions; at the margin of 0.1.
  out.push_back({256, 0.5, 100, 0.04, 0.3, 0.7, 50});
  out.push_back({256, 0.5, 100, 0.04, 0.3, 0.7, 0});
  out.push_back({64, 0.0, 200, 1.0, 0.1, 0.7});
  out.push_back({512, 0.5, 200, 1.0, -0.1, 0.7});
  // Steeper than activations of language models usually are: a dimension or
  // two hold the noise.
  for (const std::int64_t width : {64, 512}) {
    out.push_back({width, 1.5, 100, 0.04, 0.0, 0.7});
    out.push_back({width, 1.5, 100, 0.04, 0.5, 0.7});
    out.push_back({width, 1.5, 100, 0.04, 0.9, 0.7});
  }
  return out;
}

// Worst figures over the scenarios with an expected reliability of 0.8 or
// more, where a comparison is worth making.
Json summary(const Json& rows) {
  double low = 1.0, high = 0.0, bias = 0.0, wrong = 0.0, margin = 0.0;
  double mean_coverage = 0.0, mean_wrong = 0.0;
  int counted = 0, zeros = 0;
  for (const auto& row : rows) {
    const double cosine = row.at("cosine");
    if (row.at("expected_reliability").get<double>() < 0.795) {
      continue;
    }
    const double coverage = row.at("coverage");
    low = std::min(low, coverage);
    high = std::max(high, coverage);
    mean_coverage += coverage;
    ++counted;
    bias = std::max(bias, std::abs(row.at("bias").get<double>()));
    if (cosine == 0.0) {
      wrong = std::max(wrong, row.at("zero_rejected").get<double>());
      mean_wrong += row.at("zero_rejected").get<double>();
      ++zeros;
    }
    if (std::abs(cosine) == 0.1) {
      margin = std::max(margin, row.at("declared_orthogonal").get<double>());
    }
  }
  return {{"scenarios", counted},
          {"coverage_lowest", low},
          {"coverage_highest", high},
          {"coverage_mean", mean_coverage / std::max(counted, 1)},
          {"bias_largest", bias},
          {"zero_rejected_mean", mean_wrong / std::max(zeros, 1)},
          {"zero_rejected_largest", wrong},
          {"orthogonal_at_the_margin_largest", margin}};
}

// Runs jobs on every core and keeps what they give, in order.
Json run_all(const std::vector<std::function<Json()>>& jobs) {
  std::vector<Json> results(jobs.size());
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < jobs.size(); i = next++) {
      results[i] = jobs[i]();
      std::fprintf(stderr, "%s\n", veer::dump_json(results[i]).c_str());
    }
  };
  std::vector<std::jthread> threads;
  for (unsigned t = 0; t < std::thread::hardware_concurrency(); ++t) {
    threads.emplace_back(work);
  }
  threads.clear();
  return results;
}

}  // namespace

int main(int argc, char** argv) {
  at::set_num_threads(1);  // small matrices: threads of torch would only wait
  const double effort = argc > 1 ? std::atof(argv[1]) : 1.0;
  const auto start = std::chrono::steady_clock::now();
  const bool only_clustered = argc > 2 && std::string(argv[2]) == "clustered";
  const auto clustered = clustered_jobs(effort);
  if (only_clustered) {
    Json out = {{"effort", effort}, {"clustered", run_all(clustered)}};
    out["summary"] = clustered_summary(out["clustered"]);
    std::puts(veer::dump_json(out, 1).c_str());
    return 0;
  }
  std::vector<std::function<Json()>> cosine, existence, nulls, bands;
  std::uint64_t seed = 1000;
  for (const auto& s : scenarios()) {
    cosine.emplace_back(
        [s, effort, own = ++seed] { return run_scenario(s, effort, own); });
  }
  for (const double power : {0.0, 1.0}) {
    for (const auto& [width, n] : {std::pair{64, 30}, std::pair{256, 60}}) {
      existence.emplace_back(
          [=] { return run_existence(width, power, n, effort); });
    }
    for (const int width : {128, 512}) {
      nulls.emplace_back([=] { return run_nulls(width, power, 256, effort); });
    }
    for (const int n : {50, 200}) {
      bands.emplace_back([=] { return run_band(128, power, n, 0.1, effort); });
    }
  }
  Json out = {{"effort", effort},
              {"cosine", run_all(cosine)},
              {"existence", run_all(existence)},
              {"chance_bands", run_all(nulls)},
              {"simultaneous_band", run_all(bands)},
              {"clustered", run_all(clustered)}};
  out["clustered_summary"] = clustered_summary(out["clustered"]);
  out["summary"] = summary(out["cosine"]);
  out["seconds"] = std::round(
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count());
  std::puts(veer::dump_json(out, 1).c_str());
  return 0;
}
