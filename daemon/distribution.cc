#include "daemon/distribution.h"

#include <fcntl.h>
#include <signal.h>

#include <algorithm>
#include <type_traits>
#include <utility>

#include "daemon/log.h"

namespace hearth::daemon {
namespace {

// Workers ring when something must be seen at once; this is for the rest.
constexpr auto tick_interval = std::chrono::milliseconds(50);
// A controller that is slower than its workers holds them up rather than fill the memory.
constexpr std::size_t max_queued_bytes = 64u * 1024 * 1024;
// After an interrupt: for fixtures to be torn down.
constexpr auto cancel_patience = std::chrono::seconds(5);
// A slip of the finger must not fill the machine.
constexpr std::uint64_t max_workers = 1024;
// Zygotes that may be lost in one run while a worker was to be forked from them.
constexpr int max_lost_forks = 8;

std::vector<std::uint64_t> indices(const std::vector<scheduler::ItemId>& items) {
  std::vector<std::uint64_t> values;
  values.reserve(items.size());
  for (const auto item : items) values.push_back(item.value);
  return values;
}

std::uint32_t capped(std::uint64_t value) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, UINT32_MAX));
}

// Of a number that was found to be one of the run's.
scheduler::ItemId item_id(std::uint64_t value) { return {static_cast<std::uint32_t>(value)}; }

std::optional<std::uint32_t> unless_zero(std::uint64_t value) {
  if (value == 0) return std::nullopt;
  return capped(value);
}

protocol::Fd null_device() { return protocol::Fd(::open("/dev/null", O_RDWR | O_CLOEXEC)); }

}  // namespace

Distribution::Distribution(Services services, scheduler::RunId run, protocol::ProcessSpec spec,
                           protocol::Distribution wish, protocol::Fd worker_stderr,
                           ControllerLink& link)
    : services_(services),
      run_(run),
      spec_(std::move(spec)),
      wish_(std::move(wish)),
      worker_stderr_(std::move(worker_stderr)),
      link_(link) {}

Distribution::~Distribution() {
  services_.dispatcher.set_executor(run_, nullptr);
  services_.loop.cancel(tick_timer_);
  services_.loop.cancel(kill_timer_);
  if (opening_) services_.pool.abandon(*opening_);
  for (const auto& [id, wait] : starting_) services_.pool.abandon(wait);
  hold(nullptr);
}

void Distribution::hold(Zygote* zygote) {
  if (zygote) zygote->hold();
  if (zygote_) zygote_->release();
  zygote_ = zygote;
}

std::uint32_t Distribution::worker_count() const {
  if (wish_.workers != 0) return capped(wish_.workers);
  if (wish_.auto_workers != 0) return capped(wish_.auto_workers);
  return services_.dispatcher.scheduler().slots();
}

protocol::WorkerIdentity Distribution::identity(scheduler::WorkerId id) const {
  return {"gw" + std::to_string(id.value), worker_count(), wish_.testrun};
}

ProcessRequest Distribution::request(scheduler::WorkerId id) const {
  ProcessRequest request;
  request.flavour = protocol::Flavour::worker;
  request.spec = spec_;
  request.identity = identity(id);
  request.distribution = wish_.policy;
  return request;
}

Worker* Distribution::find(scheduler::WorkerId id) {
  const auto it = workers_.find(id);
  return it == workers_.end() ? nullptr : it->second.get();
}

void Distribution::open() {
  if (wish_.policy != "load" && wish_.policy != "loadfile") {
    fail("--dist " + wish_.policy + " is not known to this daemon; it knows load and loadfile");
    return;
  }
  if (std::max(wish_.workers, wish_.auto_workers) > max_workers) {
    fail("more than " + std::to_string(max_workers) + " workers were asked for; ask for fewer");
    return;
  }
  opening_ = services_.pool.acquire(request({0}), [this](ZygotePool::Result result) {
    opening_.reset();
    opened(std::move(result));
  });
}

void Distribution::opened(ZygotePool::Result result) {
  if (auto* failed = std::get_if<ZygotePool::Failed>(&result)) {
    fail(failed->message);
    return;
  }
  if (auto* ended = std::get_if<ZygotePool::Ended>(&result)) {
    fail("a worker ended before it had collected the tests: it " +
         describe_wait_status(ended->wait_status) + "\n" + ended->printed.to_stdout +
         ended->printed.to_stderr);
    return;
  }
  auto& lease = std::get<ZygotePool::Lease>(result);
  items_ = lease.zygote->ready().items;
  protocol::DistributionOpened message;
  message.workers = worker_count();
  message.items = items_;
  message.collected = lease.zygote->ready().collected;
  if (lease.fork) {
    hold(lease.zygote);
  } else {
    // It serves once, as itself: as the first worker, which waits for begin() with nothing in its
    // queue.
    start_worker_from(*lease.zygote, false, {0});
  }
  link_.enqueue(message);
  link_.flush();
}

void Distribution::begin() {
  if (running_ || finished_ || opening_) return;
  running_ = true;
  services_.dispatcher.set_executor(run_, this);
  scheduler::RunSubmitted event;
  event.run = run_;
  event.policy =
      wish_.policy == "loadfile" ? scheduler::Policy::load_file : scheduler::Policy::load;
  event.items = items_;
  event.workers = unless_zero(wish_.workers);
  event.auto_workers = capped(wish_.auto_workers);
  event.max_failures = unless_zero(wish_.max_failures);
  if (wish_.max_worker_restarts >= 0)
    event.max_worker_restarts = capped(static_cast<std::uint64_t>(wish_.max_worker_restarts));
  event.max_chunk = unless_zero(wish_.max_chunk);
  log("distribution")
      .info("run_submitted run={} items={} workers={} policy={}", run_.value, items_.size(),
            wish_.workers, wish_.policy);
  tick_timer_ = services_.loop.after(tick_interval, [this] { tick(); });
  services_.dispatcher.post(std::move(event));
}

void Distribution::cancel() {
  if (finished_ || std::exchange(cancelled_, true)) return;
  if (!running_) {
    kill({});
    return;
  }
  services_.dispatcher.post(scheduler::RunCancelled{run_});
  // As the terminal would have done for a process in the foreground: the test in progress gets
  // KeyboardInterrupt.
  for (const auto& [id, worker] : workers_) worker->signal(SIGINT);
  services_.loop.cancel(kill_timer_);
  kill_timer_ = services_.loop.after(cancel_patience, [this] { kill({}); });
}

void Distribution::kill(const std::string& reason) {
  if (finished_) return;
  killed_ = true;
  if (!cancelled_ && first_failure_.empty()) first_failure_ = reason;
  for (const auto& [id, worker] : workers_) worker->signal(SIGKILL);
  if (running_) {
    services_.dispatcher.post(scheduler::RunCancelled{run_});
  } else if (cancelled_) {
    finish(protocol::Outcome::cancelled, {});
  } else {
    finish(protocol::Outcome::failed, first_failure_);
  }
}

void Distribution::fail(std::string message) {
  log("distribution").warn("distribution_failed run={} message={:?}", run_.value, message);
  finish(protocol::Outcome::failed, std::move(message));
}

void Distribution::finish(protocol::Outcome outcome, std::string message) {
  if (finished_) return;
  finished_ = true;
  if (opening_) services_.pool.abandon(*std::exchange(opening_, std::nullopt));
  services_.loop.cancel(tick_timer_);
  services_.loop.cancel(kill_timer_);
  hold(nullptr);
  link_.enqueue(protocol::DistributionFinished{outcome, std::move(message)});
  link_.flush();
  link_.distribution_finished();
}

bool Distribution::wants_data() const { return link_.queued_bytes() < max_queued_bytes; }

void Distribution::tick() {
  for (const auto& [id, worker] : workers_) {
    if (wants_data()) worker->read_data();
  }
  if (finished_) return;
  tick_timer_ = services_.loop.after(tick_interval, [this] { tick(); });
}

// ---- the scheduler's commands

void Distribution::execute(const scheduler::Command& command) {
  const auto to_worker = [this](scheduler::WorkerId id, const protocol::Message& message) {
    if (auto* worker = find(id)) worker->send(message);
  };
  std::visit(
      [&](const auto& action) {
        using Action = std::decay_t<decltype(action)>;
        if constexpr (std::is_same_v<Action, scheduler::StartWorker>) {
          start_worker(action);
        } else if constexpr (std::is_same_v<Action, scheduler::AssignItems>) {
          to_worker(action.worker, protocol::RunItems{indices(action.items)});
        } else if constexpr (std::is_same_v<Action, scheduler::ResumeWorker>) {
          to_worker(action.worker, protocol::Resume{});
        } else if constexpr (std::is_same_v<Action, scheduler::PauseWorker>) {
          to_worker(action.worker, protocol::Pause{});
        } else if constexpr (std::is_same_v<Action, scheduler::FinishWorker>) {
          to_worker(action.worker, protocol::NoMoreItems{});
        } else if constexpr (std::is_same_v<Action, scheduler::StopWorker>) {
          stop_worker(action.worker);
        } else if constexpr (std::is_same_v<Action, scheduler::ReportLostItem>) {
          if (ending_) ending_->lost_item = action.item.value;
        } else if constexpr (std::is_same_v<Action, scheduler::ReportRestartsUsedUp>) {
          if (ending_) ending_->restarts_used_up = true;
        } else if constexpr (std::is_same_v<Action, scheduler::FinishRun>) {
          finish_run(action);
        } else {
          static_assert(std::is_same_v<Action, scheduler::WakeAt>);
        }
      },
      command.action);
}

void Distribution::start_worker(const scheduler::StartWorker& command) {
  const auto id = command.worker;
  if (ending_ && command.replaces) ending_->replacement = identity(id).id;
  if (find(id)) {  // a stage that serves as itself is up already
    services_.dispatcher.post(scheduler::WorkerStarted{run_, id});
    return;
  }
  if (zygote_ && zygote_->serves(request(id)) && zygote_->is_reachable()) {
    start_worker_from(*zygote_, true, id);
  } else {
    acquire_worker(id);
  }
}

void Distribution::acquire_worker(scheduler::WorkerId id) {
  starting_[id] = services_.pool.acquire(request(id), [this, id](ZygotePool::Result result) {
    starting_.erase(id);
    if (auto* lease = std::get_if<ZygotePool::Lease>(&result)) {
      if (lease->zygote->ready().items == items_) {
        start_worker_from(*lease->zygote, lease->fork, id);
      } else {
        worker_not_started(
            id, "different tests were collected for worker " + identity(id).id + " than for gw0");
      }
    } else if (auto* ended = std::get_if<ZygotePool::Ended>(&result)) {
      worker_not_started(id, "worker " + identity(id).id +
                                 " ended before it had collected the tests: it " +
                                 describe_wait_status(ended->wait_status));
    } else {
      worker_not_started(id, std::get<ZygotePool::Failed>(result).message);
    }
  });
}

void Distribution::start_worker_from(Zygote& zygote, bool fork, scheduler::WorkerId id) {
  auto worker = std::make_unique<Worker>(services_.loop, services_.processes,
                                         static_cast<Worker::Listener&>(*this), id);
  std::vector<protocol::Fd> descriptors(2);
  if (auto error = worker->open(descriptors[0], descriptors[1]); !error.empty()) {
    services_.loop.defer([this, alive = std::weak_ptr(alive_), id, error] {
      if (!alive.expired()) worker_not_started(id, error);
    });
    return;
  }
  descriptors.push_back(null_device());
  descriptors.push_back(null_device());
  descriptors.push_back(worker_stderr_ ? worker_stderr_.duplicate() : null_device());

  protocol::StartProcess start;
  start.fork = fork;
  start.spec = spec_;
  start.identity = identity(id);
  start.flavour = protocol::Flavour::worker;
  start.distribution = wish_.policy;
  if (!wish_.basetemp.empty()) start.basetemp = wish_.basetemp + "/popen-" + start.identity.id;
  workers_[id] = std::move(worker);
  zygote.start_process(std::move(start), std::move(descriptors),
                       [this, alive = std::weak_ptr(alive_), id](pid_t pid) {
                         if (!alive.expired() && !finished_) {
                           worker_forked(id, pid);
                         } else if (pid != 0) {
                           signal_group(pid, SIGKILL);  // the run has ended in between
                         }
                       });
}

void Distribution::worker_forked(scheduler::WorkerId id, pid_t pid) {
  auto* worker = find(id);
  if (!worker) return;
  if (pid == 0) {
    workers_.erase(id);
    if (running_ && !killed_ && ++lost_forks_ <= max_lost_forks) {
      acquire_worker(id);  // no fault of the worker's: another zygote will do
      return;
    }
    worker_not_started(
        id, "the process that worker " + identity(id).id + " was to be forked from is gone");
    return;
  }
  worker->started(pid);
  if (killed_) worker->signal(SIGKILL);
  link_.enqueue(protocol::WorkerStarted{worker->name(), static_cast<std::uint64_t>(pid)});
  link_.flush();
  if (running_) services_.dispatcher.post(scheduler::WorkerStarted{run_, id});
}

void Distribution::stop_worker(scheduler::WorkerId id) {
  if (auto* worker = find(id)) {
    worker->send(protocol::StopWorker{});
    return;
  }
  const auto wait = starting_.extract(id);
  if (wait.empty()) return;
  // Its stage is still being built, perhaps for ever: it need not come up at all.
  services_.pool.abandon(wait.mapped());
  services_.loop.defer([this, alive = std::weak_ptr(alive_), id] {
    if (!alive.expired()) services_.dispatcher.post(scheduler::WorkerExited{run_, id, false});
  });
}

void Distribution::worker_not_started(scheduler::WorkerId id, std::string message) {
  log("distribution")
      .warn("worker_not_started run={} worker={} message={:?}", run_.value, id.value, message);
  if (first_failure_.empty()) first_failure_ = std::move(message);
  protocol::WorkerEnded ended;
  ended.worker = identity(id).id;
  ended.lost_item = -1;
  ending_ = &ended;
  services_.dispatcher.post(scheduler::WorkerExited{run_, id, false});
  ending_ = nullptr;
  link_.enqueue(ended);
  if (last_message_) finish(last_message_->outcome, last_message_->message);
  link_.flush();
}

void Distribution::finish_run(const scheduler::FinishRun& command) {
  protocol::DistributionFinished message;
  switch (command.outcome) {
    case scheduler::Outcome::completed:
      message.outcome = protocol::Outcome::completed;
      break;
    case scheduler::Outcome::max_failures:
      message.outcome = protocol::Outcome::max_failures;
      break;
    case scheduler::Outcome::cancelled:
      // To the scheduler, to be killed is the same.
      message.outcome = cancelled_ ? protocol::Outcome::cancelled : protocol::Outcome::failed;
      break;
    case scheduler::Outcome::failed:
      message.outcome = protocol::Outcome::failed;
      break;
  }
  if (message.outcome == protocol::Outcome::failed) {
    message.message =
        first_failure_.empty() ? "no worker is left to run the remaining tests" : first_failure_;
    if (!command.not_executed.empty()) {
      const auto first = command.not_executed.front().value;
      message.message += "; " + std::to_string(command.not_executed.size()) +
                         " not run, the first is " + (first < items_.size() ? items_[first] : "?");
    }
  }
  log("distribution")
      .info("run_finished run={} outcome={} message={:?}", run_.value, to_string(message.outcome),
            message.message);
  // Said after the exit that it is the consequence of.
  if (ending_) {
    last_message_ = std::move(message);
  } else {
    finish(message.outcome, message.message);
  }
}

// ---- what workers say

bool Distribution::are_items(const std::vector<std::uint64_t>& values) const {
  return std::all_of(values.begin(), values.end(),
                     [&](std::uint64_t value) { return value < items_.size(); });
}

void Distribution::data_received(Worker& worker, protocol::Message message) {
  auto& dispatcher = services_.dispatcher;
  const auto reject = [&](std::uint64_t item) {
    log("distribution")
        .error("unknown_item run={} worker={} item={} items={}", run_.value, worker.name(), item,
               items_.size());
    if (first_failure_.empty())
      first_failure_ = "worker " + worker.name() + " named an unknown item";
    worker.distrust();
  };
  if (auto* started = std::get_if<protocol::ItemStarted>(&message)) {
    if (!are_items({started->item})) return reject(started->item);
    tests_started_ = true;
    dispatcher.post(scheduler::ItemStarted{run_, worker.id(), item_id(started->item)});
    link_.enqueue(protocol::ItemBegan{worker.name(), started->item});
  } else if (auto* finished = std::get_if<protocol::ItemFinished>(&message)) {
    if (!are_items({finished->item})) return reject(finished->item);
    const auto duration = std::min<std::uint64_t>(finished->duration_ns, INT64_MAX);
    dispatcher.post(scheduler::ItemFinished{run_, worker.id(), item_id(finished->item),
                                            std::chrono::nanoseconds(duration),
                                            capped(finished->failures)});
    link_.enqueue(
        protocol::ItemReported{worker.name(), finished->item, std::move(finished->reports)});
  } else if (auto* event = std::get_if<protocol::WorkerEvent>(&message)) {
    link_.enqueue(protocol::EventReported{worker.name(), std::move(event->event)});
    if (event->failures != 0 || event->fatal) {
      dispatcher.post(
          scheduler::WorkerFailed{run_, worker.id(), capped(event->failures), event->fatal});
    }
  } else if (std::holds_alternative<protocol::Paused>(message)) {
    dispatcher.post(scheduler::WorkerPaused{run_, worker.id()});
  } else if (auto* revoked = std::get_if<protocol::ItemsRevoked>(&message)) {
    if (!are_items(revoked->items)) return reject(revoked->items.size());
    scheduler::ItemsRevoked given_back{run_, worker.id(), {}};
    for (const auto item : revoked->items) given_back.items.push_back(item_id(item));
    dispatcher.post(std::move(given_back));
  }
}

void Distribution::worker_exited(Worker& worker, int wait_status) {
  // Deferred: the worker's own code is still running, and so may be the scheduler's step.
  services_.loop.defer([this, alive = std::weak_ptr(alive_), id = worker.id(), wait_status] {
    if (alive.expired()) return;
    auto node = workers_.extract(id);
    if (node.empty() || finished_) return;
    auto& gone = *node.mapped();
    protocol::WorkerEnded ended;
    ended.worker = gone.name();
    ended.expected = gone.finished;
    ended.wait_status = wait_status;
    ended.lost_item = -1;
    ended.output = gone.output;
    if (!gone.finished) {
      log("distribution")
          .warn("worker_lost run={} worker={} pid={} how={:?}", run_.value, gone.name(), gone.pid(),
                describe_wait_status(wait_status));
    }
    ending_ = &ended;
    services_.dispatcher.post(scheduler::WorkerExited{run_, id, gone.finished});
    ending_ = nullptr;
    link_.enqueue(ended);
    if (last_message_) finish(last_message_->outcome, last_message_->message);
    link_.flush();
  });
}

}  // namespace hearth::daemon
