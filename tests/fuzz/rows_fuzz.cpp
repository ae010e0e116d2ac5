// SPDX-License-Identifier: MIT
//
// Any bytes as data: question files of every layout, tables, with and without
// names of columns, and the search for near-duplicates over their texts. A
// value or one Error; what is kept resembles nothing else that is kept.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "veer/base/error.h"
#include "veer/data/record.h"
#include "veer/data/sources.h"
#include "veer/text/near_duplicates.h"

namespace {

void search(const std::vector<std::string>& texts) {
  const veer::NearDuplicateOptions options{.jaccard = 0.7, .rouge_l = 0.8};
  const auto filter = veer::filter_near_duplicates(texts, options);
  const auto clusters = veer::near_duplicate_clusters(texts, options);
  const bool complete =
      filter.kept.size() + filter.rejected.size() == texts.size() &&
      clusters.size() == texts.size();
  for (std::size_t i = 0; i < clusters.size(); ++i) {
    if (!complete || clusters[i] < 0 ||
        clusters[i] > static_cast<std::int64_t>(i)) {
      std::abort();
    }
  }
}

void read(std::string_view bytes, const char* name, bool skip, bool mapped) {
  try {
    veer::SourceOptions options;
    options.skip_bad_rows = skip;
    options.side = veer::AnswerSide::kHonest;
    options.option_texts = mapped;
    if (mapped) {
      options.columns.question = "q";
      options.columns.honest = "a.text";
    }
    std::vector<std::string> texts;
    for (const auto& record :
         veer::parse_question_file(bytes, name, options).records) {
      texts.push_back(record.question);
    }
    if (texts.size() <= 64) {
      search(texts);
    }
  } catch (const veer::Error&) {
    // The one permitted way to refuse.
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const bool skip : {false, true}) {
    for (const bool mapped : {false, true}) {
      read(bytes, "rows.jsonl", skip, mapped);
      read(bytes, "table.csv", skip, mapped);
      read(bytes, "table.tsv", skip, mapped);
    }
  }
  try {
    // What was read can be written and read again.
    const auto records = veer::records_from_jsonl(bytes, "records.jsonl");
    if (veer::records_from_jsonl(veer::records_to_jsonl(records), "again") !=
        records) {
      std::abort();
    }
  } catch (const veer::Error&) {
  }
  return 0;
}
