#include "tests/scheduler/checks.h"

#include <algorithm>

#include "scheduler/scopes.h"
#include "tests/scheduler/text.h"

namespace hearth::scheduler {
namespace {

bool keeps_scopes(Policy policy) {
  return policy == Policy::load_scope || policy == Policy::load_file ||
         policy == Policy::load_group;
}

}  // namespace

void Checks::before(const Event& event, Time now) {
  now_ = now;
  hear(event);
}

void Checks::after(const Event& /*event*/, const std::vector<Command>& commands, Time /*now*/) {
  for (const Command& command : commands) {
    std::visit([this](const auto& action) { on(action); }, command.action);
  }
  check_slots();
  check_successors();
  check_stopped();
  check_waiting();
}

void Checks::hear(const Event& event) {
  if (const auto* submitted = std::get_if<RunSubmitted>(&event)) {
    RunRecord& run = runs_[submitted->run];
    run.run = *submitted;
    if (submitted->policy == Policy::each) {
      const std::uint32_t automatic =
          submitted->auto_workers > 0 ? submitted->auto_workers : scheduler_.slots();
      run.times = submitted->workers.value_or(automatic);
    }
    run.scopes = scopes_of(*submitted);
    run.files = files_of(*submitted);
    for (std::uint32_t i = 0; i < submitted->items.size(); ++i) {
      run.open[run.scopes[i]].insert(ItemId{i});
    }
  } else if (const auto* started = std::get_if<SessionStarted>(&event)) {
    sessions_.insert(started->run);
  } else if (const auto* ended = std::get_if<SessionEnded>(&event)) {
    sessions_.erase(ended->run);
  } else if (const auto* up = std::get_if<WorkerStarted>(&event)) {
    const auto place = runs_[up->run].present.find(up->worker);
    if (place != runs_[up->run].present.end()) place->second.is_up = true;
  } else if (const auto* began = std::get_if<ItemStarted>(&event)) {
    runs_[began->run].present[began->worker].is_executing = true;
  } else if (const auto* finished = std::get_if<ItemFinished>(&event)) {
    RunRecord& run = runs_[finished->run];
    run.present[finished->worker].is_executing = false;
    run.present[finished->worker].unfinished.erase(finished->item);
    run.failures += finished->failures;
    mark_done(run, finished->item);
  } else if (const auto* revoked = std::get_if<ItemsRevoked>(&event)) {
    const auto place = runs_[revoked->run].present.find(revoked->worker);
    if (place == runs_[revoked->run].present.end()) return;
    place->second.is_robbed = false;
    place->second.had -= static_cast<std::uint32_t>(revoked->items.size());
    for (const ItemId item : revoked->items) place->second.unfinished.erase(item);
  } else if (const auto* failed = std::get_if<WorkerFailed>(&event)) {
    runs_[failed->run].failures += failed->failures;
    if (failed->fatal) runs_[failed->run].is_stopped = true;
  } else if (const auto* exited = std::get_if<WorkerExited>(&event)) {
    RunRecord& run = runs_[exited->run];
    const bool is_isolated = run.run.max_items_per_worker == 1U;
    const bool is_lost = !exited->session_finished && !exited->was_overdue &&
                         !(is_isolated && run.present[exited->worker].is_executing);
    if (!run.is_stopped) ++(is_lost ? run.losses : run.leavers);
    run.present.erase(exited->worker);
  } else if (const auto* cancelled = std::get_if<RunCancelled>(&event)) {
    if (runs_.count(cancelled->run) > 0) runs_[cancelled->run].is_stopped = true;
  }
}

void Checks::mark_done(RunRecord& run, ItemId item) {
  run.done.insert(item);
  if (run.done.count(item) == run.times) run.open[run.scopes[item.value]].erase(item);
}

Checks::WorkerRecord& Checks::worker(RunId run, WorkerId worker, const char* command) {
  auto& present = runs_[run].present;
  const auto place = present.find(worker);
  if (place == present.end()) {
    fail(run, std::string(command) + " to a worker that is not there");
    return present[worker];
  }
  return place->second;
}

void Checks::on(const StartWorker& command) {
  RunRecord& run = runs_[command.run];
  if (run.is_stopped) fail(command.run, "a worker is started for a stopped run");
  if (command.worker.value != run.starts) fail(command.run, "worker numbers have a gap");
  ++run.starts;
  if (command.succeeds && run.present.count(*command.succeeds) > 0)
    fail(command.run, "a worker is succeeded that is still there");
  run.present.emplace(command.worker, WorkerRecord{});
  const std::uint32_t limit = run.run.workers.value_or(run.run.auto_workers);
  if (limit > 0 && run.present.size() > limit) fail(command.run, "more workers than asked for");
  if (run.run.max_worker_restarts && limit > 0 &&
      run.starts > limit + *run.run.max_worker_restarts + run.leavers) {
    fail(command.run, "more replacements than allowed");
  }
}

void Checks::on(const AssignItems& command) {
  RunRecord& run = runs_[command.run];
  WorkerRecord& record = worker(command.run, command.worker, "assign_items");
  if (!record.is_up) fail(command.run, "items for a worker that is not up");
  if (record.told_end) fail(command.run, "items for a worker that was told to end");
  std::map<std::uint32_t, std::set<ItemId>> given;
  for (const ItemId item : command.items) {
    if (!record.unfinished.insert(item).second) fail(command.run, "an item is given twice");
    std::size_t executions = run.done.count(item);
    for (const auto& [id, each] : run.present) executions += each.unfinished.count(item);
    if (executions > run.times) fail(command.run, "an item is given out too often");
    given[run.scopes[item.value]].insert(item);
    const auto file = run.files[item.value];
    if (run.run.isolates_files && record.file.value_or(file) != file)
      fail(command.run, "a worker gets items of two files");
    record.file = file;
  }
  record.had += static_cast<std::uint32_t>(command.items.size());
  if (run.run.max_items_per_worker && record.had > *run.run.max_items_per_worker)
    fail(command.run, "a worker gets more than its share");
  if (!keeps_scopes(run.run.policy)) return;
  const bool has_shares = run.run.max_items_per_worker || run.run.isolates_files;
  for (const auto& [scope, items] : given) {
    if (has_shares) {
      check_alone(command, scope);
    } else if (items != run.open[scope]) {
      fail(command.run, "the scope " + std::to_string(scope) + " is split");
    }
  }
}

// Where workers succeed each other, a scope may go on in the next one; it is never in two at once.
void Checks::check_alone(const AssignItems& command, std::uint32_t scope) {
  RunRecord& run = runs_[command.run];
  for (const auto& [id, other] : run.present) {
    if (id == command.worker) continue;
    for (const ItemId item : other.unfinished) {
      if (run.scopes[item.value] == scope)
        fail(command.run, "the scope " + std::to_string(scope) + " is in two workers");
    }
  }
}

void Checks::on(const RevokeItems& command) {
  RunRecord& run = runs_[command.run];
  WorkerRecord& record = worker(command.run, command.worker, "revoke_items");
  if (run.run.policy != Policy::work_steal) fail(command.run, "items are revoked");
  if (!record.is_up) fail(command.run, "items are revoked of a worker that is not up");
  if (record.told_end) fail(command.run, "items are revoked of a worker that was told to end");
  if (command.items.empty()) fail(command.run, "no items are revoked");
  for (const auto& [id, each] : run.present) {
    if (each.is_robbed) fail(command.run, "items are revoked while others still are");
  }
  record.is_robbed = true;
  for (const ItemId item : command.items) {
    if (record.unfinished.count(item) == 0)
      fail(command.run, "an item is revoked of the wrong one");
  }
}

void Checks::on(const ResumeWorker& command) {
  if (!worker(command.run, command.worker, "resume_worker").is_up)
    fail(command.run, "resumed before it is up");
}

void Checks::on(const PauseWorker& command) {
  worker(command.run, command.worker, "pause_worker");
  if (runs_[command.run].run.workers) fail(command.run, "an explicit run's worker is paused");
}

void Checks::on(const FinishWorker& command) {
  WorkerRecord& record = worker(command.run, command.worker, "finish_worker");
  if (record.told_end) fail(command.run, "finish_worker to a worker that was told to end");
  record.told_end = true;
}

void Checks::on(const StopWorker& command) {
  WorkerRecord& record = worker(command.run, command.worker, "stop_worker");
  if (record.told_stop) fail(command.run, "stop_worker twice");
  record.told_end = true;
  record.told_stop = true;
}

void Checks::on(const ReportLostItem& command) {
  RunRecord& run = runs_[command.run];
  if (run.died_in.count(command.item) == 0)
    fail(command.run, "an item is reported lost that nobody died in");
  run.lost.insert(command.item);
  if (run.lost.count(command.item) > run.times)
    fail(command.run, "an item is reported lost too often");
  ++run.failures;
  mark_done(run, command.item);
}

void Checks::on(const ReportRestartsUsedUp& command) {
  const RunRecord& run = runs_[command.run];
  if (run.run.max_worker_restarts && run.losses <= *run.run.max_worker_restarts) {
    fail(command.run, "restarts are reported used up too early");
  }
}

void Checks::on(const FinishRun& command) {
  RunRecord& run = runs_[command.run];
  if (run.finish) fail(command.run, "the run is finished twice");
  run.finish = command;
  run.lacks_slot_since.reset();
  if (!run.present.empty()) fail(command.run, "the run is finished before its workers are gone");
  std::set<ItemId> open;
  for (const auto& [scope, items] : run.open) open.insert(items.begin(), items.end());
  const std::set<ItemId> said(command.not_executed.begin(), command.not_executed.end());
  if (command.outcome == Outcome::completed && !open.empty())
    fail(command.run, "completed with items left");
  if (command.outcome == Outcome::failed && said != open)
    fail(command.run, "the wrong items are not executed");
  if (command.outcome == Outcome::failed && !run.is_stopped && open.empty())
    fail(command.run, "failed for nothing");
}

void Checks::on(const WakeAt& command) {
  if (command.time <= now_) violations_.push_back("wake_at names a time that is over");
}

// A slot more is only ever given where one is free, and whoever executes holds one.
void Checks::check_slots() {
  const std::uint32_t taken = explicit_slots();
  const std::uint32_t held = scheduler_.slots_busy() - taken;
  const std::uint32_t budget = scheduler_.slots() > taken ? scheduler_.slots() - taken : 1;
  if (held > automatic_slots_ && held > budget)
    violations_.push_back("a slot over budget is given");
  automatic_slots_ = held;
}

std::uint32_t Checks::explicit_slots() const {
  auto count = static_cast<std::uint32_t>(sessions_.size());
  for (const auto& [id, run] : runs_) {
    if (run.run.workers) count += static_cast<std::uint32_t>(run.present.size());
  }
  return count;
}

// No worker is left waiting for a successor of its item that never comes: it may only wait to take
// over what another one could leave.
void Checks::check_successors() {
  for (const auto& [id, run] : runs_) {
    const bool has_shares = run.run.max_items_per_worker || run.run.isolates_files;
    const bool is_work_at_risk =
        std::any_of(run.present.begin(), run.present.end(), [&](const auto& each) {
          const WorkerRecord& record = each.second;
          const bool may_leave_some = has_shares && record.told_end;  // to its successor
          return !record.is_up || record.is_robbed || record.unfinished.size() >= 2 ||
                 may_leave_some;
        });
    if (is_work_at_risk) continue;
    for (const auto& [name, record] : run.present) {
      if (record.is_up && !record.told_end && record.unfinished.size() < 2) {
        fail(id, "a worker is left with fewer than two items");
      }
    }
  }
}

void Checks::check_stopped() {
  for (auto& [id, run] : runs_) {
    if (run.run.max_failures && run.failures >= *run.run.max_failures) run.is_stopped = true;
    if (!run.is_stopped) continue;
    for (const auto& [name, record] : run.present) {
      if (!record.told_stop) fail(id, "a worker of a stopped run was not stopped in that step");
    }
  }
}

void Checks::check_waiting() {
  for (auto& [id, run] : runs_) {
    const auto state = scheduler_.state(id);
    const bool lacks = state && !run.is_stopped && !run.run.workers && state->slots == 0 &&
                       state->finished < state->items;
    if (!lacks) {
      run.lacks_slot_since.reset();
      continue;
    }
    if (!run.lacks_slot_since) run.lacks_slot_since = now_;
    const Duration wait = now_ - *run.lacks_slot_since;
    longest_wait_ = std::max(longest_wait_, wait);
    if (wait > allowed_wait_) fail(id, "starves for " + text::format_time(wait) + " s");
  }
}

void Checks::item_starts(const SimulatedWorker& worker, Time now) {
  RunRecord& run = runs_[worker.run];
  const ItemId item = worker.executing.value();
  run.begun.insert(item);
  if (run.begun.count(item) > run.times) fail(worker.run, "an item is executed too often");
  if (!begun_by_[{worker.run, worker.id}].insert(item).second)
    fail(worker.run, "a worker executes an item twice");
  if (run.run.workers) return;
  executing_[{worker.run, worker.id}] = now;
  if (executing_.size() > automatic_slots_)
    fail(worker.run, "more workers execute items than hold slots");
}

void Checks::item_ends(const SimulatedWorker& worker, ItemId item, Time now) {
  runs_[worker.run].ended.insert(item);
  const auto place = executing_.find({worker.run, worker.id});
  if (place == executing_.end()) return;
  runs_[worker.run].slot_time += now - place->second;
  executing_.erase(place);
}

void Checks::worker_dies(const SimulatedWorker& worker) {
  if (worker.executing) runs_[worker.run].died_in.insert(*worker.executing);
  executing_.erase({worker.run, worker.id});
}

void Checks::at_end() {
  for (const auto& [id, run] : runs_) {
    if (!run.finish) {
      fail(id, "the run never ends");
      continue;
    }
    if (run.finish->outcome == Outcome::completed &&
        run.ended.size() + run.lost.size() != run.run.items.size() * run.times) {
      fail(id, "completed, but some items were neither executed nor reported lost");
    }
    if (run.lost != run.died_in) fail(id, "an item that a worker died in was not reported lost");
  }
  if (!executing_.empty()) violations_.push_back("items are executed after the end");
}

Duration Checks::slot_time(RunId run) const {
  const auto place = runs_.find(run);
  return place == runs_.end() ? Duration::zero() : place->second.slot_time;
}

const FinishRun* Checks::finish(RunId run) const {
  const auto place = runs_.find(run);
  return place == runs_.end() || !place->second.finish ? nullptr : &*place->second.finish;
}

void Checks::fail(RunId run, const std::string& what) {
  violations_.push_back(text::format_time(now_) + " s, r" + std::to_string(run.value) + ": " +
                        what);
}

}  // namespace hearth::scheduler
