// The lock that makes a daemon the only one of its user.
#pragma once

#include <chrono>
#include <string>
#include <tl/expected.hpp>

#include "protocol/endpoints.h"

namespace hearth::daemon {

// Another that is about to end, or to serve, is waited for; the latter then has it. The lock's file
// holds this process's id. The error is a line for the user.
tl::expected<protocol::FileLock, std::string> acquire_lock(const protocol::Endpoints& endpoints,
                                                           std::chrono::milliseconds patience);

}  // namespace hearth::daemon
