// SPDX-License-Identifier: MIT
#include "veer/report/assets.h"

// The assembler copies the files in: no generated source, no quoting.
#define VEER_EMBED(symbol, path)                                     \
  asm(".pushsection .rodata\n"                                       \
      ".global " #symbol "_begin\n.global " #symbol "_end\n" #symbol \
      "_begin:\n.incbin \"" path "\"\n" #symbol                      \
      "_end:\n.byte 0\n.popsection\n");                              \
  extern "C" const char symbol##_begin[];                            \
  extern "C" const char symbol##_end[]

VEER_EMBED(veer_asset_vega, VEER_VEGA_BUNDLE);
VEER_EMBED(veer_asset_style, VEER_REPORT_ASSETS "/report.css");
VEER_EMBED(veer_asset_behaviour, VEER_REPORT_ASSETS "/report.js");
VEER_EMBED(veer_asset_glossary, VEER_GLOSSARY);

namespace veer {

std::string_view vega_bundle() {
  return {veer_asset_vega_begin, veer_asset_vega_end};
}
std::string_view report_style() {
  return {veer_asset_style_begin, veer_asset_style_end};
}
std::string_view report_behaviour() {
  return {veer_asset_behaviour_begin, veer_asset_behaviour_end};
}
std::string_view glossary_page() {
  return {veer_asset_glossary_begin, veer_asset_glossary_end};
}

}  // namespace veer
