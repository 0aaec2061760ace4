// The processes of a run, played: a session, a controller, a worker. See fake_zygote.cc for what
// their arguments are.
#pragma once

#include <vector>

#include "protocol/fd.h"
#include "protocol/messages.gen.h"

namespace hearth::tests {

// `descriptors`: of start_process.
[[noreturn]] void become_run(const protocol::StartProcess& start,
                             std::vector<protocol::Fd> descriptors);

// Puts three descriptors in the place of 0, 1, 2.
void take_streams(const std::vector<protocol::Fd>& descriptors, std::size_t first);

}  // namespace hearth::tests
