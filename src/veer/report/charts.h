// SPDX-License-Identifier: MIT
//
// Vega-Lite specifications of the report's figures. Each takes the rows that
// it draws as a JSON array of objects; the page's script adds colours of the
// theme. Vectors keep one colour in every figure (a palette that colour-blind
// readers can tell apart), controls are grey, axes carry units.
#pragma once

#include <cstdint>

#include "veer/base/json.h"

namespace veer {

// Rows: layer, cosine, low, high (null where not established), null_low,
// null_high (band of chance), ceiling (what reliability allows).
Json cosine_chart(const Json& rows);

// Rows: model, depth (share of the layers), cosine, low, high.
Json cosine_by_depth_chart(const Json& rows);

// Rows: layer, vector, value. `title` names the axis with its unit.
Json by_layer_chart(const Json& rows, const std::string& title);

// Rows: vector, scale, share, low, high, panel. One panel beside the other,
// one line per vector; `title` names the share's axis.
Json effect_chart(const Json& rows, const std::string& title,
                  const std::string& unit);

// Rows: layer, scale, effect, low, high, invalid, panel. A map of the paired
// effect in points of the share; a cross where `invalid`.
Json layer_scale_map(const Json& rows);

// Rows: layer, a, b, cosine. A map of all vectors against all, at one layer
// that the reader moves; it starts at `layer`.
Json vector_map(const Json& rows, std::int64_t layer, std::int64_t num_layers);

// Rows: layer, effect, share, position. Stacked shares of the energy between
// the four cells, one panel per position.
Json shares_chart(const Json& rows);

// Rows: x, value, series, panel, and low, high where there are intervals; each
// panel has its own x axis.
Json series_panels(const Json& rows, const std::string& x_title,
                   const std::string& y_title);

// Rows: questions, value, low, high, series, panel. The number of questions on
// a logarithmic axis; a line with its spread per series.
Json sample_size_chart(const Json& rows);

// Rows: step, value, measure. One panel per measure, own axes.
Json training_chart(const Json& rows);

// Rows: label, share, cell. Stacked bars.
Json label_chart(const Json& rows);

// Rows: vector, place, effect, low, high, coherent, panel. Effect against the
// share of text unbroken, one point per configuration.
Json front_chart(const Json& rows);

// Rows: series, layers, effect, low, high, coherent, scale, divergence, panel.
Json transfer_chart(const Json& rows);

// Rows: name, vector, value, low, high. Bars with intervals; `title` names
// the axis, a share.
Json interval_bars(const Json& rows, const std::string& title);

// Rows: vector, layer, value, low, high, panel; values below 0 for subtracted.
Json breaking_chart(const Json& rows);

// Colours of the names that occur in a field, as a Vega-Lite scale.
Json series_colours(const Json& rows, const char* field);

}  // namespace veer
