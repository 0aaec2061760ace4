// One worker as its run sees it: its queue, its slot, and how far it has come.
//
//   process   starting ── WorkerStarted ──> up ── WorkerExited ──> (removed from the run)
//   ending    no ── finish_worker ──> finishing ── stop_worker ──> stopping         (or straight to
//   stopping) slot      none ── granted ──> held, from resume_worker on ── pause_worker ──>
//   returning ── WorkerPaused ──> none
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "scheduler/events.h"

namespace hearth::scheduler {

struct Worker {
  enum class Ending { no, finishing, stopping };
  enum class Slot {
    none,
    granted,    // it has one, but is not up yet: nothing executes
    held,       // it was resumed
    returning,  // it was paused and may still be executing its current item
  };

  explicit Worker(WorkerId worker_id) : id(worker_id) {}

  WorkerId id;
  bool is_up = false;  // its queue is sent once it is, in one piece
  Ending ending = Ending::no;
  Slot slot = Slot::none;
  Time slot_since{};
  std::deque<ItemId> queue;  // unfinished items, the one in execution included
  std::optional<ItemId> executing;
  bool was_given_items = false;

  // Where a worker executes a share only:
  std::uint32_t had = 0;  // items that it has been told of
  std::optional<ItemId> first;
  bool has_had_its_share = false;
  std::deque<ItemId> rest;  // what it was dealt beyond its share: its successor's

  [[nodiscard]] bool accepts_items() const { return ending == Ending::no; }
  [[nodiscard]] bool has_work() const { return ending != Ending::stopping && !queue.empty(); }
  [[nodiscard]] bool has_slot() const { return slot != Slot::none; }

  // Takes the item out of the queue. False: it was not there.
  bool remove(ItemId item);
};

}  // namespace hearth::scheduler
