#include "plugin-shim/client/run.h"

#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

namespace hearth::client {
namespace {

// A signal that is ignored is left alone: once blocked it would be kept for us like any other.
sigset_t forwarded_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    struct sigaction action {};
    sigaction(signal, nullptr, &action);
    if (action.sa_handler != SIG_IGN) sigaddset(&signals, signal);
  }
  return signals;
}

constexpr std::chrono::hours kForever{24};

// Blocks as long as the reader does; a reader that is gone gets nothing, as from a Python process.
void write_all(int fd, std::string_view text) {
  std::signal(SIGPIPE, SIG_IGN);
  while (!text.empty()) {
    const auto count = write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace

ForwardedSignals::ForwardedSignals() {
  const sigset_t signals = forwarded_signals();
  pthread_sigmask(SIG_BLOCK, &signals, &before_);
  fd_ = protocol::Fd(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
}

int ForwardedSignals::take() {
  signalfd_siginfo info{};
  if (read(fd_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return 0;
  const auto signal = static_cast<int>(info.ssi_signo);
  taken_.push_back(signal);
  return signal;
}

void ForwardedSignals::give_back() {
  fd_.reset();
  for (const int signal : taken_) raise(signal);  // stays pending while it is blocked
  taken_.clear();
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

tl::expected<int, RunFailure> run(Connection& connection, protocol::ProcessSpec spec,
                                  const OpenStreams& streams, ForwardedSignals& signals) {
  auto ticket = connection.send_streams(streams);
  if (!ticket) return tl::unexpected(RunFailure{ticket.error().message});
  connection.send(protocol::SubmitRun{.ticket = std::move(*ticket), .spec = std::move(spec)});

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
      } else if (const auto* finished = std::get_if<protocol::RunFinished>(&message)) {
        write_all(STDOUT_FILENO, finished->printed_stdout);
        write_all(STDERR_FILENO, finished->printed_stderr);
        return static_cast<int>(finished->wait_status);
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

std::string become(std::vector<std::string> command) {
  std::vector<char*> words;
  words.reserve(command.size() + 1);
  for (auto& word : command) words.push_back(word.data());
  words.push_back(nullptr);
  execv(words[0], words.data());
  return "cannot start " + command[0] + ": " + std::strerror(errno);
}

void end_like(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    const int signal = WTERMSIG(wait_status);
    const rlimit none{};
    setrlimit(RLIMIT_CORE, &none);
    std::signal(signal, SIG_DFL);
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, signal);
    raise(signal);  // stays pending while it is blocked
    pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
    _exit(128 + signal);  // a signal that does not end a process
  }
  _exit(WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 3);
}

std::vector<std::string> current_environment() {
  std::vector<std::string> entries;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
    entries.emplace_back(*entry);
  return entries;
}

std::uint64_t current_umask() {
  const mode_t mask = umask(077);
  umask(mask);
  return mask;
}

}  // namespace hearth::client
