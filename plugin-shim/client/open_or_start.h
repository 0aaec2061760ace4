// A conversation with the daemon, which is started if none runs.
#pragma once

#include <filesystem>

#include "plugin-shim/client/connection.h"

namespace hearth::client {

// How long a daemon may take to become ready, and to answer hello.
inline constexpr std::chrono::seconds kStartDeadline{30};
inline constexpr std::chrono::seconds kGreetDeadline{30};

struct Conversation {
  Connection connection;
  protocol::Welcome daemon;
  bool started = false;  // by this call
};

// Of several clients that find no daemon at the same time one starts it (a lock on `start.lock` in
// the runtime directory decides); the others wait for it. `beside` is where the daemon's executable
// is looked for first.
tl::expected<Conversation, Failure> open_or_start(const std::filesystem::path& beside);

// The same with a daemon that runs already; kind `no_daemon` when none does.
tl::expected<Conversation, Failure> open_running();

}  // namespace hearth::client
