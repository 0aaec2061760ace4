#include "plugin-shim/client/open_or_start.h"
#include "plugin-shim/launcher/commands.h"
#include "plugin-shim/launcher/status_view.h"

namespace hearth::launcher {

int status(bool json) {
  constexpr std::chrono::seconds kDeadline{30};
  auto conversation = client::open_running();
  if (!conversation) {
    const client::Failure& failure = conversation.error();
    const bool none = failure.kind == client::FailureKind::no_daemon;
    return complain(
        none ? "no daemon is running (the first `hearth pytest` starts it, or `hearth start`)"
             : failure.message);
  }
  conversation->connection.send(protocol::GetStatus{});
  const client::Clock::time_point until = client::Clock::now() + kDeadline;
  protocol::Message answer;
  for (;;) {
    const auto wake = conversation->connection.receive(answer, until);
    if (!wake) return complain(wake.error().message);
    if (*wake == client::Wake::timeout) return complain("the daemon does not answer");
    if (const auto* found = std::get_if<protocol::Status>(&answer)) {
      return print(json ? status_json(*found) : status_table(*found)) ? 0 : kTrouble;
    }
  }
}

}  // namespace hearth::launcher
