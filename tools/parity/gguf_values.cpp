// SPDX-License-Identifier: MIT
//
// Veer's side of gguf_parity.py: the numbers of a GGUF file's tensors, fp32.
//   parity_gguf FILE.gguf OUT
// OUT gets the values of all tensors one behind the other, in file order.
#include <cstdio>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/base/mapped_file.h"
#include "veer/gguf/gguf.h"

int main(int argc, char** argv) {
  using namespace veer;
  if (argc != 3) {
    std::fprintf(stderr, "parity_gguf FILE OUT\n");
    return 2;
  }
  try {
    const auto file = MappedFile::open(argv[1]);
    const GgufHeader header = parse_gguf(file->bytes(), argv[1]);
    AtomicFile out(argv[2]);
    for (const GgufTensor& tensor : header.tensors) {
      const auto values = gguf_floats(file->bytes(), header, tensor, argv[1]);
      out.write({reinterpret_cast<const char*>(values.data()),
                 values.size() * sizeof(float)});
    }
    out.commit();
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
