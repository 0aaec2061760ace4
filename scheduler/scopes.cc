#include "scheduler/scopes.h"

#include <string_view>
#include <unordered_map>

namespace hearth::scheduler {
namespace {

std::string_view file_of(std::string_view node_id) { return node_id.substr(0, node_id.find("::")); }

std::string_view class_or_file_of(std::string_view node_id) {
  // What stands in brackets is a parameter's value, which may be anything.
  const auto parameters = node_id.find('[', node_id.find("::"));
  return node_id.substr(0, node_id.substr(0, parameters).rfind("::"));
}

std::string_view scope_name(const RunSubmitted& run, std::size_t item) {
  const std::string_view node_id = run.items[item];
  switch (run.policy) {
    case Policy::load_scope:
      return class_or_file_of(node_id);
    case Policy::load_file:
      return file_of(node_id);
    case Policy::load_group:
      if (item < run.groups.size() && !run.groups[item].empty()) return run.groups[item];
      return node_id;
    case Policy::load:
    case Policy::work_steal:
    case Policy::each:
      return node_id;
  }
  return node_id;
}

// In the order in which names first appear.
template <typename NameOf>
std::vector<std::uint32_t> numbered(std::size_t items, const NameOf& name_of) {
  std::unordered_map<std::string_view, std::uint32_t> numbers;
  std::vector<std::uint32_t> values;
  values.reserve(items);
  for (std::size_t i = 0; i < items; ++i) {
    const auto next = static_cast<std::uint32_t>(numbers.size());
    values.push_back(numbers.emplace(name_of(i), next).first->second);
  }
  return values;
}

}  // namespace

std::vector<std::uint32_t> scopes_of(const RunSubmitted& run) {
  return numbered(run.items.size(), [&](std::size_t item) { return scope_name(run, item); });
}

std::vector<std::uint32_t> files_of(const RunSubmitted& run) {
  return numbered(run.items.size(), [&](std::size_t item) { return file_of(run.items[item]); });
}

}  // namespace hearth::scheduler
