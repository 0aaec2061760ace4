#include "daemon/worker_crew.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "daemon/dispatcher.h"
#include "daemon/log.h"

namespace hearth::daemon {
namespace {

// Zygotes that may be lost in one run while a worker was to be forked from them.
constexpr int max_lost_forks = 8;

protocol::Fd null_device() { return protocol::Fd(::open("/dev/null", O_RDWR | O_CLOEXEC)); }

std::uint32_t capped(std::uint64_t value) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, UINT32_MAX));
}

}  // namespace

WorkerCrew::WorkerCrew(Services services, protocol::ProcessSpec spec, protocol::Distribution wish,
                       protocol::Fd worker_stderr, bool shows_output, bool wants_trace,
                       Listener& listener)
    : services_(services),
      spec_(std::move(spec)),
      wish_(std::move(wish)),
      worker_stderr_(std::move(worker_stderr)),
      shows_output_(shows_output),
      wants_trace_(wants_trace),
      listener_(listener) {}

WorkerCrew::~WorkerCrew() { dismiss(); }

std::uint32_t WorkerCrew::wished_size() const {
  if (wish_.workers != 0) return capped(wish_.workers);
  if (wish_.auto_workers != 0) return capped(wish_.auto_workers);
  return services_.dispatcher.scheduler().slots();
}

protocol::WorkerIdentity WorkerCrew::identity(scheduler::WorkerId id) const {
  protocol::WorkerIdentity identity{
      "gw" + std::to_string(place_of(id).number), wished_size(), wish_.testrun, {}};
  if (const auto it = inputs_.find(identity.id); it != inputs_.end()) identity.input = it->second;
  return identity;
}

void WorkerCrew::name(scheduler::WorkerId id, std::optional<scheduler::WorkerId> succeeds) {
  if (!succeeds) {
    places_[id] = {next_place_++, 0};
    return;
  }
  const auto place = place_of(*succeeds);
  places_.erase(*succeeds);
  places_[id] = {place.number, place.generation + 1};
}

// Of one that has no name yet: the first worker is asked for before the run begins.
WorkerCrew::Place WorkerCrew::place_of(scheduler::WorkerId id) const {
  const auto place = places_.find(id);
  return place == places_.end() ? Place{id.value, 0} : place->second;
}

// What earlier processes in the same place left stays: pytest empties the directory that it is
// given.
std::string WorkerCrew::basetemp_of(scheduler::WorkerId id) const {
  if (wish_.basetemp.empty()) return {};
  const auto place = place_of(id);
  const auto generation = place.generation == 0 ? "" : "-" + std::to_string(place.generation);
  return wish_.basetemp + "/popen-" + identity(id).id + generation;
}

ProcessRequest WorkerCrew::request(scheduler::WorkerId id) const {
  ProcessRequest request;
  request.flavour = protocol::Flavour::worker;
  request.spec = spec_;
  request.identity = identity(id);
  request.distribution = wish_.policy;
  return request;
}

void WorkerCrew::configure(protocol::WorkersConfigured configured) {
  for (auto& each : configured.workers) inputs_[each.worker] = std::move(each.values);
  for (const auto id : std::set(unconfigured_)) {
    if (!inputs_.contains(identity(id).id)) continue;
    unconfigured_.erase(id);
    start(id);
  }
}

void WorkerCrew::hold(Zygote& zygote) {
  if (std::find(zygotes_.begin(), zygotes_.end(), &zygote) != zygotes_.end()) return;
  zygote.hold();
  zygotes_.push_back(&zygote);
}

void WorkerCrew::adopt(const ZygotePool::Lease& lease) {
  items_ = lease.zygote->ready().items;
  groups_ = lease.zygote->ready().groups;
  if (lease.fork) {
    hold(*lease.zygote);
  } else {
    start_from(*lease.zygote, false, {0});
  }
}

Worker* WorkerCrew::find(scheduler::WorkerId id) {
  const auto it = workers_.find(id);
  return it == workers_.end() ? nullptr : it->second.get();
}

Worker* WorkerCrew::find(const std::string& name) {
  for (const auto& [id, worker] : workers_) {
    if (worker->name() == name) return worker.get();
  }
  return nullptr;
}

std::unique_ptr<Worker> WorkerCrew::take(scheduler::WorkerId id) {
  auto node = workers_.extract(id);
  return node.empty() ? nullptr : std::move(node.mapped());
}

std::optional<protocol::Stage> WorkerCrew::awaited_stage() const {
  for (const auto& [id, wait] : waits_) {
    if (const auto stage = services_.pool.awaited_stage(wait)) return stage;
  }
  return std::nullopt;
}

Zygote* WorkerCrew::held_for(scheduler::WorkerId id) const {
  const auto wanted = request(id);
  const auto held = std::find_if(zygotes_.begin(), zygotes_.end(), [&](const Zygote* zygote) {
    return zygote->serves(wanted) && zygote->is_reachable();
  });
  return held == zygotes_.end() ? nullptr : *held;
}

void WorkerCrew::start(scheduler::WorkerId id) {
  if (auto* worker = find(id)) {  // a stage that serves as itself
    if (worker->pid() != 0) announce(id);
  } else if (wish_.configures_workers && !inputs_.contains(identity(id).id)) {
    ask_to_configure(id);
  } else if (auto* zygote = held_for(id)) {
    start_from(*zygote, true, id);
  } else {
    acquire(id);
  }
}

// Not at once: the controller hears first of the worker whose place it takes.
void WorkerCrew::ask_to_configure(scheduler::WorkerId id) {
  unconfigured_.insert(id);
  services_.loop.defer([this, alive = std::weak_ptr(alive_), id] {
    if (!alive.expired() && unconfigured_.contains(id)) listener_.worker_unconfigured(id);
  });
}

void WorkerCrew::acquire(scheduler::WorkerId id) {
  waits_[id] = services_.pool.acquire(request(id), [this, id](ZygotePool::Result result) {
    const std::weak_ptr alive = alive_;
    waits_.erase(id);
    acquired(id, std::move(result));
    if (!alive.expired()) announce_all();
  });
}

void WorkerCrew::acquired(scheduler::WorkerId id, ZygotePool::Result result) {
  if (const auto* lease = std::get_if<ZygotePool::Lease>(&result)) {
    const auto& ready = lease->zygote->ready();
    if (ready.items == items_) {
      if (lease->fork) hold(*lease->zygote);
      start_from(*lease->zygote, lease->fork, id);
    } else {
      listener_.worker_refused(
          id, {"different tests were collected for worker " + identity(id).id + " than for gw0",
               {},
               ready.collected});
    }
  } else if (const auto* ended = std::get_if<ZygotePool::Ended>(&result)) {
    auto message = "worker " + identity(id).id + " ended before it had collected the tests: it " +
                   describe_wait_status(ended->wait_status);
    if (WIFEXITED(ended->wait_status)) {
      listener_.worker_refused(
          id, {std::move(message), ended->printed.to_stdout + ended->printed.to_stderr, {}});
    } else {
      listener_.worker_not_started(id, std::move(message));
    }
  } else {
    listener_.worker_not_started(id, std::get<ZygotePool::Failed>(result).message);
  }
}

void WorkerCrew::start_from(Zygote& zygote, bool fork, scheduler::WorkerId id) {
  auto worker =
      std::make_unique<Worker>(services_.loop, services_.processes, listener_, id, identity(id).id);
  std::vector<protocol::Fd> descriptors(5);  // control, data, streams 0, 1, 2
  auto error = worker->open(descriptors[0], descriptors[1]);
  descriptors[2] = null_device();
  if (shows_output_) {
    if (error.empty()) error = worker->open_output(descriptors[3], descriptors[4]);
  } else {
    descriptors[3] = null_device();
    descriptors[4] = worker_stderr_ ? worker_stderr_.duplicate() : null_device();
  }
  if (!error.empty()) {
    services_.loop.defer([this, alive = std::weak_ptr(alive_), id, error] {
      if (!alive.expired()) listener_.worker_not_started(id, error);
    });
    return;
  }

  protocol::StartProcess start;
  start.fork = fork;
  start.spec = spec_;
  start.identity = identity(id);
  start.flavour = protocol::Flavour::worker;
  start.distribution = wish_.policy;
  start.wants_trace = wants_trace_;
  start.basetemp = basetemp_of(id);
  workers_[id] = std::move(worker);
  zygote.start_process(std::move(start), std::move(descriptors),
                       [this, alive = std::weak_ptr(alive_), id](pid_t pid) {
                         if (!alive.expired() && !is_dismissed_) {
                           forked(id, pid);
                         } else if (pid != 0) {
                           signal_group(pid, SIGKILL);  // the run has ended in between
                         }
                       });
}

void WorkerCrew::forked(scheduler::WorkerId id, pid_t pid) {
  auto* worker = find(id);
  if (!worker) return;
  if (pid != 0) {
    worker->started(pid);
    if (is_killed_) worker->signal(SIGKILL);
    announce(id);
    return;
  }
  // Should it have been forked after all, it finds its channel closed, and has executed nothing.
  workers_.erase(id);
  if (!is_killed_ && ++lost_forks_ <= max_lost_forks) {
    acquire(id);  // no fault of the worker's: another zygote will do
  } else {
    listener_.worker_not_started(
        id, "the process that worker " + identity(id).id + " was to be forked from is gone");
  }
}

// Not at once: others may be asked for in the same step.
void WorkerCrew::announce(scheduler::WorkerId id) {
  unannounced_.insert(id);
  services_.loop.defer([this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) announce_all();
  });
}

void WorkerCrew::announce_all() {
  if (!waits_.empty() || !unconfigured_.empty()) return;
  const std::weak_ptr alive = alive_;
  for (const auto id : std::exchange(unannounced_, {})) {
    auto* worker = find(id);
    if (worker) listener_.worker_started(*worker);
    if (alive.expired()) return;
  }
}

void WorkerCrew::stop(scheduler::WorkerId id) {
  if (auto* worker = find(id)) {
    worker->send(protocol::StopWorker{});
    return;
  }
  const auto wait = waits_.extract(id);
  if (wait.empty() && unconfigured_.erase(id) == 0) return;
  // Its stage is still being built, perhaps for ever: it need not come up at all.
  if (!wait.empty()) services_.pool.abandon(wait.mapped());
  services_.loop.defer([this, alive = std::weak_ptr(alive_), id] {
    if (!alive.expired()) listener_.worker_not_needed(id);
    if (!alive.expired()) announce_all();
  });
}

void WorkerCrew::signal(int number) {
  for (const auto& [id, worker] : workers_) worker->signal(number);
}

std::vector<pid_t> WorkerCrew::processes() const {
  std::vector<pid_t> pids;
  for (const auto& [id, worker] : workers_) {
    if (worker->pid() != 0) pids.push_back(worker->pid());
  }
  return pids;
}

void WorkerCrew::kill() {
  is_killed_ = true;
  signal(SIGKILL);
}

void WorkerCrew::dismiss() {
  is_dismissed_ = true;
  for (const auto& [id, wait] : std::exchange(waits_, {})) services_.pool.abandon(wait);
  for (auto* zygote : std::exchange(zygotes_, {})) zygote->release();
}

void WorkerCrew::read_data() {
  for (const auto& [id, worker] : workers_) {
    if (listener_.wants_data()) worker->read_data();
  }
}

}  // namespace hearth::daemon
