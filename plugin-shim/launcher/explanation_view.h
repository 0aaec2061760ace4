// What `hearth why` shows of the daemon's explanation.
#pragma once

#include <string>

#include "protocol/messages.gen.h"

namespace hearth::launcher {

// Of a run that was found: one line for each stage, `likewise` where the cause is that of the line
// above.
std::string explanation_text(const protocol::Explanation& explanation);

// One JSON object with the schema's field names; `text` is the cause as a sentence.
std::string explanation_json(const protocol::Explanation& explanation);

// "/p/conftest.py changed (size 120 -> 134)".
std::string sentence(const protocol::Cause& cause);

}  // namespace hearth::launcher
