// SPDX-License-Identifier: MIT
#include "veer/vectors/vector_files.h"

#include <array>
#include <fstream>
#include <string_view>

#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/tensors/safetensors.h"
#include "veer/vectors/gguf_vectors.h"
#include "veer/vectors/plain_vectors.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMostText = std::uint64_t{1} << 30;

// The first nine bytes, fewer of a shorter file.
std::string beginning_of(const fs::path& path) {
  std::array<char, 9> bytes{};
  std::ifstream file(path, std::ios::binary);
  file.read(bytes.data(), bytes.size());
  return {bytes.data(), static_cast<std::size_t>(file.gcount())};
}

enum class Kind { kSafetensors, kGguf, kJson, kTorch, kNumpy };

Kind kind_of(const fs::path& path) {
  const auto begin = beginning_of(path);
  const auto ending = path.extension();
  if (begin.starts_with("GGUF")) {
    return Kind::kGguf;
  }
  // Eight bytes of length, then a header in JSON.
  if (begin.size() == 9 && begin[8] == '{' && ending != ".json" &&
      ending != ".svec") {
    return Kind::kSafetensors;
  }
  if (begin.starts_with("\x93NUMPY") || ending == ".npy" || ending == ".npz") {
    return Kind::kNumpy;
  }
  // A zip file, as torch writes it, or a pickle of protocol 2 to 5.
  if (begin.starts_with("PK\x03\x04") ||
      (begin.size() > 1 && begin[0] == '\x80' && begin[1] >= 2 &&
       begin[1] <= 5) ||
      ending == ".pt" || ending == ".pth" || ending == ".bin" ||
      ending == ".pkl") {
    return Kind::kTorch;
  }
  if (ending == ".gguf") {
    return Kind::kGguf;
  }
  const bool is_json = ending == ".svec" || ending == ".json";
  return is_json ? Kind::kJson : Kind::kSafetensors;
}

// A word that a shell takes as it is.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return out + "'";
}

// Turns a tensor, a list or a dict of tensors into plain safetensors beside it.
std::string line_for(const fs::path& path, Kind kind) {
  const std::string_view load =
      kind == Kind::kTorch
          ? "import sys,torch; from safetensors.torch import save_file; "
            "v=torch.load(sys.argv[1],\"cpu\",weights_only=True); "
            "d=v if isinstance(v,dict) else dict(enumerate(v)) if "
            "isinstance(v,(list,tuple)) else {\"all\":v}; "
            "save_file({str(k):t.detach().clone().contiguous() for k,t in "
            "d.items() if torch.is_tensor(t)},sys.argv[2])"
          : "import sys,numpy; from safetensors.numpy import save_file; "
            "v=numpy.load(sys.argv[1]); "
            "d=v if hasattr(v,\"files\") else {\"all\":v}; "
            "save_file({k:numpy.ascontiguousarray(d[k]) for k in "
            "d},sys.argv[2])";
  auto out = path;
  out.replace_extension(".safetensors");
  return fmt::format("python3 -c '{}' {} {}", load, quoted(path.string()),
                     quoted(out.string()));
}

void require_file(const fs::path& path) {
  std::error_code ec;
  if (!fs::is_regular_file(path, ec)) {
    fail("read vector",
         fmt::format("{} is {}", path.string(),
                     fs::exists(path, ec) ? "no file" : "not there"),
         "a vector file: .safetensors, .gguf or .svec", "a mistyped path");
  }
}

}  // namespace

VectorFile read_vector_file(const fs::path& path,
                            const ForeignVectorOptions& options,
                            std::optional<std::int64_t> layer,
                            const VectorWarning& warn) {
  require_file(path);
  switch (const Kind kind = kind_of(path)) {
    case Kind::kGguf:
      return {read_gguf_vector(path, options, warn), "gguf"};
    case Kind::kJson:
      if (warn) {
        warn(
            "numbers of .svec are read as where its tool adds (the input of a "
            "block); it measured one block later: --layer-offset 1 of veer "
            "convert");
      }
      return {
          parse_svec(read_file(path, kMostText), path.string(), options, warn),
          "svec"};
    case Kind::kTorch:
    case Kind::kNumpy:
      fail("read vector",
           fmt::format("{} is a file of {}", path.string(),
                       kind == Kind::kTorch
                           ? "pickled Python objects, which can run code"
                           : "NumPy arrays"),
           ".safetensors, .gguf or .svec; in Python: " + line_for(path, kind));
    case Kind::kSafetensors:
      break;
  }
  if (read_safetensors(path).metadata.contains("veer")) {
    return {read_steering_vector(path), "veer"};
  }
  return {read_plain_vector(path, options, layer, warn), "plain"};
}

}  // namespace veer
