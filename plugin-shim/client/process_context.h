// What this process has from its parent and passes on, besides descriptors, environment, directory
// and file mode mask.
#pragma once

#include <sys/types.h>

#include <string>

#include "protocol/messages.gen.h"

namespace hearth::client {

// What a fork in the daemon can be given: priorities, processors, limits, signals. Ask before
// signals are blocked for reasons of one's own.
protocol::ProcessContext current_process_context();

// What it cannot be given, so that a run has to be this process's own: user, groups, capabilities,
// namespaces, limits that are higher than the daemon's, ... In a few words, what of it the daemon
// has otherwise; empty: nothing.
std::string difference_from(pid_t daemon);

}  // namespace hearth::client
