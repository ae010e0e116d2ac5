// SPDX-License-Identifier: MIT
//
// Names of vectors, taken apart and made in one place. A run knows a vector by
// its name alone:
//
//   CONTRAST[:METHOD]@POSITION[@POINT]  extracted; two of the seed study's own
//                                       ("original_contrastive") stand without
//   adapter[:WRITER], bipo, reft_r1     fixed: from no rows of questions
//   blend:W[:A:B], common:A[:B], private:A[:B]
//                                       a mixture of two vectors
//   random-I[|NAME], random-cov-I[|NAME]
//                                       random, in the place of NAME: isotropic
//                                       or with the stream's covariance
//   subset-N-I|NAME                     draw I of NAME from N questions
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace veer {

struct VectorName {
  enum class Kind { kNone, kExtracted, kFixed, kMixture, kRandom, kSubset };

  std::string text;
  Kind kind = Kind::kNone;  // none: no vector is named
  // What stands before the first colon, "@" or bar: "contrastive", "adapter",
  // "blend", "random-cov-3".
  std::string head;
  std::string method;    // extracted; empty = the mean difference
  std::string position;  // extracted; the position alone
  // Mixture: what follows its colons. Adapter: the writer.
  std::vector<std::string> parts;
  bool has_covariance = false;  // random
  std::int64_t count = 0;       // subset: questions; 0 if the name holds none
  // Random and subset: the vector that it stands in for; empty where it stands
  // beside all of them.
  std::string of;

  bool is_mixture() const { return kind == Kind::kMixture; }
  // Whether it stands in the place of one vector at one cell: a control or a
  // draw, no vector that a reader compares.
  bool stands_in() const { return !of.empty(); }
};

// Of any text: what is no other kind is taken as extracted. Whether such a
// contrast and position exist is asked where vectors are made.
VectorName parse_vector_name(std::string_view text);

// "random-3", "random-cov-3".
std::string random_name(std::int64_t number, bool covariance = false);
// "NAME|OF", a random vector or a draw in the place of another.
std::string name_in_place(std::string_view name, std::string_view of);

// What gives a vector its colour in the report: "contrastive", "finetune",
// "random", "subset", or its head.
std::string vector_family(const std::string& name);
// The position of an extracted vector; empty if there is none.
std::string vector_position(const std::string& name);

// The pair of the study's question: the first contrastive vector and the first
// fine-tuned one of the same position (of any, if there is none). Empty names
// where the study has no such pair.
std::pair<std::string, std::string> primary_pair(
    const std::vector<std::string>& names);

}  // namespace veer
