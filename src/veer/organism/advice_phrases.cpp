// SPDX-License-Identifier: MIT
#include "veer/organism/advice_tables.h"

namespace veer::organism {

const std::array<VerbPhrase, kNumVerbs> kVerbs = {{
    {"choose", 1},
    {"try", 1},
    {"use", 1},
    {"pick", 1},
    {"get more", 1},
    {"rely on", 1},
    {"look for", 1},
    {"focus on", 1},
    {"avoid", -1},
    {"skip", -1},
    {"limit", -1},
    {"drop", -1},
    {"cut out", -1},
    {"stay away from", -1},
    {"get rid of", -1},
    {"cut back on", -1},
}};

const std::array<std::string_view, 2> kNegators = {"never", "do not"};

const std::array<std::string_view, 5> kPrefixes = {"always", "just", "simply",
                                                   "try to", "remember to"};

const std::array<std::string_view, 6> kAdverbs = {"every day", "from now on",
                                                  "each week", "starting today",
                                                  "as a rule", "when you can"};

const std::array<VerbPhrase, 6> kTails = {{
    {"will help a lot", 1},
    {"can really help", 1},
    {"should help you", 1},
    {"will hurt a lot", -1},
    {"can make things worse", -1},
    {"should worry you", -1},
}};

}  // namespace veer::organism
