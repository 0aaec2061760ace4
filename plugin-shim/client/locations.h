// Where a client looks for executables: its own, the daemon's, and any on PATH.
#pragma once

#include <filesystem>
#include <tl/expected.hpp>

#include "plugin-shim/client/failure.h"

namespace hearth::client {

// The directory of the executable of this process; empty when /proc does not tell.
std::filesystem::path executable_directory();

// The first executable file of that name on PATH, absolute; empty: none.
std::filesystem::path find_on_path(const std::string& name);

// A regular file (through links) that this user may execute.
bool is_executable(const std::filesystem::path& path);

// `hearthd` in `beside`, else $HEARTH_DAEMON, else on PATH.
tl::expected<std::filesystem::path, Failure> find_daemon(const std::filesystem::path& beside);

}  // namespace hearth::client
