#include "plugin-shim/ctest/resource_variables.h"

#include <algorithm>
#include <cctype>
#include <map>

namespace hearth::ctest {

std::vector<std::string> variables_of(const std::vector<scheduler::Allocation>& allocations,
                                      std::size_t groups) {
  std::vector<std::string> variables{"CTEST_RESOURCE_GROUP_COUNT=" + std::to_string(groups)};
  for (std::size_t group = 0; group < groups; ++group) {
    const std::string name = "CTEST_RESOURCE_GROUP_" + std::to_string(group);
    std::map<std::string, std::string> by_type;
    for (const scheduler::Allocation& allocation : allocations) {
      if (allocation.group != group) continue;
      std::string& text = by_type[allocation.type];
      text += (text.empty() ? "id:" : ";id:") + allocation.id +
              ",slots:" + std::to_string(allocation.slots);
    }
    std::string types;
    for (const auto& [type, text] : by_type) {
      types += (types.empty() ? "" : ",") + type;
      std::string upper = type;
      std::transform(upper.begin(), upper.end(), upper.begin(),
                     [](unsigned char letter) { return static_cast<char>(std::toupper(letter)); });
      variables.emplace_back(name).append("_").append(upper).append("=").append(text);
    }
    variables.emplace_back(name).append("=").append(types);
  }
  return variables;
}

}  // namespace hearth::ctest
