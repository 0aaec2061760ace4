// What `pytest ARGUMENTS`, typed here, comes to: the command that the daemon is asked to run.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "plugin-shim/client/connection.h"
#include "plugin-shim/launcher/find_pytest.h"
#include "protocol/messages.gen.h"

namespace hearth::launcher {

// With this process's directory, environment and limits. Ask before signals are blocked for reasons
// of one's own. The error is one line for the user.
tl::expected<protocol::ProcessSpec, std::string> pytest_spec(const Pytest& pytest,
                                                             std::vector<std::string> arguments);

// Which of the standard streams are open, at the very start. The numbers of the others are taken
// from here on: a socket that got one would be read and written as that stream. (The session still
// gets its stream closed.)
client::OpenStreams take_stock_of_streams();

}  // namespace hearth::launcher
