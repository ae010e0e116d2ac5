// SPDX-License-Identifier: MIT
//
// Veer's side of directions_parity.py: fits methods to given activations.
//   parity_directions ROWS.safetensors OUT.safetensors METHOD ...
// ROWS holds "positive" and "negative", F32 [questions, width].
#include <cstdio>

#include "veer/base/error.h"
#include "veer/tensors/safetensors.h"
#include "veer/vectors/methods.h"
#include "veer/vectors/tensor_numbers.h"

int main(int argc, char** argv) {
  using namespace veer;
  if (argc < 4) {
    std::fprintf(stderr, "parity_directions ROWS OUT METHOD ...\n");
    return 2;
  }
  try {
    const auto file = read_safetensors(argv[1]);
    TwoSides sides;
    sides.positive_ND = as_double(file.tensors.at("positive"));
    sides.negative_ND = as_double(file.tensors.at("negative"));
    TensorMap out;
    for (int i = 3; i < argc; ++i) {
      out[argv[i]] = fit_direction(find_method(argv[i]), sides)
                         .direction_D.to(at::kFloat)
                         .contiguous();
    }
    write_safetensors(argv[2], out);
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
