#include "plugin-shim/ctest/warm_executor.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <system_error>
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

void WarmExecutor::open() {
  is_opened_ = true;
  std::error_code error;
  directory_ = std::filesystem::current_path(error).string();
  if (error) return;
  protocol::ProcessSpec spec{.python = {},
                             .script = {},
                             .sys_path = {},
                             .args = arguments_,
                             .directory = directory_,
                             .environment = client::current_environment(),
                             .umask = client::current_umask(),
                             .context = context()};
  auto connection = client::CommandConnection::open(endpoints_, std::move(spec));
  if (!connection) return;
  connection_ = std::move(*connection);
  epoll_event event{};
  event.events = EPOLLIN;
  epoll_ctl(events_.get(), EPOLL_CTL_ADD, connection_->fd(), &event);
}

std::size_t WarmExecutor::slots_for(std::size_t used, std::size_t more) {
  if (!is_opened_) open();
  if (!connection_) return more;
  const std::size_t useful = used + more;
  if (useful != wanted_) connection_->want_slots(wanted_ = useful);
  const std::size_t idle = lent_ - std::min(lent_, used);
  const std::size_t surplus = lent_ - std::min(lent_, useful);
  const std::size_t back = std::min(idle, std::max(asked_back_, surplus));
  if (back > 0) {
    lent_ -= back;
    asked_back_ -= std::min(asked_back_, back);
    connection_->return_slots(back);
  }
  update_watch();
  return std::min(more, idle - back);
}

void WarmExecutor::start(CommandNumber number, const Command& command) {
  if (!start_warm(number, command)) otherwise_->start(number, command);
}

bool WarmExecutor::start_warm(CommandNumber number, const Command& command) {
  // To keep it warm would cost more than to execute it.
  if (!connection_ || command.is_once || !command.processors.empty() ||
      !command.argv[0].starts_with('/'))
    return false;
  auto descriptors = streams(command.output);
  for (const auto& descriptor : descriptors) {
    if (!descriptor) return false;  // a closed input, or none left
  }
  Asked asked{command, protocol::Fd(fcntl(command.output, F_DUPFD_CLOEXEC, 3))};
  asked.command.output = asked.output.get();
  connection_->start(
      protocol::StartCommand{
          .number = number,
          .program = command.argv[0],
          .argv = command.argv,
          .directory = command.directory == directory_ ? "" : command.directory,
          .has_environment = command.environment.has_value(),
          .environment = command.environment.value_or(std::vector<std::string>()),
          .descriptors = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}},
      std::move(descriptors));
  asked_.emplace(number, std::move(asked));
  update_watch();
  return true;
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
  for (auto& each : otherwise_->take_ended()) ended.push_back(std::move(each));
  update_watch();
  return ended;
}

void WarmExecutor::take_answers(std::vector<CommandEnded>& ended) {
  connection_->on_writable();
  const auto answers = connection_->take();
  if (!answers) return lost(answers.error().kind == client::FailureKind::refused, ended);
  for (const auto& answer : *answers) {
    if (const auto* exited = std::get_if<protocol::CommandExited>(&answer)) {
      take_exit(*exited, ended);
    } else if (const auto* refused = std::get_if<protocol::CommandRefused>(&answer)) {
      take_refusal(refused->number, ended);
    } else if (const auto* slots = std::get_if<protocol::LendSlots>(&answer)) {
      lent_ += slots->slots;
    } else {
      ++asked_back_;
    }
  }
}

void WarmExecutor::take_exit(const protocol::CommandExited& exited,
                             std::vector<CommandEnded>& ended) {
  if (asked_.erase(exited.number) > 0)
    ended.emplace_back(Exited{exited.number, static_cast<int>(exited.wait_status)});
}

void WarmExecutor::take_refusal(CommandNumber number, std::vector<CommandEnded>& ended) {
  const auto asked = asked_.extract(number);
  if (asked.empty()) return;
  if (asked.mapped().is_killed) {
    ended.emplace_back(Exited{number, SIGKILL});
  } else {
    otherwise_->start(number, asked.mapped().command);
  }
}

void WarmExecutor::lost(bool is_refused, std::vector<CommandEnded>& ended) {
  epoll_ctl(events_.get(), EPOLL_CTL_DEL, connection_->fd(), nullptr);
  connection_.reset();
  if (is_refused) {
    while (!asked_.empty()) take_refusal(asked_.begin()->first, ended);
  }
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
