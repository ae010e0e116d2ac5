// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace veer {

// Half the narrowest interval that a change of a share can have around 0, of
// `questions` with one answer each in `units` of equal size (0 = each stands
// alone): that of share_difference() where no answer is of the kind that
// counts, before or after. An interval of real answers to units of other sizes
// is no narrower on the side where an effect would be. Where it exceeds the
// margin no data can show that there is no effect. 1 where there is no
// question.
double least_half_width(std::int64_t questions, std::int64_t units,
                        double level = 0.95);

}  // namespace veer
