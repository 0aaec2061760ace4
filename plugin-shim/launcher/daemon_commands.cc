// start, stop and version.
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "plugin-shim/client/locations.h"
#include "plugin-shim/client/open_or_start.h"
#include "plugin-shim/client/state_directory.h"
#include "plugin-shim/launcher/commands.h"

namespace hearth::launcher {
namespace {

using client::Clock;
using client::FailureKind;

constexpr std::chrono::seconds kStopDeadline{30};
constexpr int kLookIntervalMs = 5;

// glibc 2.36's <sys/pidfd.h> does not link from C++.
protocol::Fd open_process(std::uint64_t pid) {
  return protocol::Fd(static_cast<int>(syscall(SYS_pidfd_open, static_cast<pid_t>(pid), 0)));
}

bool wait_until_ended(const protocol::Fd& process, Clock::time_point until) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    pollfd ended{process.get(), POLLIN, 0};
    const int ready = poll(&ended, 1, left > 0 ? static_cast<int>(left) : 0);
    if (ready < 0 && errno == EINTR) continue;
    return ready > 0;
  }
}

// Asks in the daemon's own words. False: it does not understand them, or does not answer.
bool ask_to_stop(client::Connection& connection, Clock::time_point until) {
  if (!connection.greet(until)) return false;
  connection.send(protocol::Stop{});
  protocol::Message answer;
  for (;;) {
    const auto wake = connection.receive(answer, until);
    // It may be gone before its answer is read.
    if (!wake) return wake.error().kind == FailureKind::lost;
    if (*wake == client::Wake::timeout) return false;
    if (*wake == client::Wake::message && std::holds_alternative<protocol::Stopping>(answer))
      return true;
  }
}

enum class Leftovers { none, removed, in_use };

// Of a daemon that was killed. In use: another is just starting or ending there.
Leftovers remove_leftovers(const protocol::Endpoints& endpoints) {
  std::error_code error;
  if (!std::filesystem::exists(endpoints.lock(), error)) return Leftovers::none;
  auto lock = protocol::FileLock::acquire(endpoints.lock(), protocol::FileLock::Held::give_up);
  if (!lock && lock.error() == std::errc::operation_would_block) return Leftovers::in_use;
  if (!lock) return Leftovers::none;
  protocol::remove_endpoints(endpoints, std::move(*lock));
  return Leftovers::removed;
}

// Where none is to be stopped.
int report_none(Leftovers leftovers) {
  print(leftovers == Leftovers::removed
            ? "no daemon is running; removed what a killed one had left\n"
            : "no daemon is running\n");
  return 0;
}

}  // namespace

int start() {
  const auto conversation = client::open_or_start(client::executable_directory());
  if (!conversation) return complain(conversation.error().message);
  const std::string process = "(process " + std::to_string(conversation->daemon.pid) + ")\n";
  print((conversation->started ? "started the daemon " : "the daemon runs already ") + process);
  return 0;
}

int stop() {
  const auto endpoints = protocol::locate_endpoints();
  if (!endpoints) return complain(endpoints.error());
  const Clock::time_point until = Clock::now() + kStopDeadline;
  auto connection = client::Connection::open(*endpoints);
  while (!connection) {
    if (connection.error().kind != FailureKind::no_daemon)
      return complain(connection.error().message);
    const auto leftovers = remove_leftovers(*endpoints);
    if (leftovers != Leftovers::in_use) return report_none(leftovers);
    if (Clock::now() > until)
      return complain("a daemon has not ended yet; see " + client::log_file().string());
    poll(nullptr, 0, kLookIntervalMs);
    connection = client::Connection::open(*endpoints);
  }
  const std::uint64_t pid = connection->daemon_pid();
  const protocol::Fd process = open_process(pid);
  const std::string named = "the daemon (process " + std::to_string(pid) + ")";
  // A daemon of another version may not understand; the signal means the same to every version.
  if (!ask_to_stop(*connection, Clock::now() + kStopDeadline / 3) && process) {
    syscall(SYS_pidfd_send_signal, process.get(), SIGTERM, nullptr, 0);
  }
  // Its lock goes with the process. (Where its process cannot be seen, its side of the socket must
  // do.)
  const bool ended =
      process ? wait_until_ended(process, until) : connection->wait_until_closed(until);
  if (!ended) return complain(named + " has not ended yet; see " + client::log_file().string());
  remove_leftovers(*endpoints);  // it may have been killed just now
  print("stopped " + named + "\n");
  return 0;
}

int version() {
  print("hearth " HEARTH_VERSION " (protocol " + std::to_string(protocol::protocol_version) +
        ")\n");
  const auto conversation = client::open_running();
  if (conversation) {
    print("daemon " + conversation->daemon.version + " (protocol " +
          std::to_string(conversation->daemon.protocol) + ", process " +
          std::to_string(conversation->daemon.pid) + ")\n");
  } else {
    print(conversation.error().message + "\n");
  }
  return 0;
}

}  // namespace hearth::launcher
