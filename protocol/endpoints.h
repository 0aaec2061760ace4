// Where a user's daemon is found.
#pragma once

#include <filesystem>
#include <string>
#include <tl/expected.hpp>

namespace hearth::protocol {

// The names in the daemon's private runtime directory.
struct Endpoints {
  std::filesystem::path directory;  // absolute

  [[nodiscard]] std::string clients() const { return "ipc://" + (directory / "clients").native(); }
  [[nodiscard]] std::string events() const { return "ipc://" + (directory / "events").native(); }
  [[nodiscard]] std::filesystem::path streams() const { return directory / "streams"; }
  [[nodiscard]] std::filesystem::path lock() const { return directory / "lock"; }
};

// $HEARTH_RUNTIME_DIR, else $XDG_RUNTIME_DIR/hearth, else /tmp/hearth-<uid>. Looks at nothing but
// the environment. The error is one line that says what to do (a path that is relative, or too long
// for a socket address).
[[nodiscard]] tl::expected<Endpoints, std::string> locate_endpoints();

// The same, with the directory made (mode 0700) if it is not there. Refuses, with one line that
// says what to do, a directory that others could use: another owner, another mode, a symbolic link.
[[nodiscard]] tl::expected<Endpoints, std::string> prepare_endpoints();

}  // namespace hearth::protocol
