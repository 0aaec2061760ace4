#include "plugin-shim/ctest/warm_executor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

#include "plugin-shim/client/process_context.h"
#include "plugin-shim/client/this_process.h"
#include "protocol/output_mark.h"

namespace hearth::ctest {
namespace {

// As ctest's children have it: signals at their defaults, and none blocked.
protocol::ProcessContext context() {
  auto context = client::current_process_context();
  context.ignored_signals &= kSignalsLeftAlone;
  context.blocked_signals = 0;
  return context;
}

// Standard input, and what is both output and error.
std::vector<protocol::Fd> streams(int output) {
  std::vector<protocol::Fd> descriptors;
  for (const int number : {STDIN_FILENO, output})
    descriptors.emplace_back(fcntl(number, F_DUPFD_CLOEXEC, 3));
  return descriptors;
}

// Of one whose end nobody has told or will tell, and which may have been ordered ahead: its zygote
// has noted what became of it. Nothing: it has not begun.
std::optional<int> noted_end(const protocol::Fd& output) {
  const auto mark = protocol::mark_of(output.get());
  if (mark == protocol::OutputMark::none) return std::nullopt;
  return mark == protocol::OutputMark::succeeded ? 0 : SIGKILL;
}

constexpr auto kPatience = std::chrono::seconds(1);
constexpr auto kRest = std::chrono::milliseconds(100);

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
  const std::size_t begun = begun_ahead();
  const std::size_t idle = lent_ - std::min(lent_, used + begun);
  const std::size_t surplus = lent_ - std::min(lent_, useful);
  const std::size_t back = std::min(idle, std::max(asked_back_, surplus));
  if (back > 0) {
    lent_ -= back;
    asked_back_ -= std::min(asked_back_, back);
    connection_->return_slots(back);
  }
  update_watch();
  return std::min(more, begun + idle - back);
}

std::size_t WarmExecutor::begun_ahead() const {
  return static_cast<std::size_t>(std::count_if(asked_.begin(), asked_.end(), [](const auto& each) {
    return each.second.is_ahead && each.second.has_begun;
  }));
}

void WarmExecutor::begin_next() {
  const auto next = std::find_if(asked_.begin(), asked_.end(),
                                 [](const auto& each) { return !each.second.has_begun; });
  if (next != asked_.end()) next->second.has_begun = true;
}

void WarmExecutor::start(CommandNumber number, const Command& command) {
  if (!start_warm(number, command)) start_otherwise(number, command);
}

bool WarmExecutor::take_turn(CommandNumber number) {
  withdrawn_.erase(number);
  const auto ordered = asked_.find(number);
  if (ordered == asked_.end()) return false;
  ordered->second.is_ahead = false;
  return true;
}

void WarmExecutor::end_ahead() {
  const auto is_to_come = [](const auto& each) { return !each.second.has_begun; };
  // Those that would begin last go first.
  for (auto each = asked_.rbegin(); connection_ && each != asked_.rend(); ++each) {
    if (is_to_come(*each)) connection_->signal(each->first, SIGKILL, true);
  }
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (connection_ && std::any_of(asked_.begin(), asked_.end(), is_to_come)) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd polled{events_.get(), POLLIN, 0};
    if (left.count() <= 0 || poll(&polled, 1, static_cast<int>(left.count())) == 0) return;
    take_ended();
  }
}

void WarmExecutor::start_otherwise(CommandNumber number, const Command& command) {
  ++otherwise_running_;
  otherwise_->start(number, command);
}

bool WarmExecutor::may_be_warm(const Command& command) const {
  // To keep it warm would cost more than to execute it.
  return connection_ && !command.is_once && command.processors.empty() &&
         command.argv[0].starts_with('/');
}

bool WarmExecutor::start_warm(CommandNumber number, const Command& command) {
  return may_be_warm(command) && order(number, command, false);
}

bool WarmExecutor::order_ahead(CommandNumber number, const Command& command) {
  // Those that were withdrawn go first.
  if (!may_be_warm(command) || asked_.empty() || !withdrawn_.empty() || otherwise_running_ > 0 ||
      asked_back_ > 0 || lent_ < wanted_)
    return false;
  // The same process is to fork it that sees the others end.
  const bool are_of_one_process = std::all_of(asked_.begin(), asked_.end(), [&](const auto& each) {
    const Command& other = each.second.command;
    return other.argv[0] == command.argv[0] && other.directory == command.directory &&
           other.environment == command.environment;
  });
  return are_of_one_process && order(number, command, true);
}

bool WarmExecutor::order(CommandNumber number, const Command& command, bool is_ahead) {
  auto descriptors = streams(command.output);
  for (const auto& descriptor : descriptors) {
    if (!descriptor) return false;  // a closed input, or none left
  }
  Asked asked{command, protocol::Fd(fcntl(command.output, F_DUPFD_CLOEXEC, 3))};
  asked.command.output = asked.output.get();
  asked.is_ahead = is_ahead;
  asked.has_begun = !is_ahead;
  std::vector<CommandNumber> behind;
  std::uint64_t running = 0;
  if (is_ahead) {
    for (const auto& [other, its] : asked_) {
      behind.push_back(other);
      running += its.has_begun ? 1 : 0;
    }
  }
  connection_->start(
      protocol::StartCommand{
          .number = number,
          .program = command.argv[0],
          .argv = command.argv,
          .directory = command.directory == directory_ ? "" : command.directory,
          .has_environment = command.environment.has_value(),
          .environment = command.environment.value_or(std::vector<std::string>()),
          .descriptors = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO},
          .behind = std::move(behind),
          .beside = running - std::min<std::uint64_t>(running, 1)},
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
  for (auto& each : otherwise_->take_ended()) {
    --otherwise_running_;
    ended.push_back(std::move(each));
  }
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
      take_back(refused->number, false, ended);
    } else if (const auto* withdrawn = std::get_if<protocol::CommandWithdrawn>(&answer)) {
      take_back(withdrawn->number, true, ended);
    } else if (const auto* slots = std::get_if<protocol::LendSlots>(&answer)) {
      lent_ += slots->slots;
    } else {
      ++asked_back_;
    }
  }
}

void WarmExecutor::take_exit(const protocol::CommandExited& exited,
                             std::vector<CommandEnded>& ended) {
  const auto asked = asked_.extract(exited.number);
  if (asked.empty()) return;
  Exited end{exited.number, static_cast<int>(exited.wait_status)};
  // It may be that it was lost with its zygote.
  if (end.wait_status == SIGKILL && !asked.mapped().is_killed)
    end.wait_status = noted_end(asked.mapped().output).value_or(SIGKILL);
  if (exited.elapsed_us > 0) end.elapsed = std::chrono::microseconds(exited.elapsed_us);
  ended.emplace_back(end);
  begin_next();
}

void WarmExecutor::take_back(CommandNumber number, bool again, std::vector<CommandEnded>& ended) {
  const auto asked = asked_.extract(number);
  if (asked.empty()) return;
  if (asked.mapped().is_killed) {
    ended.emplace_back(Exited{number, SIGKILL});
  } else if (const auto end = noted_end(asked.mapped().output)) {
    ended.emplace_back(Exited{number, *end});
  } else if (asked.mapped().is_ahead) {
    withdrawn_.insert(number);
  } else if (again) {
    start(number, asked.mapped().command);
  } else {
    start_otherwise(number, asked.mapped().command);
  }
}

void WarmExecutor::lost(bool is_refused, std::vector<CommandEnded>& ended) {
  epoll_ctl(events_.get(), EPOLL_CTL_DEL, connection_->fd(), nullptr);
  connection_.reset();
  if (is_refused) {  // from the first message on: nothing was executed
    while (!asked_.empty()) take_back(asked_.begin()->first, false, ended);
  }
  // Until the zygotes have seen it, too, and begin nothing any more.
  if (!asked_.empty()) std::this_thread::sleep_for(kRest);
  for (const auto& [number, asked] : std::exchange(asked_, {})) {
    if (const auto end = noted_end(asked.output); end || asked.has_begun) {
      ended.emplace_back(Exited{number, end.value_or(SIGKILL)});
    } else {
      withdrawn_.insert(number);
    }
  }
}

void WarmExecutor::update_watch() {
  if (!connection_ || connection_->wants_write() == waits_to_write_) return;
  waits_to_write_ = !waits_to_write_;
  epoll_event event{};
  event.events = waits_to_write_ ? EPOLLIN | EPOLLOUT : EPOLLIN;
  epoll_ctl(events_.get(), EPOLL_CTL_MOD, connection_->fd(), &event);
}

}  // namespace hearth::ctest
