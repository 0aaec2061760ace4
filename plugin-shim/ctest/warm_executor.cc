#include "plugin-shim/ctest/warm_executor.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "plugin-shim/client/process_context.h"
#include "plugin-shim/client/this_process.h"

namespace hearth::ctest {
namespace {

// As ctest's children have it: signals at their defaults, and none blocked.
protocol::ProcessContext context() {
  auto context = client::current_process_context();
  context.ignored_signals &= kSignalsLeftAlone;
  context.blocked_signals = 0;
  return context;
}

// Standard input, and the output as both output and error.
std::vector<protocol::Fd> streams(int output) {
  std::vector<protocol::Fd> descriptors;
  for (const int number : {STDIN_FILENO, output, output})
    descriptors.emplace_back(fcntl(number, F_DUPFD_CLOEXEC, 3));
  return descriptors;
}

}  // namespace

WarmExecutor::WarmExecutor(protocol::Endpoints endpoints, std::vector<std::string> arguments,
                           std::unique_ptr<Executor> otherwise)
    : endpoints_(std::move(endpoints)),
      arguments_(std::move(arguments)),
      otherwise_(std::move(otherwise)),
      events_(epoll_create1(EPOLL_CLOEXEC)) {
  epoll_event event{};
  event.events = EPOLLIN;
  epoll_ctl(events_.get(), EPOLL_CTL_ADD, otherwise_->fd(), &event);
}

void WarmExecutor::start(CommandNumber number, const Command& command) {
  if (!start_warm(number, command)) start_otherwise(number, command);
}

bool WarmExecutor::start_warm(CommandNumber number, const Command& command) {
  if (!command.processors.empty() || !command.argv[0].starts_with('/')) return false;
  const auto own = command.environment ? std::vector<std::string>() : client::current_environment();
  const auto& environment = command.environment ? *command.environment : own;
  if (!is_opened_ && !open(command, environment)) return false;
  if (!connection_) return false;
  auto descriptors = streams(command.output);
  for (const auto& descriptor : descriptors) {
    if (!descriptor) return false;  // a closed input, or none left
  }
  Asked asked{command, protocol::Fd(fcntl(command.output, F_DUPFD_CLOEXEC, 3))};
  asked.command.output = asked.output.get();
  const bool is_usual = environment == environment_;
  connection_->start(
      protocol::StartCommand{.number = number,
                             .program = command.argv[0],
                             .argv = command.argv,
                             .directory = command.directory == directory_ ? "" : command.directory,
                             .has_environment = !is_usual,
                             .environment = is_usual ? std::vector<std::string>() : environment,
                             .descriptors = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}},
      std::move(descriptors));
  asked_.emplace(number, std::move(asked));
  update_watch();
  return true;
}

bool WarmExecutor::open(const Command& command, const std::vector<std::string>& environment) {
  is_opened_ = true;
  directory_ = command.directory;
  environment_ = environment;
  protocol::ProcessSpec spec{.python = {},
                             .script = {},
                             .sys_path = {},
                             .args = arguments_,
                             .directory = directory_,
                             .environment = environment_,
                             .umask = client::current_umask(),
                             .context = context()};
  auto connection = client::CommandConnection::open(endpoints_, std::move(spec));
  if (!connection) return false;
  connection_ = std::move(*connection);
  epoll_event event{};
  event.events = EPOLLIN;
  epoll_ctl(events_.get(), EPOLL_CTL_ADD, connection_->fd(), &event);
  return true;
}

void WarmExecutor::start_otherwise(CommandNumber number, const Command& command) {
  if (connection_) {
    own_.insert(number);
    connection_->began(number);
    update_watch();
  }
  otherwise_->start(number, command);
}

void WarmExecutor::signal(CommandNumber number, int signal) {
  if (asked_.contains(number)) return signal_warm(number, signal, false);
  otherwise_->signal(number, signal);
}

void WarmExecutor::kill(CommandNumber number) {
  const auto asked = asked_.find(number);
  if (asked == asked_.end()) return otherwise_->kill(number);
  asked->second.is_killed = true;
  signal_warm(number, SIGKILL, true);
}

void WarmExecutor::signal_warm(CommandNumber number, int signal, bool whole_tree) {
  connection_->signal(number, signal, whole_tree);
  update_watch();
}

std::vector<CommandEnded> WarmExecutor::take_ended() {
  std::vector<CommandEnded> ended;
  if (connection_) take_answers(ended);
  for (auto& each : otherwise_->take_ended()) {
    const auto number = std::visit([](const auto& one) { return one.number; }, each);
    if (own_.erase(number) > 0 && connection_) connection_->ended(number);
    ended.push_back(std::move(each));
  }
  update_watch();
  return ended;
}

void WarmExecutor::take_answers(std::vector<CommandEnded>& ended) {
  connection_->on_writable();
  const auto answers = connection_->take();
  if (!answers) return lost(ended);
  for (const auto& answer : *answers) {
    if (const auto* exited = std::get_if<protocol::CommandExited>(&answer)) {
      if (asked_.erase(exited->number) > 0)
        ended.emplace_back(Exited{exited->number, static_cast<int>(exited->wait_status)});
    } else if (const auto asked =
                   asked_.extract(std::get<protocol::CommandRefused>(answer).number)) {
      if (asked.mapped().is_killed) {
        ended.emplace_back(Exited{asked.key(), SIGKILL});
      } else {
        start_otherwise(asked.key(), asked.mapped().command);
      }
    }
  }
}

void WarmExecutor::lost(std::vector<CommandEnded>& ended) {
  epoll_ctl(events_.get(), EPOLL_CTL_DEL, connection_->fd(), nullptr);
  connection_.reset();
  own_.clear();
  for (const auto& [number, asked] : std::exchange(asked_, {}))
    ended.emplace_back(Exited{number, SIGKILL});
}

void WarmExecutor::update_watch() {
  if (!connection_ || connection_->wants_write() == waits_to_write_) return;
  waits_to_write_ = !waits_to_write_;
  epoll_event event{};
  event.events = waits_to_write_ ? EPOLLIN | EPOLLOUT : EPOLLIN;
  epoll_ctl(events_.get(), EPOLL_CTL_MOD, connection_->fd(), &event);
}

}  // namespace hearth::ctest
