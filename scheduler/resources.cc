#include "scheduler/resources.h"

#include <algorithm>
#include <utility>

namespace hearth::scheduler {
namespace {

struct Free {
  std::string id;
  unsigned slots = 0;
};

// Most first; the units come in the order of their ids.
void sort_by_free_slots(std::vector<Free>& units) {
  std::stable_sort(units.begin(), units.end(),
                   [](const Free& one, const Free& other) { return one.slots > other.slots; });
}

// Tries every way in which wishes[first…] could be met; `chosen` gets the ids.
bool pack(const std::vector<unsigned>& wishes, std::size_t first, const std::vector<Free>& units,
          std::vector<std::string>& chosen) {
  if (first == wishes.size()) return true;
  for (std::size_t at = 0; at < units.size(); ++at) {
    // Units with equally many free slots are as good as each other.
    if (units[at].slots < wishes[first]) return false;
    if (at > 0 && units[at].slots == units[at - 1].slots) continue;
    std::vector<Free> left = units;
    left[at].slots -= wishes[first];
    chosen[first] = units[at].id;
    sort_by_free_slots(left);
    if (pack(wishes, first + 1, left, chosen)) return true;
  }
  return false;
}

// The needs of one type, largest first.
std::map<std::string, std::vector<ResourceNeed>> by_type(const std::vector<ResourceNeed>& needs) {
  std::map<std::string, std::vector<ResourceNeed>> sorted;
  for (const ResourceNeed& need : needs) sorted[need.type].push_back(need);
  for (auto& [type, of_type] : sorted) {
    std::stable_sort(
        of_type.begin(), of_type.end(),
        [](const ResourceNeed& one, const ResourceNeed& other) { return one.slots > other.slots; });
  }
  return sorted;
}

bool meet(const std::vector<ResourceNeed>& needs, std::vector<Free> units,
          std::vector<std::string>& chosen) {
  std::vector<unsigned> wishes;
  wishes.reserve(needs.size());
  for (const ResourceNeed& need : needs) wishes.push_back(need.slots);
  chosen.assign(needs.size(), {});
  sort_by_free_slots(units);
  return pack(wishes, 0, units, chosen);
}

}  // namespace

void Resources::add(const std::string& type, const std::string& id, unsigned slots) {
  types_[type][id].total = slots;
}

std::optional<std::vector<Allocation>> Resources::take(const std::vector<ResourceNeed>& needs) {
  std::vector<Allocation> taken;
  for (const auto& [type, of_type] : by_type(needs)) {
    const auto found = types_.find(type);
    if (found == types_.end()) return std::nullopt;
    std::vector<Free> units;
    for (const auto& [id, unit] : found->second) units.push_back({id, unit.free()});
    std::vector<std::string> chosen;
    if (!meet(of_type, std::move(units), chosen)) return std::nullopt;
    for (std::size_t index = 0; index < of_type.size(); ++index)
      taken.push_back({of_type[index].group, type, chosen[index], of_type[index].slots});
  }
  for (const Allocation& allocation : taken)
    types_[allocation.type][allocation.id].used += allocation.slots;
  return taken;
}

void Resources::give_back(const std::vector<Allocation>& allocations) {
  for (const Allocation& allocation : allocations)
    types_[allocation.type][allocation.id].used -= allocation.slots;
}

std::vector<Resources::Lack> Resources::lacks(const std::vector<ResourceNeed>& needs) const {
  std::vector<Lack> found;
  for (const auto& [type, of_type] : by_type(needs)) {
    const auto units_of_type = types_.find(type);
    if (units_of_type == types_.end()) {
      found.push_back({type, false});
      continue;
    }
    std::vector<Free> units;
    for (const auto& [id, unit] : units_of_type->second) units.push_back({id, unit.total});
    std::vector<std::string> chosen;
    if (!meet(of_type, std::move(units), chosen)) found.push_back({type, true});
  }
  return found;
}

}  // namespace hearth::scheduler
