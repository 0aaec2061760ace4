#include "scheduler/scheduler.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "scheduler/borrower.h"
#include "scheduler/commands.h"
#include "scheduler/run.h"
#include "scheduler/slots.h"

namespace hearth::scheduler {

struct Scheduler::Impl {
  explicit Impl(const Config& config)
      : slots(std::max(1U, config.slots)), division(config.quantum) {}

  std::uint32_t slots;
  std::map<RunId, Run> runs;
  std::map<RunId, Borrower> borrowers;
  std::set<RunId> sessions;
  std::set<RunId> inside;  // runs and borrowers
  Slots division;
  std::optional<Time> wake;    // the last wake_at, until its time
  bool slots_changed = false;  // the division of slots is to be looked at again
  Time now{};
  Commands out;

  void on(const RunSubmitted& event);
  void on(const SessionStarted& event);
  void on(const SessionEnded& event);
  void on(const SlotsWanted& event);
  void on(const SlotsReturned& event);
  void on(const BorrowerStopped& event);
  void on(const WorkerStarted& event);
  void on(const ItemStarted& event);
  void on(const ItemFinished& event);
  void on(const WorkerFailed& event);
  void on(const WorkerPaused& event);
  void on(const ItemsRevoked& event);
  void on(const WorkerExited& event);
  void on(const LostItemJudged& event);
  void on(const RunCancelled& event);
  void on(const SlotsChanged& event);
  void on(const TimePassed& event);

  // Lets `change` have the run, if it is known, and removes the run if that ended it.
  template <typename Change>
  void with_run(RunId id, Change change) {
    const auto place = runs.find(id);
    if (place == runs.end()) return;
    Run& run = place->second;
    change(run);
    slots_changed = run.take_slots_changed() || slots_changed;
    if (!run.is_over()) return;
    forget(id);
    runs.erase(place);
  }

  template <typename Change>
  void with_borrower(RunId id, Change change) {
    const auto place = borrowers.find(id);
    if (place == borrowers.end()) return;
    change(place->second);
    slots_changed = true;
  }

  void forget(RunId id) {
    slots_changed = true;
    division.forget(id);
    inside.erase(id);
  }

  // Lets `use` have the run or borrower, which is known.
  template <typename Use>
  void with_holder(RunId id, Use use) {
    if (const auto place = borrowers.find(id); place != borrowers.end()) return use(place->second);
    use(runs.at(id));
  }

  [[nodiscard]] std::uint32_t explicit_slots() const;
  [[nodiscard]] std::vector<Share> all_shares() const;
  [[nodiscard]] std::uint32_t budget_of(const std::vector<Share>& shares) const;
  void share_out();
  void move_slots(std::vector<Share>& shares, std::uint32_t budget);
};

void Scheduler::Impl::on(const RunSubmitted& event) {
  if (!runs.try_emplace(event.run, event, slots).second) return;
  if (event.is_inside) inside.insert(event.run);
  with_run(event.run, [&](Run& run) { run.begin(now, out); });
}

void Scheduler::Impl::on(const SessionStarted& event) {
  slots_changed = sessions.insert(event.run).second;
}

void Scheduler::Impl::on(const SessionEnded& event) {
  slots_changed = sessions.erase(event.run) > 0;
}

void Scheduler::Impl::on(const SlotsWanted& event) {
  const bool is_new = borrowers.try_emplace(event.run, event.run).second;
  if (is_new && event.is_inside) inside.insert(event.run);
  with_borrower(event.run, [&](Borrower& borrower) { borrower.want(event.slots); });
}

void Scheduler::Impl::on(const SlotsReturned& event) {
  with_borrower(event.run, [&](Borrower& borrower) { borrower.give_back(event.slots); });
}

void Scheduler::Impl::on(const BorrowerStopped& event) {
  with_borrower(event.run, [&](Borrower& borrower) { borrower.set_stopped(event.is_stopped); });
}

void Scheduler::Impl::on(const WorkerStarted& event) {
  with_run(event.run, [&](Run& run) { run.worker_started(event.worker, out); });
}

void Scheduler::Impl::on(const ItemStarted& event) {
  with_run(event.run, [&](Run& run) { run.item_started(event.worker, event.item); });
}

void Scheduler::Impl::on(const ItemFinished& event) {
  with_run(event.run, [&](Run& run) { run.item_finished(event, out); });
}

void Scheduler::Impl::on(const WorkerFailed& event) {
  with_run(event.run, [&](Run& run) { run.worker_failed(event, out); });
}

void Scheduler::Impl::on(const WorkerPaused& event) {
  with_run(event.run, [&](Run& run) { run.worker_paused(event.worker, out); });
}

void Scheduler::Impl::on(const ItemsRevoked& event) {
  with_run(event.run, [&](Run& run) { run.items_revoked(event, out); });
}

void Scheduler::Impl::on(const WorkerExited& event) {
  with_run(event.run, [&](Run& run) { run.worker_exited(event, now, out); });
}

void Scheduler::Impl::on(const LostItemJudged& event) {
  with_run(event.run, [&](Run& run) { run.lost_item_judged(event, now, out); });
}

void Scheduler::Impl::on(const RunCancelled& event) {
  if (borrowers.erase(event.run) > 0) forget(event.run);
  with_run(event.run, [&](Run& run) { run.cancel(out); });
}

void Scheduler::Impl::on(const SlotsChanged& event) {
  slots = std::max(1U, event.slots);
  std::vector<RunId> ids;
  ids.reserve(runs.size());
  for (const auto& [id, run] : runs) ids.push_back(id);
  for (const RunId id : ids) with_run(id, [&](Run& run) { run.set_machine_slots(slots, out); });
  slots_changed = true;
}

void Scheduler::Impl::on(const TimePassed& /*event*/) {
  wake.reset();
  slots_changed = true;
}

std::uint32_t Scheduler::Impl::explicit_slots() const {
  auto held = static_cast<std::uint32_t>(sessions.size());
  for (const auto& [id, run] : runs) {
    if (run.is_explicit()) held += run.slots_held();
  }
  return held;
}

// Of whoever shares slots, in the order of their ids.
std::vector<Share> Scheduler::Impl::all_shares() const {
  std::vector<Share> shares;
  for (const auto& [id, run] : runs) {
    if (!run.is_explicit()) shares.push_back({id, run.slot_use()});
  }
  for (const auto& [id, borrower] : borrowers) shares.push_back({id, borrower.slot_use()});
  std::sort(shares.begin(), shares.end(),
            [](const Share& a, const Share& b) { return a.run < b.run; });
  return shares;
}

std::uint32_t Scheduler::Impl::budget_of(const std::vector<Share>& shares) const {
  const std::uint32_t taken = explicit_slots();
  std::uint32_t budget = slots > taken ? slots - taken : 1;
  const auto uses_slots = [](const Share& share) {
    return share.use.wanted + share.use.returning > 0;
  };
  const auto first = std::find_if(shares.begin(), shares.end(), uses_slots);
  if (first == shares.end()) return budget;
  const bool is_alone = taken == 0 && std::none_of(first + 1, shares.end(), uses_slots);
  if (is_alone && borrowers.count(first->run) > 0) return std::max(budget, first->use.wanted);
  for (const Share& share : shares) {
    if (uses_slots(share) && inside.count(share.run) > 0) ++budget;
  }
  return budget;
}

void Scheduler::Impl::share_out() {
  std::vector<Share> shares = all_shares();
  const std::uint32_t budget = budget_of(shares);
  division.divide(budget, shares, now);
  move_slots(shares, budget);
  for (auto& [id, run] : runs) run.take_slots_changed();
  for (Share& share : shares) {
    with_holder(share.run, [&](auto& holder) {
      share.use = holder.slot_use();
      division.set_held(share.run, holder.slots_held(), now);
    });
  }
  const auto turn = division.next_turn(shares, now);
  if (turn && turn != wake) out.push_back({WakeAt{*turn}, "a slot may change hands"});
  if (turn) wake = turn;
}

// Gives out what is free, and asks back as much as is still missing then.
void Scheduler::Impl::move_slots(std::vector<Share>& shares, std::uint32_t budget) {
  std::uint32_t kept = 0;
  std::uint32_t returning = 0;
  std::uint32_t missing = 0;
  for (const Share& share : shares) {
    kept += share.use.kept;
    returning += share.use.returning;
    missing += std::min(share.missing(), share.use.usable);
  }
  const std::uint32_t excess = kept > budget ? kept - budget : 0;
  const std::uint32_t coming = budget > kept ? budget - kept : 0;  // free, or returning already
  std::uint32_t to_ask_back = std::max(excess, missing > coming ? missing - coming : 0);
  std::uint32_t forced = excess;
  for (Share& share : shares) {
    while (to_ask_back > 0 && share.surplus() > 0 && share.use.oldest) {
      if (forced == 0 && !division.quantum_over(share, now)) break;
      const std::uint32_t held = share.use.kept + share.use.returning;
      with_holder(share.run, [&](auto& holder) {
        holder.take_back(out);
        share.use = holder.slot_use();
      });
      if (share.use.kept + share.use.returning == held) ++returning;
      --kept;
      --to_ask_back;
      forced -= forced > 0 ? 1 : 0;
    }
  }
  // Counted first and granted then, so that workers of one run that start now start together.
  std::vector<std::uint32_t> grants(shares.size(), 0);
  for (std::uint32_t free = budget - std::min(budget, kept + returning); free > 0; --free) {
    std::optional<std::size_t> least;
    for (std::size_t i = 0; i < shares.size(); ++i) {
      const Share& share = shares[i];
      if (grants[i] >= std::min(share.missing(), share.use.usable)) continue;
      if (!least || share.use.kept + grants[i] < shares[*least].use.kept + grants[*least])
        least = i;
    }
    if (!least) break;
    ++grants[*least];
  }
  for (std::size_t i = 0; i < shares.size(); ++i) {
    if (grants[i] == 0) continue;
    with_holder(shares[i].run, [&](auto& holder) { holder.grant(grants[i], now, out); });
  }
}

Scheduler::Scheduler(Config config) : impl_(std::make_unique<Impl>(config)) {}

Scheduler::~Scheduler() = default;

std::vector<Command> Scheduler::step(const Event& event, Time now) {
  impl_->now = std::max(impl_->now, now);
  impl_->slots_changed = false;
  std::visit([this](const auto& happened) { impl_->on(happened); }, event);
  if (impl_->slots_changed) impl_->share_out();
  return std::exchange(impl_->out, {});
}

std::uint32_t Scheduler::slots() const { return impl_->slots; }

std::uint32_t Scheduler::slots_busy() const {
  std::uint32_t busy = static_cast<std::uint32_t>(impl_->sessions.size());
  for (const auto& [id, run] : impl_->runs) busy += run.slots_held();
  for (const auto& [id, borrower] : impl_->borrowers) busy += borrower.slots_held();
  return busy;
}

std::optional<RunState> Scheduler::state(RunId run) const {
  if (const auto borrower = impl_->borrowers.find(run); borrower != impl_->borrowers.end())
    return RunState{0, borrower->second.slots_held(), 0, 0};
  const auto place = impl_->runs.find(run);
  if (place == impl_->runs.end()) return std::nullopt;
  return place->second.state();
}

}  // namespace hearth::scheduler
