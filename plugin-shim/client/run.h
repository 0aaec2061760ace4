// Carrying out one run on this process's streams, directory, environment and signals.
#pragma once

#include <csignal>
#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "plugin-shim/client/connection.h"
#include "plugin-shim/client/forwarded_signals.h"

namespace hearth::client {

// Why a run did not come to its end.
struct RunFailure {
  std::string message;          // one line for the user
  bool may_have_begun = false;  // something of it was, or may have been executed: never again, then
  bool plain_fails_too = false;  // plain pytest would not work either
};

// Streams, submit_run, signals passed on, until the session has ended. Returns its raw wait status.
// This process stops when the session has stopped, and lets it go on when it does itself.
// On a terminal a line says what it waits for, until it begins. `trace`: gets what the run and its
// stages have looked at; null: nobody wants to know.
tl::expected<int, RunFailure> run(Connection& connection, protocol::ProcessSpec spec,
                                  const OpenStreams& streams, ForwardedSignals& signals,
                                  std::vector<protocol::FileSignature>* trace = nullptr);

}  // namespace hearth::client
