// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace veer {

// Files that the report carries inside itself, linked into the program.
std::string_view vega_bundle();       // Vega, Vega-Lite and vega-embed
std::string_view report_style();      // assets/report.css
std::string_view report_behaviour();  // assets/report.js
std::string_view glossary_page();     // docs/glossary.md

}  // namespace veer
