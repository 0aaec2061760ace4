// What to give to which worker, and when: the seam behind which the distribution policies live.
//
// A dealer owns the items that no worker has (the pool) and hands them out. It knows neither
// workers nor slots: its run tells it how many items a worker still has to finish. A policy that
// follows is another dealer: loadscope and loadgroup cut units in another place, each keeps a pool
// per worker, worksteal and adaptive also ask for items back (ItemsRevoked).
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "scheduler/events.h"

namespace hearth::scheduler {

class Dealer {
 public:
  Dealer() = default;
  Dealer(const Dealer&) = delete;
  Dealer& operator=(const Dealer&) = delete;
  virtual ~Dealer() = default;

  // How many units the pool holds: what can only be given whole, to one worker.
  [[nodiscard]] virtual std::size_t units() const = 0;
  [[nodiscard]] bool empty() const { return units() == 0; }

  // The first hands, for `workers` workers that start together; `planned` is how many the run is
  // planned for (at least `workers`). Called once, before anything else. One list per worker; only
  // the last ones may be empty.
  virtual std::vector<std::vector<ItemId>> deal(std::size_t workers, std::size_t planned) = 0;

  // What a worker gets that has `pending` unfinished items; `planned` as above, `last` is how long
  // the item took that it has just finished (zero if that is not why it is asked). May be empty; a
  // worker with fewer than two items gets enough to have two as long as the pool lasts, because no
  // item starts before its successor is known.
  virtual std::vector<ItemId> refill(std::size_t pending, std::size_t planned, Duration last) = 0;

  // Items come back that were dealt and not started, in the order of the queue in which they were.
  virtual void take_back(const std::vector<ItemId>& items) = 0;
};

[[nodiscard]] std::unique_ptr<Dealer> make_dealer(const RunSubmitted& run);

}  // namespace hearth::scheduler
