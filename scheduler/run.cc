#include "scheduler/run.h"

#include <algorithm>
#include <utility>

#include "scheduler/scopes.h"

namespace hearth::scheduler {

Run::Run(const RunSubmitted& run, std::uint32_t slots)
    : id_(run.run),
      explicit_workers_(run.workers),
      // How many times `each` executes everything must not change with the machine.
      auto_workers_(run.policy == Policy::each && run.auto_workers == 0 ? slots : run.auto_workers),
      max_failures_(run.max_failures),
      max_restarts_(run.max_worker_restarts),
      max_items_per_worker_(run.max_items_per_worker),
      files_(run.isolates_files ? files_of(run) : std::vector<std::uint32_t>()),
      judges_lost_items_(run.judges_lost_items),
      machine_slots_(slots),
      dealer_(make_dealer(run, asked_for())),
      items_(run.items.size(), run.policy == Policy::each ? asked_for() : 1),
      units_(dealer_->units()) {}

void Run::begin(Time now, Commands& out) {
  if (is_explicit()) start_workers(startable(), now, out);
  end_if_done(out);
}

void Run::worker_started(WorkerId id, Commands& out) {
  Worker* worker = find(id);
  if (worker == nullptr || worker->is_up) return;
  worker->is_up = true;
  slots_changed_ = true;
  if (worker->ending == Worker::Ending::stopping) return;
  const bool is_finishing = worker->ending == Worker::Ending::finishing;
  tell(*worker, {worker->queue.begin(), worker->queue.end()}, "its first items", out);
  if (is_finishing) out.push_back({FinishWorker{id_, id}, "no item is left to add"});
  if (worker->slot == Worker::Slot::granted) {
    worker->slot = Worker::Slot::held;
    out.push_back({ResumeWorker{id_, id}, "it is up and has a slot"});
  }
}

void Run::item_started(WorkerId id, ItemId item) {
  Worker* worker = find(id);
  if (worker == nullptr) return;
  if (std::find(worker->queue.begin(), worker->queue.end(), item) == worker->queue.end()) return;
  worker->executing = item;
}

void Run::item_finished(const ItemFinished& event, Commands& out) {
  Worker* worker = find(event.worker);
  if (worker == nullptr || !worker->remove(event.item)) return;
  items_.mark_done(event.item);
  count_failures(event.failures, out);
  if (stopped_) return;
  refill(*worker, event.duration, out);
  steal(out);
  if (has_kept_ && worker->queue.size() < 2) check_all(out);
  if (worker->queue.empty() && worker->ending == Worker::Ending::finishing) release_slot(*worker);
}

void Run::worker_failed(const WorkerFailed& event, Commands& out) {
  if (find(event.worker) == nullptr) return;
  if (event.fatal) {
    stop(Outcome::failed, "a worker's failure ends the run", out);
  } else {
    count_failures(event.failures, out);
  }
}

void Run::worker_paused(WorkerId id, Commands& out) {
  Worker* worker = find(id);
  if (worker == nullptr) return;
  if (is_explicit()) {
    out.push_back({ResumeWorker{id_, id}, "a worker that was asked for keeps its slot"});
    return;
  }
  release_slot(*worker);
  // The pause crossed the end of its queue: without resume_worker it would wait for ever.
  if (worker->ending != Worker::Ending::no && !worker->has_work()) {
    out.push_back({ResumeWorker{id_, id}, "ending its session takes no slot"});
  }
}

void Run::items_revoked(const ItemsRevoked& event, Commands& out) {
  Worker* from = find(event.worker);
  if (from == nullptr || stopped_) return;
  if (robbed_ == event.worker) robbed_.reset();
  std::vector<ItemId> items;
  for (const ItemId item : event.items) {
    if (from->executing != item && from->remove(item)) items.push_back(item);
  }
  from->had -= static_cast<std::uint32_t>(items.size());
  dealer_->take_back(items);
  slots_changed_ = true;
  check_all(out);
}

void Run::worker_exited(const WorkerExited& event, Time now, Commands& out) {
  const auto place = workers_.find(event.worker);
  if (place == workers_.end()) return;
  Worker gone = std::move(place->second);
  workers_.erase(place);
  if (robbed_ == gone.id) robbed_.reset();
  slots_changed_ = true;

  const bool left_work = !gone.queue.empty();
  // One that has a single item is isolated for it: should the item be its end, nothing else is
  // lost.
  const bool is_ended_by_item =
      event.was_overdue || (max_items_per_worker_ == 1U && gone.executing);
  const bool is_lost = !is_ended_by_item && (!event.session_finished || left_work);
  if (const auto lost = gone.executing) {
    gone.remove(*lost);
    out.push_back(
        {ReportLostItem{id_, gone.id, *lost}, "its worker was lost while it was executed"});
    if (judges_lost_items_) {
      in_judgement_.push_back(*lost);
    } else {
      lose(*lost, out);
    }
  }
  gone.queue.insert(gone.queue.end(), gone.rest.begin(), gone.rest.end());
  if (!stopped_) {
    if (is_lost) {
      count_loss(gone, out);
      if (!gone.queue.empty()) dealer_->take_back({gone.queue.begin(), gone.queue.end()});
    } else if (is_ended_by_item || gone.has_had_its_share) {
      successions_.push_back({gone.id, std::move(gone.queue)});
    } else {
      ++leavers_;
    }
    // Those that still take items come first; only what they leave is worth another worker.
    if (is_lost || dealer_->steals() || has_kept_) check_all(out);
    if (is_explicit()) start_workers(startable(), now, out);
  }
  end_if_done(out);
}

void Run::lost_item_judged(const LostItemJudged& event, Time now, Commands& out) {
  const auto place = std::find(in_judgement_.begin(), in_judgement_.end(), event.item);
  if (place == in_judgement_.end()) return;
  in_judgement_.erase(place);
  if (!event.again) {
    lose(event.item, out);
  } else if (!stopped_) {
    dealer_->take_back({event.item});
  }
  if (!stopped_) {
    slots_changed_ = true;
    check_all(out);
    if (is_explicit()) start_workers(startable(), now, out);
  }
  end_if_done(out);
}

void Run::cancel(Commands& out) {
  stop(Outcome::cancelled, "the run was cancelled", out);
  end_if_done(out);
}

RunState Run::state() const {
  return {static_cast<std::uint32_t>(workers_.size()), slots_held(), items_.count(), items_.done()};
}

Worker* Run::find(WorkerId id) {
  const auto place = workers_.find(id);
  return place == workers_.end() ? nullptr : &place->second;
}

bool Run::may_get_more(const Worker& worker) const {
  return !dealer_->empty() && (dealer_->refills() || !worker.was_given_items);
}

Need Run::need_of(const Worker& worker, Duration last) const {
  Need need;
  need.pending = worker.queue.size();
  need.planned = planned();
  need.to_come = need.planned - workers_.size();
  need.last = last;
  if (!dealer_->steals()) return need;
  const auto is_idle = [](const auto& entry) {
    return entry.second.accepts_items() && entry.second.queue.size() < 2;
  };
  const auto next = workers_.upper_bound(worker.id);
  need.idle = 1 + static_cast<std::size_t>(std::count_if(next, workers_.end(), is_idle));
  return need;
}

void Run::give(Worker& worker, const std::vector<ItemId>& items, Commands& out) {
  if (items.empty()) return;
  worker.was_given_items = true;
  worker.queue.insert(worker.queue.end(), items.begin(), items.end());
  if (worker.is_up) tell(worker, items, "its queue is short", out);
}

// Gives the worker more items if it is time, and tells it when none can come any more.
void Run::refill(Worker& worker, Duration last, Commands& out) {
  if (!worker.accepts_items()) return;
  const char* reason = "no item is left to add";
  if (may_get_more(worker)) {
    give(worker, dealer_->refill(need_of(worker, last)), out);
    if (dealer_->refills() && worker.queue.size() >= 2) return;
    reason = "its only item has no successor";  // it would wait for ever
  }
  if (!may_get_more(worker) && !dealer_->steals()) finish_unless_kept(worker, reason, out);
}

// When another worker, were it lost now, would leave items that no new one may execute, this one
// has to be there to take them, if it may. (pytest-xdist keeps its workers so in every run.) So it
// has while a lost item may come back. Where workers share slots it might keep one from the other.
void Run::finish_unless_kept(Worker& worker, const char* reason, Commands& out) {
  const auto may_leave_items = [&](const auto& each) {
    return each.first != worker.id && each.second.queue.size() + each.second.rest.size() >= 2;
  };
  const bool is_work_at_risk = losses_ >= allowed_restarts() &&
                               std::any_of(workers_.begin(), workers_.end(), may_leave_items);
  if (is_explicit() && dealer_->refills() && (is_work_at_risk || !in_judgement_.empty())) {
    has_kept_ = true;
  } else {
    finish(worker, reason, out);
  }
}

void Run::refill_all(Commands& out) {
  for (auto& [id, worker] : workers_) refill(worker, Duration::zero(), out);
}

void Run::check_all(Commands& out) {
  refill_all(out);
  steal(out);
}

void Run::finish(Worker& worker, const char* reason, Commands& out) {
  if (!worker.accepts_items()) return;
  worker.ending = Worker::Ending::finishing;
  if (!worker.is_up) return;
  out.push_back({FinishWorker{id_, worker.id}, reason});
  if (worker.queue.empty() && !worker.has_slot()) {
    out.push_back({ResumeWorker{id_, worker.id}, "ending its session takes no slot"});
  }
}

void Run::count_loss(const Worker& lost, Commands& out) {
  ++losses_;
  slots_changed_ = true;
  if (losses_ <= allowed_restarts()) {
    vacancies_.push_back(lost.id);
  } else {
    vacancies_.clear();
    out.push_back(
        {ReportRestartsUsedUp{id_, lost.id}, "more workers were lost than may be replaced"});
  }
}

void Run::count_failures(std::uint32_t failures, Commands& out) {
  failures_ += failures;
  if (max_failures_ && *max_failures_ > 0 && failures > 0 && failures_ >= *max_failures_) {
    stop(Outcome::max_failures, "the failures that the run allows are reached", out);
  }
}

void Run::lose(ItemId item, Commands& out) {
  items_.mark_done(item);
  count_failures(1, out);
}

void Run::stop(Outcome outcome, const char* reason, Commands& out) {
  if (stopped_) return;
  stopped_ = outcome;
  slots_changed_ = true;
  for (auto& [id, worker] : workers_) {
    worker.ending = Worker::Ending::stopping;
    if (worker.slot == Worker::Slot::granted) worker.slot = Worker::Slot::none;
    out.push_back({StopWorker{id_, id}, reason});
  }
}

void Run::end_if_done(Commands& out) {
  if (is_over_ || !workers_.empty()) return;
  if (!stopped_ && !in_judgement_.empty()) return;
  if (stopped_) {
    auto left = *stopped_ == Outcome::failed ? items_.not_done() : std::vector<ItemId>();
    out.push_back(
        {FinishRun{id_, *stopped_, std::move(left)}, "the last worker of a stopped run is gone"});
  } else if (dealer_->empty() && inheritances() == 0) {
    out.push_back({FinishRun{id_, Outcome::completed, {}}, "every item is done"});
  } else if (startable() == 0) {
    out.push_back({FinishRun{id_, Outcome::failed, items_.not_done()},
                   "no worker may be started for what is left"});
  } else {
    return;
  }
  is_over_ = true;
}

}  // namespace hearth::scheduler
