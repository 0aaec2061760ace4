// Where a user's daemon is found.
#pragma once

#include <filesystem>
#include <string>
#include <tl/expected.hpp>

#include "protocol/file_lock.h"

namespace hearth::protocol {

// The names in the daemon's private runtime directory.
struct Endpoints {
  std::filesystem::path directory;  // absolute

  [[nodiscard]] std::string clients() const { return "ipc://" + (directory / "clients").native(); }
  [[nodiscard]] std::string events() const { return "ipc://" + (directory / "events").native(); }
  [[nodiscard]] std::filesystem::path streams() const { return directory / "streams"; }
  [[nodiscard]] std::filesystem::path lock() const { return directory / "lock"; }  // the daemon's
  // Of a client that starts a daemon.
  [[nodiscard]] std::filesystem::path start_lock() const { return directory / "start.lock"; }
};

// $HEARTH_RUNTIME_DIR, else $XDG_RUNTIME_DIR/hearth, else /tmp/hearth-<uid>. Looks at nothing but
// the environment. The error is one line that says what to do (a path that is relative, or too long
// for a socket address).
[[nodiscard]] tl::expected<Endpoints, std::string> locate_endpoints();

// The same, with the directory made (mode 0700) if it is not there. Refuses, with one line that
// says what to do, a directory that others could use: another owner, another mode, a symbolic link.
[[nodiscard]] tl::expected<Endpoints, std::string> prepare_endpoints();

// Removes the sockets. Only who holds the daemon's lock may do so.
void remove_sockets(const Endpoints& endpoints);

// Removes all of it, at the end of a daemon or instead of one that could not: the sockets, both
// locks (the clients' unless it is held), the directory if nothing else is in it. `lock` is the
// daemon's, and is given up.
void remove_endpoints(const Endpoints& endpoints, FileLock lock);

}  // namespace hearth::protocol
