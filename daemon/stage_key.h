// What a run wants of a process, and what a zygote must have in common with it to serve it.
#pragma once

#include <array>
#include <optional>
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
// consumed up to it. Arguments are not part of it, and of the environment only what is always
// compared: the rest is something that a stage reads (tried_arguments.h, environment_reads.h).
struct StageKey {
  protocol::Stage stage = protocol::Stage::interpreter;
  protocol::Flavour flavour = protocol::Flavour::session;
  protocol::ProcessSpec spec;
  std::string distribution;
  StreamShape shape;
  bool operator==(const StageKey&) const = default;
};
StageKey key_of(protocol::Stage stage, const ProcessRequest& request);

// Whether the items themselves are chosen (test_file.py::test_name). A guess from the texts, which
// is enough for what is decided on it: speed.
bool names_items(const ProcessRequest& request);

// Whether a process of that kind is paused there on its way. Workers not at `started`: what a
// session saves by it is not worth the memory. Not at `gathered` where nobody will want another
// selection of what was collected.
bool pauses_at(protocol::Stage stage, const ProcessRequest& request);

// What the second one has in another way than the first. Nothing: they are equal, or not of one
// stage, flavour and directory.
std::optional<protocol::Cause> first_difference(const StageKey& before, const StageKey& after);

// A stage of a command. Before arguments are parsed there are none to be equal.
struct Command {
  StageKey key;
  std::vector<std::string> args;
  bool operator==(const Command&) const = default;
};
Command command_of(protocol::Stage stage, const ProcessRequest& request);

// Whether runs from these directories are taken for one project's: one lies in the other.
bool are_of_one_project(const std::string& a, const std::string& b);

}  // namespace hearth::daemon
