// Reads events as text from standard input and answers each with its commands and a line with a
// full stop. `slots N` makes a new scheduler, `at SECONDS` sets the time. For comparisons with
// other schedulers (against_xdist.py), and for trying things.
#include <iostream>
#include <optional>
#include <string>

#include "scheduler/scheduler.h"
#include "tests/scheduler/text.h"

int main() {
  using namespace hearth::scheduler;
  std::optional<Scheduler> scheduler;
  Time now{};
  for (std::string line; std::getline(std::cin, line);) {
    try {
      if (line.rfind("slots ", 0) == 0) {
        scheduler.emplace(Config{static_cast<std::uint32_t>(std::stoul(line.substr(6)))});
      } else if (line.rfind("at ", 0) == 0) {
        now = text::parse_time(line.substr(3));
      } else if (!line.empty() && line.front() != '#') {
        for (const Command& command : scheduler.value().step(text::parse_event(line), now)) {
          std::cout << text::format(command.action) << "\n";
        }
        std::cout << "." << std::endl;
      }
    } catch (const std::exception& error) {
      std::cerr << "failed to read: " << error.what() << "\n";
      return 2;
    }
  }
  return 0;
}
