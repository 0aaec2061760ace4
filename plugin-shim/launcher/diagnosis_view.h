// What `hearth doctor` shows of the daemon's diagnosis.
#pragma once

#include <string>

#include "protocol/messages.gen.h"

namespace hearth::launcher {

// For each complaint what it is, where, and what to do.
std::string diagnosis_text(const protocol::Diagnosis& diagnosis);

// One JSON object with the schema's field names; `text` is the complaint as a sentence.
std::string diagnosis_json(const protocol::Diagnosis& diagnosis);

// What the user can do about it, one line.
std::string advice(const protocol::Cause& cause);

}  // namespace hearth::launcher
