// What to give to which worker, and when: the seam behind which the distribution policies live.
//
// A dealer owns the items that no worker has (the pool) and hands them out. It knows neither
// workers nor slots: its run tells it how many items a worker still has to finish.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "scheduler/events.h"

namespace hearth::scheduler {

// Of a worker that may be given something.
struct Need {
  std::size_t pending = 0;  // its unfinished items
  std::size_t planned = 1;  // workers that the run is planned for
  std::size_t to_come = 0;  // of these, how many are not there yet
  std::size_t idle = 1;     // workers with fewer than two items: this one, and those asked after it
  Duration last{};  // how long the item took that it has just finished; zero: it is asked otherwise
};

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

  // What a worker gets now. May be empty; but when all have been asked in turn, none that may be
  // given something has fewer than two items as long as the pool lasts, because no item starts
  // before its successor is known.
  virtual std::vector<ItemId> refill(const Need& need) = 0;

  // Items come back that were dealt and not started, in the order of the queue in which they were.
  virtual void take_back(const std::vector<ItemId>& items) = 0;

  // Whether a worker may be given something more than once.
  [[nodiscard]] virtual bool refills() const { return true; }
  // Whether a worker that runs out of items takes over some that another one has.
  [[nodiscard]] virtual bool steals() const { return false; }
};

// `workers`: how many are asked for.
[[nodiscard]] std::unique_ptr<Dealer> make_dealer(const RunSubmitted& run, std::size_t workers);

}  // namespace hearth::scheduler
