#include "plugin-shim/client/run.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <iterator>
#include <optional>
#include <string_view>
#include <vector>

#include "plugin-shim/client/wait_line.h"

namespace hearth::client {
namespace {

constexpr std::chrono::hours kForever{24};

// Blocks as long as the reader does; a reader that is gone gets nothing, as from a Python process.
void write_all(int fd, std::string_view text) {
  std::signal(SIGPIPE, SIG_IGN);
  while (!text.empty()) {
    const auto count = write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) {  // another program has made the terminal so
      pollfd writable{fd, POLLOUT, 0};
      poll(&writable, 1, -1);
      continue;
    }
    if (count <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace

tl::expected<int, RunFailure> run(Connection& connection, protocol::ProcessSpec spec,
                                  const OpenStreams& streams, ForwardedSignals& signals,
                                  std::vector<protocol::FileSignature>* trace) {
  WaitLine line;
  auto ticket = connection.send_streams(streams);
  if (!ticket) return tl::unexpected(RunFailure{ticket.error().message});
  connection.send(protocol::SubmitRun{.ticket = std::move(*ticket),
                                      .spec = std::move(spec),
                                      .wants_trace = trace != nullptr,
                                      .wants_waits = line.is_possible()});

  std::optional<std::uint64_t> number;
  std::vector<int> early;  // signals that arrived before the run had its number
  bool may_have_begun = false;
  protocol::Message message;
  for (;;) {
    const auto wake = connection.receive(message, Clock::now() + kForever, signals.fd());
    if (!wake) {
      Failure failure = wake.error();
      if (failure.kind == FailureKind::lost) failure.message += ": the run did not come to its end";
      return tl::unexpected(RunFailure{std::move(failure.message), may_have_begun});
    }
    if (*wake == Wake::other) {
      while (const int signal = signals.take()) early.push_back(signal);
    } else if (*wake == Wake::message) {
      if (const auto* accepted = std::get_if<protocol::RunAccepted>(&message)) {
        number = accepted->run;
      } else if (const auto* waits = std::get_if<protocol::RunWaits>(&message)) {
        line.show(*waits);
      } else if (const auto* begins = std::get_if<protocol::RunBegins>(&message)) {
        line.erase();
        connection.send(protocol::TerminalLeft{begins->run});
      } else if (auto* looked_at = std::get_if<protocol::Trace>(&message)) {
        if (trace != nullptr) std::ranges::move(looked_at->files, std::back_inserter(*trace));
      } else if (const auto* finished = std::get_if<protocol::RunFinished>(&message)) {
        line.erase();
        write_all(STDOUT_FILENO, finished->printed_stdout);
        write_all(STDERR_FILENO, finished->printed_stderr);
        return static_cast<int>(finished->wait_status);
      } else if (std::holds_alternative<protocol::SignalRun>(message)) {
        line.erase();
        if (!ForwardedSignals::stop_this_process()) early.push_back(SIGCONT);
      } else if (auto* failed = std::get_if<protocol::RunFailed>(&message)) {
        return tl::unexpected(RunFailure{std::move(failed->message), failed->may_have_begun,
                                         failed->plain_fails_too});
      } else if (std::holds_alternative<protocol::SessionStarting>(message)) {
        may_have_begun = true;
      }
    }
    if (number) {
      for (const int signal : early) {
        connection.send(
            protocol::SignalRun{.run = *number, .signal = static_cast<std::uint64_t>(signal)});
      }
      early.clear();
    }
  }
}

}  // namespace hearth::client
