// What a run wants of a process, and what a zygote must have in common with it to serve it.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "daemon/linux.h"
#include "protocol/messages.gen.h"

namespace hearth::daemon {

// What descriptors 0-2 look like to a program that asks. Part of a session's key: pytest looks at
// its terminal early.
struct StreamShape {
  std::array<Terminal, 3> terminals;
  bool joined_output = false;  // 1 and 2 are one file
  bool operator==(const StreamShape&) const = default;
};
StreamShape shape_of(const std::array<protocol::Fd, 3>& streams);

struct ProcessRequest {
  protocol::Flavour flavour = protocol::Flavour::session;
  protocol::ProcessSpec spec;
  protocol::WorkerIdentity identity;  // of a worker
  std::string distribution;           // of a worker: --dist
  StreamShape shape;                  // of a session
};

// Equal keys: the same zygote may serve, if its trace still holds. Each stage depends on what was
// consumed up to it.
struct StageKey {
  protocol::Stage stage = protocol::Stage::interpreter;
  protocol::Flavour flavour = protocol::Flavour::session;
  protocol::ProcessSpec spec;
  std::string distribution;
  StreamShape shape;
  bool operator==(const StageKey&) const = default;
};
StageKey key_of(protocol::Stage stage, const ProcessRequest& request);

// Whether a process that read these variables (of those that a fork gets anew: a worker's identity,
// `_`) read what the requested one would have.
bool reads_fit(const std::vector<protocol::EnvironmentRead>& reads, const ProcessRequest& request);

// The environment that an interpreter is started with: all of it but shell bookkeeping that neither
// CPython nor pytest's import looks at, so that a second terminal finds the interpreter warm. A
// fork gets the run's own environment anyway.
std::vector<std::string> interpreter_environment(const std::vector<std::string>& environment);

}  // namespace hearth::daemon
