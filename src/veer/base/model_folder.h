// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>

namespace veer {

// The folder or file that a person means by the name of a model or adapter:
//   organism, organism:NAME  the checkpoints organism and organism-NAME in
//                            models/ beside the sources or beside the program
//                            (environment variable VEER_MODELS wins)
//   smollm2                  a model that is fetched when it is first asked for
//                            (known_models.h)
//   a path that exists       itself; a folder of the Hugging Face cache
//                            ("models--org--name", or "snapshots" in it)
//                            stands for the snapshot that its refs/main
//                            names, or the only one it has
//   org/name, name           that repository in the Hugging Face cache, if it
//                            is there: HF_HUB_CACHE, else HF_HOME/hub, else
//                            ~/.cache/huggingface/hub
// Any other path is returned as it is, though it does not exist. Throws
// Error{kBadInput} if the cache folder names no snapshot or several without
// saying which, and if "org/name" is neither a path nor in the cache: the
// message says `hf download org/name`.
std::filesystem::path resolve_model_folder(const std::filesystem::path& path);

// The folder of the embedded checkpoints, and that of the Hugging Face cache.
std::filesystem::path organisms_folder();
std::filesystem::path hub_cache_folder();

// Whether a path names a GGUF file.
bool is_gguf(const std::filesystem::path& path);

// resolve_model_folder(), and a folder whose weights lie in one GGUF file (or
// the parts of one, "-00001-of-00003.gguf") stands for that file (its first
// part). Throws Error{kBadInput} if it holds several models as GGUF.
std::filesystem::path resolve_model(const std::filesystem::path& path);

// The same for a model that is to be run: throws Error{kBadInput} unless it is
// a folder with a config.json or a GGUF file. The message tells what was found
// instead: an adapter (naming its base model), other weights, nothing.
std::filesystem::path find_model_folder(const std::filesystem::path& path);

}  // namespace veer
