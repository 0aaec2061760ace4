#include "scheduler/scope_dealer.h"

#include <algorithm>
#include <utility>

namespace hearth::scheduler {
namespace {

constexpr std::size_t enough_pending = 2;

}  // namespace

ScopeDealer::ScopeDealer(std::vector<std::uint32_t> scopes, bool largest_first)
    : scopes_(std::move(scopes)) {
  std::vector<Unit> units;
  for (std::size_t i = 0; i < scopes_.size(); ++i) {
    if (scopes_[i] == units.size()) units.emplace_back();
    units[scopes_[i]].push_back(ItemId{static_cast<std::uint32_t>(i)});
  }
  if (largest_first) {
    std::stable_sort(units.begin(), units.end(),
                     [](const Unit& a, const Unit& b) { return a.size() > b.size(); });
  }
  for (auto& unit : units) pool_.push_back(std::move(unit));
}

std::vector<std::vector<ItemId>> ScopeDealer::deal(std::size_t workers, std::size_t /*planned*/) {
  std::vector<std::vector<ItemId>> hands(workers);
  for (auto& hand : hands) draw(hand);
  // Every worker has its first unit before any gets a second one.
  for (auto& hand : hands) {
    if (hand.size() <= enough_pending) draw(hand);
  }
  return hands;
}

std::vector<ItemId> ScopeDealer::refill(const Need& need) {
  std::vector<ItemId> hand;
  if (need.pending > enough_pending) return hand;
  // One unit, as xdist does; more only where a single item would be left waiting for its successor
  // for ever.
  do {
    draw(hand);
  } while (!empty() && need.pending + hand.size() < 2);
  return hand;
}

void ScopeDealer::take_back(const std::vector<ItemId>& items) {
  // A queue holds whole units one after another, so neighbours of one scope are one unit's rest.
  for (std::size_t i = 0; i < items.size(); ++i) {
    const bool starts_unit = i == 0 || scopes_[items[i].value] != scopes_[items[i - 1].value];
    if (starts_unit) pool_.emplace_back();
    pool_.back().push_back(items[i]);
  }
}

void ScopeDealer::draw(std::vector<ItemId>& hand) {
  if (pool_.empty()) return;
  const Unit& unit = pool_.front();
  hand.insert(hand.end(), unit.begin(), unit.end());
  pool_.pop_front();
}

}  // namespace hearth::scheduler
