#include "plugin-shim/ctest/cost_data.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <system_error>
#include <unordered_map>

namespace hearth::ctest {
namespace {

// NAME RUNS COST; there may be blanks in a name.
std::optional<CostEntry> entry_of(const std::string& line) {
  const auto cost = line.rfind(' ');
  if (cost == std::string::npos || cost == 0) return std::nullopt;
  const auto runs = line.rfind(' ', cost - 1);
  if (runs == std::string::npos) return std::nullopt;
  return CostEntry{line.substr(0, runs), std::atoi(line.c_str() + runs + 1),
                   std::atof(line.c_str() + cost + 1)};
}

void add(std::string& text, const CostEntry& entry) {
  char numbers[64];
  std::snprintf(numbers, sizeof numbers, " %d %g\n", entry.runs, entry.cost);
  text += entry.name;
  text += numbers;
}

}  // namespace

void CostEntry::add(double seconds) {
  cost = static_cast<float>((runs * cost + seconds) / (runs + 1.0));
  ++runs;
}

CostData read_cost_data(const std::filesystem::path& file) {
  CostData data;
  std::ifstream stream(file);
  std::string line;
  while (std::getline(stream, line) && line != "---") {
    auto entry = entry_of(line);
    if (!entry) return data;
    data.entries.push_back(std::move(*entry));
  }
  while (std::getline(stream, line)) {
    if (!line.empty()) data.failed_last.insert(line);
  }
  return data;
}

bool write_cost_data(const std::filesystem::path& file, const CostData& before,
                     const std::vector<CostEntry>& now, const std::vector<std::string>& failed) {
  std::unordered_map<std::string, std::size_t> known;
  for (std::size_t index = 0; index < now.size(); ++index) known[now[index].name] = index;
  std::vector<bool> written(now.size(), false);
  std::string text;
  for (const CostEntry& old : before.entries) {
    const auto found = known.find(old.name);
    if (found == known.end()) {
      add(text, old);
    } else {
      add(text, now[found->second]);
      written[found->second] = true;
    }
  }
  for (std::size_t index = 0; index < now.size(); ++index) {
    if (!written[index]) add(text, now[index]);
  }
  text += "---\n";
  for (const std::string& name : failed) text += name + "\n";
  const std::filesystem::path temporary = file.string() + ".tmp";
  std::ofstream stream(temporary, std::ios::binary | std::ios::trunc);
  stream << text;
  stream.close();
  std::error_code error;
  if (stream) std::filesystem::rename(temporary, file, error);
  return stream && !error;
}

}  // namespace hearth::ctest
