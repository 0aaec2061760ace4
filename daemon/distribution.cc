#include "daemon/distribution.h"

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
// Session fixtures may have something to take down; whoever ended the run by force expects it to be
// over.
constexpr auto orphan_patience = std::chrono::milliseconds(1500);
// A slip of the finger must not fill the machine.
constexpr std::uint64_t max_workers = 1024;
constexpr std::uint64_t max_ramp_ms = 24ULL * 60 * 60 * 1000;

std::vector<std::uint64_t> indices(const std::vector<scheduler::ItemId>& items) {
  std::vector<std::uint64_t> values;
  values.reserve(items.size());
  for (const auto item : items) values.push_back(item.value);
  return values;
}

std::uint32_t capped(std::uint64_t value) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, UINT32_MAX));
}

std::optional<scheduler::Policy> policy_of(const std::string& dist) {
  using scheduler::Policy;
  static const std::map<std::string, Policy> policies = {{"load", Policy::load},
                                                         {"loadscope", Policy::load_scope},
                                                         {"loadfile", Policy::load_file},
                                                         {"loadgroup", Policy::load_group},
                                                         {"worksteal", Policy::work_steal},
                                                         {"each", Policy::each}};
  const auto place = policies.find(dist);
  if (place == policies.end()) return std::nullopt;
  return place->second;
}

// Of a number that was found to be one of the run's.
scheduler::ItemId item_id(std::uint64_t value) { return {static_cast<std::uint32_t>(value)}; }

std::optional<std::uint32_t> unless_zero(std::uint64_t value) {
  if (value == 0) return std::nullopt;
  return capped(value);
}

}  // namespace

Distribution::Distribution(Services services, scheduler::RunId run, protocol::ProcessSpec spec,
                           protocol::Distribution wish, Streams streams, bool shows_output,
                           ControllerLink& link)
    : services_(services),
      run_(run),
      wish_(wish),
      link_(link),
      streams_(std::move(streams)),
      crew_(services, std::move(spec), std::move(wish), streams_[2].duplicate(), shows_output,
            link.wants_trace(), static_cast<WorkerCrew::Listener&>(*this)) {}

Distribution::~Distribution() {
  services_.dispatcher.set_executor(run_, nullptr);
  for (const auto& [id, timer] : ramping_) services_.loop.cancel(timer);
  services_.loop.cancel(tick_timer_);
  services_.loop.cancel(kill_timer_);
  if (opening_) services_.pool.abandon(*opening_);
}

void Distribution::open() {
  if (!policy_of(wish_.policy)) {
    fail("--dist " + wish_.policy +
         " is not known to this daemon; it knows each, load, loadscope, loadfile, loadgroup, "
         "worksteal");
    return;
  }
  if (wish_.ramp_ms > max_ramp_ms) {
    fail("--ramp is longer than a day");
    return;
  }
  if (std::max(wish_.workers, wish_.auto_workers) > max_workers) {
    fail("more than " + std::to_string(max_workers) + " workers were asked for; ask for fewer");
    return;
  }
  if (!wish_.configures_workers) {
    acquire_first();
    return;
  }
  configuring_ = true;
  std::vector<std::string> workers;
  for (std::uint32_t i = 0; i < crew_.wished_size(); ++i) workers.push_back(crew_.identity({i}).id);
  want(std::move(workers));
}

void Distribution::want(std::vector<std::string> workers) {
  link_.enqueue(protocol::WorkersWanted{std::move(workers), crew_.wished_size()});
  link_.flush();
}

void Distribution::configured(protocol::WorkersConfigured message) {
  if (finished_ || !wish_.configures_workers) return;
  crew_.configure(std::move(message));
  if (std::exchange(configuring_, false)) acquire_first();
}

// What it has collected is what all have to collect.
void Distribution::acquire_first() {
  wait_notice_.begin();
  opening_ = services_.pool.acquire(crew_.request({0}), [this](ZygotePool::Result result) {
    opening_.reset();
    wait_notice_.end();
    opened(std::move(result));
  });
}

void Distribution::opened(ZygotePool::Result result) {
  if (auto* failed = std::get_if<ZygotePool::Failed>(&result)) {
    fail(failed->message);
    return;
  }
  if (auto* ended = std::get_if<ZygotePool::Ended>(&result)) {
    if (!ended->collecting.empty()) {
      link_.enqueue(
          protocol::CollectionCrashed{crew_.identity({0}).id, ended->collecting, ended->wait_status,
                                      ended->printed.to_stdout + ended->printed.to_stderr});
    }
    fail("a worker ended before it had collected the tests: it " +
         describe_wait_status(ended->wait_status) + "\n" + ended->printed.to_stdout +
         ended->printed.to_stderr);
    return;
  }
  const auto& lease = std::get<ZygotePool::Lease>(result);
  protocol::DistributionOpened message;
  message.workers = crew_.wished_size();
  message.items = lease.zygote->ready().items;
  message.collected = lease.zygote->ready().collected;
  if (link_.wants_trace()) link_.looked_at({lease.zygote->whole_trace().files()});
  crew_.adopt(lease);
  link_.enqueue(message);
  link_.flush();
}

bool Distribution::controller_said(const protocol::Message& message) {
  if (std::holds_alternative<protocol::BeginDistribution>(message)) {
    begin();
  } else if (const auto* end = std::get_if<protocol::CancelDistribution>(&message)) {
    end->completes_items ? stop() : cancel();
  } else if (const auto* configuration = std::get_if<protocol::WorkersConfigured>(&message)) {
    configured(*configuration);
  } else if (const auto* judged = std::get_if<protocol::LostItemJudged>(&message)) {
    if (are_items({judged->item})) {
      services_.dispatcher.post(
          scheduler::LostItemJudged{run_, item_id(judged->item), judged->again});
    }
  } else if (const auto* lend = std::get_if<protocol::LendTerminal>(&message)) {
    lend_terminal(lend->worker);
  } else if (const auto* interrupt = std::get_if<protocol::InterruptWorker>(&message)) {
    if (const auto* worker = crew_.find(interrupt->worker)) worker->signal(SIGINT);
  } else {
    return false;
  }
  return true;
}

// Of a worker that is gone the controller hears without that.
void Distribution::lend_terminal(const std::string& worker) {
  auto* borrower = crew_.find(worker);
  if (!borrower) return;
  std::vector<protocol::Fd> descriptors;
  for (const auto& stream : streams_) descriptors.push_back(stream.duplicate());
  borrower->send(protocol::TerminalLent{}, std::move(descriptors));
  borrower_ = worker;
}

void Distribution::begin() {
  if (running_ || finished_ || configuring_ || opening_) return;
  running_ = true;
  begun_at_ = Clock::now();
  wait_notice_.begin();
  services_.dispatcher.set_executor(run_, this);
  scheduler::RunSubmitted event;
  event.run = run_;
  event.policy = policy_of(wish_.policy).value();
  event.items = crew_.items();
  event.groups = crew_.groups();
  event.reorder_scopes = wish_.reorder_scopes;
  event.workers = unless_zero(wish_.workers);
  event.auto_workers = capped(wish_.auto_workers);
  event.max_failures = unless_zero(wish_.max_failures);
  if (wish_.max_worker_restarts >= 0)
    event.max_worker_restarts = capped(static_cast<std::uint64_t>(wish_.max_worker_restarts));
  event.max_chunk = unless_zero(wish_.max_chunk);
  event.judges_lost_items = wish_.judges_lost_items;
  event.is_inside = services_.is_inside();
  event.max_items_per_worker = unless_zero(wish_.max_items_per_worker);
  event.isolates_files = wish_.isolates_files;
  log("distribution")
      .info("run_submitted run={} items={} workers={} policy={}", run_.value, crew_.items().size(),
            wish_.workers, wish_.policy);
  tick_timer_ = services_.loop.after(tick_interval, [this] { tick(); });
  services_.dispatcher.post(std::move(event));
}

void Distribution::stop() {
  if (!running_ || finished_) return cancel();
  is_stopping_ = true;
  services_.dispatcher.post(scheduler::RunCancelled{run_});
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
  crew_.signal(SIGINT);
  kill_after(cancel_patience);
}

void Distribution::controller_gone() {
  cancel();
  if (finished_) return;
  kill_after(orphan_patience);
}

void Distribution::hold_workers(bool is_stopped) {
  is_stopped_ = is_stopped;
  for (const auto& [id, timer] : item_timers_) timer->hold(is_stopped);
  crew_.signal(is_stopped ? SIGSTOP : SIGCONT);
}

std::vector<pid_t> Distribution::abandon_workers() {
  if (finished_ || !running_) return {};
  if (!std::exchange(cancelled_, true)) {
    services_.dispatcher.post(scheduler::RunCancelled{run_});
    kill_after(cancel_patience);
  }
  return crew_.processes();
}

void Distribution::kill_after(Clock::duration patience) {
  services_.loop.cancel(kill_timer_);
  kill_timer_ = services_.loop.after(patience, [this] { kill({}); });
}

void Distribution::kill(const std::string& reason) {
  if (finished_) return;
  if (!cancelled_ && first_failure_.empty()) first_failure_ = reason;
  crew_.kill();
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
  wait_notice_.end();
  crew_.dismiss();
  link_.enqueue(protocol::DistributionFinished{outcome, std::move(message)});
  link_.flush();
  link_.distribution_finished();
}

std::optional<WaitNotice::Awaited> Distribution::awaited() const {
  const auto stage = opening_ ? services_.pool.awaited_stage(*opening_) : crew_.awaited_stage();
  if (stage) return WaitNotice::Awaited{*stage, false};
  const auto state = services_.dispatcher.scheduler().state(run_);
  if (!running_ || !state || state->slots > 0) return std::nullopt;
  return WaitNotice::Awaited{protocol::Stage::selected, true};
}

bool Distribution::wants_data() const { return link_.queued_bytes() < max_queued_bytes; }

void Distribution::tick() {
  crew_.read_data();
  if (finished_) return;
  tick_timer_ = services_.loop.after(tick_interval, [this] { tick(); });
}

// ---- the scheduler's commands

void Distribution::execute(const scheduler::Command& command) {
  const auto to_worker = [this](scheduler::WorkerId id, const protocol::Message& message) {
    if (auto* worker = crew_.find(id)) worker->send(message);
  };
  std::visit(
      [&](const auto& action) {
        using Action = std::decay_t<decltype(action)>;
        if constexpr (std::is_same_v<Action, scheduler::StartWorker>) {
          crew_.name(action.worker, action.succeeds);
          start_worker(action.worker);
        } else if constexpr (std::is_same_v<Action, scheduler::AssignItems>) {
          to_worker(action.worker, protocol::RunItems{indices(action.items)});
        } else if constexpr (std::is_same_v<Action, scheduler::RevokeItems>) {
          to_worker(action.worker, protocol::RevokeItems{indices(action.items)});
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
          static_assert(std::is_same_v<Action, scheduler::WakeAt> ||
                        std::is_same_v<Action, scheduler::LendSlots> ||
                        std::is_same_v<Action, scheduler::AskBackSlot>);
        }
      },
      command.action);
}

void Distribution::start_worker(scheduler::WorkerId id) {
  const auto delay = ramp_delay(id);
  if (delay <= Clock::duration::zero()) {
    crew_.start(id);
    return;
  }
  ramping_[id] = services_.loop.after(delay, [this, id] {
    ramping_.erase(id);
    crew_.start(id);
  });
}

void Distribution::stop_worker(scheduler::WorkerId id) {
  const auto ramping = ramping_.extract(id);
  if (ramping.empty()) {
    crew_.stop(id);
    return;
  }
  services_.loop.cancel(ramping.mapped());
  // Deferred: the scheduler's step is still being carried out.
  services_.loop.defer([this, alive = std::weak_ptr(alive_), id] {
    if (!alive.expired()) worker_not_needed(id);
  });
}

// Workers that replace others do not wait.
Clock::duration Distribution::ramp_delay(scheduler::WorkerId id) const {
  const auto workers = crew_.wished_size();
  if (wish_.ramp_ms == 0 || id.value >= workers) return Clock::duration::zero();
  const auto after_begin = std::chrono::milliseconds(wish_.ramp_ms) * id.value / workers;
  return begun_at_ + after_begin - Clock::now();
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
      message.outcome =
          cancelled_ || is_stopping_ ? protocol::Outcome::cancelled : protocol::Outcome::failed;
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
                         " not run, the first is " +
                         (first < crew_.items().size() ? crew_.items()[first] : "?");
    }
    if (!first_output_.empty()) message.message += "\n" + first_output_;
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

// ---- what becomes of workers, and what they say

void Distribution::worker_started(Worker& worker) {
  if (is_stopped_) worker.signal(SIGSTOP);
  if (!std::exchange(worker.is_announced, true)) {
    link_.enqueue(protocol::WorkerStarted{worker.name(), static_cast<std::uint64_t>(worker.pid())});
    link_.flush();
  }
  if (running_) services_.dispatcher.post(scheduler::WorkerStarted{run_, worker.id()});
}

void Distribution::worker_not_started(scheduler::WorkerId id, std::string message) {
  log("distribution")
      .warn("worker_not_started run={} worker={} message={:?}", run_.value, id.value, message);
  if (first_failure_.empty()) first_failure_ = std::move(message);
  protocol::WorkerEnded ended;
  ended.worker = crew_.identity(id).id;
  worker_ended(id, std::move(ended));
}

void Distribution::worker_refused(scheduler::WorkerId id, WorkerCrew::Refusal refusal) {
  log("distribution")
      .warn("worker_refused run={} worker={} message={:?}", run_.value, id.value, refusal.message);
  first_failure_ = std::move(refusal.message);
  first_output_ = std::move(refusal.printed);
  if (!refusal.collected.empty())
    link_.enqueue(protocol::EventReported{crew_.identity(id).id, std::move(refusal.collected)});
  services_.dispatcher.post(scheduler::WorkerFailed{run_, id, 0, true});
  services_.dispatcher.post(scheduler::WorkerExited{run_, id});
}

void Distribution::worker_not_needed(scheduler::WorkerId id) {
  services_.dispatcher.post(scheduler::WorkerExited{run_, id, false});
}

void Distribution::worker_unconfigured(scheduler::WorkerId id) { want({crew_.identity(id).id}); }

void Distribution::worker_ended(scheduler::WorkerId id, protocol::WorkerEnded ended) {
  if (!running_) return;  // another is started in its place when the run begins
  if (ended.worker == borrower_) borrower_.clear();
  ended.lost_item = -1;
  ending_ = &ended;
  services_.dispatcher.post(
      scheduler::WorkerExited{run_, id, ended.expected, ended.overdue_ms != 0});
  ending_ = nullptr;
  link_.enqueue(ended);
  if (last_message_) finish(last_message_->outcome, last_message_->message);
  link_.flush();
}

bool Distribution::are_items(const std::vector<std::uint64_t>& values) const {
  return std::all_of(values.begin(), values.end(),
                     [&](std::uint64_t value) { return value < crew_.items().size(); });
}

void Distribution::printed(Worker& worker, int stream, std::string lines) {
  if (finished_) return;
  link_.enqueue(
      protocol::WorkerPrinted{worker.name(), static_cast<std::uint64_t>(stream), std::move(lines)});
}

void Distribution::data_received(Worker& worker, protocol::Message message) {
  auto& dispatcher = services_.dispatcher;
  const auto reject = [&](std::uint64_t item) {
    log("distribution")
        .error("unknown_item run={} worker={} item={} items={}", run_.value, worker.name(), item,
               crew_.items().size());
    if (first_failure_.empty())
      first_failure_ = "worker " + worker.name() + " named an unknown item";
    worker.distrust();
  };
  if (auto* started = std::get_if<protocol::ItemStarted>(&message)) {
    if (!are_items({started->item})) return reject(started->item);
    if (!std::exchange(has_begun_, true)) wait_notice_.end();
    dispatcher.post(scheduler::ItemStarted{run_, worker.id(), item_id(started->item)});
    link_.enqueue(protocol::ItemBegan{worker.name(), started->item});
  } else if (const auto* limit = std::get_if<protocol::TimeLimit>(&message)) {
    limit_time(worker, *limit);
  } else if (auto* finished = std::get_if<protocol::ItemFinished>(&message)) {
    if (!are_items({finished->item})) return reject(finished->item);
    item_is_over(worker.id());
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
  } else if (std::holds_alternative<protocol::TerminalWanted>(message)) {
    item_is_over(worker.id());  // whoever debugs it takes his time
    link_.enqueue(protocol::TerminalRequested{worker.name()});
  } else if (const auto* returned = std::get_if<protocol::TerminalReturned>(&message)) {
    borrower_.clear();
    link_.enqueue(protocol::TerminalBack{worker.name(), returned->in_item});
  } else if (auto* trace = std::get_if<protocol::Trace>(&message)) {
    if (link_.wants_trace()) link_.looked_at(*trace);
  } else if (std::holds_alternative<protocol::Paused>(message)) {
    dispatcher.post(scheduler::WorkerPaused{run_, worker.id()});
  } else if (auto* revoked = std::get_if<protocol::ItemsRevoked>(&message)) {
    if (!are_items(revoked->items)) return reject(revoked->items.size());
    scheduler::ItemsRevoked given_back{run_, worker.id(), {}};
    for (const auto item : revoked->items) given_back.items.push_back(item_id(item));
    dispatcher.post(std::move(given_back));
  }
}

void Distribution::limit_time(const Worker& worker, const protocol::TimeLimit& limit) {
  auto& timer = item_timers_[worker.id()];
  if (!timer) {
    const auto hear = [this, id = worker.id()] {
      if (auto* it = crew_.find(id)) it->read_data();
    };
    const auto end = [this, id = worker.id()](ItemTimer::Overdue overdue) {
      auto* it = crew_.find(id);
      if (!it) return;
      auto& ended = overdue_[id];
      it->last_words.add_to(ended);
      ended.overdue_ms = overdue.limit_ms;
      ended.stack = std::move(overdue.stack);
      it->end_overdue();
    };
    timer = std::make_unique<ItemTimer>(services_.loop, worker.pid(), hear, end);
  }
  timer->begin(limit);
}

void Distribution::item_is_over(scheduler::WorkerId id) {
  const auto timer = item_timers_.find(id);
  if (timer != item_timers_.end()) timer->second->end();
}

void Distribution::worker_exited(Worker& worker, int wait_status) {
  // Deferred: the worker's own code is still running, and so may be the scheduler's step.
  services_.loop.defer([this, alive = std::weak_ptr(alive_), id = worker.id(), wait_status] {
    if (alive.expired()) return;
    const auto gone = crew_.take(id);
    const auto timer = item_timers_.extract(id);
    auto overdue = overdue_.extract(id);
    if (!gone || finished_) return;
    if (!gone->finished) {
      log("distribution")
          .warn("worker_lost run={} worker={} pid={} how={:?}", run_.value, gone->name(),
                gone->pid(), describe_wait_status(wait_status));
    }
    protocol::WorkerEnded ended;
    if (!overdue.empty()) ended = std::move(overdue.mapped());
    ended.worker = gone->name();
    ended.expected = gone->finished;
    ended.wait_status = wait_status;
    ended.output = std::move(gone->output);
    if (!ended.expected && overdue.empty()) {
      gone->last_words.add_to(ended);
      const auto late = timer.empty() ? std::nullopt : timer.mapped()->overdue_at_its_end();
      if (late) ended.overdue_ms = late->limit_ms;
    }
    worker_ended(id, std::move(ended));
  });
}

}  // namespace hearth::daemon
