// This process itself: what it hands to a command, and how it ends in its place.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hearth::client {

// This process becomes the command, as if it had never been another. Comes back with an error text.
std::string become(std::vector<std::string> command);

// Ends this process as the one with this wait status ended: the same exit code, or the same signal
// (without a core file).
[[noreturn]] void end_like(int wait_status);

// The environment of this process as NAME=value entries, and its file mode creation mask.
std::vector<std::string> current_environment();
std::uint64_t current_umask();

}  // namespace hearth::client
