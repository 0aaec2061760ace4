// A worker process as the daemon would see it: it keeps the nextitem rule, hears and is heard with
// delays, and may die.
#pragma once

#include <algorithm>
#include <deque>
#include <optional>
#include <vector>

#include "scheduler/events.h"

namespace hearth::scheduler {

struct SimulatedWorker {
  RunId run;
  WorkerId id;
  bool is_up = false;
  bool is_gone = false;
  bool has_slot = false;     // between resume and the paused that it sends
  bool must_pause = false;   // heard pause
  bool no_more = false;      // heard no_more_items
  bool must_stop = false;    // heard stop_worker
  bool is_ending = false;    // executes nothing any more
  std::deque<ItemId> queue;  // heard run_items; the item in execution is in front
  std::optional<ItemId> executing;
  std::optional<ItemId> promised;              // the successor that the last item was told
  std::vector<std::vector<ItemId>> to_revoke;  // heard revoke_items; answered between items
  Time heard_until{};                          // messages keep their order, both ways
  Time said_until{};

  // An item starts only when its successor, or that there is none, is known.
  [[nodiscard]] bool may_start_item() const {
    return is_up && !is_gone && !is_ending && !executing && has_slot && !must_pause && !must_stop &&
           (queue.size() >= 2 || (queue.size() == 1 && no_more));
  }
  [[nodiscard]] bool is_at_end() const {
    return is_up && !is_gone && !is_ending && !executing &&
           (must_stop || (no_more && queue.empty()));
  }
  // Takes out of the queue what is asked for and may still be given.
  std::vector<ItemId> give_back(const std::vector<ItemId>& items) {
    std::vector<ItemId> given;
    for (const ItemId item : items) {
      const auto place = std::find(queue.begin(), queue.end(), item);
      if (place == queue.end() || item == promised) continue;
      queue.erase(place);
      given.push_back(item);
    }
    return given;
  }
  [[nodiscard]] bool may_answer() const {
    return is_up && !is_gone && !is_ending && !executing && !to_revoke.empty();
  }
  [[nodiscard]] bool may_pause() const {
    return is_up && !is_gone && !is_ending && !executing && must_pause && has_slot;
  }
};

}  // namespace hearth::scheduler
