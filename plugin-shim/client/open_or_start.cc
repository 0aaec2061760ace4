#include "plugin-shim/client/open_or_start.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <cstring>

#include "plugin-shim/client/daemon_start.h"
#include "plugin-shim/client/locations.h"

namespace hearth::client {
namespace {

tl::expected<Conversation, Failure> greet(tl::expected<Connection, Failure> connection,
                                          bool started) {
  if (!connection) return tl::unexpected(connection.error());
  auto welcome = connection->greet(Clock::now() + kGreetDeadline);
  if (!welcome) return tl::unexpected(welcome.error());
  return Conversation{std::move(*connection), std::move(*welcome), started};
}

bool is_absent(const tl::expected<Connection, Failure>& connection) {
  return !connection && connection.error().kind == FailureKind::no_daemon;
}

tl::expected<protocol::Fd, Failure> lock_start(const std::filesystem::path& path) {
  protocol::Fd lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  // Whoever holds it gives it back within its own deadline, or dies.
  while (lock && flock(lock.get(), LOCK_EX) != 0 && errno == EINTR) {
  }
  if (!lock) {
    return tl::unexpected(Failure{FailureKind::trouble,
                                  "cannot open " + path.string() + ": " + std::strerror(errno)});
  }
  return lock;
}

}  // namespace

tl::expected<Conversation, Failure> open_running() {
  const auto endpoints = protocol::locate_endpoints();
  if (!endpoints) return tl::unexpected(Failure{FailureKind::trouble, endpoints.error()});
  return greet(Connection::open(*endpoints), false);
}

tl::expected<Conversation, Failure> open_or_start(const std::filesystem::path& beside) {
  const auto endpoints = protocol::prepare_endpoints();
  if (!endpoints) return tl::unexpected(Failure{FailureKind::trouble, endpoints.error()});
  auto connection = Connection::open(*endpoints);
  if (!is_absent(connection)) return greet(std::move(connection), false);

  const auto lock = lock_start(endpoints->directory / "start.lock");
  if (!lock) return tl::unexpected(lock.error());
  connection = Connection::open(*endpoints);
  if (!is_absent(connection)) return greet(std::move(connection), false);

  const auto daemon = find_daemon(beside);
  if (!daemon) return tl::unexpected(daemon.error());
  if (const auto started = start_daemon(*daemon, kStartDeadline); !started) {
    return tl::unexpected(started.error());
  }
  return greet(Connection::open(*endpoints), true);
}

}  // namespace hearth::client
