// What `hearth status` shows of the daemon's status message.
#pragma once

#include <string>

#include "protocol/messages.gen.h"

namespace hearth::launcher {

// Tables for people.
std::string status_table(const protocol::Status& status);

// One JSON object with the schema's field names; paths and arguments that are not UTF-8 are shown
// with replacement characters.
std::string status_json(const protocol::Status& status);

// "350 ms", "12 s", "5 min", "3 h 5 min", "2 d 3 h".
std::string readable_duration(std::uint64_t milliseconds);
// "812 kB", "35.2 MB"; "-" for 0, which means unknown.
std::string readable_size(std::uint64_t bytes);

}  // namespace hearth::launcher
