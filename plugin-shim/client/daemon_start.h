// Starting the daemon, detached from whoever asks for it.
#pragma once

#include <chrono>
#include <filesystem>
#include <tl/expected.hpp>

#include "plugin-shim/client/failure.h"

namespace hearth::client {

// Runs `<daemon> --ready-fd 3` in a session of its own and waits until it says that it is ready, or
// why it is not, or `deadline` from now has passed. It is no child of the caller's, and gets
// nothing of the caller's but
// - the variables HOME, USER, LOGNAME, PATH, TMPDIR, XDG_RUNTIME_DIR, XDG_STATE_HOME, HEARTH_* and,
// for sanitizers, *SAN_OPTIONS;
// - no descriptor, no signal mask or disposition, the root directory, umask 077.
tl::expected<void, Failure> start_daemon(const std::filesystem::path& daemon,
                                         std::chrono::milliseconds deadline);

// Whether the daemon gets this NAME=value entry.
bool is_for_daemon(std::string_view entry);

}  // namespace hearth::client
