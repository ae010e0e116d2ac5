// SPDX-License-Identifier: MIT
#include "calibration/clustered.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <string>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <nlohmann/json.hpp>

#include "veer/metrics/intervals.h"
#include "veer/vectors/item_statistics.h"
#include "veer/vectors/unit_rows.h"

namespace {

using veer::Json;

// Sizes of clusters of at least `questions` questions in all: `size` each, or
// with 0 from 1 to 10 in turn.
std::vector<std::int64_t> sizes_of(std::int64_t size, std::int64_t questions) {
  std::vector<std::int64_t> sizes;
  for (std::int64_t all = 0; all < questions;) {
    const std::int64_t own = size > 0 ? size : 1 + std::ssize(sizes) * 7 % 10;
    sizes.push_back(own);
    all += own;
  }
  return sizes;
}

// Cluster of each question.
std::vector<std::int64_t> labels_of(const std::vector<std::int64_t>& sizes) {
  std::vector<std::int64_t> labels;
  for (std::size_t c = 0; c < sizes.size(); ++c) {
    labels.insert(labels.end(), static_cast<std::size_t>(sizes[c]),
                  static_cast<std::int64_t>(c));
  }
  return labels;
}

double kish(const std::vector<std::int64_t>& sizes) {
  double all = 0.0;
  double squares = 0.0;
  for (const auto size : sizes) {
    all += static_cast<double>(size);
    squares += static_cast<double>(size * size);
  }
  return squares / all;
}

struct Counts {
  std::int64_t made = 0, covered = 0;
  double width = 0.0;

  void add(double low, double high, double truth) {
    ++made;
    covered += low <= truth + 1e-12 && truth - 1e-12 <= high ? 1 : 0;
    width += high - low;
  }
  Json json() const {
    const auto k = static_cast<double>(std::max<std::int64_t>(made, 1));
    return {{"established", made},
            {"coverage", static_cast<double>(covered) / k},
            {"coverage_error", std::sqrt(0.05 * 0.95 / k)},
            {"mean_width", width / k}};
  }
};

struct Cosine {
  std::int64_t width = 64;
  double power = 0.0;  // eigenvalue j of the noise is j^-power
  std::int64_t size = 3, questions = 200;
  double icc = 0.5, cosine = 0.0, shared = 0.7;
};

class Noise {
 public:
  Noise(const Cosine& s, std::uint64_t seed)
      : s_(s), generator_(at::make_generator<at::CPUGeneratorImpl>(seed)) {
    const auto values = at::pow(
        at::arange(1, static_cast<double>(s.width) + 1, at::kDouble), -s.power);
    sd_D_ = (values / values.sum()).sqrt();
  }
  at::Tensor normal(std::int64_t rows) {
    return at::randn({rows, s_.width}, generator_, at::kDouble);
  }
  // Noise of questions with the part `icc` of its variance common to a cluster.
  at::Tensor rows(const at::Tensor& own_ND, const at::Tensor& of_cluster_MD,
                  const at::Tensor& labels_N) const {
    return (own_ND * std::sqrt(1.0 - s_.icc) +
            of_cluster_MD.index_select(0, labels_N) * std::sqrt(s_.icc)) *
           sd_D_;
  }

 private:
  Cosine s_;
  at::Generator generator_;
  at::Tensor sd_D_;
};

Json run_cosine(const Cosine& s, double effort, std::uint64_t seed) {
  Noise noise(s, seed);
  const auto sizes = sizes_of(s.size, s.questions);
  const auto labels = labels_of(sizes);
  const auto labels_N = at::tensor(labels, at::kLong);
  const auto n = std::ssize(labels);
  std::vector<std::string> ids;
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < n; ++i) {
    ids.push_back(std::to_string(i));
    names.push_back("c" + std::to_string(labels[static_cast<std::size_t>(i)]));
  }
  const auto units = veer::row_units(ids, names);
  const auto items = veer::unite_units(ids, units, ids, units);
  // An expected reliability of 0.8 over clusters.
  const double design = 1.0 + (kish(sizes) - 1.0) * s.icc;
  const double length = std::sqrt(4.0 * design / static_cast<double>(n));
  Counts by_unit;
  Counts by_question;
  const auto reps = static_cast<std::int64_t>(
      effort *
      std::clamp(8e6 / static_cast<double>(n * s.width), 150.0, 600.0));
  for (std::int64_t r = 0; r < reps; ++r) {
    const auto axes = noise.normal(2);
    const auto first = axes[0] / axes[0].norm();
    auto second = axes[1] - first * axes[1].dot(first);
    second = second / second.norm();
    const auto other =
        first * s.cosine + second * std::sqrt(1.0 - s.cosine * s.cosine);
    const double rest = std::sqrt(1.0 - s.shared * s.shared);
    const auto x_own = noise.normal(n);
    const auto y_own = noise.normal(n) * rest + x_own * s.shared;
    const auto x_of = noise.normal(std::ssize(sizes));
    const auto y_of = noise.normal(std::ssize(sizes)) * rest + x_of * s.shared;
    const auto x_ND = noise.rows(x_own, x_of, labels_N) + first * length;
    const auto y_ND = noise.rows(y_own, y_of, labels_N) + other * length;
    const auto got =
        veer::cross_item_cosine(veer::unit_sums(x_ND, units),
                                veer::unit_sums(y_ND, units), items)
            .cosine;
    if (got.value) {
      by_unit.add(*got.low, *got.high, s.cosine);
    }
    const auto plain =
        veer::cross_item_cosine(x_ND, y_ND, veer::same_items(n)).cosine;
    if (plain.value) {
      by_question.add(*plain.low, *plain.high, s.cosine);
    }
  }
  return {{"kind", "cosine"},
          {"width", s.width},
          {"power", s.power},
          {"cluster_size", s.size},
          {"clusters", std::ssize(sizes)},
          {"questions", n},
          {"icc", s.icc},
          {"truth", s.cosine},
          {"replications", reps},
          {"by_unit", by_unit.json()},
          {"by_question", by_question.json()}};
}

struct Share {
  std::int64_t size = 3, questions = 160;
  double icc = 0.5, before = 0.1, after = 0.8;
};

// Answers of two states to the same questions: a cluster has one answer with
// probability icc for all of its questions that take it, drawn once (so that
// two questions of it correlate by icc), others answer for themselves.
Json run_share(const Share& s, double effort, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  const auto sizes = sizes_of(s.size, s.questions);
  const auto labels = labels_of(sizes);
  const auto n = std::ssize(labels);
  Counts share_unit, share_question, change_unit, change_question;
  const auto reps = static_cast<std::int64_t>(effort * 2000.0);
  const double follows = std::sqrt(s.icc);
  for (std::int64_t r = 0; r < reps; ++r) {
    std::vector<double> before, after;
    std::int64_t last = -1;
    double of_cluster = 0.0;
    for (const auto label : labels) {
      if (label != last) {
        of_cluster = uniform(random);
        last = label;
      }
      const double own =
          uniform(random) < follows ? of_cluster : uniform(random);
      before.push_back(own < s.before ? 1.0 : 0.0);
      after.push_back(own < s.after ? 1.0 : 0.0);
    }
    const auto share = veer::share_by_question(after, n, 0.95, labels);
    share_unit.add(share.low, share.high, s.after);
    const auto plain = veer::share_by_question(after, n);
    share_question.add(plain.low, plain.high, s.after);
    const auto change =
        veer::share_difference(after, n, before, n, 0.95, labels);
    change_unit.add(change.low, change.high, s.after - s.before);
    const auto single = veer::share_difference(after, n, before, n);
    change_question.add(single.low, single.high, s.after - s.before);
  }
  return {{"kind", "share"},
          {"cluster_size", s.size},
          {"clusters", std::ssize(sizes)},
          {"questions", n},
          {"icc", s.icc},
          {"truth", s.after},
          {"before", s.before},
          {"replications", reps},
          {"by_unit", share_unit.json()},
          {"by_question", share_question.json()},
          {"change_by_unit", change_unit.json()},
          {"change_by_question", change_question.json()}};
}

}  // namespace

std::vector<std::function<Json()>> clustered_jobs(double effort) {
  std::vector<std::function<Json()>> jobs;
  std::uint64_t seed = 9000;
  for (const double icc : {0.5, 0.9}) {
    for (const std::int64_t size : {3, 10, 0}) {
      for (const double power : {0.0, 0.5, 1.0}) {
        for (const double cosine : {0.0, 0.5, 0.9}) {
          const Cosine s{64, power, size, 200, icc, cosine, 0.7};
          jobs.emplace_back(
              [s, effort, own = ++seed] { return run_cosine(s, effort, own); });
        }
      }
      const Cosine wide{512, 0.5, size, 200, icc, 0.5, 0.7};
      jobs.emplace_back([wide, effort, own = ++seed] {
        return run_cosine(wide, effort, own);
      });
    }
  }
  for (const double icc : {0.0, 0.5, 0.9}) {
    for (const std::int64_t size : {3, 10, 0}) {
      for (const auto& [before, after] :
           {std::pair{0.1, 0.5}, std::pair{0.05, 0.9}, std::pair{0.3, 0.4},
            std::pair{0.0, 0.97}}) {
        const Share s{size, 160, icc, before, after};
        jobs.emplace_back(
            [s, effort, own = ++seed] { return run_share(s, effort, own); });
      }
    }
  }
  return jobs;
}

Json clustered_summary(const Json& rows) {
  Json out;
  for (const auto& [kind, way] :
       {std::pair{"cosine", "by_unit"}, std::pair{"cosine", "by_question"},
        std::pair{"share", "by_unit"}, std::pair{"share", "by_question"},
        std::pair{"share", "change_by_unit"},
        std::pair{"share", "change_by_question"}}) {
    double low = 1.0, high = 0.0, sum = 0.0;
    int count = 0;
    int inside = 0;
    for (const auto& row : rows) {
      if (row.at("kind") == kind) {
        const double coverage = row.at(way).at("coverage");
        low = std::min(low, coverage);
        high = std::max(high, coverage);
        sum += coverage;
        inside += coverage >= 0.93 && coverage <= 0.97 ? 1 : 0;
        ++count;
      }
    }
    out[kind][way] = {{"scenarios", count},
                      {"from_93_to_97", inside},
                      {"lowest", low},
                      {"highest", high},
                      {"mean", sum / std::max(count, 1)}};
  }
  return out;
}
