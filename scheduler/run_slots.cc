// Run: how many workers there are to be, and which of them have slots.
#include <algorithm>
#include <utility>

#include "scheduler/run.h"

namespace hearth::scheduler {

std::uint32_t Run::slots_held() const {
  if (is_explicit()) return static_cast<std::uint32_t>(workers_.size());
  return static_cast<std::uint32_t>(std::count_if(
      workers_.begin(), workers_.end(), [](const auto& entry) { return entry.second.has_slot(); }));
}

SlotUse Run::slot_use() const {
  SlotUse use;
  for (const auto& [id, worker] : workers_) {
    const bool stopping = worker.ending == Worker::Ending::stopping;
    switch (worker.slot) {
      case Worker::Slot::none:
        if (worker.has_work()) ++use.usable;
        break;
      case Worker::Slot::granted:
      case Worker::Slot::held:
        // What a stopping worker still does is not known here: its slot comes back when it exits.
        if (stopping) {
          ++use.returning;
          break;
        }
        ++use.kept;
        if (!use.oldest || worker.slot_since < *use.oldest) use.oldest = worker.slot_since;
        break;
      case Worker::Slot::returning:
        ++use.returning;
        if (worker.has_work()) ++use.wanted;
        break;
    }
  }
  use.usable += static_cast<std::uint32_t>(startable());
  use.wanted += use.kept + use.usable;
  return use;
}

void Run::grant(std::uint32_t slots, Time now, Commands& out) {
  for (auto& [id, worker] : workers_) {
    if (slots == 0) return;
    if (worker.has_slot() || !worker.has_work()) continue;
    --slots;
    worker.slot_since = now;
    if (worker.is_up) {
      worker.slot = Worker::Slot::held;
      out.push_back({ResumeWorker{id_, id}, "it gets a slot again"});
    } else {
      worker.slot = Worker::Slot::granted;
    }
  }
  start_workers(std::min<std::size_t>(slots, startable()), now, out);
}

void Run::take_back(Commands& out) {
  Worker* oldest = nullptr;
  for (auto& [id, worker] : workers_) {
    if (worker.ending == Worker::Ending::stopping) continue;
    if (worker.slot != Worker::Slot::held && worker.slot != Worker::Slot::granted) continue;
    if (oldest == nullptr || worker.slot_since < oldest->slot_since) oldest = &worker;
  }
  if (oldest == nullptr) return;
  if (oldest->slot == Worker::Slot::granted) {
    oldest->slot = Worker::Slot::none;  // it executes nothing yet and begins paused
    return;
  }
  oldest->slot = Worker::Slot::returning;
  out.push_back({PauseWorker{id_, oldest->id}, "another run waits for the slot"});
}

void Run::set_machine_slots(std::uint32_t slots, Commands& out) {
  machine_slots_ = slots;
  end_if_done(out);  // with fewer workers to come, nobody may be left for what a lost one had
}

bool Run::take_slots_changed() { return std::exchange(slots_changed_, false); }

std::uint32_t Run::asked_for() const {
  if (explicit_workers_) return std::max<std::uint32_t>(1, *explicit_workers_);
  return std::max<std::uint32_t>(1, auto_workers_ > 0 ? auto_workers_ : machine_slots_);
}

std::uint64_t Run::allowed_restarts() const {
  return max_restarts_ ? *max_restarts_ : 4ULL * asked_for();
}

// How many workers there are to be at once.
std::size_t Run::target() const { return std::min<std::size_t>(asked_for(), units_); }

// How many workers the dealer counts with. An automatic run counts those to come, so that the first
// ones leave them something.
std::size_t Run::planned() const {
  return is_explicit() ? workers_.size() : std::max(workers_.size(), target());
}

// How many more workers would find something to do and may be started.
std::size_t Run::startable() const {
  std::size_t worth = dealer_->units() + spare_items();
  if (stopped_ || worth + inheritances() == 0) return 0;
  std::size_t present = 0;
  bool someone_accepts = false;
  for (const auto& [id, worker] : workers_) {
    if (worker.has_work() || worker.accepts_items() || !worker.rest.empty()) ++present;
    someone_accepts = someone_accepts || worker.accepts_items();
  }
  const std::size_t leavers = losses_ <= allowed_restarts() ? leavers_ : 0;
  const std::size_t allowed = target() - std::min<std::size_t>(target(), first_starts_) +
                              vacancies_.size() + successions_.size() + leavers;
  const std::size_t places = target() - std::min(target(), present);
  // An automatic run leaves a single item to those that still take some, rather than start a
  // session for it.
  if (!is_explicit() && first_starts_ > 0 && someone_accepts) worth /= 2;
  return std::min({allowed, places, worth + inheritances()});
}

Worker& Run::start_worker(Time now, Commands& out) {
  const WorkerId id{next_worker_++};
  Worker& worker = workers_.emplace(id, Worker(id)).first->second;
  worker.slot = Worker::Slot::granted;
  worker.slot_since = now;
  slots_changed_ = true;
  if (succeed(worker, out)) return worker;
  if (!vacancies_.empty()) {
    out.push_back(
        {StartWorker{id_, id, vacancies_.front(), {}}, "it takes the place of a lost worker"});
    vacancies_.pop_front();
    return worker;
  }
  if (first_starts_ < target()) {
    ++first_starts_;
  } else {
    --leavers_;
  }
  out.push_back({StartWorker{id_, id, {}, {}}, "the run has work for it"});
  return worker;
}

// As in xdist everybody is looked at again when a worker joins. Where there is not something for
// each it comes first, lest it was started for nothing.
void Run::add_worker(Time now, Commands& out) {
  Worker& newcomer = start_worker(now, out);
  if (dealer_->units() < workers_.size()) refill(newcomer, Duration::zero(), out);
  check_all(out);
}

// The caller has asked startable().
void Run::start_workers(std::size_t count, Time now, Commands& out) {
  if (count == 0) return;
  if (first_starts_ > 0) {
    const auto has_some = [this] {
      return dealer_->steals() || !dealer_->empty() || inheritances() > 0;
    };
    for (; count > 0 && has_some(); --count) add_worker(now, out);
    return;
  }
  std::vector<Worker*> team;
  for (std::size_t i = 0; i < count; ++i) team.push_back(&start_worker(now, out));
  const auto hands = dealer_->deal(count, planned());
  for (std::size_t i = 0; i < count; ++i) give(*team[i], hands[i], out);
  for (Worker* worker : team) {
    if (!may_get_more(*worker)) refill(*worker, Duration::zero(), out);
  }
  steal(out);
}

void Run::release_slot(Worker& worker) {
  if (is_explicit()) return;
  worker.slot = Worker::Slot::none;
  slots_changed_ = true;
}

}  // namespace hearth::scheduler
