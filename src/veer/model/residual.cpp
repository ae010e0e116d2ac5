// SPDX-License-Identifier: MIT
#include "veer/model/residual.h"

#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "veer/base/error.h"

namespace veer {
namespace {

constexpr std::array<std::pair<ResidualPoint, std::string_view>, 5> kPoints{{
    {ResidualPoint::kResidPre, "resid_pre"},
    {ResidualPoint::kAttnOut, "attn_out"},
    {ResidualPoint::kResidMid, "resid_mid"},
    {ResidualPoint::kMlpOut, "mlp_out"},
    {ResidualPoint::kResidPost, "resid_post"},
}};

}  // namespace

std::string_view point_name(ResidualPoint point) {
  return kPoints[static_cast<std::size_t>(point)].second;
}

ResidualPoint parse_point(std::string_view name) {
  for (const auto& [point, known] : kPoints) {
    if (name == known) {
      return point;
    }
  }
  fail("parse site", fmt::format("\"{}\" is no point of a block", name),
       "resid_pre, attn_out, resid_mid, mlp_out or resid_post");
}

std::string ResidualSite::name() const {
  return fmt::format("{}.{}", point_name(point), layer);
}

ResidualSite parse_site(std::string_view name) {
  const std::size_t dot = name.find('.');
  const std::string_view digits =
      dot == std::string_view::npos ? "" : name.substr(dot + 1);
  ResidualSite site;
  const char* end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, site.layer);
  if (digits.empty() || parsed.ec != std::errc() || parsed.ptr != end ||
      site.layer < 0) {
    fail("parse site", fmt::format("\"{}\"", name),
         "POINT.LAYER with layers from 0, for example resid_post.14");
  }
  site.point = parse_point(name.substr(0, dot));
  return site;
}

}  // namespace veer
