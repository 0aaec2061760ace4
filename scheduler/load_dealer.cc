#include "scheduler/load_dealer.h"

#include <algorithm>

namespace hearth::scheduler {
namespace {

// A worker needs two items to run one: the second is the first one's nextitem.
constexpr std::size_t least_pending = 2;

// From this duration on items count as long: a worker that has enough to go on is not given more
// for now.
constexpr Duration long_item = std::chrono::milliseconds(100);

}  // namespace

LoadDealer::LoadDealer(std::size_t items, std::optional<std::uint32_t> max_chunk)
    : max_chunk_(max_chunk ? *max_chunk : items) {
  for (std::size_t i = 0; i < items; ++i) pool_.push_back(ItemId{static_cast<std::uint32_t>(i)});
}

std::vector<std::vector<ItemId>> LoadDealer::deal(std::size_t workers, std::size_t planned) {
  std::vector<std::vector<ItemId>> hands(workers);
  if (pool_.size() < least_pending * workers) {
    for (std::size_t next = 0; !pool_.empty(); next = (next + 1) % workers) {
      hands[next].push_back(pool_.front());
      pool_.pop_front();
    }
    return hands;
  }
  const std::size_t batch =
      std::max(least_pending, std::min(pool_.size() / planned / 4, max_chunk_));
  for (auto& hand : hands) hand = draw(batch);
  return hands;
}

std::vector<ItemId> LoadDealer::refill(const Need& need) {
  const std::size_t pending = need.pending;
  const std::size_t share = pool_.size() / need.planned;
  if (pending >= std::max(least_pending, share / 4)) return {};
  if (need.last >= long_item && pending >= least_pending) return {};
  const std::size_t wanted = std::max(least_pending, share / 2) - pending;
  const std::size_t needed = pending < least_pending ? least_pending - pending : 0;
  return draw(std::min(wanted, std::max(needed, max_chunk_)));
}

void LoadDealer::take_back(const std::vector<ItemId>& items) {
  pool_.insert(pool_.end(), items.begin(), items.end());
}

std::vector<ItemId> LoadDealer::draw(std::size_t count) {
  const auto end = pool_.begin() + static_cast<std::ptrdiff_t>(std::min(count, pool_.size()));
  std::vector<ItemId> items(pool_.begin(), end);
  pool_.erase(pool_.begin(), end);
  return items;
}

}  // namespace hearth::scheduler
