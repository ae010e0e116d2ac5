// SPDX-License-Identifier: MIT
#include "veer/data/packed_files.h"

#include <string>

#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/data/file_ending.h"
#include "veer/text/unicode.h"

namespace veer {
namespace {

// Remedies; {0} is the file's name. The lines of Python are those of
// docs/formats/datasets.md, and tests/end_to_end/data_test.py runs them.
constexpr std::string_view kParquet =
    "python3 -c \"import json, pyarrow.parquet as p; "
    "[print(json.dumps(r, default=str)) for r in "
    "p.read_table('{0}').to_pylist()]\" > rows.jsonl";
constexpr std::string_view kFeather =
    "python3 -c \"import json, pyarrow.feather as p; "
    "[print(json.dumps(r, default=str)) for r in "
    "p.read_table('{0}').to_pylist()]\" > rows.jsonl";
constexpr std::string_view kArrow =
    "python3 -c \"import json, pyarrow as p; "
    "[print(json.dumps(r, default=str)) for r in "
    "p.ipc.open_stream('{0}').read_all().to_pylist()]\" > rows.jsonl";
constexpr std::string_view kSheet =
    "saving the table as \"CSV UTF-8\" in the program that wrote it";

struct Packed {
  std::string_view ending;
  std::string_view first_bytes;
  std::string_view kind;
  std::string_view remedy;
};
constexpr Packed kPacked[] = {
    {".parquet", "PAR1", "a Parquet file", kParquet},
    {".feather", "ARROW1", "an Arrow file", kFeather},
    {".arrow", {}, "an Arrow file", kArrow},
    {".gz", "\x1F\x8B", "packed with gzip", "gunzip -k '{0}'"},
    {".zst", "\x28\xB5\x2F\xFD", "packed with Zstandard",
     "zstd -d --keep '{0}'"},
    {".xz",
     "\xFD"
     "7zXZ",
     "packed with xz", "xz -d -k '{0}'"},
    {".bz2", "BZh", "packed with bzip2", "bunzip2 -k '{0}'"},
    {".xlsx", {}, "a spreadsheet", kSheet},
    {".xls", {}, "a spreadsheet", kSheet},
    {".ods", {}, "a spreadsheet", kSheet},
    {".zip", "PK\x03\x04", "a zip archive or a spreadsheet",
     "unzip '{0}', or saving the table as \"CSV UTF-8\""},
    {".pkl",
     {},
     "a Python pickle",
     "python -c \"import pandas; pandas.read_pickle('{0}').to_json("
     "'rows.jsonl', orient='records', lines=True)\""},
};

[[noreturn]] void refuse(std::string_view name, std::string_view kind,
                         std::string_view remedy) {
  std::string line(remedy);
  if (const auto at = line.find("{0}"); at != std::string::npos) {
    line.replace(at, 3, name);
  }
  fail("read dataset", fmt::format("{} is {}", name, kind),
       "JSON, JSON Lines, CSV or TSV text",
       "the file has to be converted first: " + line);
}

}  // namespace

void require_text_file(std::string_view name, std::string_view bytes) {
  for (const Packed& packed : kPacked) {
    const bool by_bytes =
        !packed.first_bytes.empty() && bytes.starts_with(packed.first_bytes);
    if (by_bytes || has_ending(name, packed.ending)) {
      refuse(name, packed.kind, packed.remedy);
    }
  }
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) {
    refuse(name, "UTF-16 text",
           "iconv -f UTF-16 -t UTF-8 '{0}' > rows.txt, or saving it as UTF-8");
  }
  if (!is_valid_utf8(bytes)) {
    refuse(name, "no UTF-8 text",
           "iconv -f WINDOWS-1252 -t UTF-8 '{0}' > rows.txt, if a Windows "
           "program wrote it, or saving it as UTF-8");
  }
}

}  // namespace veer
