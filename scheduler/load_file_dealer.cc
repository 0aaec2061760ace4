#include "scheduler/load_file_dealer.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

namespace hearth::scheduler {
namespace {

constexpr std::size_t enough_pending = 2;

std::string_view file_part(std::string_view node_id) {
  return node_id.substr(0, node_id.find("::"));
}

}  // namespace

LoadFileDealer::LoadFileDealer(const std::vector<std::string>& node_ids) {
  std::unordered_map<std::string_view, std::uint32_t> files;
  std::vector<Unit> units;
  file_of_.reserve(node_ids.size());
  for (std::size_t i = 0; i < node_ids.size(); ++i) {
    const auto next = static_cast<std::uint32_t>(units.size());
    const auto [file, is_new] = files.emplace(file_part(node_ids[i]), next);
    if (is_new) units.emplace_back();
    units[file->second].push_back(ItemId{static_cast<std::uint32_t>(i)});
    file_of_.push_back(file->second);
  }
  std::stable_sort(units.begin(), units.end(),
                   [](const Unit& a, const Unit& b) { return a.size() > b.size(); });
  for (auto& unit : units) pool_.push_back(std::move(unit));
}

std::vector<std::vector<ItemId>> LoadFileDealer::deal(std::size_t workers,
                                                      std::size_t /*planned*/) {
  std::vector<std::vector<ItemId>> hands(workers);
  for (auto& hand : hands) draw(hand);
  // Every worker has its first unit before any gets a second one.
  for (auto& hand : hands) {
    if (hand.size() <= enough_pending) draw(hand);
  }
  return hands;
}

std::vector<ItemId> LoadFileDealer::refill(std::size_t pending, std::size_t /*planned*/,
                                           Duration /*last*/) {
  std::vector<ItemId> hand;
  if (pending > enough_pending) return hand;
  // One unit, as xdist does; more only where a single item would be left waiting for its successor
  // for ever.
  do {
    draw(hand);
  } while (!empty() && pending + hand.size() < 2);
  return hand;
}

void LoadFileDealer::take_back(const std::vector<ItemId>& items) {
  // A queue holds whole units one after another, so neighbours of one file are one unit's rest.
  for (std::size_t i = 0; i < items.size(); ++i) {
    const bool starts_unit = i == 0 || file_of_[items[i].value] != file_of_[items[i - 1].value];
    if (starts_unit) pool_.emplace_back();
    pool_.back().push_back(items[i]);
  }
}

void LoadFileDealer::draw(std::vector<ItemId>& hand) {
  if (pool_.empty()) return;
  const Unit& unit = pool_.front();
  hand.insert(hand.end(), unit.begin(), unit.end());
  pool_.pop_front();
}

}  // namespace hearth::scheduler
