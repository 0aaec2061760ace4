// Testing/Temporary/CTestCostData.txt: how often each test has passed, how long it took then on
// average, and what failed last.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace hearth::ctest {

// ctest's arithmetic, also where it is odd: the mean includes a COST that the project set, and with
// one slot the runs before this one count as having taken no time.
struct CostEntry {
  std::string name;
  int runs = 0;
  double cost = 0;  // seconds

  // It has passed once more, in this time.
  void add(double seconds);
};

struct CostData {
  std::vector<CostEntry> entries;  // in the order of the file
  std::unordered_set<std::string> failed_last;
};

// Empty where there is none; what is not understood is left out with all that follows it.
CostData read_cost_data(const std::filesystem::path& file);

// What the file said of other tests is kept, and where; new ones come after them in their order.
// False: it cannot be written.
bool write_cost_data(const std::filesystem::path& file, const CostData& before,
                     const std::vector<CostEntry>& now, const std::vector<std::string>& failed);

}  // namespace hearth::ctest
