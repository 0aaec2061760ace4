#include "fake_run.h"

#include <poll.h>
#include <unistd.h>

#include <deque>
#include <string>
#include <utility>

#include "fake_arguments.h"
#include "protocol/channel.h"
#include "protocol/signature.h"

namespace hearth::tests {
namespace {

using namespace hearth::protocol;

void write_out(const std::string& text) {
  if (write(STDOUT_FILENO, text.data(), text.size()) < 0) _exit(99);
}

// Messages are small, sockets are not: all is written at once.
class Conversation {
 public:
  explicit Conversation(Fd socket) : channel_(std::move(socket)) {}

  void say(const Message& message) { channel_.send(message); }

  // Waits for one; ends the process when the daemon is gone.
  Message next() {
    while (received_.empty()) {
      pollfd watched{channel_.fd(), POLLIN, 0};
      poll(&watched, 1, -1);
      for (auto& each : channel_.on_readable()) received_.push_back(std::move(each.message));
      if (received_.empty() && channel_.closed()) _exit(97);
    }
    auto message = std::move(received_.front());
    received_.pop_front();
    return message;
  }

 private:
  Channel channel_;
  std::deque<Message> received_;
};

[[noreturn]] void play_session(const StartProcess& start, Fd control) {
  Conversation daemon(std::move(control));
  daemon.say(SessionBegun{});
  while (start.awaits_terminal && !std::holds_alternative<TerminalLeft>(daemon.next())) {
  }
  std::string text = start.printed_stdout;
  for (const auto& each : start.spec.args) text += "<" + each + ">";
  write_out(text);
  if (has(start.spec, "close")) {
    closefrom(0);
    hang();
  }
  hang_if_asked(start.spec, "session");
  if (start.wants_trace) daemon.say(Trace{{take_signature("/session", Look::status)}});
  _exit(7);
}

class Controller {
 public:
  Controller(const ProcessSpec& spec, Fd control) : spec_(spec), daemon_(std::move(control)) {}

  [[noreturn]] void play() {
    daemon_.say(SessionBegun{});
    hang_if_asked(spec_, "controller");
    Distribution wish;
    wish.workers = number(spec_, "workers", 2);
    wish.policy = argument(spec_, "policy").empty() ? "load" : argument(spec_, "policy");
    wish.max_worker_restarts = -1;
    wish.testrun = std::string(32, '0');
    if (has(spec_, "begin-early")) daemon_.say(BeginDistribution{});
    daemon_.say(OpenDistribution{wish});
    if (has(spec_, "open-twice")) daemon_.say(OpenDistribution{wish});
    for (;;) obey(daemon_.next());
  }

 private:
  void obey(const Message& message) {
    if (std::holds_alternative<DistributionOpened>(message)) {
      hang_if_asked(spec_, "opened");
      if (has(spec_, "cancel-opened")) daemon_.say(CancelDistribution{});
      daemon_.say(BeginDistribution{});
    } else if (std::holds_alternative<ItemBegan>(message)) {
      if (!has(spec_, "cancel-began")) return;
      daemon_.say(CancelDistribution{});
      daemon_.say(CancelDistribution{});
    } else if (std::holds_alternative<ItemReported>(message)) {
      ++reported_;
    } else if (const auto* waits = std::get_if<RunWaits>(&message)) {
      if (waits->for_slot) write_out("waits for a slot ");
    } else if (const auto* ended = std::get_if<WorkerEnded>(&message)) {
      if (!ended->expected) ++lost_workers_;
      if (ended->lost_item >= 0) ++lost_items_;
    } else if (const auto* finished = std::get_if<DistributionFinished>(&message)) {
      write_out(std::string(to_string(finished->outcome)) + " reported=" +
                std::to_string(reported_) + " lost_items=" + std::to_string(lost_items_) +
                " lost_workers=" + std::to_string(lost_workers_) + " " + finished->message);
      hang_if_asked(spec_, "finished");
      _exit(finished->outcome == Outcome::completed ? 0 : 3);
    }
  }

  const ProcessSpec& spec_;
  Conversation daemon_;
  int reported_ = 0;
  int lost_items_ = 0;
  int lost_workers_ = 0;
};

class Worker {
 public:
  Worker(const StartProcess& start, Fd control, Fd data)
      : spec_(start.spec),
        wants_trace_(start.wants_trace),
        id_(start.identity.id),
        control_(std::move(control)),
        data_(std::move(data)) {}

  [[noreturn]] void play() {
    hang_if_asked(spec_, "worker");
    if (has(spec_, "crash:" + id_)) crash();
    for (;;) {
      obey(control_.next());
      while (has_slot_ && !queue_.empty()) {
        execute(queue_.front());
        queue_.pop_front();
      }
      if (is_last_ && (queue_.empty() || is_stopped_)) end();
    }
  }

 private:
  void obey(const Message& message) {
    if (const auto* more = std::get_if<RunItems>(&message)) {
      queue_.insert(queue_.end(), more->items.begin(), more->items.end());
    } else if (std::holds_alternative<Resume>(message)) {
      has_slot_ = true;
    } else if (std::holds_alternative<Pause>(message)) {
      has_slot_ = false;
      tell(Paused{});
    } else if (std::holds_alternative<NoMoreItems>(message)) {
      is_last_ = true;
    } else if (std::holds_alternative<StopWorker>(message)) {
      is_last_ = is_stopped_ = true;
      queue_.clear();
    }
  }

  void execute(std::uint64_t item) {
    tell(ItemStarted{item});
    hang_if_asked(spec_, "item");
    if (has(spec_, "unknown-item:" + id_)) tell(ItemFinished{(1ULL << 32) + item, 1, 0, ""});
    if (has(spec_, "unknown-revoked:" + id_)) tell(ItemsRevoked{{1ULL << 40}});
    if (has(spec_, "wrong-message:" + id_)) tell(Hello{1, {}, "worker"});
    if (has(spec_, "garbage:" + id_)) data_garbage();
    tell(ItemFinished{item, 1'000'000, 0, "reports"});
  }

  void end() {
    tell(WorkerFinished{0, "output"});
    if (wants_trace_) tell(Trace{{take_signature("/worker/" + id_, Look::status)}});
    if (has(spec_, "linger")) hang();
    hang_if_asked(spec_, "end");
    _exit(0);
  }

  void tell(const Message& message) {
    data_.send(message);
    control_.say(Doorbell{});
  }

  void data_garbage() {
    const std::string bytes(64, '\xff');
    if (write(data_.fd(), bytes.data(), bytes.size()) < 0) _exit(99);
    control_.say(Doorbell{});
  }

  const ProcessSpec& spec_;
  bool wants_trace_;
  std::string id_;
  Conversation control_;
  Channel data_;
  std::deque<std::uint64_t> queue_;
  bool has_slot_ = false;
  bool is_last_ = false;
  bool is_stopped_ = false;
};

}  // namespace

void take_streams(const std::vector<Fd>& descriptors, std::size_t first) {
  for (int stream = 0; stream < 3; ++stream)
    dup2(descriptors[first + static_cast<std::size_t>(stream)].get(), stream);
}

void become_run(const StartProcess& start, std::vector<Fd> descriptors) {
  setpgid(0, 0);
  take_streams(descriptors, 2);
  descriptors.resize(2);  // as the real ones do: the user's pipes are at 0, 1, 2 only
  if (start.flavour == Flavour::worker) {
    Worker(start, std::move(descriptors[0]), std::move(descriptors[1])).play();
  }
  hang_if_asked(start.spec, "begin");
  if (has(start.spec, "distributed")) Controller(start.spec, std::move(descriptors[0])).play();
  play_session(start, std::move(descriptors[0]));
}

}  // namespace hearth::tests
