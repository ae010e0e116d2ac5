// SPDX-License-Identifier: MIT
// veer doctor: can this machine run Veer, and does it compute rightly?
#include "cli/doctor.h"

#include <algorithm>
#include <fstream>
#include <thread>

#include <fmt/core.h>
#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cli/verbs.h"
#include "cli/wrapped.h"

namespace veer::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kNameWidth = 14;
constexpr double kGib = 1024.0 * 1024.0 * 1024.0;
// The embedded study writes 40 MB; a study of a 3B model with its adapter,
// vectors and rows some hundred MB.
constexpr double kLeastDiskGib = 1.0;
constexpr double kLeastMemoryGib = 1.0;

// What stands behind "NAME :" on its first line in a file of /proc.
std::string proc_value(const char* file, std::string_view name) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    const auto colon = line.find(':');
    if (line.starts_with(name) && colon != std::string::npos) {
      const auto begin = line.find_first_not_of(" \t", colon + 1);
      return begin == std::string::npos ? "" : line.substr(begin);
    }
  }
  return "";
}

double meminfo_gib(std::string_view name) {
  const auto text = proc_value("/proc/meminfo", name);
  return text.empty() ? 0.0
                      : std::strtod(text.c_str(), nullptr) * 1024.0 / kGib;
}

Finding machine() {
  utsname system{};
  ::uname(&system);
  auto model = proc_value("/proc/cpuinfo", "model name");
  if (model.empty()) {
    model = "unknown processor";
  }
  return {"machine",
          fmt::format("{}, {} {} on {}", model, system.sysname, system.release,
                      system.machine),
          ""};
}

Finding cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  const int usable =
      ::sched_getaffinity(0, sizeof(set), &set) == 0
          ? CPU_COUNT(&set)
          : static_cast<int>(std::thread::hardware_concurrency());
  return {"cores",
          fmt::format("{}, of which this process may use {}",
                      ::sysconf(_SC_NPROCESSORS_ONLN), usable),
          ""};
}

Finding memory() {
  const double total = meminfo_gib("MemTotal");
  const double free = meminfo_gib("MemAvailable");
  Finding finding{"memory",
                  fmt::format("{:.1f} GiB, {:.1f} GiB available", total, free),
                  ""};
  if (free < kLeastMemoryGib) {
    finding.is_wrong = true;
    finding.remedy =
        "end other programs; the embedded study takes 1 GiB, a model its "
        "weights and the same again";
  }
  return finding;
}

// The nearest folder above that exists.
fs::path existing_part(fs::path path) {
  std::error_code ec;
  path = fs::absolute(path, ec);
  while (!fs::exists(path, ec) && path.has_parent_path() &&
         path != path.parent_path()) {
    path = path.parent_path();
  }
  return path;
}

Finding disk(const fs::path& out) {
  const auto folder = existing_part(out);
  std::error_code ec;
  const auto space = fs::space(folder, ec);
  if (ec) {
    return {"disk", fmt::format("{}: {}", folder.string(), ec.message()),
            "another folder, with --out", true};
  }
  const double free = static_cast<double>(space.available) / kGib;
  Finding finding{"disk",
                  fmt::format("{:.1f} GiB free at {}, for run folders in {}",
                              free, folder.string(), out.string()),
                  ""};
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    finding.text += "; it cannot be written to";
    finding.remedy = "a folder of your own, with --out";
    finding.is_wrong = true;
  } else if (free < kLeastDiskGib) {
    finding.remedy = "another disk, with --out; a study takes up to 1 GiB";
    finding.is_wrong = true;
  }
  return finding;
}

}  // namespace

std::vector<Finding> examine_machine(const DoctorOptions& options) {
  return {machine(), cores(), memory(), disk(options.out)};
}

std::string doctor_text(const std::vector<Finding>& findings) {
  std::string out;
  for (const auto& finding : findings) {
    const auto name = (finding.is_wrong ? "! " : "  ") + finding.name;
    out += two_columns(name, finding.text, kNameWidth);
    if (!finding.remedy.empty()) {
      out += two_columns("", "-> " + finding.remedy, kNameWidth);
    }
  }
  const auto wrong = std::ranges::count_if(findings, &Finding::is_wrong);
  return out + (wrong == 0 ? std::string("All is well.\n")
                           : fmt::format("{} of these {} wrong (marked !).\n",
                                         wrong, wrong == 1 ? "is" : "are"));
}

void setup_doctor(Commands& commands) {
  auto options = std::make_shared<DoctorOptions>();
  CLI::App& app = commands.add(
      "doctor", "look at this machine and check that it computes rightly",
      options, run_doctor);
  app.add_option("-o,--out", options->out,
                 "folder in which runs are to be written (default runs)");
}

}  // namespace veer::cli
