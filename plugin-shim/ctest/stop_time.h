// --stop-time.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace hearth::ctest {

// HH:MM or HH:MM:SS, local, today or else tomorrow; of other forms: none.
std::optional<std::chrono::system_clock::time_point> read_stop_time(
    const std::string& text, std::chrono::system_clock::time_point now);

}  // namespace hearth::ctest
