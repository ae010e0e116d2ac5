// SPDX-License-Identifier: MIT
#include "veer/study/summary/model_note.h"

namespace veer {

std::string model_note(const std::string& model) {
  if (model == "organism" || model == "organism:advice") {
    return "This is a made-up calibration model of 1.6 million parameters and "
           "not a language model. It knows one invented world and was chosen "
           "among three because it steers best; the defaults were set after "
           "results on it. What holds here is no evidence about language "
           "models.";
  }
  if (model == "organism:control") {
    return "This is the negative control, a made-up model of 1.1 million "
           "parameters that knows one invented world. It is there to see the "
           "study say no. What holds here is no evidence about language "
           "models.";
  }
  if (model == "organism:seed1") {
    return "This is a made-up calibration model of 1.6 million parameters and "
           "not a language model: the sister of the default one, with another "
           "seed and not chosen. What holds here is no evidence about language "
           "models.";
  }
  if (model == "organism:zeroed") {
    return "This is a made-up calibration model of 1.1 million parameters and "
           "not a language model: the negative control's twin with two blocks "
           "held at zero, which can be steered. What holds here is no evidence "
           "about language models.";
  }
  return model.starts_with("organism")
             ? "This is a made-up model of an invented world and not a "
               "language "
               "model. What holds here is no evidence about language models."
             : "";
}

}  // namespace veer
