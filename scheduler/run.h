// One distributed run: its items, its workers, and how it ends. Appends what is to be done to
// `out`.
//
// Begins with begin(); is_over() after the step that appended finish_run. Every method that names a
// worker ignores one that the run does not have (any more).
//
// Slots. An explicit run takes a slot for each worker, from its start to its exit. An automatic run
// is given slots (grant) and is asked for them (take_back); it starts a worker only with a slot.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "scheduler/commands.h"
#include "scheduler/dealer.h"
#include "scheduler/events.h"
#include "scheduler/items.h"
#include "scheduler/scheduler.h"
#include "scheduler/worker.h"

namespace hearth::scheduler {

// What an automatic run does with slots now.
struct SlotUse {
  std::uint32_t kept = 0;       // in use, and not asked back
  std::uint32_t returning = 0;  // asked back, still in use
  std::uint32_t usable = 0;     // how many more it could use at once
  std::uint32_t wanted = 0;  // kept + usable + those returning ones that it would rather have kept
  std::optional<Time>
      oldest;  // since when it has the oldest of the kept ones that can be asked back
};

// The place of a worker that is gone and was not lost, and what it had before it.
struct Succession {
  WorkerId of;
  std::deque<ItemId> items;
};

class Run {
 public:
  Run(const RunSubmitted& run, std::uint32_t slots);

  void begin(Time now, Commands& out);

  void worker_started(WorkerId id, Commands& out);
  void item_started(WorkerId id, ItemId item);
  void item_finished(const ItemFinished& event, Commands& out);
  void worker_failed(const WorkerFailed& event, Commands& out);
  void worker_paused(WorkerId id, Commands& out);
  void items_revoked(const ItemsRevoked& event, Commands& out);
  void worker_exited(const WorkerExited& event, Time now, Commands& out);
  void lost_item_judged(const LostItemJudged& event, Time now, Commands& out);
  void cancel(Commands& out);
  void set_machine_slots(std::uint32_t slots, Commands& out);

  [[nodiscard]] bool is_over() const { return is_over_; }
  [[nodiscard]] bool is_explicit() const { return explicit_workers_.has_value(); }
  [[nodiscard]] std::uint32_t slots_held() const;
  [[nodiscard]] RunState state() const;

  // Slots of an automatic run.
  [[nodiscard]] SlotUse slot_use() const;
  void grant(std::uint32_t slots, Time now, Commands& out);  // at most `usable`
  void take_back(Commands& out);                             // the oldest that is kept
  bool take_slots_changed();  // whether its use of slots may have changed since the last call

 private:
  Worker* find(WorkerId id);
  [[nodiscard]] std::uint32_t asked_for() const;
  [[nodiscard]] std::uint64_t allowed_restarts() const;
  [[nodiscard]] std::size_t target() const;
  [[nodiscard]] std::size_t planned() const;
  [[nodiscard]] std::size_t startable() const;

  Worker& start_worker(Time now, Commands& out);
  void add_worker(Time now, Commands& out);
  void start_workers(std::size_t count, Time now, Commands& out);
  [[nodiscard]] bool may_get_more(const Worker& worker) const;
  [[nodiscard]] Need need_of(const Worker& worker, Duration last) const;
  void give(Worker& worker, const std::vector<ItemId>& items, Commands& out);
  void tell(Worker& worker, const std::vector<ItemId>& items, const char* reason, Commands& out);
  [[nodiscard]] std::size_t share(const Worker& worker, const std::vector<ItemId>& items) const;
  [[nodiscard]] std::size_t inheritances() const;
  bool succeed(Worker& worker, Commands& out);
  void refill(Worker& worker, Duration last, Commands& out);
  void refill_all(Commands& out);
  void check_all(Commands& out);
  [[nodiscard]] std::size_t spare_items() const;
  void steal(Commands& out);
  void finish_unless_kept(Worker& worker, const char* reason, Commands& out);
  void finish(Worker& worker, const char* reason, Commands& out);
  void release_slot(Worker& worker);
  void count_loss(const Worker& lost, Commands& out);
  void count_failures(std::uint32_t failures, Commands& out);
  void lose(ItemId item, Commands& out);
  void stop(Outcome outcome, const char* reason, Commands& out);
  void end_if_done(Commands& out);

  const RunId id_;
  const std::optional<std::uint32_t> explicit_workers_;
  const std::uint32_t auto_workers_;
  const std::optional<std::uint32_t> max_failures_;
  const std::optional<std::uint32_t> max_restarts_;
  const std::optional<std::uint32_t> max_items_per_worker_;
  const std::vector<std::uint32_t> files_;  // by item; empty: they are not isolated
  const bool judges_lost_items_;
  std::uint32_t machine_slots_;

  std::unique_ptr<Dealer> dealer_;
  Items items_;
  const std::size_t units_;  // at the start
  std::map<WorkerId, Worker> workers_;
  std::uint32_t next_worker_ = 0;
  std::uint32_t first_starts_ = 0;  // workers started that replace nobody
  std::deque<WorkerId> vacancies_;  // lost workers that may be replaced
  std::deque<Succession> successions_;
  std::uint32_t leavers_ = 0;  // workers that ended as asked: their places may be used again
  std::uint64_t losses_ = 0;
  std::uint64_t failures_ = 0;
  std::optional<Outcome> stopped_;
  bool slots_changed_ = true;
  bool has_kept_ = false;  // a worker was not told that it gets no more, because of another one
  std::vector<ItemId> in_judgement_;  // lost items of which it is not known yet what becomes
  std::optional<WorkerId> robbed_;    // it was asked to give items back, and has not answered yet
  bool is_over_ = false;
};

}  // namespace hearth::scheduler
