#include "plugin-shim/launcher/ask.h"

#include "plugin-shim/client/open_or_start.h"
#include "plugin-shim/launcher/commands.h"

namespace hearth::launcher {

std::optional<protocol::Message> ask_daemon(const protocol::Message& question,
                                            std::size_t answer_index) {
  constexpr std::chrono::seconds kDeadline{30};
  const auto fail = [](std::string_view message) {
    complain(message);
    return std::nullopt;
  };
  auto conversation = client::open_running();
  if (!conversation) {
    const client::Failure& failure = conversation.error();
    const bool none = failure.kind == client::FailureKind::no_daemon;
    return fail(
        none ? "no daemon is running (the first `hearth pytest` starts it, or `hearth start`)"
             : failure.message);
  }
  conversation->connection.send(question);
  const client::Clock::time_point until = client::Clock::now() + kDeadline;
  protocol::Message answer;
  for (;;) {
    const auto wake = conversation->connection.receive(answer, until);
    if (!wake) return fail(wake.error().message);
    if (*wake == client::Wake::timeout) return fail("the daemon does not answer");
    if (*wake == client::Wake::message && answer.index() == answer_index) return answer;
  }
}

}  // namespace hearth::launcher
