#include "plugin-shim/client/command_connection.h"

#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "protocol/unix_socket.h"

namespace hearth::client {

tl::expected<CommandConnection, Failure> CommandConnection::open(
    const protocol::Endpoints& endpoints, protocol::ProcessSpec spec) {
  auto socket = protocol::connect_unix(endpoints.streams());
  if (!socket) {
    const std::error_code& error = socket.error();
    if (error == std::errc::no_such_file_or_directory || error == std::errc::connection_refused)
      return tl::unexpected(Failure{FailureKind::no_daemon, "no daemon is running"});
    return tl::unexpected(
        Failure{FailureKind::trouble, endpoints.streams().string() + ": " + error.message()});
  }
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(socket->get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
      peer.uid != geteuid())
    return tl::unexpected(
        Failure{FailureKind::trouble, endpoints.streams().string() + " belongs to another user"});
  protocol::Channel channel(std::move(*socket));
  channel.send(protocol::OpenCommands{protocol::protocol_version, HEARTH_VERSION, std::move(spec)});
  return CommandConnection(std::move(channel), peer.pid);
}

tl::expected<std::vector<CommandConnection::Answer>, Failure> CommandConnection::take() {
  std::vector<Answer> answers;
  for (auto& received : channel_.on_readable()) {
    if (auto* exited = std::get_if<protocol::CommandExited>(&received.message)) {
      answers.emplace_back(*exited);
    } else if (auto* refused = std::get_if<protocol::CommandRefused>(&received.message)) {
      answers.emplace_back(std::move(*refused));
    } else if (const auto* withdrawn = std::get_if<protocol::CommandWithdrawn>(&received.message)) {
      answers.emplace_back(*withdrawn);
    } else if (const auto* lent = std::get_if<protocol::LendSlots>(&received.message)) {
      answers.emplace_back(*lent);
    } else if (std::holds_alternative<protocol::AskBackSlot>(received.message)) {
      answers.emplace_back(protocol::AskBackSlot{});
    } else if (auto* no = std::get_if<protocol::Refused>(&received.message)) {
      return tl::unexpected(Failure{FailureKind::refused, std::move(no->message)});
    }
  }
  if (channel_.closed() && answers.empty())
    return tl::unexpected(Failure{
        FailureKind::lost,
        "the daemon (process " + std::to_string(daemon_) + ") has gone away; see `hearth logs`"});
  return answers;
}

}  // namespace hearth::client
