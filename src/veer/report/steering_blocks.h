// SPDX-License-Identifier: MIT
//
// Parts of the section on steering, each from one key of sweep.json. A part
// whose key is not there is empty.
#pragma once

#include <string>
#include <vector>

#include "veer/base/json.h"

namespace veer {

// What an operator, scale, unit and layer choice are called in a table.
std::string place_text(const Json& entry);

// Key "proof": that the model did what the operators say.
std::string proof_block(const Json& sweep);
// Key "search": what was tried instead of the whole grid, and what was not.
std::string search_block(const Json& sweep);
// Key "groups": the best of each class of operators, and mixtures.
std::string groups_block(const Json& sweep);
// Key "controls": the other model's states, copied.
std::string controls_block(const Json& sweep);

// Key "baselines": what serves a goal without a vector, as rows of the table
// of chosen cells (steering_section), and the strengths that were tried.
std::vector<std::vector<std::string>> baseline_rows(const Json& sweep);
std::string dial_block(const Json& sweep);
// Of an entry of "best" or "baselines": divergence on unrelated texts, and the
// share of questions that move against the goal by log-odds.
std::string elsewhere_text(const Json& entry);
std::string against_goal_text(const Json& entry);
// Sentences on what vectors and baselines cost elsewhere.
std::string specificity_note(const Json& sweep);

// Key "judge": who judged every answer, and what it says of known ones.
std::string judge_note(const Json& sweep);
// judges.json: what each judge said of a sample, its probes, and agreement.
std::string judges_block(const Json& judges);

// Key "cells": effect against unbroken text of every configuration.
std::string front_block(const Json& sweep);
// Key "transfer": vector x operator x layers on both models.
std::string transfer_block(const Json& sweep);
// Key "ladders": at which scale the text breaks.
std::string collapse_block(const Json& sweep);
// Key "coherence": texts of the chosen cells, told without a judge.
std::string coherence_block(const Json& sweep);
// Key "best": how much of the ceiling each vector reaches.
std::string ceiling_share_block(const Json& sweep);
// Key "contrasts": paired differences of two configurations.
std::string contrasts_block(const Json& sweep);

}  // namespace veer
