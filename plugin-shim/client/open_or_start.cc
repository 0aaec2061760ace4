#include "plugin-shim/client/open_or_start.h"

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

// Makes the directory, and takes the lock of who starts a daemon there.
tl::expected<protocol::FileLock, Failure> lock_start() {
  for (;;) {
    const auto endpoints = protocol::prepare_endpoints();
    if (!endpoints) return tl::unexpected(Failure{FailureKind::trouble, endpoints.error()});
    // Whoever holds it gives it back within its own deadline, or dies.
    auto lock =
        protocol::FileLock::acquire(endpoints->start_lock(), protocol::FileLock::Held::wait);
    if (lock) return std::move(*lock);
    // A daemon that ended has removed the directory in between.
    if (lock.error() == std::errc::no_such_file_or_directory) continue;
    return tl::unexpected(
        Failure{FailureKind::trouble,
                "cannot lock " + endpoints->start_lock().string() + ": " + lock.error().message()});
  }
}

tl::expected<Conversation, Failure> open_or_start_once(const std::filesystem::path& beside) {
  const auto endpoints = protocol::prepare_endpoints();
  if (!endpoints) return tl::unexpected(Failure{FailureKind::trouble, endpoints.error()});
  auto connection = Connection::open(*endpoints);
  if (!is_absent(connection)) return greet(std::move(connection), false);

  const auto lock = lock_start();
  if (!lock) return tl::unexpected(lock.error());
  connection = Connection::open(*endpoints);
  if (!is_absent(connection)) return greet(std::move(connection), false);

  const auto daemon = find_daemon(beside);
  if (!daemon) return tl::unexpected(daemon.error());
  if (const auto started = start_daemon(*daemon, kStartDeadline); !started) {
    // Somebody else may have started one by hand.
    connection = Connection::open(*endpoints);
    if (!connection) return tl::unexpected(started.error());
    return greet(std::move(connection), false);
  }
  return greet(Connection::open(*endpoints), true);
}

}  // namespace

tl::expected<Conversation, Failure> open_running() {
  const auto endpoints = protocol::locate_endpoints();
  if (!endpoints) return tl::unexpected(Failure{FailureKind::trouble, endpoints.error()});
  return greet(Connection::open(*endpoints), false);
}

tl::expected<Conversation, Failure> open_or_start(const std::filesystem::path& beside) {
  const Clock::time_point until = Clock::now() + kStartDeadline;
  for (;;) {
    auto conversation = open_or_start_once(beside);
    // It met a daemon that was ending, and has asked nothing of it yet.
    const bool is_lost = !conversation && conversation.error().kind == FailureKind::lost;
    if (!is_lost || Clock::now() > until) return conversation;
  }
}

}  // namespace hearth::client
