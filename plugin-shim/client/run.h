// Carrying out one run on this process's streams, directory, environment and signals.
#pragma once

#include <cstdint>
#include <tl/expected.hpp>

#include "plugin-shim/client/connection.h"

namespace hearth::client {

// SIGINT, SIGTERM, SIGHUP and SIGQUIT as something to wait for instead of something to die of. They
// stay blocked from construction on, in this thread and those that it starts later; one that is
// ignored stays ignored.
class ForwardedSignals {
 public:
  ForwardedSignals();
  int fd() const { return fd_.get(); }
  int take();  // the next one that arrived, 0: none

 private:
  protocol::Fd fd_;
};

// Streams, submit_run, signals passed on, until the session has ended. Returns its raw wait status.
tl::expected<int, Failure> run(Connection& connection, protocol::ProcessSpec spec,
                               const OpenStreams& streams, ForwardedSignals& signals);

// This process becomes the command, as if it had never been another. Comes back with an error text.
std::string become(const protocol::ProcessSpec& spec);

// Ends this process as the one with this wait status ended: the same exit code, or the same signal
// (without a core file).
[[noreturn]] void end_like(int wait_status);

// The environment of this process as NAME=value entries, and its file mode creation mask.
std::vector<std::string> current_environment();
std::uint64_t current_umask();

}  // namespace hearth::client
