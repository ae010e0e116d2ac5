// SPDX-License-Identifier: MIT
#include "veer/study/vectors/detection.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>
#include <nlohmann/json.hpp>

#include "veer/capture/capture_texts.h"
#include "veer/data/question_units.h"
#include "veer/data/units.h"
#include "veer/run/extract_inputs.h"
#include "veer/settings/intervention_text.h"
#include "veer/study/vectors/stages.h"
#include "veer/vectors/auroc.h"
#include "veer/vectors/item_statistics.h"
#include "veer/vectors/left_out.h"
#include "veer/vectors/tensor_numbers.h"

namespace veer {
namespace {

// Score i of either side is of the question whose unit is units[i].
Json auroc_json(const std::vector<double>& positive,
                const std::vector<double>& negative,
                const std::vector<std::int64_t>& units) {
  const auto [low, high] = auroc_interval(positive, negative, units);
  return {{"value", auroc(positive, negative)},
          {"low", low},
          {"high", high},
          {"n", positive.size()},
          {"clusters", std::set(units.begin(), units.end()).size()}};
}

// Mean over the answer at resid_post, by (model, side): tuned or not,
// deceptive or not. Without an adapter there is no tuned one.
struct HeldOut {
  std::vector<std::array<CapturedTexts, 2>> cells;
};

HeldOut read_held_out(StudyContext& context,
                      std::span<const QuestionRecord> records) {
  HeldOut out;
  out.cells.resize(context.model().has_adapter() ? 2 : 1);
  const auto layers =
      parse_layers(context.manifest().extract.layers,
                   context.model().config().num_layers, "extract.layers");
  for (const std::size_t deceptive : {0U, 1U}) {
    std::vector<EncodedChat> texts;
    for (const auto& record : records) {
      auto chat = question_chat("", record.question);
      chat.push_back(
          {"assistant", deceptive != 0 ? record.deceptive : record.honest});
      texts.push_back(context.format().encode(chat));
    }
    for (std::size_t tuned = 0; tuned < out.cells.size(); ++tuned) {
      CaptureRequest request;
      request.positions = {TokenPosition{TokenPosition::Kind::kAnswerMean}};
      request.adapter_strength = static_cast<double>(tuned);
      request.batch_tokens = context.manifest().extract.batch_tokens;
      request.last_layer = layers.empty() ? -1 : layers.back();
      out.cells[tuned][deceptive] =
          capture_texts(context.model(), texts, request, context.monitor());
    }
  }
  return out;
}

// One fold: which of the questions are in it, and which are not.
struct Fold {
  std::set<std::string> ids;
  std::vector<std::int64_t> own;
  at::Tensor own_N;
  at::Tensor others_N;
};

// By number; empty with four splits.
std::map<std::int64_t, Fold> folds_of(std::span<const QuestionRecord> records) {
  std::map<std::int64_t, std::vector<std::int64_t>> own;
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (records[i].fold > 0) {
      own[records[i].fold].push_back(static_cast<std::int64_t>(i));
    }
  }
  std::map<std::int64_t, Fold> folds;
  for (const auto& [number, members] : own) {
    std::vector<std::int64_t> others;
    for (std::size_t i = 0; i < records.size(); ++i) {
      if (records[i].fold != number) {
        others.push_back(static_cast<std::int64_t>(i));
      }
    }
    auto& fold = folds[number];
    for (const auto i : members) {
      fold.ids.insert(records[static_cast<std::size_t>(i)].id);
    }
    fold.own = members;
    fold.own_N = at::tensor(members, at::kLong);
    fold.others_N = at::tensor(others, at::kLong);
  }
  return folds;
}

// Directions [L, D] of a vector that a question may be projected on, by fold;
// 0 stands for all questions where there are no folds.
std::map<std::int64_t, at::Tensor> directions_by_fold(
    StudyContext& context, const SteeringVector& vector,
    const std::map<std::int64_t, Fold>& folds) {
  if (folds.empty()) {
    return {{0, vector.directions_LD}};
  }
  std::map<std::int64_t, at::Tensor> directions;
  for (const auto& [number, fold] : folds) {
    if (is_fixed_direction(vector.name)) {
      directions[number] = vector.directions_LD;
      continue;
    }
    const auto rows = rows_without(
        read_vector_rows(rows_file(context, vector.name)), fold.ids);
    const auto options = extract_options(context);
    directions[number] = refitted_directions(vector, rows, options.method);
  }
  return directions;
}

struct Scores {
  std::vector<double> positive;
  std::vector<double> negative;
  std::vector<std::int64_t> questions;  // of each score
};

// Projections of both sides [N, D] on the unit direction made without the
// question's fold, from the mean of the other folds.
Scores folded_scores(const at::Tensor& positive_ND,
                     const at::Tensor& negative_ND,
                     const std::map<std::int64_t, at::Tensor>& directions,
                     const std::map<std::int64_t, Fold>& folds,
                     std::int64_t layer) {
  Scores scores;
  for (const auto& [number, fold] : folds) {
    const auto v_D = as_double(directions.at(number).select(0, layer));
    const auto unit_D = v_D / v_D.norm();
    const auto others_ND =
        at::cat({positive_ND.index_select(0, fold.others_N),
                 negative_ND.index_select(0, fold.others_N)});
    const auto centre = others_ND.mv(unit_D).mean();
    const auto add = [&](const at::Tensor& rows_ND, std::vector<double>& to) {
      for (const double score :
           to_vector(rows_ND.index_select(0, fold.own_N).mv(unit_D) - centre)) {
        to.push_back(score);
      }
    };
    add(positive_ND, scores.positive);
    add(negative_ND, scores.negative);
    scores.questions.insert(scores.questions.end(), fold.own.begin(),
                            fold.own.end());
  }
  return scores;
}

}  // namespace

Json detection_json(StudyContext& context,
                    std::span<const SteeringVector> made) {
  const auto count = context.manifest().extract.detection_questions;
  Json out = Json::array();
  if (count == 0) {
    return out;
  }
  auto records = context.split("test");
  const bool has_folds =
      std::ranges::any_of(records, [](const auto& r) { return r.fold > 0; });
  if (has_folds) {
    records = context.split("extract");
  }
  std::erase_if(records, [](const QuestionRecord& r) {
    return r.honest.empty() || r.deceptive.empty();
  });
  records = first_records(std::move(records), count);
  if (records.size() < 3) {
    return out;
  }
  const auto held_out = read_held_out(context, records);
  const auto folds = folds_of(records);
  const auto units = units_of(unit_names(records));
  for (const auto& vector : made) {
    const auto directions = directions_by_fold(context, vector, folds);
    Json layers = Json::array();
    for (std::int64_t l = 0; l < vector.num_layers(); ++l) {
      const bool has_direction =
          std::ranges::all_of(directions, [&](const auto& entry) {
            return as_double(entry.second.select(0, l))
                       .norm()
                       .template item<double>() > 0.0;
          });
      if (vector.point != ResidualPoint::kResidPost || !has_direction) {
        continue;
      }
      const auto rows = [&](std::size_t tuned, std::size_t deceptive) {
        return as_double(held_out.cells[tuned][deceptive]
                             .rows[0][static_cast<std::size_t>(l)]);
      };
      const auto tell = [&](const at::Tensor& positive_ND,
                            const at::Tensor& negative_ND) {
        if (has_folds) {
          const auto scores =
              folded_scores(positive_ND, negative_ND, directions, folds, l);
          std::vector<std::int64_t> of_scores;
          for (const auto question : scores.questions) {
            of_scores.push_back(units[static_cast<std::size_t>(question)]);
          }
          return auroc_json(scores.positive, scores.negative, of_scores);
        }
        const auto v_D = as_double(vector.directions_LD.select(0, l));
        return auroc_json(to_vector(positive_ND.mv(v_D)),
                          to_vector(negative_ND.mv(v_D)), units);
      };
      Json row = {{"layer", l}, {"base", tell(rows(0, 1), rows(0, 0))}};
      if (held_out.cells.size() > 1) {
        row["tuned"] = tell(rows(1, 1), rows(1, 0));
        row["model"] = tell(rows(1, 0), rows(0, 0));
      }
      layers.push_back(std::move(row));
    }
    Json entry = {{"vector", vector.name}, {"by_layer", layers}};
    if (has_folds) {
      entry["folds"] = folds.size();
    }
    out.push_back(std::move(entry));
  }
  return out;
}

}  // namespace veer
