// SPDX-License-Identifier: MIT
#include "veer/report/report.h"

#include <fmt/core.h>

#include "veer/base/files.h"
#include "veer/report/html.h"
#include "veer/report/sections.h"
#include "veer/report/wording.h"

namespace veer {
namespace {

std::string model_name(const RunData& run) {
  const std::string path = text_of(member(run.manifest, "model"), "path");
  if (path.starts_with("organism")) {
    return "the embedded model (" + path + ")";
  }
  return std::filesystem::path(path).filename().string();
}

}  // namespace

std::string not_run_yet(const std::string& stage) {
  return fmt::format(
      "<p class=\"note\">Not there yet: <code>veer {}</code> makes it.</p>\n",
      stage);
}

void write_report(const std::filesystem::path& run_folder,
                  const ReportOptions& options, const Monitor& monitor) {
  const RunData run = read_run_data(run_folder);
  Page page;
  page.title =
      options.title.empty()
          ? "Does fine-tuning write the direction that prompts find? " +
                model_name(run)
          : options.title;
  page.subtitle =
      "Steering vectors from a prompt contrast and from fine-tuning, measured "
      "with Veer. Every number stands with its interval, n and control.";
  page.links = {{"answer", "Answer"},
                {"claims", "Claims"},
                {"direction", "Same direction?"},
                {"steering", "Does it steer?"},
                {"look", "Look"},
                {"data", "Data"},
                {"training", "Training"},
                {"words", "Words"},
                {"made", "How this was made"}};
  page.body = answer_section(run) + claims_section(run) +
              direction_section(run) + steering_section(run) +
              answers_section(run) + data_section(run) + training_section(run) +
              words_section() + provenance_section(run);
  write_file(run_folder / "report.html", html_page(page));
  monitor.message("report written to " + (run_folder / "report.html").string());
}

}  // namespace veer
