// The last line on a terminal while tests run: how many are done, which ones run and for how long.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::ctest {

struct Progress {
  struct Running {
    std::string_view name;
    std::chrono::seconds time{};
  };
  std::size_t done = 0;
  std::size_t failed = 0;
  std::size_t total = 0;
  std::vector<Running> running;  // the one that runs longest first
};

// Never as wide as the terminal, whatever is in a name.
std::string status_line(const Progress& progress, std::size_t columns);

}  // namespace hearth::ctest
