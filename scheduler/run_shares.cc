// Run: where a worker executes a share of items only (so many, or those of one file). A worker that
// has had its share is finished; what it was dealt beyond goes, in order, to the one that succeeds
// it.
#include <algorithm>
#include <utility>

#include "scheduler/run.h"

namespace hearth::scheduler {

// How many of these items belong to the worker's share.
std::size_t Run::share(const Worker& worker, const std::vector<ItemId>& items) const {
  std::size_t count = items.size();
  if (max_items_per_worker_) {
    count = std::min<std::size_t>(count, std::max(1U, *max_items_per_worker_) - worker.had);
  }
  if (files_.empty() || items.empty()) return count;
  const auto file = files_[worker.first.value_or(items.front()).value];
  const auto other = std::find_if(items.begin(), items.end(),
                                  [&](ItemId item) { return files_[item.value] != file; });
  return std::min(count, static_cast<std::size_t>(other - items.begin()));
}

// These are the last ones in its queue, and it has not been told of them.
void Run::tell(Worker& worker, const std::vector<ItemId>& items, const char* reason,
               Commands& out) {
  if (items.empty()) return;
  const std::size_t count = share(worker, items);
  if (count > 0) {
    const auto end = items.begin() + static_cast<std::ptrdiff_t>(count);
    out.push_back({AssignItems{id_, worker.id, {items.begin(), end}}, reason});
    worker.had += static_cast<std::uint32_t>(count);
    if (!worker.first) worker.first = items.front();
  }
  const bool is_full = max_items_per_worker_ && worker.had >= *max_items_per_worker_;
  if (count == items.size() && !is_full) return;
  const auto rest = worker.queue.end() - static_cast<std::ptrdiff_t>(items.size() - count);
  worker.rest.assign(rest, worker.queue.end());
  worker.queue.erase(rest, worker.queue.end());
  worker.has_had_its_share = true;
  finish(worker, "it has had its share", out);
}

// Successions in which there is something to do.
std::size_t Run::inheritances() const {
  return static_cast<std::size_t>(
      std::count_if(successions_.begin(), successions_.end(),
                    [](const Succession& succession) { return !succession.items.empty(); }));
}

// Whether the new worker succeeds another one.
bool Run::succeed(Worker& worker, Commands& out) {
  if (successions_.empty()) return false;
  auto place = std::find_if(successions_.begin(), successions_.end(),
                            [](const Succession& succession) { return !succession.items.empty(); });
  if (place == successions_.end()) place = successions_.begin();
  worker.queue = std::move(place->items);
  worker.was_given_items = !worker.queue.empty();
  out.push_back({StartWorker{id_, worker.id, {}, place->of}, "it goes on in another one's place"});
  successions_.erase(place);
  return true;
}

}  // namespace hearth::scheduler
