# The script that draws the report's charts comes from a PyPI package and is
# made once per build folder; the report carries it inside.
set(VEER_VEGA_BUNDLE ${CMAKE_BINARY_DIR}/vega_bundle.js)
set(VEER_REPORT_ASSETS ${CMAKE_SOURCE_DIR}/src/veer/report/assets)
set(VEER_GLOSSARY ${CMAKE_SOURCE_DIR}/docs/glossary.md)
add_custom_command(
  OUTPUT ${VEER_VEGA_BUNDLE}
  COMMAND ${VEER_PYTHON} ${CMAKE_SOURCE_DIR}/tools/make_vega_bundle.py
          ${VEER_VEGA_BUNDLE}
  DEPENDS ${CMAKE_SOURCE_DIR}/tools/make_vega_bundle.py
  COMMENT "Making the chart script of the report" VERBATIM)
target_sources(veer_report PRIVATE ${VEER_VEGA_BUNDLE})
set_source_files_properties(${CMAKE_SOURCE_DIR}/src/veer/report/assets.cpp
  PROPERTIES
  COMPILE_DEFINITIONS "VEER_VEGA_BUNDLE=\"${VEER_VEGA_BUNDLE}\";VEER_REPORT_ASSETS=\"${VEER_REPORT_ASSETS}\";VEER_GLOSSARY=\"${VEER_GLOSSARY}\""
  OBJECT_DEPENDS "${VEER_VEGA_BUNDLE};${VEER_REPORT_ASSETS}/report.css;${VEER_REPORT_ASSETS}/report.js;${VEER_GLOSSARY}")
