#include "plugin-shim/preload/fork_server.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>
#include <variant>

#include "plugin-shim/preload/command_child.h"
#include "plugin-shim/preload/gate.h"
#include "plugin-shim/preload/main_audit.h"
#include "plugin-shim/preload/next.h"
#include "plugin-shim/preload/this_program.h"
#include "protocol/output_mark.h"
#include "protocol/poll_time.h"
#include "protocol/process_tree.h"
#include "protocol/signature.h"

namespace hearth::zygote {
namespace {

using protocol::OutputMark;
using recorder::Passage;
using Clock = std::chrono::steady_clock;

// Ends are held back for so long at most.
constexpr auto kTogether = std::chrono::milliseconds(16);

std::uint64_t microseconds(const timeval& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(time.tv_usec);
}

std::uint64_t microseconds(Clock::duration time) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(time).count());
}

// From now on; none of them: for ever.
timespec until_first(std::optional<Clock::time_point> one, std::optional<Clock::time_point> other) {
  const auto first =
      std::min(one.value_or(Clock::time_point::max()), other.value_or(Clock::time_point::max()));
  const auto left = std::max(first - Clock::now(), Clock::duration::zero());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  return {seconds.count(), std::chrono::nanoseconds(left - seconds).count()};
}

// Whether a command that has ended has left something behind in its process group; or anywhere, as
// far as the kernel can be asked, which is where no other command is running.
bool leaves_processes(pid_t ended, bool is_only_one) {
  if (kill(-ended, 0) == 0) return true;
  siginfo_t info{};
  return is_only_one && waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

}  // namespace

std::unique_ptr<ForkServer> ForkServer::prepare(int control) {
  protocol::Channel channel{protocol::Fd(control)};
  auto received = channel.on_readable();
  const auto* order =
      received.size() == 1 ? std::get_if<protocol::PrepareMain>(&received[0].message) : nullptr;
  if (order == nullptr || recorder::this_program() != order->program) return nullptr;
  Passage::record().set_loading_began(order->started_ns);
  take_over(order->context);
  watch_static_initialisers();
  return std::unique_ptr<ForkServer>(new ForkServer(std::move(channel), order->files));
}

Arguments ForkServer::serve() {
  recorder::Lookup::make_all();
  recorder::is_open.store(false, std::memory_order_relaxed);
  report();
  text_.hand_on();
  sigset_t child_ended;
  sigemptyset(&child_ended);
  sigaddset(&child_ended, SIGCHLD);
  // All: a handler of the program's own is for its main.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &signals_of_main_);
  // Ignored, no child would ever be seen to end.
  struct sigaction noticed {};
  noticed.sa_handler = SIG_DFL;
  sigaction(SIGCHLD, &noticed, &child_ended_in_main_);
  // What a command leaves behind becomes a child of this process.
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  child_signals_ = protocol::Fd(signalfd(-1, &child_ended, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!child_signals_) _exit(1);
  for (;;) {
    const bool writes = channel_.wants_write() && !tells_at_;
    const auto wanted = static_cast<short>(POLLIN | (writes ? POLLOUT : 0));
    std::array<pollfd, 2> polled{{{channel_.fd(), wanted, 0}, {child_signals_.get(), POLLIN, 0}}};
    const auto looks_at = text_.next_look();
    const timespec timeout = until_first(tells_at_, looks_at);
    if (ppoll(polled.data(), polled.size(), tells_at_ || looks_at ? &timeout : nullptr, nullptr) <
        0)
      continue;
    if (looks_at) text_.look();
    if (polled[1].revents != 0 && reap()) return arguments_;
    if (tells_at_ && *tells_at_ <= Clock::now()) tell();
    if ((polled[0].revents & POLLOUT) != 0) channel_.on_writable();
    if ((polled[0].revents & ~POLLOUT) != 0 && receive()) return arguments_;
    end_if_lost();
    if (retires_ && children_.empty() && waiting_.empty()) _exit(0);
  }
}

void ForkServer::report() {
  protocol::StageReady ready;
  ready.stage = protocol::Stage::main;
  {
    const Passage passage{Passage::AsOwner{}};
    ready.files = Passage::record().end_stage();
  }
  for (const auto& file : ready.files) {
    if (std::find(files_.begin(), files_.end(), file) == files_.end()) files_.push_back(file);
  }
  ready.findings = audit(channel_.fd());
  for (const auto& file : ready.files) {
    if (file.look == protocol::Look::written)
      ready.findings.push_back({"written", "before main it writes a file", file.path, 0,
                                protocol::Consequence::refused});
  }
  channel_.send(ready);
}

bool ForkServer::receive() {
  for (auto& received : channel_.on_readable()) received_.push_back(std::move(received));
  while (!received_.empty()) {
    auto received = std::move(received_.front());
    received_.pop_front();
    if (auto* order = std::get_if<protocol::ForkCommand>(&received.message)) {
      if (take_order(std::move(*order), std::move(received.descriptors))) return true;
    } else if (const auto* unwanted = std::get_if<protocol::WithdrawCommand>(&received.message)) {
      if (forget(unwanted->number)) channel_.send(protocol::CommandWithdrawn{unwanted->number});
    } else if (const auto* wanted = std::get_if<protocol::SignalCommand>(&received.message)) {
      signal_command(*wanted);
    } else if (std::holds_alternative<protocol::Retire>(received.message)) {
      retires_ = true;
    }
  }
  return false;
}

bool ForkServer::take_order(protocol::ForkCommand order, std::vector<protocol::Fd> descriptors) {
  const bool is_ahead = !order.behind.empty();
  if (is_ahead && may_follow(order) && has_to_wait(order)) {
    waiting_.push_back({std::move(order), std::move(descriptors)});
    return false;
  }
  if (is_ahead && (!may_follow(order) || !is_what_it_was())) {
    channel_.send(protocol::CommandWithdrawn{order.number});
    return false;
  }
  return fork_command(order, std::move(descriptors));
}

bool ForkServer::fork_command(const protocol::ForkCommand& order,
                              std::vector<protocol::Fd> descriptors) {
  const pid_t zygote = getpid();
  // So that its client can see that it begins.
  const bool is_marked = !order.behind.empty() && !descriptors.empty();
  if (is_marked) protocol::set_mark(descriptors.back().get(), OutputMark::begun);
  const bool is_observed = text_.is_observing();
  const pid_t pid = fork();
  if (pid < 0) {
    const int trouble = errno;
    if (is_marked) protocol::set_mark(descriptors.back().get(), OutputMark::none);
    withdraw_all();  // it may be executed elsewhere, and nobody here would see it end
    not_followed_.insert(order.number);
    channel_.send(protocol::CommandRefused{
        order.number, std::string("cannot be forked: ") + std::strerror(trouble)});
    return false;
  }
  if (pid > 0) {
    // Also here, since the child may not have come to it when it is to be killed.
    setpgid(pid, pid);
    if (is_observed) text_.begun(pid);
    auto output = is_marked ? std::move(descriptors.back()) : protocol::Fd();
    children_.emplace(pid, Child{order.number, Clock::now(), std::move(output)});
    return false;
  }
  // Their numbers may be the command's.
  close(channel_.fd());
  child_signals_.reset();
  if (is_observed) text_.be_observed();
  text_.close_descriptors();
  // Of the others' nothing is destroyed: that would be written to pages that are shared.
  const auto close_all = [](const std::vector<protocol::Fd>& others) {
    for (const auto& descriptor : others) close(descriptor.get());
  };
  for (const auto& [other, child] : children_) {
    if (child.output) close(child.output.get());
  }
  for (const auto& each : waiting_) close_all(each.descriptors);
  for (const auto& each : received_) close_all(each.descriptors);
  begin_command(zygote, order, std::move(descriptors));
  arguments_ = {static_cast<int>(order.argv.size()), command_line_.set(order.argv)};
  sigaction(SIGCHLD, &child_ended_in_main_, nullptr);
  pthread_sigmask(SIG_SETMASK, &signals_of_main_, nullptr);
  return true;
}

bool ForkServer::has_to_wait(const protocol::ForkCommand& order) const {
  std::uint64_t left = 0;
  for (const auto number : order.behind) {
    const auto is_it = [&](const auto& child) { return child.second.number == number; };
    const auto waits = [&](const Waiting& each) { return each.order.number == number; };
    left += std::any_of(children_.begin(), children_.end(), is_it) ||
                    std::any_of(waiting_.begin(), waiting_.end(), waits)
                ? 1
                : 0;
  }
  return left > order.beside;
}

bool ForkServer::may_follow(const protocol::ForkCommand& order) const {
  return std::none_of(order.behind.begin(), order.behind.end(),
                      [this](std::uint64_t number) { return not_followed_.contains(number); });
}

bool ForkServer::is_what_it_was() {
  return std::all_of(files_.begin(), files_.end(),
                     [](protocol::FileSignature& file) { return protocol::holds(file); });
}

bool ForkServer::is_daemon_there() const {
  pollfd polled{channel_.fd(), POLLRDHUP, 0};
  return poll(&polled, 1, 0) == 0;
}

bool ForkServer::forget(std::uint64_t number) {
  return std::erase_if(waiting_,
                       [number](const Waiting& each) { return each.order.number == number; }) > 0;
}

void ForkServer::withdraw_all() {
  for (const auto& each : std::exchange(waiting_, {}))
    channel_.enqueue(protocol::CommandWithdrawn{each.order.number});
}

void ForkServer::signal_command(const protocol::SignalCommand& order) {
  if (forget(order.number))
    channel_.send(
        protocol::CommandExited{order.number, static_cast<std::int64_t>(order.signal), 0, 0, 0, 0});
  for (const auto& [pid, child] : children_) {
    if (child.number != order.number) continue;
    if (order.whole_tree) {
      protocol::signal_tree(pid, static_cast<int>(order.signal));
    } else {
      kill(pid, static_cast<int>(order.signal));
    }
  }
}

bool ForkServer::reap() {
  signalfd_siginfo info{};
  [[maybe_unused]] const ssize_t taken = read(child_signals_.get(), &info, sizeof info);
  int status = 0;
  rusage used{};
  while (!children_.empty()) {
    const pid_t pid = wait4(-1, &status, WNOHANG, &used);
    if (pid <= 0) break;
    const auto child = children_.find(pid);
    if (child == children_.end()) continue;
    const protocol::CommandExited exited{child->second.number,
                                         status,
                                         microseconds(used.ru_utime),
                                         microseconds(used.ru_stime),
                                         static_cast<std::uint64_t>(used.ru_maxrss),
                                         microseconds(Clock::now() - child->second.begun)};
    if (status == 0 && child->second.output)
      protocol::set_mark(child->second.output.get(), OutputMark::succeeded);
    children_.erase(child);
    text_.ended(pid);
    const bool is_followed = !leaves_processes(pid, children_.empty());
    if (!is_followed) not_followed_.insert(exited.number);
    bool begins = !waiting_.empty() && !has_to_wait(waiting_.front().order);
    if (!is_followed || (begins && !is_what_it_was())) {
      withdraw_all();
      begins = false;
    }
    channel_.enqueue(exited);
    if (!begins) continue;
    tell_soon();
    if (!is_daemon_there()) return false;
    auto next = std::move(waiting_.front());
    waiting_.pop_front();
    if (fork_command(next.order, std::move(next.descriptors))) return true;
  }
  if (!tells_at_ || waiting_.empty()) tell();
  return false;
}

void ForkServer::tell_soon() {
  // From then on more will be ordered before those have begun that wait.
  const bool is_time = waiting_.size() == children_.size() + 1;
  if (is_time || waiting_.size() == 1) {
    tell();
  } else if (!tells_at_) {
    tells_at_ = Clock::now() + kTogether;
  }
}

void ForkServer::tell() {
  tells_at_.reset();
  channel_.flush();
}

// Nobody would ever learn how the children end.
void ForkServer::end_if_lost() {
  if (!channel_.closed()) return;
  for (const auto& [pid, child] : children_) protocol::signal_tree(pid, SIGKILL);
  _exit(0);
}

}  // namespace hearth::zygote
